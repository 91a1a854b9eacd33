// SPDX-License-Identifier: Apache-2.0
// Takes loops; gives what is known of the variable that counts. Keeps true: a bound is given only
// where the step past it stays in the variable's type.
#include "compiler/jit/llvm/check_loops.h"

#include <functional>

namespace mintor::jit {
namespace {

using llvm::dyn_cast;

Wide step_of(const clang::Expr* expr, const clang::VarDecl* variable, Values& values) {
  if (!expr) return 0;
  if (const auto* op = dyn_cast<clang::UnaryOperator>(expr->IgnoreParens())) {
    if (!op->isIncrementDecrementOp() || named_variable(op->getSubExpr()) != variable) return 0;
    return op->isIncrementOp() ? 1 : -1;
  }
  const auto* op = dyn_cast<clang::CompoundAssignOperator>(expr->IgnoreParens());
  if (!op || named_variable(op->getLHS()) != variable) return 0;
  const Sum by = values.value(op->getRHS());
  if (!by.is_constant()) return 0;
  if (op->getOpcode() == clang::BO_AddAssign) return by.constant;
  return op->getOpcode() == clang::BO_SubAssign ? -by.constant : 0;
}

// The last value that the condition lets through, of `i < b && ...` the first part.
std::optional<Sum> last_of(const clang::Expr* condition, const LoopVariable& counted,
                           Values& values) {
  if (!condition) return std::nullopt;
  const auto* op = dyn_cast<clang::BinaryOperator>(condition->IgnoreParenImpCasts());
  if (!op) return std::nullopt;
  if (op->getOpcode() == clang::BO_LAnd) {
    const std::optional<Sum> last = last_of(op->getLHS(), counted, values);
    return last ? last : last_of(op->getRHS(), counted, values);
  }
  if (!op->isRelationalOp()) return std::nullopt;
  const bool left = named_variable(op->getLHS()) == counted.variable;
  if (!left && named_variable(op->getRHS()) != counted.variable) return std::nullopt;
  // Compared in another type, where a negative number may be a large one: the variable itself says.
  const clang::Expr* own = left ? op->getLHS() : op->getRHS();
  const Sum here = values.value(own), plain = values.value(own->IgnoreParenImpCasts());
  if (here.constant != plain.constant || here.factors != plain.factors) return std::nullopt;
  const Sum end = values.value(left ? op->getRHS() : op->getLHS());
  for (const auto& [unknown, factor] : here.factors)
    if (end.factors.contains(unknown)) return std::nullopt;
  const clang::BinaryOperatorKind kind =
      left ? op->getOpcode() : clang::BinaryOperator::reverseComparisonOp(op->getOpcode());
  if (counted.step > 0 && kind == clang::BO_LT) return end - constant(1);
  if (counted.step > 0 && kind == clang::BO_LE) return end;
  if (counted.step < 0 && kind == clang::BO_GT) return end + constant(1);
  if (counted.step < 0 && kind == clang::BO_GE) return end;
  return std::nullopt;
}

}  // namespace

LoopVariable loop_variable(const clang::ForStmt& loop, Values& values) {
  const auto* init = llvm::dyn_cast_or_null<clang::DeclStmt>(loop.getInit());
  if (!init || !init->isSingleDecl()) return {};
  const auto* variable = dyn_cast<clang::VarDecl>(init->getSingleDecl());
  if (!variable || !variable->getInit() || !variable->getType()->isIntegerType()) return {};
  if (values.changes(variable) != 1) return {};
  LoopVariable counted{variable, step_of(loop.getInc(), variable, values), {}};
  if (counted.step == 0) return {};
  counted.start = values.value(variable->getInit());
  return counted;
}

void begin_loop(const LoopVariable& counted, Values& values) {
  const clang::QualType type = counted.variable->getType();
  // A step past the end of the type starts anew at its other end: only enter_body knows better.
  values.define(counted.variable, values.any(type));
}

void enter_body(const clang::ForStmt& loop, const LoopVariable& counted, Values& values) {
  const clang::QualType type = counted.variable->getType();
  const std::optional<Sum> last = last_of(loop.getCond(), counted, values);
  if (!last || !values.fits(*last + constant(counted.step), type)) return;
  const bool up = counted.step > 0;
  if (counted.start.is_constant() && last->is_constant()) {  // start + step * turn: no others
    const Wide turns = (last->constant - counted.start.constant) / counted.step;
    const Sum turn = values.bounds.unknown(constant(0), constant(turns));
    const std::optional<Sum> gone = product(turn, counted.step);
    if (gone) values.define(counted.variable, counted.start + *gone);
    return;
  }
  values.define(counted.variable,
                values.bounds.unknown(up ? counted.start : *last, up ? *last : counted.start));
}

bool always_leaves(const clang::Stmt* stmt) {
  if (const auto* block = dyn_cast<clang::CompoundStmt>(stmt))
    return !block->body_empty() && always_leaves(block->body_back());
  return llvm::isa<clang::BreakStmt, clang::ContinueStmt, clang::ReturnStmt>(stmt);
}

bool may_leave(const clang::Stmt* body) {
  const std::function<bool(const clang::Stmt*, bool)> leaves = [&](const clang::Stmt* stmt,
                                                                   bool inside) {
    if (!stmt) return false;
    if (llvm::isa<clang::ReturnStmt>(stmt)) return true;
    if (llvm::isa<clang::BreakStmt>(stmt)) return !inside;
    const bool loop = llvm::isa<clang::ForStmt, clang::WhileStmt, clang::DoStmt>(stmt);
    for (const clang::Stmt* child : stmt->children())
      if (leaves(child, inside || loop)) return true;
    return false;
  };
  return leaves(body, false);
}

}  // namespace mintor::jit
