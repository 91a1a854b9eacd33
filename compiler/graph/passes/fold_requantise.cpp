// SPDX-License-Identifier: Apache-2.0
// The scale of a result moves into that of its integer sum: one product, no quotient.
//| v = mul (cast f32 (sum: i32), s[n]); a = add (v, bias[n]); q = div (a, t)
//|   ->  q = add (mul (cast f32 (sum), s[n] / t), bias[n] / t)
// Scales and the bias come from parameters alone, so that `prepare` divides them once; t is one
// number, or differs along the axis of s. Quotients round elsewhere than before, so `--numerics
// strict` leaves it out.
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

  // f / scale over `shape`; nullopt where both vary, along different dimensions.
  std::optional<Value> quotient(Builder& b, const Factor& f, const Factor& scale,
                                const Shape& shape) const {
    if (f.dim && scale.dim && f.dim != scale.dim) return std::nullopt;
    const auto dim = f.dim ? f.dim : scale.dim;
    const Shape small = dim ? Shape{shape[*dim]} : Shape{};
    const auto spread = [&](const Factor& of) {
      return b.broadcast(of.value, small,
                         of.dim ? std::vector<int32_t>{0} : std::vector<int32_t>{});
    };
    const Value value = b.apply(ScalarOp::div, {spread(f), spread(scale)});
    return b.broadcast(
        value, shape,
        dim ? std::vector<int32_t>{static_cast<int32_t>(*dim)} : std::vector<int32_t>{});
  }

  // v / scale, for a scaled sum of integers, or one with a bias.
  std::optional<Value> divided(Builder& b, const Value& old, const Value& v, const Factor& scale) {
    const bool with_bias = is_binary(v, ScalarOp::add);
    if ((!with_bias && !is_binary(v, ScalarOp::mul)) ||
        !is_binary(old, v.node->as<ScalarAttr>().op))
      return std::nullopt;
    for (const size_t side : {0, 1}) {
      const Value& inner = v.node->operands[side];
      const auto other = factor(b, v.node->operands[1 - side]);
      const auto term = other ? quotient(b, *other, scale, v.shape()) : std::nullopt;
      if (!term) continue;
      if (with_bias) {
        if (!is_own(old.node->operands[side])) continue;
        if (const auto rest = divided(b, old.node->operands[side], inner, scale))
          return b.apply(ScalarOp::add, {*rest, *term});
      } else if (inner.node->kind == Kind::cast && is_int(inner.node->operands[0].dtype())) {
        return b.apply(ScalarOp::mul, {inner, *term});
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
