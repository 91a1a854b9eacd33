// SPDX-License-Identifier: Apache-2.0
// Integer arithmetic of addresses and bounds, as Index::c_str spells it.
// Takes and gives i64; a divisor is positive. The rows floordiv and mod of the scalar table are
// mt_floor_div and mt_floor_mod, defined for every divisor.
#ifndef MINTOR_SCALAR_MATH_INDEX_H
#define MINTOR_SCALAR_MATH_INDEX_H

#include "compiler/ir/scalar_math_base.h"

MT_FN mt_i64 mt_floordiv(mt_i64 a, mt_i64 b) { return a / b - (a % b < 0 ? 1 : 0); }
MT_FN mt_i64 mt_mod(mt_i64 a, mt_i64 b) { return a % b < 0 ? a % b + b : a % b; }
MT_FN mt_i64 mt_imin(mt_i64 a, mt_i64 b) { return a < b ? a : b; }
MT_FN mt_i64 mt_imax(mt_i64 a, mt_i64 b) { return a > b ? a : b; }
// 0 <= a < extent
MT_FN bool mt_in_range(mt_i64 a, mt_i64 extent) { return a >= 0 && a < extent; }

#endif
