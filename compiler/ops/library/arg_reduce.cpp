// SPDX-License-Identifier: Apache-2.0
// arg_max and arg_min: i64 positions, the lowest index on ties (`last`: the highest, by a flip).
// Takes a value and one axis that is not empty; bool counts as 0 and 1.
#include "compiler/ops/library/common.h"

namespace mintor::ops {

namespace {

Value arg_reduce(std::string_view name, Builder& b, Combiner combiner, Value x, int64_t axis,
                 bool keep, bool last) {
  OpScope scope(b, name);
  std::vector<int32_t> dims = {axis_of(name, axis, x.shape().size())};
  if (x.dtype() == DType::boolean) x = b.cast(x, DType::u8);
  Value v = widen(b, x);
  const Index& size = v.shape()[dims[0]];
  if (size.is_const(0))
    fail(name, "axis " + std::to_string(axis) + " of " + text(x.type()) + " is empty");
  if (last) v = flip(b, v, std::vector<int64_t>{dims[0]});
  Value y = b.reduce(combiner, v, dims);
  if (last) y = sub(b, count_of(b, y.dtype(), size - 1), y);
  return keep ? keep_dims(b, y, x.shape(), dims) : y;
}

}  // namespace

Value arg_max(Builder& b, Value x, int64_t axis, bool keep, bool last) {
  return arg_reduce("arg_max", b, Combiner::argmax, x, axis, keep, last);
}

Value arg_min(Builder& b, Value x, int64_t axis, bool keep, bool last) {
  return arg_reduce("arg_min", b, Combiner::argmin, x, axis, keep, last);
}

}  // namespace mintor::ops
