// SPDX-License-Identifier: Apache-2.0
// The scale of a result moves into that of its integer sum: one product, no quotient.
//| v = mul (cast f32 (sum: i32), s[n]); a = add (v, bias[n]); q = div (a, t)
//|   ->  q = add (mul (cast f32 (sum), s[n] / t), bias[n] / t)
// A clamp between the two bounds the quotient:
//|   clamp (a, lo, hi) / t  ->  clamp (a / t, min (lo / t, hi / t), max (lo / t, hi / t))
// A relu stays: as a clamp, which scales of either sign need, it costs more than the quotient does
// (a convolution of 1 x 1, 8 to 64 channels of 56 x 56, Zen 3, 2026-12-01: 188 us, with the
// quotient 175; of a clamp 188, with the quotient 208). Scales, the bias and bounds come from
// parameters alone, so that `prepare` divides them once; t is one number, of either sign, or
// differs along the axis of s. Quotients round elsewhere than before, so `--numerics strict` leaves
// it out.
#include "compiler/graph/dequantised.h"
#include "compiler/graph/from_parameters.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"

namespace mintor {
namespace {

// A value of parameters that varies along one dimension at most.
struct Factor {
  Value value;
  std::optional<size_t> dim;
};

bool is_binary(const Value& v, ScalarOp op) {
  return v.node->kind == Kind::binary && v.node->as<ScalarAttr>().op == op;
}

class FoldRequantise {
 public:
  explicit FoldRequantise(const Graph& graph) : users_(users_of(graph)), from_parameters_(graph) {}

  std::optional<std::vector<Value>> operator()(Builder& b, const Node& old,
                                               std::span<const Value> operands) {
    if (old.kind != Kind::binary || old.results[0].dtype != DType::f32) return std::nullopt;
    if (old.as<ScalarAttr>().op != ScalarOp::div || !is_own(old.operands[0])) return std::nullopt;
    const auto scale = factor(b, operands[1]);
    if (!scale) return std::nullopt;
    const auto value = divided(b, old.operands[0], operands[0], *scale);
    if (!value) return std::nullopt;
    return std::vector<Value>{*value};
  }

 private:
  bool is_own(const Value& old) const {
    return users_[static_cast<size_t>(old.node->id)].size() == 1;
  }

  std::optional<Factor> factor(Builder& b, const Value& v) {
    if (!from_parameters_(v)) return std::nullopt;
    Factor out;
    const auto value = per_dimension(b, v, out.dim);
    if (!value) return std::nullopt;
    out.value = *value;
    return out;
  }

  // op (x, y) of what varies along a dimension of `shape`; nullopt where both do, along different
  // ones.
  std::optional<Factor> combined(Builder& b, ScalarOp op, const Factor& x, const Factor& y,
                                 const Shape& shape) const {
    if (x.dim && y.dim && x.dim != y.dim) return std::nullopt;
    const auto dim = x.dim ? x.dim : y.dim;
    const Shape small = dim ? Shape{shape[*dim]} : Shape{};
    const auto spread = [&](const Factor& of) {
      return b.broadcast(of.value, small,
                         of.dim ? std::vector<int32_t>{0} : std::vector<int32_t>{});
    };
    return Factor{b.apply(op, {spread(x), spread(y)}), dim};
  }

  static Value spread(Builder& b, const Factor& of, const Shape& shape) {
    return b.broadcast(
        of.value, shape,
        of.dim ? std::vector<int32_t>{static_cast<int32_t>(*of.dim)} : std::vector<int32_t>{});
  }

  // The bounds of a clamp, lower and upper.
  std::optional<std::pair<Factor, Factor>> bounds(Builder& b, const Node& node) {
    if (node.kind != Kind::ternary || node.as<ScalarAttr>().op != ScalarOp::clamp)
      return std::nullopt;
    const auto low = factor(b, node.operands[1]), high = factor(b, node.operands[2]);
    if (!low || !high) return std::nullopt;
    return std::pair{*low, *high};
  }

  // v / scale, for what is divided and then bounded.
  std::optional<Value> divided(Builder& b, const Value& old, const Value& v, const Factor& scale) {
    if (old.node->kind != v.node->kind || old.node->attr != v.node->attr) return std::nullopt;
    const auto limits = bounds(b, *v.node);
    if (!limits) return divided_sum(b, old, v, scale);
    const auto with = [&](ScalarOp op, const std::optional<Factor>& x,
                          const std::optional<Factor>& y) {
      return x && y ? combined(b, op, *x, *y, v.shape()) : std::nullopt;
    };
    const auto one = with(ScalarOp::div, limits->first, scale);
    const auto other = with(ScalarOp::div, limits->second, scale);
    const auto low = with(ScalarOp::min, one, other), high = with(ScalarOp::max, one, other);
    if (!low || !high || !is_own(old.node->operands[0])) return std::nullopt;
    const auto inner = divided_sum(b, old.node->operands[0], v.node->operands[0], scale);
    if (!inner) return std::nullopt;
    return b.apply(ScalarOp::clamp,
                   {*inner, spread(b, *low, v.shape()), spread(b, *high, v.shape())});
  }

  // v / scale, for a scaled sum of integers, or one with a bias.
  std::optional<Value> divided_sum(Builder& b, const Value& old, const Value& v,
                                   const Factor& scale) {
    const bool with_bias = is_binary(v, ScalarOp::add);
    if ((!with_bias && !is_binary(v, ScalarOp::mul)) ||
        !is_binary(old, v.node->as<ScalarAttr>().op))
      return std::nullopt;
    for (const size_t side : {0, 1}) {
      const Value& inner = v.node->operands[side];
      const auto other = factor(b, v.node->operands[1 - side]);
      const auto quotient =
          other ? combined(b, ScalarOp::div, *other, scale, v.shape()) : std::nullopt;
      if (!quotient) continue;
      const Value term = spread(b, *quotient, v.shape());
      if (with_bias) {
        if (!is_own(old.node->operands[side])) continue;
        if (const auto rest = divided_sum(b, old.node->operands[side], inner, scale))
          return b.apply(ScalarOp::add, {*rest, term});
      } else if (inner.node->kind == Kind::cast && is_int(inner.node->operands[0].dtype())) {
        return b.apply(ScalarOp::mul, {inner, term});
      }
    }
    return std::nullopt;
  }

  std::vector<std::vector<const Node*>> users_;  // of the old graph
  FromParameters from_parameters_;               // of the new graph
};

Graph run(CompileContext& context, const Graph& graph) {
  if (context.options.numerics == "strict") return rewrite(graph, nullptr);
  FoldRequantise fold(graph);
  return rewrite(graph, [&](Builder& b, const Node& old, std::span<const Value> operands) {
    return fold(b, old, operands);
  });
}

}  // namespace

extern const GraphPass pass_fold_requantise;
const GraphPass pass_fold_requantise = {"fold_requantise",
                                        "scales of results move into those of integer sums", run};

}  // namespace mintor
