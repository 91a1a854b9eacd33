// SPDX-License-Identifier: Apache-2.0
// The C functions of libmintor_jit. Takes texts; gives bytes through a callback.
// Keeps true: no C++ type, exception or allocation crosses this border.
#ifndef MINTOR_JIT_ABI_H
#define MINTOR_JIT_ABI_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct MintorJitFile {
  const char* name;
  const char* text;
  size_t size;
} MintorJitFile;

typedef void (*MintorJitSink)(void* data, const char* bytes, size_t size);

typedef struct MintorJitJob {
  const MintorJitFile* headers;
  size_t header_count;
  MintorJitFile unit;
  const char* const* flags; /* as clang's driver takes them; -O1: with few passes (emit.h) */
  size_t flag_count;
  const char* stage; /* "obj", "asm", "llvm-ir"; "check": of user code, no output */
  MintorJitSink output, diagnostics;
  void *output_data, *diagnostics_data;
} MintorJitJob;

/* 0: compiled; 1: diagnostics say why not; 2: the compiler crashed. Any thread, several at once. */
typedef int (*MintorJitCompile)(const MintorJitJob* job);
/* 0: formatted; 1: left as it is. */
typedef int (*MintorJitFormat)(const MintorJitFile* file, MintorJitSink output, void* data);
/* 0: opened, it has passes; 1: it has none, a line says why. */
typedef int (*MintorJitPlugin)(const char* path, MintorJitSink problem, void* data);

#define MINTOR_JIT_COMPILE "mintor_jit_compile_v1"
#define MINTOR_JIT_FORMAT "mintor_jit_format_v1"
#define MINTOR_JIT_PLUGIN "mintor_jit_plugin_v1"

#ifdef __cplusplus
}
#endif
#endif
