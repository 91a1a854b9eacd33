// SPDX-License-Identifier: Apache-2.0
// Offsets for buffers with lifetimes. Takes sizes and lifetimes; gives offsets such that slots that
// are live at the same time do not overlap, whatever the symbols are.
// Sizes are `unit * lines` bytes, `lines` a constant multiple of 64: slots of one unit (say, batch)
// share a section and are placed by their constants alone; sections lie behind each other.
#pragma once

#include <vector>

#include "compiler/memory/liveness.h"

namespace mintor {

struct Slot {
  Lifetime lifetime;
  Index bytes;                   // what is needed, >= 0
  Index offset;                  // given
};

struct Section {
  Index unit;                    // 1 for constant sizes
  int64_t lines = 0;             // the section takes unit * lines bytes
  int64_t least = 0;             // largest sum of lines that are live at once: no plan takes less
  size_t slots = 0;
};

struct ArenaPlan {
  Index bytes = 0;
  std::vector<Section> sections;
};

// Greedy best fit, larger slots first. Deterministic: ties go to the earlier lifetime, then
// position.
ArenaPlan place(std::vector<Slot>& slots);

}  // namespace mintor
