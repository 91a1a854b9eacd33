// SPDX-License-Identifier: Apache-2.0
// The stated error bounds of rows that do not round correctly, in units of the last place: the
// largest error measured (all 2^32 operands of one-argument f32 rows, else random ones; see
// accuracy_tool.cpp), rounded up. docs/numerics.md shows the same figures.
#pragma once

#include "compiler/ir/scalar_op.h"

namespace mintor {

struct UlpBound {
  ScalarOp op;
  double f32, f64;  // 0: the row refuses the dtype
};

inline constexpr UlpBound kUlpBounds[] = {
    {ScalarOp::rsqrt, 4, 0},   {ScalarOp::cbrt, 4, 0},  {ScalarOp::exp, 4, 4},   {ScalarOp::exp2, 4, 0},
    {ScalarOp::expm1, 4, 0},   {ScalarOp::log, 4, 4},   {ScalarOp::log2, 4, 0},  {ScalarOp::log10, 4, 0},
    {ScalarOp::log1p, 4, 0},   {ScalarOp::sigmoid, 4, 0}, {ScalarOp::sin, 4, 4}, {ScalarOp::cos, 4, 4},
    {ScalarOp::tan, 4, 0},     {ScalarOp::asin, 4, 0},  {ScalarOp::acos, 4, 0},  {ScalarOp::atan, 4, 0},
    {ScalarOp::sinh, 4, 0},    {ScalarOp::cosh, 4, 0},  {ScalarOp::tanh, 4, 4},  {ScalarOp::asinh, 4, 0},
    {ScalarOp::acosh, 4, 0},   {ScalarOp::atanh, 4, 0}, {ScalarOp::erf, 4, 4},   {ScalarOp::erfc, 4, 0},
    {ScalarOp::pow, 4, 4},     {ScalarOp::atan2, 4, 0}, {ScalarOp::hypot, 4, 0},
};

// Half a unit is correct rounding; the oracle's own rounding is allowed for.
inline double ulp_bound(ScalarOp op, DType dtype) {
  for (const UlpBound& bound : kUlpBounds) {
    if (bound.op == op) return dtype == DType::f32 ? bound.f32 : bound.f64;
  }
  return 0.5005;
}

}  // namespace mintor
