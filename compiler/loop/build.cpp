// SPDX-License-Identifier: Apache-2.0
// Builders of loop IR: types and lanes are derived here and nowhere else.
// Takes parts; gives immutable nodes. InternalError when operand types do not fit.
#include <algorithm>

#include "compiler/loop/ir.h"
#include "compiler/support/error.h"

namespace mintor {

std::optional<DType> word_of(DType element) {
  if (element == DType::bf16) return DType::f32;
  if (element == DType::u8 || element == DType::i8) return DType::i32;
  return std::nullopt;
}

int elements_of_word(DType word) { return word == DType::f32 ? 2 : 4; }

}  // namespace mintor

namespace mintor::k {
namespace {

template <class Node>
Expr make(DType dtype, int32_t lanes, Node node) {
  auto out = std::make_shared<ExprNode>();
  out->dtype = dtype;
  out->lanes = lanes;
  out->node = std::move(node);
  return out;
}

template <class Node>
Stmt make(Node node) {
  auto out = std::make_shared<StmtNode>();
  out->node = std::move(node);
  return out;
}

int32_t common_lanes(std::initializer_list<int32_t> lanes) {
  int32_t out = 1;
  for (int32_t l : lanes) {
    if (l == 1) continue;
    if (out != 1 && out != l)
      throw InternalError("loop", "lanes " + std::to_string(out) + " and " + std::to_string(l) +
                                      " in one expression");
    out = l;
  }
  return out;
}

}  // namespace

Expr constant(Scalar value) { return make(value.dtype, 1, ConstantExpr{value}); }
Expr variable(std::string name, DType dtype, int32_t lanes) {
  return make(dtype, lanes, VariableExpr{std::move(name)});
}
Expr index(Index value) { return make(DType::i64, 1, IndexExpr{std::move(value)}); }

Expr load(const Kernel& kernel, const std::string& buffer, std::vector<Index> indices) {
  for (const Param& p : kernel.params)
    if (p.name == buffer) return load(buffer, p.dtype, std::move(indices));
  throw InternalError("loop", "no parameter is called " + buffer);
}

Expr load(std::string buffer, DType dtype, std::vector<Index> indices, std::optional<Index> count) {
  return make(dtype, 1, LoadExpr{std::move(buffer), std::move(indices), std::move(count), false});
}

Expr load_words(std::string buffer, DType held, std::vector<Index> indices) {
  const std::optional<DType> word = word_of(held);
  check(word.has_value(), "loop", "the buffer holds no elements of words");
  return make(*word, 1, LoadExpr{std::move(buffer), std::move(indices), {}, true});
}

Expr load_like(const Expr& like, std::string buffer, std::vector<Index> indices,
               std::optional<Index> count) {
  const bool words = std::get<LoadExpr>(like->node).words;
  return make(like->dtype, 1,
              LoadExpr{std::move(buffer), std::move(indices), std::move(count), words});
}

Expr op(ScalarOp op, std::vector<Expr> args) {
  std::vector<DType> dtypes;
  int32_t lanes = 1;
  for (const Expr& a : args) {
    dtypes.push_back(a->dtype);
    lanes = common_lanes({lanes, a->lanes});
  }
  if (Refusal r = accepts(op, dtypes)) throw InternalError("loop", r.reason);
  return make(result_dtype(op, dtypes), lanes, OpExpr{op, std::move(args)});
}

Expr cast(Expr arg, DType dtype) {
  if (arg->dtype == dtype) return arg;
  int32_t lanes = arg->lanes;
  return make(dtype, lanes, CastExpr{std::move(arg)});
}

Expr bitcast(Expr arg, DType dtype) {
  if (size_of(arg->dtype) != size_of(dtype))
    throw InternalError("loop", "bitcast between dtypes of different sizes");
  int32_t lanes = arg->lanes;
  return make(dtype, lanes, BitcastExpr{std::move(arg)});
}

Expr in_range(Index value, Index extent) {
  return make(DType::boolean, 1, InRangeExpr{std::move(value), std::move(extent)});
}

Expr guard(Expr cond, Expr value, Expr fill) {
  if (cond->dtype != DType::boolean)
    throw InternalError("loop", "the condition of a guard is no bool");
  if (value->dtype != fill->dtype) throw InternalError("loop", "a guard of two dtypes");
  int32_t lanes = common_lanes({cond->lanes, value->lanes, fill->lanes});
  DType dtype = value->dtype;
  return make(dtype, lanes, GuardExpr{std::move(cond), std::move(value), std::move(fill)});
}

Stmt block(std::vector<Stmt> body) {
  std::vector<Stmt> flat;
  for (Stmt& s : body) {
    if (!s) continue;
    if (auto* inner = std::get_if<Block>(&s->node))
      flat.insert(flat.end(), inner->body.begin(), inner->body.end());
    else
      flat.push_back(std::move(s));
  }
  if (flat.size() == 1 && !std::holds_alternative<Alloc>(flat[0]->node)) return flat[0];
  return make(Block{std::move(flat)});
}

Stmt loop(std::string var, Index begin, Index end, Stmt body, LoopKind kind, LoopOrigin origin) {
  if (origin.axis == var && origin.parts.empty()) origin.axis.clear();
  return make(For{std::move(var), std::move(begin), std::move(end), kind, std::move(body),
                  std::move(origin)});
}
Stmt loop(const For& like, Index begin, Index end, Stmt body) {
  return loop(like.var, std::move(begin), std::move(end), std::move(body), like.kind, like.origin);
}
Stmt loop(const For& like, Stmt body) { return loop(like, like.begin, like.end, std::move(body)); }
Stmt let(std::string name, Expr value) { return make(Let{std::move(name), std::move(value)}); }
Stmt store(std::string buffer, std::vector<Index> indices, Expr value) {
  int32_t lanes = value->lanes;
  return vector_store(std::move(buffer), std::move(indices), std::move(value), lanes);
}
Stmt vector_store(std::string buffer, std::vector<Index> indices, Expr value, int32_t lanes,
                  std::optional<Index> count) {
  return make(
      Store{std::move(buffer), std::move(indices), std::move(value), lanes, std::move(count)});
}
Stmt alloc(std::string name, DType dtype, std::vector<Index> shape, Space space) {
  return make(Alloc{std::move(name), dtype, std::move(shape), space});
}
Stmt if_(Expr cond, Stmt then_body, Stmt else_body) {
  if (cond->dtype != DType::boolean || cond->lanes != 1)
    throw InternalError("loop", "the condition of an if must be one bool");
  return make(If{std::move(cond), std::move(then_body), std::move(else_body)});
}
Stmt instr(std::string name, std::vector<InstrOperand> operands) {
  return make(Instr{std::move(name), std::move(operands)});
}
Stmt prefetch(std::string buffer, std::vector<Index> indices) {
  return make(Prefetch{std::move(buffer), std::move(indices)});
}
Stmt code(Code code) { return make(std::move(code)); }

namespace {

bool mentions_lane(const std::vector<Index>& indices) {
  return std::any_of(indices.begin(), indices.end(),
                     [](const Index& e) { return e.mentions(kLane); });
}

int32_t leaf_lanes(const ExprNode& node, int32_t lanes) {
  if (auto* load = std::get_if<LoadExpr>(&node.node))
    return mentions_lane(load->indices) ? lanes : 1;
  if (auto* e = std::get_if<IndexExpr>(&node.node)) return e->value.mentions(kLane) ? lanes : 1;
  if (auto* r = std::get_if<InRangeExpr>(&node.node))
    return r->value.mentions(kLane) || r->extent.mentions(kLane) ? lanes : 1;
  return node.lanes;
}

}  // namespace

Expr with_lanes(const Expr& expr, int32_t lanes) {
  // rewrite() derives lanes of inner nodes from their arguments; leaves are replaced where they
  // change.
  return rewrite(expr, [&](const Expr& e) -> Expr {
    int32_t wanted = leaf_lanes(*e, lanes);
    if (wanted == e->lanes) return nullptr;
    auto out = std::make_shared<ExprNode>(*e);
    out->lanes = wanted;
    return out;
  });
}

}  // namespace mintor::k
