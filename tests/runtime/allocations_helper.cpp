// SPDX-License-Identifier: Apache-2.0
// malloc and mmap of the test program, in front of the C library's. Takes and gives what they do,
// but beyond the limit; operator new ends in malloc. Keeps true: a symbol that the program defines
// is what opened libraries call, so what a package allocates is seen.
#include "tests/runtime/allocations_helper.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>

static std::atomic<long> count{0}, live{0};
static std::atomic<size_t> limit{SIZE_MAX};

extern "C" {
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* block, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void* block);
}

// What allocate() gives, null beyond the limit.
template <class Allocate>
static void* counted(size_t bytes, Allocate allocate) {
  ++count;
  void* const block = bytes > limit ? nullptr : allocate();
  if (block) ++live;
  return block;
}

extern "C" {
void* malloc(size_t bytes) {
  return counted(bytes, [=] { return __libc_malloc(bytes); });
}
void* calloc(size_t items, size_t bytes) {
  return counted(items * bytes, [=] { return __libc_calloc(items, bytes); });
}
void* realloc(void* block, size_t bytes) {
  ++count;
  if (!block) ++live;
  return __libc_realloc(block, bytes);
}
void* memalign(size_t alignment, size_t bytes) {
  return counted(bytes, [=] { return __libc_memalign(alignment, bytes); });
}
void* aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }
int posix_memalign(void** block, size_t alignment, size_t bytes) {
  *block = memalign(alignment, bytes);
  return *block ? 0 : ENOMEM;
}
void free(void* block) {
  if (block) --live;
  __libc_free(block);
}
void* mmap(void* address, size_t bytes, int protection, int flags, int file, off_t offset) {
  ++count;
  return reinterpret_cast<void*>(
      syscall(SYS_mmap, address, bytes, protection, flags, file, offset));
}
}

namespace mintor {
long allocation_count() { return count.load(); }
long live_allocations() { return live.load(); }
AllocationLimit::AllocationLimit(size_t bytes) { limit = bytes; }
AllocationLimit::~AllocationLimit() { limit = SIZE_MAX; }
}  // namespace mintor
