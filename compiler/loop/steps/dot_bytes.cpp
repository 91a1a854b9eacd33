// SPDX-License-Identifier: Apache-2.0
// Four products of bytes and their sum as one dot product of words.
//| for q in 0..4 {                                       dot_bytes(q)
//|   acc[0] = add(acc[0],                        ->        acc[0] = dot_bytes(words(x[m, 4*k]),
//|       mul(cast(i32, x[m, 4*k + q]),                                       words(w[k, n, 0]),
//|           cast(i32, w[k, n, q])))                                         acc[0])
//| }
// Integer sums wrap, so the order of the four is free. Needs a u8 and an i8 factor that move along
// their last dimension with the loop, whose four elements are then inside; conditions around the
// sum stay where they do not vary with the loop.
#include "compiler/loop/step_support.h"

namespace mintor {
namespace {

constexpr int64_t kBytes = 4;

// A factor of the sum: a byte, widened.
const LoadExpr* widened_byte(const Expr& e, DType dtype) {
  const auto* cast = std::get_if<CastExpr>(&e->node);
  if (cast == nullptr || e->dtype != DType::i32 || cast->arg->dtype != dtype) return nullptr;
  const auto* load = std::get_if<LoadExpr>(&cast->arg->node);
  return load != nullptr && !load->count && cast->arg->lanes == 1 ? load : nullptr;
}

// The word that a byte is element `loop` of; null when the bytes do not lie side by side.
Expr word_of(const LoadExpr& byte, const For& loop) {
  std::vector<Index> at = byte.indices;
  for (size_t d = 0; d < at.size(); ++d) {
    if (!at[d].mentions(loop.var)) continue;
    const auto affine = at[d].affine_in(loop.var);
    if (d + 1 < at.size() || !affine || affine->first != 1) return nullptr;
    at[d] = affine->second;
  }
  return byte.indices.back().mentions(loop.var) ? k::load_words(byte.buffer, std::move(at))
                                                : nullptr;
}

bool same_place(const Store& store, const Expr& e) {
  const auto* load = std::get_if<LoadExpr>(&e->node);
  return load != nullptr && load->buffer == store.buffer && load->indices == store.indices;
}

// The sum of words in place of that of bytes.
Refusal joined(const Stmt& body, const For& loop, Stmt& out) {
  if (const auto* guarded = std::get_if<If>(&body->node)) {
    if (guarded->else_body || varies(guarded->cond, {loop.var}))
      return {"the condition " + print(guarded->cond) + " has an else or varies with " + loop.var};
    Stmt inside;
    if (Refusal r = joined(guarded->then_body, loop, inside)) return r;
    out = k::if_(guarded->cond, inside);
    return {};
  }
  const auto* store = std::get_if<Store>(&body->node);
  const auto* sum = store != nullptr ? std::get_if<OpExpr>(&store->value->node) : nullptr;
  if (sum == nullptr || store->lanes != 1 || sum->op != ScalarOp::add ||
      !same_place(*store, sum->args[0]))
    return {"the body of " + loop.var + " is not one sum in one place"};
  for (const Index& e : store->indices)
    if (e.mentions(loop.var)) return {"the sum moves with " + loop.var};
  const auto* product = std::get_if<OpExpr>(&sum->args[1]->node);
  if (product == nullptr || product->op != ScalarOp::mul) return {"what is added is not a product"};
  for (const size_t first : {0, 1}) {
    const LoadExpr* x = widened_byte(product->args[first], DType::u8);
    const LoadExpr* y = widened_byte(product->args[1 - first], DType::i8);
    if (x == nullptr || y == nullptr) continue;
    const Expr x_word = word_of(*x, loop), y_word = word_of(*y, loop);
    if (!x_word || !y_word) return {"a factor does not move byte by byte with " + loop.var};
    out = k::store(store->buffer, store->indices,
                   k::op(ScalarOp::dot_bytes, {x_word, y_word, sum->args[0]}));
    return {};
  }
  return {"the factors are not a u8 and an i8 that are loaded"};
}

}  // namespace

static Refusal dot_bytes(Kernel& kernel, StepArgs args) {
  const For* loop = &loop_named(kernel, args.name(0));
  if (loop->kind == LoopKind::parallel) return {"the loop " + args.name(0) + " is parallel"};
  if (!loop->begin.is_const(0) || !loop->end.is_const(kBytes))
    return {"the loop " + args.name(0) + " does not run 0..4"};
  Stmt sum;
  if (Refusal r = joined(loop->body, *loop, sum)) return r;
  kernel.body = replace_loop(kernel.body, args.name(0), [&](const For&) { return sum; });
  return {};
}

extern const Step step_dot_bytes;
const Step step_dot_bytes = {"dot_bytes",
                             {{"axis", StepParamKind::loop}},
                             "sums four products of bytes as one dot product of words",
                             dot_bytes};

}  // namespace mintor
