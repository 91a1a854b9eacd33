// SPDX-License-Identifier: Apache-2.0
// reduce, by combiner:
//   add        g to every element
//   min, max   g to the first element that is the extremum, in row-major order of the reduced dims
//   mul        g * the product of the other elements: those before it times those behind it, so
//              that zeros need no division
//   others     integers, nothing flows; custom: a CompileError
#include "compiler/grad/rule.h"

namespace mintor {

namespace {

Value back(const Backward& at, Value x, const std::vector<int32_t>& dims) {
  const Shape& shape = at.operand().shape();
  return at.b.broadcast(x, shape, dims_without(shape.size(), dims));
}

Value of_extremum(const Backward& at, Combiner arg, const std::vector<int32_t>& dims) {
  const Value x = at.operand();
  const Value first = at.b.reduce(arg, {&x, 1}, dims, {identity_of(arg, x.dtype())})[0];
  const Value chosen =
      at.b.apply(ScalarOp::eq, {positions(at.b, x.shape(), dims), back(at, first, dims)});
  return at.b.apply(ScalarOp::where,
                    {chosen, back(at, at.grads[0], dims), zeros(at.b, x.dtype(), x.shape())});
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
      return {of_extremum(at, Combiner::argmin, attr.dims)};
    case Combiner::max:
      return {of_extremum(at, Combiner::argmax, attr.dims)};
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
