// SPDX-License-Identifier: Apache-2.0
// Reductions, scans, scatters, contractions, order, shape and control nodes of the Builder. See
// builder.h.
#include <limits>

#include "compiler/ir/builder.h"
#include "compiler/support/error.h"

namespace mintor {

namespace {

Scalar extreme_of(DType dtype, bool largest) {
  if (is_float(dtype)) {
    const double infinity = std::numeric_limits<double>::infinity();
    return Scalar::of(dtype, largest ? infinity : -infinity);
  }
  if (dtype == DType::boolean) return Scalar::of_int(dtype, largest ? 1 : 0);
  const int bits = static_cast<int>(size_of(dtype)) * 8;
  if (is_unsigned_int(dtype)) {
    const uint64_t top = ~uint64_t{0} >> (64 - bits);
    return Scalar::of_int(dtype, largest ? static_cast<int64_t>(top) : 0);
  }
  const int64_t top = std::numeric_limits<int64_t>::max() >> (64 - bits);
  return Scalar::of_int(dtype, largest ? top : -top - 1);
}

}  // namespace

Scalar identity_of(Combiner combiner, DType dtype) {
  switch (combiner) {
    case Combiner::add:
      return is_float(dtype) ? Scalar::of(dtype, -0.0) : Scalar::of_int(dtype, 0);
    case Combiner::mul:
      return Scalar::of_int(dtype, 1);
    case Combiner::min:
    case Combiner::argmin:
      return extreme_of(dtype, true);
    case Combiner::max:
    case Combiner::argmax:
      return extreme_of(dtype, false);
    case Combiner::and_:
      return Scalar::of_int(dtype, dtype == DType::boolean ? 1 : -1);
    case Combiner::or_:
    case Combiner::xor_:
      return Scalar::of_int(dtype, 0);
    case Combiner::last:
    case Combiner::custom:
      break;
  }
  throw InternalError("identity_of",
                      std::string(name_of(combiner)) + " has no identity of its own");
}

std::vector<Value> Builder::reduce(Combiner combiner, std::span<const Value> xs,
                                   std::vector<int32_t> dims, std::vector<Scalar> identities,
                                   std::shared_ptr<const Graph> body) {
  ReduceAttr attr;
  attr.combiner = combiner;
  attr.dims = std::move(dims);
  attr.identities = std::move(identities);
  attr.body = std::move(body);
  return node(Kind::reduce, attr, xs, {});
}

Value Builder::reduce(Combiner combiner, Value x, std::vector<int32_t> dims) {
  return reduce(combiner, {&x, 1}, std::move(dims), {identity_of(combiner, x.dtype())})[0];
}

std::vector<Value> Builder::scan(Combiner combiner, std::span<const Value> xs, int dim,
                                 std::vector<Scalar> identities, bool reverse, bool exclusive,
                                 std::shared_ptr<const Graph> body) {
  ScanAttr attr;
  attr.reduce.combiner = combiner;
  attr.reduce.dims = {dim};
  attr.reduce.identities = std::move(identities);
  attr.reduce.body = std::move(body);
  attr.reverse = reverse;
  attr.exclusive = exclusive;
  return node(Kind::scan, attr, xs, {});
}

Value Builder::reindex_reduce(Combiner combiner, Value init, Value y, IndexMap map,
                              std::span<const Value> index_operands) {
  std::vector<Value> operands{init, y};
  operands.insert(operands.end(), index_operands.begin(), index_operands.end());
  return node(Kind::reindex_reduce, ReindexReduceAttr{combiner, std::move(map)}, operands, {})[0];
}

Value Builder::contract(Value x, Value y, Contract contract) {
  const Ranges ranges = graph_.ranges();
  for (ContractAxis& axis : contract.axes) axis.extent = ranges.simplify(axis.extent);
  const Value operands[] = {x, y};
  return node(Kind::contract, std::move(contract), operands, {})[0];
}

std::vector<Value> Builder::sort(std::span<const Value> keys_and_payloads, int dim,
                                 bool descending) {
  return node(Kind::sort, SortAttr{dim, descending}, keys_and_payloads, {});
}

Value Builder::compact(Value x, Value mask, std::string_view symbol) {
  const Value operands[] = {x, mask};
  return node(Kind::compact, CompactAttr{std::string(symbol)}, operands, {})[0];
}

Value Builder::size(Index expr) { return node(Kind::size, SizeAttr{std::move(expr)}, {}, {})[0]; }

Value Builder::bind(Value x, std::string_view symbol, int64_t lo, int64_t hi) {
  return node(Kind::bind, BindAttr{std::string(symbol), lo, hi}, {&x, 1}, {})[0];
}

std::vector<Value> Builder::if_(Value cond, std::span<const Value> captures,
                                std::shared_ptr<const Graph> then_graph,
                                std::shared_ptr<const Graph> else_graph) {
  RegionAttr attr;
  attr.regions = {std::move(then_graph), std::move(else_graph)};
  std::vector<Value> operands{cond};
  operands.insert(operands.end(), captures.begin(), captures.end());
  return node(Kind::if_, attr, operands, {});
}

std::vector<Value> Builder::loop(Index trip, std::span<const Value> carried,
                                 std::span<const Value> scanned, std::span<const Value> captures,
                                 std::shared_ptr<const Graph> body) {
  RegionAttr attr;
  attr.regions = {std::move(body)};
  attr.trip = std::move(trip);
  attr.carried = static_cast<int32_t>(carried.size());
  attr.scanned = static_cast<int32_t>(scanned.size());
  std::vector<Value> operands(carried.begin(), carried.end());
  operands.insert(operands.end(), scanned.begin(), scanned.end());
  operands.insert(operands.end(), captures.begin(), captures.end());
  return node(Kind::loop, attr, operands, {});
}

std::vector<Value> Builder::while_(std::span<const Value> carried, std::span<const Value> captures,
                                   std::shared_ptr<const Graph> body, Index most) {
  RegionAttr attr;
  attr.regions = {std::move(body)};
  attr.trip = std::move(most);
  attr.carried = static_cast<int32_t>(carried.size());
  attr.conditional = true;
  std::vector<Value> operands(carried.begin(), carried.end());
  operands.insert(operands.end(), captures.begin(), captures.end());
  return node(Kind::loop, attr, operands, {});
}

std::vector<Value> Builder::call(std::span<const Value> operands, std::shared_ptr<const Graph> body,
                                 std::shared_ptr<const Graph> gradient) {
  RegionAttr attr;
  attr.regions = {std::move(body)};
  if (gradient) attr.regions.push_back(std::move(gradient));
  return node(Kind::call, attr, operands, {});
}

std::vector<Value> Builder::code(std::span<const Value> operands, std::vector<Type> results,
                                 std::string source, std::string gradient) {
  return node(Kind::code, CodeAttr{std::move(source), std::move(gradient)}, operands, results);
}

std::vector<Value> Builder::host(std::string function, std::span<const Value> operands,
                                 std::vector<Type> results) {
  return node(Kind::host, HostAttr{std::move(function)}, operands, results);
}

}  // namespace mintor
