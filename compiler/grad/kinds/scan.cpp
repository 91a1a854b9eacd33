// SPDX-License-Identifier: Apache-2.0
// scan, by combiner:
//   add        the scan of g from the other end
//   min, max   g to the element that set the record, the first one on ties
//   mul        y[k] is the product of what k covers; gx[i] = sum over the k that cover i of
//              g[k] * (that product without x[i]), which needs the square of the length
//   others     integers, nothing flows; custom: a CompileError
#include "compiler/grad/rule.h"

namespace mintor {

namespace {

// The position along the scan of the record that each result holds; outside where there is none.
Value record_of(const Backward& at, const ScanAttr& attr, int32_t dim) {
  Builder& b = at.b;
  const Value x = at.operand();
  const Combiner combiner = attr.reduce.combiner;
  const Value before =
      b.scan(combiner, {&x, 1}, dim, attr.reduce.identities, attr.reverse, true)[0];
  const Value is_record =
      b.apply(combiner == Combiner::max ? ScalarOp::gt : ScalarOp::lt, {x, before});
  const Value place = b.iota(DType::i64, x.shape(), dim);
  // Later records replace earlier ones: the highest position so far, or the lowest from the end.
  const Combiner latest = attr.reverse ? Combiner::min : Combiner::max;
  const Scalar none = identity_of(latest, DType::i64);
  const Value none_all = b.broadcast(b.constant_int(DType::i64, none.i), x.shape(), {});
  const Value records = b.apply(ScalarOp::where, {is_record, place, none_all});
  return b.scan(latest, {&records, 1}, dim, {none}, attr.reverse, attr.exclusive)[0];
}

Value of_extremum(const Backward& at, const ScanAttr& attr, int32_t dim) {
  const Value record = record_of(at, attr, dim);
  const Shape& shape = at.operand().shape();
  IndexMap map;
  for (size_t d = 0; d < shape.size(); ++d)
    map.coords.push_back(Index::var("i" + std::to_string(d)));
  map.loads.push_back({2, map.coords});
  map.coords[static_cast<size_t>(dim)] = Index::var("l0");
  return at.b.reindex_reduce(Combiner::add, zeros(at.b, at.operand().dtype(), shape), at.grads[0],
                             std::move(map), {&record, 1});
}

// Over [i, shape]: which result k (along `dim` of shape) covers element i.
Value of_product(const Backward& at, const ScanAttr& attr, int32_t dim) {
  Builder& b = at.b;
  const Value x = at.operand();
  Shape square = x.shape();
  square.insert(square.begin(), x.shape()[static_cast<size_t>(dim)]);
  std::vector<int32_t> kept;
  for (size_t d = 0; d < x.shape().size(); ++d) kept.push_back(static_cast<int32_t>(d) + 1);
  const Value i = b.iota(DType::i64, square, 0), k = b.iota(DType::i64, square, dim + 1);
  const Value ones = b.full(x.dtype(), square, 1);
  const Value without =
      b.apply(ScalarOp::where, {b.apply(ScalarOp::eq, {i, k}), ones, b.broadcast(x, square, kept)});
  const Value products = b.scan(Combiner::mul, {&without, 1}, dim + 1, attr.reduce.identities,
                                attr.reverse, attr.exclusive)[0];
  const ScalarOp covers = attr.reverse ? (attr.exclusive ? ScalarOp::gt : ScalarOp::ge)
                                       : (attr.exclusive ? ScalarOp::lt : ScalarOp::le);
  const Value terms = b.apply(
      ScalarOp::where, {b.apply(covers, {i, k}),
                        b.apply(ScalarOp::mul, {b.broadcast(at.grads[0], square, kept), products}),
                        zeros(b, x.dtype(), square)});
  const Value sums = b.reduce(Combiner::add, terms, {dim + 1});  // [i, the other dims]
  std::vector<int32_t> perm;
  for (int32_t d = 0; d < static_cast<int32_t>(kept.size()); ++d)
    perm.push_back(d == dim ? 0 : d < dim ? d + 1 : d);
  return b.transpose(sums, perm);
}

}  // namespace

Gradients backward_scan(const Backward& at) {
  const ScanAttr& attr = at.node.as<ScanAttr>();
  const int32_t dim = attr.reduce.dims[0];
  switch (attr.reduce.combiner) {
    case Combiner::add: {
      const Scalar zero = Scalar::of(at.operand().dtype(), 0);
      return {at.b.scan(Combiner::add, {&at.grads[0], 1}, dim, {zero}, !attr.reverse,
                        attr.exclusive)[0]};
    }
    case Combiner::min:
    case Combiner::max:
      return {of_extremum(at, attr, dim)};
    case Combiner::mul:
      return {of_product(at, attr, dim)};
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
  at.fail("a scan by a body of its own has no gradient",
          "write it with named combiners, or stop the gradient at it");
}

}  // namespace mintor
