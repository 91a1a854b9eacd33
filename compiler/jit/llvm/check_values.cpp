// SPDX-License-Identifier: Apache-2.0
// Takes expressions; gives sums. Keeps true: see check_values.h; each kind of expression that is
// not understood is an unknown of its type.
#include "compiler/jit/llvm/check_values.h"

#include <clang/AST/ExprCXX.h>

#include <algorithm>

namespace mintor::jit {
namespace {

Wide wide(const llvm::APSInt& value) {
  if (value.isUnsigned() && value.getActiveBits() <= 64)
    return static_cast<Wide>(value.getZExtValue());
  return static_cast<Wide>(value.getSExtValue());
}

struct Range {
  Wide lo, hi;
};

Range range_of(clang::QualType type, const clang::ASTContext& context) {
  if (type->isBooleanType()) return {0, 1};
  const unsigned bits = std::min(context.getIntWidth(type), 64u);
  if (type->isUnsignedIntegerType()) return {0, (Wide{1} << bits) - 1};
  return {-(Wide{1} << (bits - 1)), (Wide{1} << (bits - 1)) - 1};
}

}  // namespace

const clang::VarDecl* named_variable(const clang::Expr* expr) {
  const auto* name = llvm::dyn_cast<clang::DeclRefExpr>(expr->IgnoreParenImpCasts());
  return name ? llvm::dyn_cast<clang::VarDecl>(name->getDecl()) : nullptr;
}

std::string called_name(const clang::CallExpr* call) {
  const clang::FunctionDecl* function = call->getDirectCallee();
  return function && function->getIdentifier() ? function->getName().str() : "";
}

void Values::count_changes(const clang::Stmt* stmt) {
  if (!stmt) return;
  const clang::Expr* target = nullptr;
  if (const auto* binary = llvm::dyn_cast<clang::BinaryOperator>(stmt)) {
    if (binary->isAssignmentOp()) target = binary->getLHS();
  } else if (const auto* unary = llvm::dyn_cast<clang::UnaryOperator>(stmt)) {
    if (unary->isIncrementDecrementOp()) target = unary->getSubExpr();
  }
  if (target)
    if (const clang::VarDecl* variable = named_variable(target)) ++changes_[variable];
  for (const clang::Stmt* child : stmt->children()) count_changes(child);
}

int Values::changes(const clang::VarDecl* variable) const {
  const auto found = changes_.find(variable);
  return found == changes_.end() ? 0 : found->second;
}

Sum Values::any(clang::QualType type) { return between(std::nullopt, std::nullopt, type); }

Sum Values::between(std::optional<Wide> lo, std::optional<Wide> hi, clang::QualType type) {
  if (!type->isIntegralOrUnscopedEnumerationType())
    return bounds.unknown(std::nullopt, std::nullopt);
  const Range all = range_of(type, context_);
  return bounds.unknown(constant(std::max(lo.value_or(all.lo), all.lo)),
                        constant(std::min(hi.value_or(all.hi), all.hi)));
}

bool Values::fits(const Sum& sum, clang::QualType type) const {
  if (!type->isIntegralOrUnscopedEnumerationType() || is_large(sum)) return false;
  const Range all = range_of(type, context_);
  const std::optional<Wide> lo = bounds.at_least(sum), hi = bounds.at_most(sum);
  return lo && hi && *lo >= all.lo && *hi <= all.hi;
}

Sum Values::value(const clang::Expr* expr) {
  expr = expr->IgnoreParens();
  const clang::QualType type = expr->getType();
  if (!type->isIntegralOrUnscopedEnumerationType()) return any(type);
  clang::Expr::EvalResult folded;
  if (expr->EvaluateAsInt(folded, context_)) return constant(wide(folded.Val.getInt()));
  if (const auto* cast = llvm::dyn_cast<clang::CastExpr>(expr)) {
    if (!cast->getSubExpr()->getType()->isIntegralOrUnscopedEnumerationType()) return any(type);
    const Sum sub = value(cast->getSubExpr());
    return fits(sub, type) ? sub : any(type);
  }
  if (const clang::VarDecl* variable = named_variable(expr)) {
    const auto known = known_.find(variable);
    return known != known_.end() ? known->second : any(type);
  }
  if (const auto* op = llvm::dyn_cast<clang::BinaryOperator>(expr)) return binary(op);
  if (const auto* op = llvm::dyn_cast<clang::UnaryOperator>(expr)) {
    if (op->getOpcode() == clang::UO_Plus) return value(op->getSubExpr());
    if (op->getOpcode() != clang::UO_Minus) return any(type);
    const Sum negated = value(op->getSubExpr()) * -1;
    return fits(negated, type) ? negated : any(type);
  }
  if (const auto* choice = llvm::dyn_cast<clang::ConditionalOperator>(expr)) {
    std::optional<Wide> lo[2], hi[2];
    for (const bool holds : {true, false}) {
      const size_t before = bounds.facts();
      add_facts(choice->getCond(), holds);
      const Sum one = value(holds ? choice->getTrueExpr() : choice->getFalseExpr());
      lo[holds] = bounds.at_least(one);
      hi[holds] = bounds.at_most(one);
      bounds.forget_facts(before);
    }
    return between(lo[0] && lo[1] ? std::optional(std::min(*lo[0], *lo[1])) : std::nullopt,
                   hi[0] && hi[1] ? std::optional(std::max(*hi[0], *hi[1])) : std::nullopt, type);
  }
  if (const auto* called = llvm::dyn_cast<clang::CallExpr>(expr)) return call(called);
  return any(type);
}

Sum Values::binary(const clang::BinaryOperator* op) {
  const clang::QualType type = op->getType();
  if (op->isAssignmentOp() || op->isComparisonOp() || op->isLogicalOp()) return any(type);
  const Sum x = value(op->getLHS()), y = value(op->getRHS());
  std::optional<Sum> result;
  switch (op->getOpcode()) {
    case clang::BO_Add:
      result = x + y;
      break;
    case clang::BO_Sub:
      result = x - y;
      break;
    case clang::BO_Mul:
      if (!x.is_constant() && !y.is_constant()) return corners(x, y, type);
      result = y.is_constant() ? product(x, y.constant) : product(y, x.constant);
      break;
    case clang::BO_Div:
    case clang::BO_Rem:
      return quotient(op, x, y);
    case clang::BO_And:
      if (y.is_constant() && y.constant >= 0) return between(0, y.constant, type);
      break;
    default:
      break;
  }
  return result && fits(*result, type) ? *result : any(type);
}

// A product is within those of the bounds.
Sum Values::corners(const Sum& x, const Sum& y, clang::QualType type) {
  Wide lo = 0, hi = 0;
  bool first = true;
  for (const auto& a : {bounds.at_least(x), bounds.at_most(x)})
    for (const auto& b : {bounds.at_least(y), bounds.at_most(y)}) {
      if (!a || !b) return any(type);
      const std::optional<Sum> corner = product(constant(*a), *b);
      if (!corner) return any(type);
      lo = first ? corner->constant : std::min(lo, corner->constant);
      hi = first ? corner->constant : std::max(hi, corner->constant);
      first = false;
    }
  const Sum within = bounds.unknown(constant(lo), constant(hi));
  return fits(within, type) ? within : any(type);
}

// C++ rounds to zero.
Sum Values::quotient(const clang::BinaryOperator* op, const Sum& x, const Sum& y) {
  const std::optional<Wide> lo = bounds.at_least(x), hi = bounds.at_most(x),
                            least = bounds.at_least(y), most = bounds.at_most(y);
  if (!lo || !hi || !least || !most) return any(op->getType());
  if (*least < 1 || *most < *least) return any(op->getType());  // the latter where nothing runs
  if (op->getOpcode() == clang::BO_Rem)
    return between(*lo >= 0 ? 0 : std::max(*lo, 1 - *most),
                   std::min(std::max(*hi, Wide{0}), *most - 1), op->getType());
  return between(*lo >= 0 ? *lo / *most : *lo / *least, *hi >= 0 ? *hi / *least : *hi / *most,
                 op->getType());
}

Sum Values::call(const clang::CallExpr* call) {
  const std::string name = called_name(call);
  const clang::QualType type = call->getType();
  if (llvm::isa<clang::CXXOperatorCallExpr>(call) || call->getNumArgs() < 2) return any(type);
  const Sum x = value(call->getArg(0)), y = value(call->getArg(1));
  const std::optional<Wide> x_lo = bounds.at_least(x), x_hi = bounds.at_most(x),
                            y_lo = bounds.at_least(y), y_hi = bounds.at_most(y);
  if (!x_lo || !x_hi || !y_lo || !y_hi) return any(type);
  if (name == "mt_imin" || name == "mt_min") return least(x, y);
  if (name == "mt_imax" || name == "mt_max") return least(x * -1, y * -1) * -1;
  if (name == "mt_mod" && *y_lo >= 1) return between(0, *y_hi - 1, type);
  if (name == "mt_clamp" && call->getNumArgs() == 3) {  // at most the last
    const Sum z = value(call->getArg(2));
    if (bounds.at_least(z) && bounds.at_most(z)) return least(least(x * -1, y * -1) * -1, z);
  }
  return any(type);
}

// It is at most each of both, and at least what both are.
Sum Values::least(const Sum& x, const Sum& y) {
  const bool x_first = *bounds.at_most(x) <= *bounds.at_most(y);
  const Sum &low = x_first ? x : y, &high = x_first ? y : x;
  std::optional<Sum> lo;
  for (const auto& [one, other] : {std::pair(x, y), std::pair(y, x)})
    for (std::optional<Sum> below = one; below && !lo; below = bounds.lowered(*below))
      if (bounds.at_least(other - *below).value_or(-1) >= 0) lo = below;
  if (!lo) lo = constant(std::min(*bounds.at_least(x), *bounds.at_least(y)));
  const Sum made = bounds.unknown(lo, low);
  if (!high.is_constant() && !is_large(high)) bounds.add_fact(high - made);
  return made;
}

void Values::add_facts(const clang::Expr* condition, bool holds) {
  condition = condition->IgnoreParenImpCasts();
  if (const auto* op = llvm::dyn_cast<clang::UnaryOperator>(condition)) {
    if (op->getOpcode() == clang::UO_LNot) add_facts(op->getSubExpr(), !holds);
    return;
  }
  const auto* op = llvm::dyn_cast<clang::BinaryOperator>(condition);
  if (!op) return;
  if (op->getOpcode() == (holds ? clang::BO_LAnd : clang::BO_LOr)) {
    add_facts(op->getLHS(), holds);
    add_facts(op->getRHS(), holds);
    return;
  }
  if (!op->isComparisonOp() || !op->getLHS()->getType()->isIntegralOrUnscopedEnumerationType())
    return;
  const clang::BinaryOperatorKind kind =
      holds ? op->getOpcode() : clang::BinaryOperator::negateComparisonOp(op->getOpcode());
  const Sum x = value(op->getLHS()), y = value(op->getRHS());
  if (is_large(x) || is_large(y)) return;
  if (kind == clang::BO_LT) bounds.add_fact(y - x - constant(1));
  if (kind == clang::BO_GT) bounds.add_fact(x - y - constant(1));
  if (kind == clang::BO_LE || kind == clang::BO_EQ) bounds.add_fact(y - x);
  if (kind == clang::BO_GE || kind == clang::BO_EQ) bounds.add_fact(x - y);
}

}  // namespace mintor::jit
