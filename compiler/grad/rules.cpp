// SPDX-License-Identifier: Apache-2.0
// Every kind and its gradient, and what the rules share (rule.h).
// Keeps true: the switch names every kind, so that a new one cannot be forgotten; where the answer
// is that nothing flows it says so.
#include "compiler/grad/rule.h"

#include <algorithm>

#include "compiler/ir/open_sizes.h"
#include "compiler/support/error.h"

namespace mintor {

Gradients backward(const Backward& at) {
  const Gradients nothing(at.node.operands.size());
  switch (at.node.kind) {
    case Kind::input:
    case Kind::parameter:
    case Kind::constant:
    case Kind::iota:
    case Kind::random:  // its operands are a key and a counter
      return nothing;
    case Kind::unary:
    case Kind::binary:
    case Kind::ternary:
      return backward_scalar(at);
    case Kind::cast:
      return backward_cast(at);
    case Kind::bitcast:  // bits are no number that could be varied
    case Kind::pack:
    case Kind::unpack:
      return nothing;
    case Kind::broadcast:
      return backward_broadcast(at);
    case Kind::reindex:
      return backward_reindex(at);
    case Kind::concat:
      return backward_concat(at);
    case Kind::reindex_reduce:
      return backward_reindex_reduce(at);
    case Kind::reduce:
      return backward_reduce(at);
    case Kind::scan:
      return backward_scan(at);
    case Kind::contract:
      return backward_contract(at);
    case Kind::sort:
      return backward_sort(at);
    case Kind::compact:
      return backward_compact(at);
    case Kind::size:
    case Kind::bind:  // integers
      return nothing;
    case Kind::call:
      return backward_call(at);
    case Kind::if_:
    case Kind::loop:
      if (!open_sizes(at.node).empty())
        at.fail("has no gradient where its regions decide sizes of its results",
                "stop the gradient at its operands or at its results");
      return at.node.kind == Kind::if_ ? backward_if(at) : backward_loop(at);
    case Kind::code:
      return backward_code(at);
    case Kind::host:
      at.fail("has no gradient yet", "stop the gradient at its operands or at its results");
  }
  throw InternalError("grad", "unknown kind");
}

Value Backward::grad() const { return widened(b, grads[0]); }

void Backward::fail(std::string problem, std::string help) const {
  std::string place;
  for (const std::string& scope : b.graph().scopes(&node))
    place += (place.empty() ? "" : ", ") + scope;
  if (place.empty()) place = "node " + std::to_string(node.id);
  throw CompileError("gradient of " + std::string(op_name(node.kind, node.attr)),
                     std::move(problem) + ": " + to_string(node.results[0]), place,
                     std::move(help));
}

std::vector<Value> float_grads(const Backward& at) {
  std::vector<Value> grads;
  for (size_t r = 0; r < at.node.results.size(); ++r) {
    const Type& type = at.node.results[r];
    if (!is_float(type.dtype)) continue;
    grads.push_back(at.grads[r] ? at.grads[r] : zeros(at.b, type.dtype, type.shape));
  }
  return grads;
}

Value widened(Builder& b, Value x) {
  return is_storage_float(x.dtype()) ? b.cast(x, DType::f32) : x;
}

Value zeros(Builder& b, DType dtype, const Shape& shape) { return b.full(dtype, shape, 0); }

std::vector<int32_t> dims_without(size_t rank, std::span<const int32_t> dims) {
  std::vector<int32_t> others;
  for (int32_t d = 0; d < static_cast<int32_t>(rank); ++d)
    if (std::ranges::find(dims, d) == dims.end()) others.push_back(d);
  return others;
}

Value positions(Builder& b, const Shape& shape, std::span<const int32_t> dims) {
  Value sum;
  Index stride = 1;
  for (size_t n = dims.size(); n-- > 0;) {
    Value place = b.iota(DType::i64, shape, dims[n]);
    if (!stride.is_const(1)) {
      const Value factor =
          stride.is_const() ? b.constant_int(DType::i64, stride.value()) : b.size(stride);
      place = b.apply(ScalarOp::mul, {place, b.broadcast(factor, shape, {})});
    }
    sum = sum ? b.apply(ScalarOp::add, {place, sum}) : place;
    stride = stride * shape[static_cast<size_t>(dims[n])];
  }
  return sum ? sum : b.broadcast(b.constant_int(DType::i64, 0), shape, {});
}

IndexMap shifted(IndexMap map, int32_t shift) {
  for (IndexLoad& load : map.loads) load.operand += shift;
  return map;
}

}  // namespace mintor
