// SPDX-License-Identifier: Apache-2.0
// The caching allocator. Sizes are rounded up so that eight of them lie between powers of two:
// at most an eighth of a block is wasted, and sizes that differ a little share their blocks.
#include "frontends/python/trace/allocator.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <string>

#include "compiler/support/error.h"

namespace mintor::trace {
namespace {

int64_t block_size(int64_t bytes) {
  constexpr int64_t kLeast = 64;
  if (bytes <= kLeast) return kLeast;
  const int64_t step = std::max<int64_t>(
      kLeast, static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(bytes)) / 8));
  return (bytes + step - 1) / step * step;
}

}  // namespace

std::byte* Allocator::take(int64_t& bytes) {
  const int64_t asked = bytes;
  if (asked < 0 || asked > (int64_t{1} << 60)) {
    throw CompileError("memory", "an array of " + std::to_string(asked) + " bytes was asked for");
  }
  bytes = block_size(asked);
  auto found = waiting_.find(bytes);
  std::byte* block = nullptr;
  if (found != waiting_.end() && !found->second.empty()) {
    block = found->second.back();
    found->second.pop_back();
    use_.waiting -= bytes;
  } else {
    if (use_.limit > 0 && use_.used + use_.waiting + bytes > use_.limit) release_waiting();
    const bool fits = use_.limit == 0 || use_.used + bytes <= use_.limit;
    if (fits) block = static_cast<std::byte*>(std::aligned_alloc(64, static_cast<size_t>(bytes)));
    if (!block && fits) {
      release_waiting();
      block = static_cast<std::byte*>(std::aligned_alloc(64, static_cast<size_t>(bytes)));
    }
    if (!block) {
      throw CompileError("memory",
                         "there is no memory for an array of " + std::to_string(asked) +
                             " bytes: " + std::to_string(use_.used) + " are in use, the limit is " +
                             (use_.limit ? std::to_string(use_.limit) : "what the system gives"),
                         "", "free arrays that are not needed, or raise mintor.memory.limit");
    }
  }
  use_.used += bytes;
  use_.peak = std::max(use_.peak, use_.used);
  return block;
}

void Allocator::give_back(std::byte* block, int64_t bytes) {
  if (!block) return;
  use_.used -= bytes;
  use_.waiting += bytes;
  waiting_[bytes].push_back(block);
}

void Allocator::release_waiting() {
  for (auto& [bytes, blocks] : waiting_) {
    for (std::byte* block : blocks) std::free(block);
  }
  waiting_.clear();
  use_.waiting = 0;
}

Allocator::~Allocator() { release_waiting(); }

Allocator& allocator() {
  static auto* const one = new Allocator;  // arrays may outlive every static object
  return *one;
}

}  // namespace mintor::trace
