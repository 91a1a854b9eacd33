// SPDX-License-Identifier: Apache-2.0
// A quantisation moves over what only moves and orders values, up to where they were dequantised by
// the same scale and zero point: there the two cancel, and what is between works on bytes.
//| v = mul (cast f32 (cast i32 (x: u8)), s); p = reduce max (reindex v)
//| q = cast u8 (round (div (p, s)))   ->   q = reduce max (reindex x)
// Rounding and saturating keep order, so that the largest is quantised to the largest. Every byte
// comes back as itself where the scale is a positive constant far from the ends of f32: the
// quotient is within a few units of the last place of a whole number below 2^9. Bits stay.
#include <array>
#include <map>

#include "compiler/graph/dequantised.h"
#include "compiler/graph/index_map.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"
#include "compiler/ir/scalar_eval.h"

namespace mintor {
namespace {

// The one number that a value is everywhere, in the dtype that it has there.
std::optional<Scalar> number(const Value& v, const Graph& graph) {
  if (v.node->kind == Kind::cast) {
    const auto inner = number(v.node->operands[0], graph);
    return inner ? std::optional(cast(*inner, v.dtype())) : std::nullopt;
  }
  const Value source = trace(v, graph).value;
  if (source.node != v.node) return number(source, graph);
  if (v.node->kind != Kind::constant) return std::nullopt;
  const Tensor& t = v.node->as<ConstantAttr>().value;
  return t.count() == 1 ? std::optional(t.at(0)) : std::nullopt;
}

bool is_op(const Value& v, ScalarOp op) {
  return (v.node->kind == Kind::unary || v.node->kind == Kind::binary) &&
         v.node->as<ScalarAttr>().op == op;
}

bool keeps_order(ScalarOp op) {
  return op == ScalarOp::max || op == ScalarOp::min || op == ScalarOp::clamp;
}

// cast dtype (round (value / scale) + zero)
struct Quantised {
  Value value;
  DType dtype;
  Scalar scale, zero;
};

std::optional<Quantised> quantised(const Node& node, const Value& sum, const Graph& graph) {
  constexpr double kLeast = 1e-30, kMost = 1e30;
  const DType dtype = node.results[0].dtype;
  if (node.kind != Kind::cast || sum.dtype() != DType::f32 ||
      (dtype != DType::u8 && dtype != DType::i8))
    return std::nullopt;
  Quantised q{{}, dtype, {}, Scalar::of(DType::f32, 0.0)};
  Value rounded = sum;
  if (is_op(sum, ScalarOp::add)) {
    const auto zero = number(sum.node->operands[1], graph);
    if (!zero) return std::nullopt;
    q.zero = *zero;
    rounded = sum.node->operands[0];
  }
  if (!is_op(rounded, ScalarOp::round)) return std::nullopt;
  const Value& ratio = rounded.node->operands[0];
  const auto scale =
      is_op(ratio, ScalarOp::div) ? number(ratio.node->operands[1], graph) : std::nullopt;
  if (!scale || !(scale->f >= kLeast && scale->f <= kMost)) return std::nullopt;
  // A zero point is one of the bytes.
  if (!cast(cast(q.zero, dtype), DType::f32).same_bits(q.zero)) return std::nullopt;
  q.value = ratio.node->operands[0];
  q.scale = *scale;
  return q;
}

class Lift {
 public:
  Lift(Builder& b, const Quantised& to) : b_(b), to_(to) {}

  // What quantising v gives, from bytes alone.
  std::optional<Value> bytes(const Value& v) {
    const auto known = known_.find({v.node, v.result});
    if (known != known_.end()) return known->second;
    const auto found = made(v);
    known_.insert({{v.node, v.result}, found});
    return found;
  }

 private:
  Builder& b_;
  const Quantised& to_;
  std::map<std::pair<const Node*, int32_t>, std::optional<Value>> known_;

  Scalar quantise(const Scalar& of) const {
    const Scalar ratio = evaluate(ScalarOp::div, std::array{of, to_.scale});
    const Scalar rounded = evaluate(ScalarOp::round, std::array{ratio});
    return cast(evaluate(ScalarOp::add, std::array{rounded, to_.zero}), to_.dtype);
  }

  Value everywhere(const Scalar& byte, const Shape& shape) {
    return b_.broadcast(b_.constant_int(to_.dtype, byte.i), shape, {});
  }

  std::optional<Value> made(const Value& v) {
    if (v.dtype() != DType::f32) return std::nullopt;
    if (const auto own = number(v, b_.graph())) {
      if (own->f != own->f) return std::nullopt;
      return everywhere(quantise(*own), v.shape());
    }
    if (const auto own = dequantised_bytes(v)) return own;
    const Node& node = *v.node;
    std::vector<Value> operands(node.operands);
    switch (node.kind) {
      case Kind::unary:
        return is_op(v, ScalarOp::relu) ? not_below_zero(operands[0]) : std::nullopt;
      case Kind::binary:
      case Kind::ternary:
        if (!keeps_order(node.as<ScalarAttr>().op)) return std::nullopt;
        [[fallthrough]];
      case Kind::concat:
      case Kind::broadcast:
        if (!all_bytes(operands, operands.size())) return std::nullopt;
        return again(node, node.attr, operands);
      case Kind::reindex: {
        ReindexAttr attr = node.as<ReindexAttr>();
        if (attr.fill.f != attr.fill.f || !all_bytes(operands, 1)) return std::nullopt;
        attr.fill = quantise(attr.fill);
        return again(node, attr, operands);
      }
      case Kind::reduce: {
        ReduceAttr attr = node.as<ReduceAttr>();
        const bool ordered = attr.combiner == Combiner::max || attr.combiner == Combiner::min;
        if (!ordered || !all_bytes(operands, 1)) return std::nullopt;
        attr.identities = {quantise(attr.identities[0])};
        return again(node, attr, operands);
      }
      default:
        return std::nullopt;
    }
  }

  std::optional<Value> dequantised_bytes(const Value& v) {
    const auto found = dequantised(b_, v);
    if (!found || found->dim || found->bytes.dim || found->bytes.value.dtype() != to_.dtype)
      return std::nullopt;
    const auto scale = number(found->scale, b_.graph());
    if (!scale || !scale->same_bits(to_.scale)) return std::nullopt;
    Scalar zero = Scalar::of(DType::f32, 0.0);
    if (found->bytes.zero) {
      const auto own = number(found->bytes.zero, b_.graph());
      if (!own) return std::nullopt;
      zero = cast(*own, DType::f32);
    }
    return zero.same_bits(to_.zero) ? std::optional(found->bytes.value) : std::nullopt;
  }

  std::optional<Value> not_below_zero(const Value& v) {
    const auto own = bytes(v);
    if (!own) return std::nullopt;
    return b_.apply(ScalarOp::max, {*own, everywhere(cast(to_.zero, to_.dtype), own->shape())});
  }

  // The first of the operands become bytes; indices behind them stay.
  bool all_bytes(std::vector<Value>& operands, size_t count) {
    for (size_t n = 0; n < count; ++n) {
      const auto own = bytes(operands[n]);
      if (!own) return false;
      operands[n] = *own;
    }
    return true;
  }

  std::optional<Value> again(const Node& node, Attr attr, const std::vector<Value>& operands) {
    const Type type{to_.dtype, node.results[0].shape};
    return b_.node(node.kind, std::move(attr), operands, {&type, 1})[0];
  }
};

Graph run(CompileContext&, const Graph& graph) {
  return rewrite(graph,
                 [](Builder& b, const Node& old,
                    std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   if (old.kind != Kind::cast) return std::nullopt;
                   const auto to = quantised(old, operands[0], b.graph());
                   const auto bytes = to ? Lift(b, *to).bytes(to->value) : std::nullopt;
                   return bytes ? std::optional(std::vector<Value>{*bytes}) : std::nullopt;
                 });
}

}  // namespace

extern const GraphPass pass_lift_quantise;
const GraphPass pass_lift_quantise = {
    "lift_quantise", "what only moves and orders quantised values works on bytes", run};

}  // namespace mintor
