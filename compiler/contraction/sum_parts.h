// SPDX-License-Identifier: Apache-2.0
// Sums over an axis that an operand has in parts: heads beside each other, places and channels of
// an image that became a line.
//| for k in 0..768 {                          for k_o in 0..12 {
//|   acc = fma(x[k / 64, m, k % 64], y, acc)    for k_i in 0..64 {
//| }                                     ->       acc = fma(x[k_o, m, k_i], y, acc)
//|                                            } }
// Takes a contraction whose kernel has no other steps yet; splits its loops. Keeps true: the order
// of the sum.
#pragma once

#include "compiler/contraction/strategy.h"
#include "compiler/loop/schedule.h"

namespace mintor {

void split_sums(const Contraction& c, Steps& step);

}  // namespace mintor
