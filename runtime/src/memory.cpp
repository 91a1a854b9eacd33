// SPDX-License-Identifier: Apache-2.0
// Aligned blocks: the packed weights of a model and the working memory of a context.
// Takes a size; gives memory on a 64-byte boundary (a line of the cache, a vector register).
// Keeps true: a block of 4 MB or more starts on a huge page and asks for huge pages: packed weights
// are walked once per run, and every 4 KB page of them would need its own address translation.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime.h"

namespace MT_PACKAGE {

bool allocate(Block* block, int64_t bytes, Fill fill) {
  const size_t huge_page = size_t(2) << 20;
  block->data = nullptr;
  block->bytes = 0;
  if (bytes <= 0) return bytes == 0;
  if (bytes > INT64_MAX / 2) return false;
  const bool large = size_t(bytes) >= 2 * huge_page;
  void* data = nullptr;
  if (posix_memalign(&data, large ? huge_page : 64, size_t(bytes)) != 0) return false;
#ifdef MADV_HUGEPAGE
  // Only advice: where the system refuses, small pages serve.
  if (large) madvise(data, size_t(bytes) / huge_page * huge_page, MADV_HUGEPAGE);
#endif
  if (fill == Fill::zeros) memset(data, 0, size_t(bytes));
  block->data = static_cast<char*>(data);
  block->bytes = bytes;
  return true;
}

void release(Block* block) {
  free(block->data);
  block->data = nullptr;
  block->bytes = 0;
}

static const int64_t kAlignment = 64;

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
