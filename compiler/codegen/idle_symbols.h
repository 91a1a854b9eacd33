// SPDX-License-Identifier: Apache-2.0
// Symbols that no kernel's text reads. Takes a Program; gives it with kernels and launches without
// the symbols that decide the number of tasks alone, which the caller of a kernel counts. Keeps
// true: a kernel has the same symbols at all levels, and text does not change but for arguments;
// kernels that work alike for one batch size and for any are one.
//   kernel relu (x: f32[n, 64], r: out f32[n, 64]; n) { parallel i in 0..n { r[i, 0..64] = .. } }
//   -> relu(x, r, tile_begin, tile_end)
#pragma once

#include "compiler/program/program.h"

namespace mintor {

Program without_idle_symbols(Program program);

}  // namespace mintor
