// SPDX-License-Identifier: Apache-2.0
// Memory of arrays: blocks that were freed are kept by size and given out again, so that a loop
// whose sizes repeat asks the system for nothing. Takes bytes; gives 64-byte aligned blocks. Keeps
// true: what is in use stays below the limit, or taking more is a CompileError that says how much
// is held; blocks that wait are freed before that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace mintor::trace {

struct MemoryUse {
  int64_t used = 0, peak = 0;  // bytes in arrays, now and at most
  int64_t waiting = 0;         // bytes kept to be given out again
  int64_t limit = 0;           // of used and waiting together; 0: none
};

class Allocator {
 public:
  ~Allocator();
  // `bytes` becomes the size of the block, which is at least what was asked for.
  std::byte* take(int64_t& bytes);
  void give_back(std::byte* block, int64_t bytes);
  const MemoryUse& use() const { return use_; }
  void set_limit(int64_t bytes) { use_.limit = bytes; }
  void reset_peak() { use_.peak = use_.used; }
  // Frees the blocks that wait.
  void release_waiting();

 private:
  std::map<int64_t, std::vector<std::byte*>> waiting_;  // by size
  MemoryUse use_;
};

// The one of this process.
Allocator& allocator();

}  // namespace mintor::trace
