// SPDX-License-Identifier: Apache-2.0
// The products of a word's elements and their sum as one dot product of words: four of bytes, or
// two of bf16.
//| for q in 0..4 {                                       dot_words(q)
//|   acc[0] = add(acc[0],                        ->        acc[0] = dot_bytes(words(x[m, 4*k]),
//|       mul(cast(i32, x[m, 4*k + q]),                                       words(w[k, n, 0]),
//|           cast(i32, w[k, n, q])))                                         acc[0])
//| }
// Integer sums wrap, so the order of four bytes is free; those of bf16 are fused multiply-adds in
// their order. Needs factors that move along their last dimension with the loop, whose elements are
// then inside; conditions around the sum stay where they do not vary with the loop.
#include "compiler/loop/step_support.h"

namespace mintor {
namespace {

// A row of the scalar table that is a dot product of words, by the dtypes of its factors.
struct Dot {
  ScalarOp op;
  DType x, y, word;
  bool fused;  // each product is added without being rounded
};
constexpr Dot kDots[] = {
    {ScalarOp::dot_bytes, DType::u8, DType::i8, DType::i32, false},
    {ScalarOp::dot_bf16, DType::bf16, DType::bf16, DType::f32, true},
};

// A factor of the sum: an element, widened.
const LoadExpr* widened(const Expr& e, DType element, DType word) {
  const auto* cast = std::get_if<CastExpr>(&e->node);
  if (cast == nullptr || e->dtype != word || cast->arg->dtype != element) return nullptr;
  const auto* load = std::get_if<LoadExpr>(&cast->arg->node);
  return load != nullptr && !load->count && cast->arg->lanes == 1 ? load : nullptr;
}

// The word that an element is number `loop` of; null when they do not lie side by side.
Expr word_at(const LoadExpr& element, DType dtype, const For& loop) {
  std::vector<Index> at = element.indices;
  for (size_t d = 0; d < at.size(); ++d) {
    if (!at[d].mentions(loop.var)) continue;
    const auto affine = at[d].affine_in(loop.var);
    if (d + 1 < at.size() || !affine || affine->first != 1) return nullptr;
    at[d] = affine->second;
  }
  return element.indices.back().mentions(loop.var)
             ? k::load_words(element.buffer, dtype, std::move(at))
             : nullptr;
}

bool same_place(const Store& store, const Expr& e) {
  const auto* load = std::get_if<LoadExpr>(&e->node);
  return load != nullptr && load->buffer == store.buffer && load->indices == store.indices;
}

// A product added to what is there: add(sum, mul(x, y)) of integers, fma(x, y, sum) of floats.
struct Term {
  Expr x, y, sum;
  bool fused;
};
std::optional<Term> term_of(const Expr& e) {
  const auto* op = std::get_if<OpExpr>(&e->node);
  if (op == nullptr) return std::nullopt;
  if (op->op == ScalarOp::fma) return Term{op->args[0], op->args[1], op->args[2], true};
  if (op->op != ScalarOp::add) return std::nullopt;
  const auto* product = std::get_if<OpExpr>(&op->args[1]->node);
  if (product == nullptr || product->op != ScalarOp::mul) return std::nullopt;
  return Term{product->args[0], product->args[1], op->args[0], false};
}

// The sum of words in place of that of elements.
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
  const auto term = store != nullptr ? term_of(store->value) : std::nullopt;
  if (!term || store->lanes != 1 || !same_place(*store, term->sum))
    return {"the body of " + loop.var + " is not one sum of products in one place"};
  for (const Index& e : store->indices)
    if (e.mentions(loop.var)) return {"the sum moves with " + loop.var};
  for (const Dot& dot : kDots)
    for (const bool turned : {false, true}) {
      const LoadExpr* x = widened(turned ? term->y : term->x, dot.x, dot.word);
      const LoadExpr* y = widened(turned ? term->x : term->y, dot.y, dot.word);
      if (dot.fused != term->fused || x == nullptr || y == nullptr) continue;
      if (!loop.begin.is_const(0) || !loop.end.is_const(elements_of_word(dot.word)))
        return {"the loop " + loop.var + " does not run 0.." +
                std::to_string(elements_of_word(dot.word))};
      const Expr x_word = word_at(*x, dot.x, loop), y_word = word_at(*y, dot.y, loop);
      if (!x_word || !y_word) return {"a factor does not move element by element with " + loop.var};
      out = k::store(store->buffer, store->indices, k::op(dot.op, {x_word, y_word, term->sum}));
      return {};
    }
  return {"the factors are not loaded: a u8 and an i8, or two bf16"};
}

}  // namespace

static Refusal dot_words(Kernel& kernel, StepArgs args) {
  const For* loop = &loop_named(kernel, args.name(0));
  if (loop->kind == LoopKind::parallel) return {"the loop " + args.name(0) + " is parallel"};
  Stmt sum;
  if (Refusal r = joined(loop->body, *loop, sum)) return r;
  kernel.body = replace_loop(kernel.body, args.name(0), [&](const For&) { return sum; });
  return {};
}

extern const Step step_dot_words;
const Step step_dot_words = {"dot_words",
                             {{"axis", StepParamKind::loop}},
                             "sums the products of a word's elements as one dot product of words",
                             dot_words};

}  // namespace mintor
