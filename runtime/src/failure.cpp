// SPDX-License-Identifier: Apache-2.0
// The message of a thread's last failure, and names of dtypes for such messages.
// Takes a format; gives a text that stays until the thread's next failure. Keeps true: a call that
// succeeds touches none of this, so a `run` that succeeds allocates nothing; a message lives in
// memory of its thread, freed when the thread ends. A pthread key and not `thread_local`, which
// would need a symbol of the dynamic loader and allocate in an opened library anyway.
#include "runtime.h"

#if __STDC_HOSTED__
#include <pthread.h>
#include <stdarg.h>
#endif

namespace MT_PACKAGE {

#if __STDC_HOSTED__
static const size_t kMessageBytes = 512;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int32_t key_made;  // 0: not yet, or the system has no key left

static void make_key() {
  // `free` itself is the destructor: it is there even after this library was closed.
  if (pthread_key_create(&key, free) == 0) __atomic_store_n(&key_made, 1, __ATOMIC_RELEASE);
}

__attribute__((destructor)) static void delete_key() {
  if (!__atomic_load_n(&key_made, __ATOMIC_ACQUIRE)) return;
  free(pthread_getspecific(key));
  pthread_key_delete(key);
  key_made = 0;
}

static char* own_message() {
  if (!__atomic_load_n(&key_made, __ATOMIC_ACQUIRE)) return nullptr;
  return static_cast<char*>(pthread_getspecific(key));
}

mt_status fail(mt_status status, const char* format, ...) {
  pthread_once(&once, make_key);
  char* message = own_message();
  if (!message && __atomic_load_n(&key_made, __ATOMIC_ACQUIRE)) {
    message = static_cast<char*>(malloc(kMessageBytes));
    if (message && pthread_setspecific(key, message) != 0) {
      free(message);
      message = nullptr;
    }
  }
  if (!message) return status;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, kMessageBytes, format, arguments);
  va_end(arguments);
  return status;
}

const char* last_error() {
  const char* message = own_message();
  return message ? message : "";
}

#endif

const char* dtype_name(int32_t dtype) {
  static const char* const names[] = {"f64", "f32", "f16", "bf16", "i8",  "i16", "i32",
                                      "i64", "u8",  "u16", "u32",  "u64", "bool"};
  return dtype >= 0 && dtype <= MT_BOOL ? names[dtype] : "?";
}

int64_t dtype_bytes(int32_t dtype) {
  static const int8_t bytes[] = {8, 4, 2, 2, 1, 2, 4, 8, 1, 2, 4, 8, 1};
  return dtype >= 0 && dtype <= MT_BOOL ? bytes[dtype] : 0;
}

}  // namespace MT_PACKAGE
