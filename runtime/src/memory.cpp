// SPDX-License-Identifier: Apache-2.0
// Aligned blocks: the packed weights of a model and the working memory of a context.
// Takes a size; gives memory on a 64-byte boundary (a line of the cache, a vector register).
// Keeps true: a block of 4 MB or more starts on a huge page and asks for huge pages: packed weights
// are walked once per run, and every 4 KB page of them would need its own address translation.
#include "runtime.h"

#if __STDC_HOSTED__
#include <sys/mman.h>
#endif

namespace MT_PACKAGE {

static const int64_t kAlignment = 64;

#if __STDC_HOSTED__
static void* system_allocate(size_t bytes) {
  const size_t huge_page = size_t(2) << 20;
  const bool large = bytes >= 2 * huge_page;
  void* data = nullptr;
  if (posix_memalign(&data, large ? huge_page : size_t(kAlignment), bytes) != 0) return nullptr;
#ifdef MADV_HUGEPAGE
  // Only advice: where the system refuses, small pages serve.
  if (large) madvise(data, bytes / huge_page * huge_page, MADV_HUGEPAGE);
#endif
  return data;
}
static void system_release(void* data) { free(data); }
#else
static void* system_allocate(size_t) { return nullptr; }
static void system_release(void*) {}
#endif

Memory memory_of(const mt_options& options) {
  return {options.allocate, options.release, options.memory_data};
}

bool allocate(const Memory& memory, Block* block, int64_t bytes, Fill fill) {
  block->data = nullptr;
  block->bytes = 0;
  if (bytes <= 0) return bytes == 0;
  if (uint64_t(bytes) > SIZE_MAX / 2) return false;
  void* data = memory.allocate ? memory.allocate(memory.data, size_t(bytes))
                               : system_allocate(size_t(bytes));
  if (!data) return false;
  if (fill == Fill::zeros) memset(data, 0, size_t(bytes));
  block->data = static_cast<char*>(data);
  block->bytes = bytes;
  return true;
}

void release_object(const Memory& memory, void* object) {
  if (!object) return;
  if (memory.release) {
    memory.release(memory.data, object);
  } else {
    system_release(object);
  }
}

void release(const Memory& memory, Block* block) {
  release_object(memory, block->data);
  block->data = nullptr;
  block->bytes = 0;
}

void* allocate_object(const Memory& memory, size_t bytes) {
  Block block;
  return allocate(memory, &block, int64_t(bytes), Fill::zeros) ? block.data : nullptr;
}

int64_t working_bytes(const Entry& entry, const int64_t* symbols, int32_t parts) {
  const int64_t arena = entry.arena_bytes(symbols), scratch = parts * entry.scratch_bytes;
  if (arena > INT64_MAX - scratch - kAlignment) return INT64_MAX;
  return (arena + kAlignment - 1) / kAlignment * kAlignment + scratch;
}

char* scratch_in(const Block& working, const Entry& entry, int32_t parts) {
  if (!entry.scratch_bytes) return nullptr;
  return working.data + (working.bytes - parts * entry.scratch_bytes) / kAlignment * kAlignment;
}

}  // namespace MT_PACKAGE
