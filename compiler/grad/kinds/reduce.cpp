// SPDX-License-Identifier: Apache-2.0
// reduce, by combiner:
//   add        g to every element
//   min, max   g is written to the first element that is the extremum, in row-major order of the
//              reduced dims
//   mul        g * the product of the other elements: those before it times those behind it, so
//              that zeros need no division
//   others     integers, nothing flows; custom: a CompileError
#include <algorithm>

#include "compiler/grad/rule.h"

namespace mintor {

namespace {

Value back(const Backward& at, Value x, const std::vector<int32_t>& dims) {
  const Shape& shape = at.operand().shape();
  return at.b.broadcast(x, shape, dims_without(shape.size(), dims));
}

// The place of an element within the reduced dims, the same for all results.
Value places(const Backward& at, const std::vector<int32_t>& dims) {
  const Shape& shape = at.operand().shape();
  std::vector<int32_t> ascending = dims;
  std::ranges::sort(ascending);
  Shape extents;
  std::vector<int32_t> within;
  for (const int32_t d : ascending) extents.push_back(shape[static_cast<size_t>(d)]);
  for (const int32_t d : dims)
    within.push_back(static_cast<int32_t>(std::ranges::find(ascending, d) - ascending.begin()));
  Index count = 1;
  for (const Index& e : extents) count = count * e;
  const bool narrow = count.is_const() && count.value() <= INT32_MAX;
  const Value all = positions(at.b, extents, within);
  return at.b.broadcast(at.b.cast(all, narrow ? DType::i32 : DType::i64), shape, ascending);
}

// The place of the first element that equals the result, or is the NaN that the result is. As a
// minimum of places: its order is free, an argmax's is not.
Value first_extremum(const Backward& at, const std::vector<int32_t>& dims) {
  Builder& b = at.b;
  const Value x = at.operand(), place = places(at, dims);
  const Value candidate = b.apply(
      ScalarOp::or_,
      {b.apply(ScalarOp::eq, {x, back(at, at.result(), dims)}), b.apply(ScalarOp::is_nan, {x})});
  const int64_t behind = identity_of(Combiner::min, place.dtype()).i;
  const Value none = b.broadcast(b.constant_int(place.dtype(), behind), x.shape(), {});
  return b.reduce(Combiner::min, b.apply(ScalarOp::where, {candidate, place, none}), dims);
}

// One write for each result, at the place of its extremum.
Value of_extremum(const Backward& at, const std::vector<int32_t>& dims) {
  const Value first = first_extremum(at, dims);
  const Shape& shape = at.operand().shape();
  IndexMap map;
  map.coords.resize(shape.size());
  IndexLoad load{2, {}};
  for (const int32_t d : dims_without(shape.size(), dims)) {
    load.coords.push_back(Index::var("i" + std::to_string(load.coords.size())));
    map.coords[static_cast<size_t>(d)] = load.coords.back();
  }
  map.loads.push_back(std::move(load));
  Index stride = 1;
  for (size_t n = dims.size(); n-- > 0;) {
    const auto d = static_cast<size_t>(dims[n]);
    const Index place = floordiv(Index::var("l0"), stride);
    map.coords[d] = n == 0 ? place : mod(place, shape[d]);
    stride = stride * shape[d];
  }
  return at.b.reindex_reduce(Combiner::add, zeros(at.b, at.operand().dtype(), shape), at.grads[0],
                             std::move(map), {&first, 1});
}

// The reduced dims as one, the last, in the order in which they are listed.
struct Flattened {
  std::vector<int32_t> perm;
  Shape moved, flat;
};

Flattened flatten(const Shape& shape, const std::vector<int32_t>& dims) {
  Flattened f;
  f.perm = dims_without(shape.size(), dims);
  f.perm.insert(f.perm.end(), dims.begin(), dims.end());
  Index last = 1;
  for (size_t d = 0; d < f.perm.size(); ++d) {
    const Index& extent = shape[static_cast<size_t>(f.perm[d])];
    f.moved.push_back(extent);
    if (d < shape.size() - dims.size())
      f.flat.push_back(extent);
    else
      last = last * extent;
  }
  f.flat.push_back(last);
  return f;
}

Value of_product(const Backward& at, const std::vector<int32_t>& dims) {
  const Flattened f = flatten(at.operand().shape(), dims);
  const Value x = at.b.reshape(at.b.transpose(at.operand(), f.perm), f.flat);
  const auto last = static_cast<int>(f.flat.size()) - 1;
  const Scalar one = Scalar::of(x.dtype(), 1);
  const Value before = at.b.scan(Combiner::mul, {&x, 1}, last, {one}, false, true)[0];
  const Value behind = at.b.scan(Combiner::mul, {&x, 1}, last, {one}, true, true)[0];
  const Value others = at.b.reshape(at.b.apply(ScalarOp::mul, {before, behind}), f.moved);
  std::vector<int32_t> undo(f.perm.size());
  for (size_t d = 0; d < undo.size(); ++d)
    undo[static_cast<size_t>(f.perm[d])] = static_cast<int32_t>(d);
  return at.b.apply(ScalarOp::mul, {back(at, at.grads[0], dims), at.b.transpose(others, undo)});
}

}  // namespace

Gradients backward_reduce(const Backward& at) {
  const ReduceAttr& attr = at.node.as<ReduceAttr>();
  switch (attr.combiner) {
    case Combiner::add:
      return {back(at, at.grads[0], attr.dims)};
    case Combiner::min:
    case Combiner::max:
      return {of_extremum(at, attr.dims)};
    case Combiner::mul:
      return {of_product(at, attr.dims)};
    case Combiner::and_:
    case Combiner::or_:
    case Combiner::xor_:
    case Combiner::argmin:
    case Combiner::argmax:
    case Combiner::last:
      return Gradients(at.node.operands.size());
    case Combiner::custom:
      break;
  }
  at.fail("a reduction by a body of its own has no gradient",
          "write it with named combiners, or stop the gradient at it");
}

}  // namespace mintor
