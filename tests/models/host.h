// SPDX-License-Identifier: Apache-2.0
// What C hosts of any package share (drive.c, tests/perf/scaling.c): the package's functions by
// name, .npy files as tensors, time.
// Takes and gives: see below. Keeps true: whatever is wrong with what the host was given ends the
// process with status 1 and a line on stderr.
#ifndef HOST_H
#define HOST_H

#include "mintor_abi.h"

typedef struct model model;
typedef struct context context;

typedef struct api {
  mt_status (*open)(const mt_options*, model**);
  mt_status (*context_create)(model*, const mt_context_options*, context**);
  mt_status (*run)(context*, const mt_tensor*, mt_tensor*);
  void (*context_destroy)(context*);
  void (*close)(model*);
  const mt_model_info* (*info)(const model*);
  const char* (*last_error)(void);
} api;

enum { k_max_tensors = 64, k_max_threads = 64 };

typedef struct tensor_list {
  mt_tensor tensors[k_max_tensors];
  int32_t count;
} tensor_list;

// Prints "error: WHAT DETAIL" and ends the process; `detail` may be null.
_Noreturn void stop(const char* what, const char* detail);
void* allocate(size_t bytes);  // 64-byte aligned, to be freed
double now_seconds(void);

api load_api(const char* library, const char* name);
// The model's inputs, in its order, from words NAME=FILE.npy.
tensor_list read_inputs(const mt_model_info* info, char* const* words, int count);
mt_tensor read_npy(const char* path);
void write_npy(const char* path, const mt_tensor* tensor);

#endif
