// SPDX-License-Identifier: Apache-2.0
// Sixteen i32 sums of pairs of i16 products: vpmaddwd, exact for every i16 (8-bit values widened,
// zero points taken off). Takes 16 sums, a pair, 16 pairs; gives the sums. Keeps true: wraps as i32
// does.
#include "compiler/loop/instruction.h"

namespace mintor {

static constexpr const char* kMeaning =
    R"(kernel dot2_i16 (sums: out i32[16], x: i16[2], y: i16[16, 2]) {
  for j in 0..2 {
    for n in 0..16 {
      sums[n] = add(sums[n], mul(cast(i32, x[j]), cast(i32, y[n, j])))
    }
  }
}
)";

static std::string emit(std::span<const std::string> pointers) {
  return "mt_dot2_i16(" + pointers[0] + ", " + pointers[1] + ", " + pointers[2] + ");";
}

extern const Instruction instruction_dot2_i16;
const Instruction instruction_dot2_i16 = {"dot2_i16", "avx2", kMeaning, emit};

}  // namespace mintor
