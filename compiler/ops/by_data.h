// SPDX-License-Identifier: Apache-2.0
// Library operators whose sizes, axes or bounds a run finds in its data: lists are values (any
// integers, 0-d or 1-d of a constant length), and each size of a result that depends on them is
// given to `bind`, which makes a symbol of it that the run binds (ops/library.h has the operators
// whose sizes are expressions).
//   slice_by(x[n], starts, ends)    start, end clamped; count = bind(max(0, end - start));
//                                   x at start + step * iota(count)
// Keeps true: no size that is bound is negative; a list that does not fit is a CompileError, what
// its values say is checked by nobody but `bind`.
#pragma once

#include <functional>

#include "compiler/ops/library.h"

namespace mintor::ops {

using BindSize = std::function<Index(Value)>;  // i64[], not negative

// Python slices; axes and steps may be null: the first dimensions, steps of 1.
Value slice_by(Builder& b, Value x, Value starts, Value ends, Value axes, Value steps,
               const BindSize& bind);
// What `pad` takes for each of `rank` dimensions, all befores first; axes may be null: all.
std::vector<Index> pads_by(Builder& b, size_t rank, Value pads, Value axes, const BindSize& bind);
// The shape that a reshape of `from` has: -1 is what is left, 0 the size at its place unless
// `zero_is_zero`. That both have as many elements is left to the caller.
Shape shape_by(Builder& b, const Shape& from, Value shape, bool zero_is_zero, const BindSize& bind);
Value squeeze_by(Builder& b, Value x, Value axes, const BindSize& bind);
Value unsqueeze_by(Builder& b, Value x, Value axes, const BindSize& bind);
Value reduce_by(Builder& b, Reduction reduction, Value x, Value axes, bool keep_dims,
                const BindSize& bind);
// Resizing by numbers that are data: in each dimension that has a scale (f64[]; null: it stays),
// sizes[d] = scale * size as the caller rounds it.
struct ResizeBy {
  Shape sizes;
  std::vector<Value> scales;
  std::vector<Value> from, to;  // tf_crop_and_resize: the part of x, 0..1, f64[]; else empty
  double extrapolation = 0;     // its value outside of x
  bool antialias = false;
};
Value resize_by(Builder& b, Value x, const ResizeBy& by, const ResizeAttr& attr,
                const BindSize& bind);
Value trilu_by(Builder& b, Value x, Value k, bool upper);  // k: i64[]
// along(axis) for the axis that a run says (i64[]): every axis is computed.
Value along_axis_by(Builder& b, size_t rank, Value axis,
                    const std::function<Value(int64_t)>& along);

}  // namespace mintor::ops
