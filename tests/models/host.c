// SPDX-License-Identifier: Apache-2.0
// The functions of host.h.
// Takes libraries and .npy files by path; gives functions and tensors. Keeps true: of .npy what is
// read is version 1, in C order, of a dtype that the ABI has; all else is refused by name.
#define _GNU_SOURCE
#include "host.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void stop(const char* what, const char* detail) {
  fprintf(stderr, "error: %s %s\n", what, detail ? detail : "");
  exit(1);
}

void* allocate(size_t bytes) {
  void* memory = NULL;
  if (posix_memalign(&memory, 64, bytes ? bytes : 64) != 0) stop("out of memory", NULL);
  return memory;
}

double now_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static const struct {
  const char* npy;
  int32_t dtype;
  size_t bytes;
} k_types[] = {{"<f8", MT_F64, 8}, {"<f4", MT_F32, 4}, {"<f2", MT_F16, 2}, {"|i1", MT_I8, 1},
               {"<i2", MT_I16, 2}, {"<i4", MT_I32, 4}, {"<i8", MT_I64, 8}, {"|u1", MT_U8, 1},
               {"<u2", MT_U16, 2}, {"<u4", MT_U32, 4}, {"<u8", MT_U64, 8}, {"|b1", MT_BOOL, 1}};
enum { k_type_count = sizeof k_types / sizeof k_types[0] };

static void parse_header(const char* header, mt_tensor* t, const char* path) {
  int type = 0;
  while (type < k_type_count && !strstr(header, k_types[type].npy)) type++;
  const char* shape = strstr(header, "'shape': (");
  if (type == k_type_count || !shape || strstr(header, "'fortran_order': True")) {
    stop("cannot read the header of", path);
  }
  t->dtype = k_types[type].dtype;
  t->bytes = k_types[type].bytes;
  const char* p = shape + strlen("'shape': (");
  while (*p && *p != ')') {
    char* end;
    const long long extent = strtoll(p, &end, 10);
    if (end == p || t->rank == MT_MAX_RANK) stop("cannot read the shape of", path);
    t->shape[t->rank++] = extent;
    t->bytes *= (size_t)extent;
    p = end;
    while (*p == ',' || *p == ' ' || *p == 'L') p++;
  }
}

mt_tensor read_npy(const char* path) {
  mt_tensor t = {0};
  FILE* f = fopen(path, "rb");
  unsigned char fixed[10];
  if (!f || fread(fixed, 1, 10, f) != 10 || memcmp(fixed, "\x93NUMPY\x01", 7) != 0) {
    stop("is no .npy of version 1:", path);
  }
  const size_t length = fixed[8] + 256u * fixed[9];
  char* header = calloc(1, length + 1);
  if (!header || fread(header, 1, length, f) != length) stop("is cut short:", path);
  parse_header(header, &t, path);
  free(header);
  t.data = allocate(t.bytes);
  if (fread(t.data, 1, t.bytes, f) != t.bytes) stop("is cut short:", path);
  fclose(f);
  return t;
}

void write_npy(const char* path, const mt_tensor* t) {
  int type = 0;
  while (type < k_type_count && k_types[type].dtype != t->dtype) type++;
  if (type == k_type_count) stop("no .npy type for", path);
  char text[512], shape[256] = "";
  for (int d = 0; d < t->rank; d++) {
    snprintf(shape + strlen(shape), sizeof shape - strlen(shape), "%lld, ", (long long)t->shape[d]);
  }
  int n = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }",
                   k_types[type].npy, shape);
  while ((10 + n + 1) % 64 != 0) text[n++] = ' ';
  text[n++] = '\n';
  FILE* f = fopen(path, "wb");
  const unsigned char fixed[10] = {
      0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)(n % 256), (unsigned char)(n / 256)};
  if (!f || fwrite(fixed, 1, 10, f) != 10 || fwrite(text, 1, (size_t)n, f) != (size_t)n ||
      fwrite(t->data, 1, t->bytes, f) != t->bytes || fclose(f) != 0) {
    stop("cannot write", path);
  }
}

static void* need(void* library, const char* name, const char* suffix) {
  char symbol[256];
  snprintf(symbol, sizeof symbol, "%s_%s", name, suffix);
  void* address = dlsym(library, symbol);
  if (!address) stop("the library lacks", symbol);
  return address;
}

api load_api(const char* library_path, const char* name) {
  void* library = dlopen(library_path, RTLD_NOW | RTLD_LOCAL);
  if (!library) stop("cannot open the library:", dlerror());
  api a;
  *(void**)&a.open = need(library, name, "open");
  *(void**)&a.context_create = need(library, name, "context_create");
  *(void**)&a.run = need(library, name, "run");
  *(void**)&a.context_destroy = need(library, name, "context_destroy");
  *(void**)&a.close = need(library, name, "close");
  *(void**)&a.info = need(library, name, "info");
  *(void**)&a.last_error = need(library, name, "last_error");
  return a;
}

tensor_list read_inputs(const mt_model_info* info, char* const* words, int count) {
  if (info->input_count > k_max_tensors || info->output_count > k_max_tensors) {
    stop("too many inputs or outputs", NULL);
  }
  tensor_list list = {.count = info->input_count};
  for (int32_t i = 0; i < list.count; i++) {
    const char* name = info->inputs[i].name;
    const size_t length = strlen(name);
    int k = 0;
    while (k < count && (strncmp(words[k], name, length) != 0 || words[k][length] != '=')) k++;
    if (k == count) stop("no --input for", name);
    list.tensors[i] = read_npy(words[k] + length + 1);
  }
  return list;
}
