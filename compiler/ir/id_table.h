// SPDX-License-Identifier: Apache-2.0
// Ids by hash: what a Graph finds its nodes with. Takes a hash for each id; gives the lowest id of
// a hash that a predicate accepts. Keeps true: ids of equal hashes are tried in the order in which
// they were added; nothing is removed.
// One array with linear probing: a Graph is made anew by each pass, and a map's nodes would cost
// an allocation for each of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mintor {

class IdTable {
 public:
  static constexpr int32_t kNone = -1;

  template <class Accepts>
  int32_t find(size_t hash, const Accepts& accepts) const {
    if (slots_.empty()) return kNone;
    for (size_t at = place(hash);; at = next(at)) {
      const Slot& slot = slots_[at];
      if (slot.id == kNone) return kNone;
      if (slot.hash == hash && accepts(slot.id)) return slot.id;
    }
  }

  void add(size_t hash, int32_t id) {
    if (2 * (count_ + 1) > slots_.size()) grow();
    insert({hash, id});
    ++count_;
  }

 private:
  struct Slot {
    size_t hash = 0;
    int32_t id = kNone;
  };

  size_t place(size_t hash) const {  // the low bits of a hash may be those of a small number
    return (hash * 0x9e3779b97f4a7c15ull >> 17) & (slots_.size() - 1);
  }
  size_t next(size_t at) const { return (at + 1) & (slots_.size() - 1); }

  void insert(const Slot& slot) {
    size_t at = place(slot.hash);
    while (slots_[at].id != kNone) at = next(at);
    slots_[at] = slot;
  }

  void grow() {
    std::vector<Slot> old(slots_.empty() ? 16 : 2 * slots_.size());
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.id != kNone) insert(slot);
  }

  std::vector<Slot> slots_;
  size_t count_ = 0;
};

}  // namespace mintor
