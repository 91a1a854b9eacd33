// SPDX-License-Identifier: Apache-2.0
// Walks the user's statements in the order in which they run. Takes the syntax tree; reports the
// first thing that is not on the list. Keeps true: facts hold where they are used: those of a
// condition in what it guards, those of a loop in its body.
#include "compiler/jit/llvm/check_code.h"

#include <clang/AST/ASTConsumer.h>
#include <clang/AST/ExprCXX.h>
#include <clang/AST/StmtCXX.h>
#include <clang/Frontend/CompilerInstance.h>

#include <algorithm>
#include <map>
#include <vector>

#include "compiler/jit/llvm/check_loops.h"
#include "compiler/jit/llvm/check_values.h"

namespace mintor::jit {
namespace {

using llvm::dyn_cast;
using llvm::isa;

constexpr llvm::StringLiteral kFile = "source", kFunction = "mt_user_code";
constexpr int64_t kMostElements = 4096;  // of all variables: they are on the stack

constexpr llvm::StringLiteral kFunctions[] = {
    "mt_abs",       "mt_acos", "mt_acosh", "mt_asin",  "mt_asinh",    "mt_atan",    "mt_atan2",
    "mt_atanh",     "mt_cbrt", "mt_ceil",  "mt_clamp", "mt_copysign", "mt_cos",     "mt_cosh",
    "mt_erf",       "mt_erfc", "mt_exp",   "mt_exp2",  "mt_expm1",    "mt_floor",   "mt_floordiv",
    "mt_fma",       "mt_fmod", "mt_hypot", "mt_imax",  "mt_imin",     "mt_is_inf",  "mt_is_nan",
    "mt_is_finite", "mt_log",  "mt_log10", "mt_log1p", "mt_log2",     "mt_max",     "mt_min",
    "mt_mod",       "mt_pow",  "mt_relu",  "mt_round", "mt_rsqrt",    "mt_sigmoid", "mt_sign",
    "mt_sin",       "mt_sinh", "mt_sqrt",  "mt_tan",   "mt_tanh",     "mt_trunc"};

std::string number(Wide value) {
  if (value < 0) return "-" + number(-value);
  std::string text(1, static_cast<char>('0' + static_cast<int>(value % 10)));
  return value < 10 ? text : number(value / 10) + text;
}

// What the user calls a statement or expression that is refused.
std::string what_is(const clang::Stmt* stmt) {
  if (isa<clang::GotoStmt, clang::LabelStmt, clang::IndirectGotoStmt>(stmt)) return "goto";
  if (isa<clang::SwitchStmt>(stmt)) return "switch";
  if (isa<clang::LambdaExpr>(stmt)) return "a lambda";
  if (isa<clang::CXXNewExpr>(stmt)) return "new";
  if (isa<clang::CXXDeleteExpr>(stmt)) return "delete";
  if (isa<clang::CXXThrowExpr>(stmt)) return "throw";
  if (isa<clang::CXXTryStmt>(stmt)) return "try";
  if (isa<clang::CXXReinterpretCastExpr>(stmt)) return "reinterpret_cast";
  if (isa<clang::CXXConstCastExpr>(stmt)) return "const_cast";
  if (isa<clang::MemberExpr, clang::CXXMemberCallExpr>(stmt)) return "a member";
  if (isa<clang::StringLiteral>(stmt)) return "a string";
  if (isa<clang::CXXForRangeStmt>(stmt)) return "a range-based for";
  return std::string("this (") + stmt->getStmtClassName() + ")";
}

class Checker {
 public:
  Checker(clang::ASTContext& context, clang::DiagnosticsEngine& diagnostics)
      : context_(context), diagnostics_(diagnostics), values_(context) {}

  void run(const clang::TranslationUnitDecl& unit) {
    for (const clang::Decl* decl : unit.decls()) {
      const auto* function = dyn_cast<clang::FunctionDecl>(decl);
      if (is_users(decl->getBeginLoc()))
        refuse(decl->getBeginLoc(), "the braces of user code do not match");
      else if (function && function->getIdentifier() && function->getName() == kFunction)
        check_function(*function);
    }
  }

 private:
  bool is_users(clang::SourceLocation at) const {
    const clang::PresumedLoc place = context_.getSourceManager().getPresumedLoc(at);
    return place.isValid() && kFile == place.getFilename();
  }

  void refuse(clang::SourceLocation at, const std::string& problem, const std::string& help = "") {
    if (failed_) return;
    failed_ = true;
    using Level = clang::DiagnosticsEngine::Level;
    diagnostics_.Report(at, diagnostics_.getCustomDiagID(Level::Error, "%0")) << problem;
    if (!help.empty())
      diagnostics_.Report(at, diagnostics_.getCustomDiagID(Level::Note, "%0")) << help;
  }

  void check_function(const clang::FunctionDecl& function) {
    const auto* body = dyn_cast<clang::CompoundStmt>(function.getBody());
    values_.count_changes(body);
    size_t blocks = 0;
    for (const clang::Stmt* stmt : body->body()) {
      const auto* decl = dyn_cast<clang::DeclStmt>(stmt);
      const auto* known = dyn_cast<clang::IfStmt>(stmt);
      if ((decl || known) && !is_users(stmt->getBeginLoc())) {
        decl ? read_views(*decl) : read_known(*known->getCond());
        continue;
      }
      if (++blocks > 1) return refuse(stmt->getBeginLoc(), "the braces of user code do not match");
      statement(stmt);
    }
  }

  // What emit_code wrote: views, and sizes.
  void read_views(const clang::DeclStmt& stmt) {
    for (const clang::Decl* decl : stmt.decls()) {
      const auto* variable = dyn_cast<clang::VarDecl>(decl);
      if (!variable) continue;
      const std::string name = variable->getName().str();
      if (variable->getType()->isRecordType()) {
        views_[variable] = {};
        view_named_[name] = variable;
        continue;
      }
      const Sum size = values_.value(variable->getInit());
      values_.define(variable, size);
      if (const size_t at = name.rfind("_shape"); at != std::string::npos)
        views_[view_named_[name.substr(0, at)]].push_back(size);
    }
  }

  // And what is known of sizes: `if (term < 2 || term > 4096) return;`, `if (size < 0) return;`.
  void read_known(const clang::Expr& otherwise) {
    const auto* either = dyn_cast<clang::BinaryOperator>(&otherwise);
    const auto* first = either ? dyn_cast<clang::BinaryOperator>(either->getLHS()) : nullptr;
    const clang::VarDecl* term = first ? named_variable(first->getLHS()) : nullptr;
    if (!term) return values_.add_facts(&otherwise, false);
    const Sum any = values_.any(term->getType());
    values_.define(term, any);
    const size_t before = values_.bounds.facts();
    values_.add_facts(&otherwise, false);
    const std::optional<Wide> lo = values_.bounds.at_least(any), hi = values_.bounds.at_most(any);
    values_.bounds.forget_facts(before);
    if (lo && hi) values_.define(term, values_.bounds.unknown(constant(*lo), constant(*hi)));
  }

  // ---- statements ----

  void statement(const clang::Stmt* stmt) {
    if (failed_ || !stmt) return;
    if (const auto* block = dyn_cast<clang::CompoundStmt>(stmt)) {
      const size_t before = values_.bounds.facts();
      for (const clang::Stmt* inner : block->body()) statement_in_block(inner);
      values_.bounds.forget_facts(before);
    } else if (const auto* decl = dyn_cast<clang::DeclStmt>(stmt)) {
      for (const clang::Decl* one : decl->decls()) declaration(one);
    } else if (const auto* branch = dyn_cast<clang::IfStmt>(stmt)) {
      check_if(*branch);
    } else if (const auto* loop = dyn_cast<clang::ForStmt>(stmt)) {
      check_for(*loop);
    } else if (const auto* loop = dyn_cast<clang::WhileStmt>(stmt)) {
      if (loop->getConditionVariable())
        return refuse(stmt->getBeginLoc(), "a condition of user code declares nothing");
      expression(loop->getCond());
      check_end(*loop, loop->getCond(), loop->getBody());
      under(loop->getCond(), true, [&] { statement(loop->getBody()); });
    } else if (const auto* loop = dyn_cast<clang::DoStmt>(stmt)) {
      check_end(*loop, loop->getCond(), loop->getBody());
      statement(loop->getBody());
      expression(loop->getCond());
    } else if (const auto* expr = dyn_cast<clang::Expr>(stmt)) {
      expression(expr);
    } else if (!isa<clang::NullStmt, clang::BreakStmt, clang::ContinueStmt, clang::ReturnStmt>(
                   stmt)) {
      refuse(stmt->getBeginLoc(), "user code has no " + what_is(stmt));
    }
  }

  // What comes after `if (condition) continue;` runs where the condition does not hold.
  void statement_in_block(const clang::Stmt* stmt) {
    statement(stmt);
    const auto* branch = dyn_cast<clang::IfStmt>(stmt);
    if (failed_ || !branch || branch->getElse() || !always_leaves(branch->getThen())) return;
    values_.add_facts(branch->getCond(), false);
  }

  template <class Function>
  void under(const clang::Expr* condition, bool holds, const Function& function) {
    const size_t before = values_.bounds.facts();
    values_.add_facts(condition, holds);
    function();
    values_.bounds.forget_facts(before);
  }

  void check_if(const clang::IfStmt& branch) {
    if (branch.hasInitStorage() || branch.hasVarStorage())
      return refuse(branch.getBeginLoc(), "a condition of user code declares nothing");
    expression(branch.getCond());
    under(branch.getCond(), true, [&] { statement(branch.getThen()); });
    under(branch.getCond(), false, [&] { statement(branch.getElse()); });
  }

  void check_end(const clang::Stmt& loop, const clang::Expr* condition, const clang::Stmt* body) {
    bool always = condition == nullptr;
    clang::Expr::EvalResult folded;
    if (condition && condition->EvaluateAsRValue(folded, context_) && !folded.HasSideEffects)
      condition->EvaluateAsBooleanCondition(always, context_);
    if (always && !may_leave(body))
      refuse(loop.getBeginLoc(), "this loop never ends", "give it a condition, or a break");
  }

  void check_for(const clang::ForStmt& loop) {
    if (loop.getConditionVariable())
      return refuse(loop.getBeginLoc(), "a condition of user code declares nothing");
    statement(loop.getInit());
    check_end(loop, loop.getCond(), loop.getBody());
    if (failed_) return;
    const LoopVariable counted = loop_variable(loop, values_);
    const size_t before = values_.bounds.facts();
    if (counted.variable) begin_loop(counted, values_);
    if (loop.getCond()) expression(loop.getCond());
    if (counted.variable) enter_body(loop, counted, values_);
    if (loop.getCond()) values_.add_facts(loop.getCond(), true);
    statement(loop.getBody());
    values_.bounds.forget_facts(before);
    if (counted.variable) begin_loop(counted, values_);
    if (loop.getInc()) expression(loop.getInc());
  }

  // ---- declarations ----

  bool is_number(clang::QualType type) const {
    type = type.getCanonicalType().getUnqualifiedType();
    if (type->isIntegerType()) return !type->isEnumeralType() && context_.getIntWidth(type) <= 64;
    return type == context_.FloatTy || type == context_.DoubleTy;
  }

  void declaration(const clang::Decl* decl) {
    const auto* variable = dyn_cast<clang::VarDecl>(decl);
    if (!variable)
      return refuse(decl->getBeginLoc(), "user code declares variables alone",
                    "write it out where it is used");
    if (!variable->hasLocalStorage() || variable->isStaticLocal())
      return refuse(decl->getBeginLoc(), "'" + variable->getName().str() +
                                             "' is static: user code keeps nothing between runs");
    clang::QualType type = variable->getType();
    int64_t elements = 1;
    while (const clang::ConstantArrayType* array = context_.getAsConstantArrayType(type)) {
      const uint64_t size = array->getSize().getLimitedValue(kMostElements + 1);
      elements = std::min<int64_t>(elements * static_cast<int64_t>(size), kMostElements + 1);
      type = array->getElementType();
    }
    if (!is_number(type))
      return refuse(decl->getBeginLoc(), "'" + variable->getName().str() + "' is " +
                                             variable->getType().getAsString() +
                                             ", which is neither a number nor an array of them");
    elements_ += elements;
    if (elements_ > kMostElements)
      return refuse(decl->getBeginLoc(),
                    "'" + variable->getName().str() + "' takes more memory than there is",
                    "variables and arrays have at most " + std::to_string(kMostElements) +
                        " elements in all");
    if (!variable->getInit())
      return refuse(decl->getBeginLoc(), "'" + variable->getName().str() + "' has no value",
                    "give it one, such as = 0, or = {} for an array");
    expression(variable->getInit());
    if (failed_ || !type->isIntegerType() || type != variable->getType()) return;
    if (values_.changes(variable) == 0)
      values_.define(variable, values_.value(variable->getInit()));
  }

  // ---- expressions ----

  void expression(const clang::Expr* expr) {
    if (failed_ || !expr) return;
    if (isa<clang::IntegerLiteral, clang::FloatingLiteral, clang::CXXBoolLiteralExpr,
            clang::CharacterLiteral, clang::ImplicitValueInitExpr, clang::CXXScalarValueInitExpr>(
            expr))
      return;
    if (const auto* inner = dyn_cast<clang::ParenExpr>(expr))
      return expression(inner->getSubExpr());
    if (const auto* inner = dyn_cast<clang::FullExpr>(expr)) return expression(inner->getSubExpr());
    if (const auto* cast = dyn_cast<clang::CastExpr>(expr)) return check_cast(*cast);
    if (const auto* name = dyn_cast<clang::DeclRefExpr>(expr)) return check_name(*name);
    if (const auto* op = dyn_cast<clang::BinaryOperator>(expr)) return check_binary(*op);
    if (const auto* op = dyn_cast<clang::UnaryOperator>(expr)) return check_unary(*op);
    if (const auto* element = dyn_cast<clang::ArraySubscriptExpr>(expr))
      return check_element(*element);
    if (const auto* called = dyn_cast<clang::CXXOperatorCallExpr>(expr)) return check_view(*called);
    if (const auto* list = dyn_cast<clang::InitListExpr>(expr)) {
      for (const clang::Expr* item : list->inits()) expression(item);
      return expression(list->getArrayFiller());
    }
    if (const auto* choice = dyn_cast<clang::ConditionalOperator>(expr)) {
      expression(choice->getCond());
      under(choice->getCond(), true, [&] { expression(choice->getTrueExpr()); });
      return under(choice->getCond(), false, [&] { expression(choice->getFalseExpr()); });
    }
    if (expr->getStmtClass() == clang::Stmt::CallExprClass)
      return check_call(*llvm::cast<clang::CallExpr>(expr));
    refuse(expr->getBeginLoc(), "user code has no " + what_is(expr));
  }

  void check_cast(const clang::CastExpr& cast) {
    if (isa<clang::CXXReinterpretCastExpr, clang::CXXConstCastExpr>(cast))
      return refuse(cast.getBeginLoc(), "user code has no " + what_is(&cast));
    if (!is_number(cast.getType()) || !is_number(cast.getSubExpr()->getType()))
      return refuse(cast.getBeginLoc(), "user code casts numbers alone, not " +
                                            cast.getSubExpr()->getType().getAsString() + " to " +
                                            cast.getType().getAsString());
    expression(cast.getSubExpr());
  }

  void check_name(const clang::DeclRefExpr& name) {
    const auto* variable = dyn_cast<clang::VarDecl>(name.getDecl());
    if (variable && views_.contains(variable))
      return refuse(name.getBeginLoc(),
                    "the view '" + variable->getName().str() + "' is used without an index",
                    "name an element: " + variable->getName().str() + "(i, ...)");
    if (!variable || !variable->hasLocalStorage() || isa<clang::ParmVarDecl>(variable) ||
        !is_number(variable->getType()))
      refuse(name.getBeginLoc(), "'" + name.getDecl()->getNameAsString() +
                                     "' is neither a view nor a variable of numbers");
  }

  void check_unary(const clang::UnaryOperator& op) {
    switch (op.getOpcode()) {
      case clang::UO_AddrOf:
        return refuse(op.getBeginLoc(), "user code takes no addresses",
                      "name elements by their index");
      case clang::UO_PostInc:
      case clang::UO_PostDec:
      case clang::UO_PreInc:
      case clang::UO_PreDec:
      case clang::UO_Plus:
      case clang::UO_Minus:
      case clang::UO_Not:
      case clang::UO_LNot:
        return expression(op.getSubExpr());
      default:
        refuse(op.getBeginLoc(), "user code has no pointers", "name elements by their index");
    }
  }

  void check_binary(const clang::BinaryOperator& op) {
    if (op.getOpcode() == clang::BO_Comma || op.isPtrMemOp())
      return refuse(op.getOperatorLoc(), "user code has no operator " + op.getOpcodeStr().str());
    expression(op.getLHS());
    if (op.isLogicalOp()) {
      const bool holds = op.getOpcode() == clang::BO_LAnd;
      return under(op.getLHS(), holds, [&] { expression(op.getRHS()); });
    }
    expression(op.getRHS());
    const bool divides = op.getOpcode() == clang::BO_Div || op.getOpcode() == clang::BO_Rem ||
                         op.getOpcode() == clang::BO_DivAssign ||
                         op.getOpcode() == clang::BO_RemAssign;
    if (!failed_ && divides && op.getRHS()->getType()->isIntegerType()) check_divisor(*op.getRHS());
  }

  void check_divisor(const clang::Expr& divisor) {
    const std::optional<Wide> least = values_.bounds.at_least(values_.value(&divisor));
    if (least && *least >= 1) return;
    refuse(divisor.getBeginLoc(), "this divisor is not known to be positive",
           "write mt_imax(1, ...) around it, or test it with if");
  }

  void check_call(const clang::CallExpr& call) {
    const std::string name = called_name(&call);
    if (std::find(std::begin(kFunctions), std::end(kFunctions), name) == std::end(kFunctions))
      return refuse(call.getBeginLoc(),
                    "user code may not call " + (name.empty() ? "this" : "'" + name + "'"),
                    "functions are mt_exp, mt_sqrt, mt_imin, ... (docs/user_code.md)");
    for (const clang::Expr* argument : call.arguments()) expression(argument);
    if (!failed_ && (name == "mt_floordiv" || name == "mt_mod")) check_divisor(*call.getArg(1));
  }

  // ---- indices ----

  void check_view(const clang::CXXOperatorCallExpr& call) {
    const clang::VarDecl* view = named_variable(call.getArg(0));
    const auto shape = view ? views_.find(view) : views_.end();
    if (call.getOperator() != clang::OO_Call || shape == views_.end())
      return refuse(call.getBeginLoc(), "user code has no operators on views but view(i, ...)");
    for (unsigned n = 1; n < call.getNumArgs(); ++n) {
      expression(call.getArg(n));
      check_index(*call.getArg(n), shape->second[n - 1], view->getName().str(),
                  view->getName().str() + "_shape" + std::to_string(n - 1));
    }
  }

  void check_element(const clang::ArraySubscriptExpr& element) {
    const clang::Expr* base = element.getBase()->IgnoreParenImpCasts();
    const clang::ConstantArrayType* array = context_.getAsConstantArrayType(base->getType());
    if (!array)
      return refuse(element.getBeginLoc(), "user code indexes views, as view(i), and its arrays");
    if (const auto* inner = dyn_cast<clang::ArraySubscriptExpr>(base))
      check_element(*inner);
    else if (const clang::VarDecl* variable = named_variable(base);
             !variable || !variable->hasLocalStorage())
      return refuse(element.getBeginLoc(), "user code indexes views, as view(i), and its arrays");
    expression(element.getIdx());
    const int64_t size = static_cast<int64_t>(array->getSize().getLimitedValue());
    check_index(*element.getIdx(), constant(size), "the array", std::to_string(size));
  }

  void check_index(const clang::Expr& index, const Sum& size, const std::string& of,
                   const std::string& size_name) {
    if (failed_) return;
    const Sum value = values_.value(&index);
    const std::optional<Wide> lo = values_.bounds.at_least(value),
                              room = values_.bounds.at_least(size - constant(1) - value);
    if (lo && room && *lo >= 0 && *room >= 0) return;
    std::string known;
    if (const std::optional<Wide> hi = values_.bounds.at_most(value); lo && hi)
      known = *lo == *hi ? ": it is " + number(*lo)
                         : ": it may be " + number(*lo) + " to " + number(*hi);
    refuse(index.getBeginLoc(),
           "this index of " + of + " is not known to be inside of 0 to " +
               (size.is_constant() ? number(size.constant - 1) : size_name + " - 1") + known,
           "let a loop count to " + size_name +
               ", test the index with if, or clamp it: mt_imax(0, "
               "mt_imin(index, " +
               size_name + " - 1))");
  }

  clang::ASTContext& context_;
  clang::DiagnosticsEngine& diagnostics_;
  Values values_;
  std::map<const clang::VarDecl*, std::vector<Sum>> views_;
  std::map<std::string, const clang::VarDecl*> view_named_;
  int64_t elements_ = 0;
  bool failed_ = false;
};

class Consumer : public clang::ASTConsumer {
 public:
  explicit Consumer(clang::DiagnosticsEngine& diagnostics) : diagnostics_(diagnostics) {}
  void HandleTranslationUnit(clang::ASTContext& context) override {
    if (diagnostics_.hasErrorOccurred()) return;
    Checker(context, diagnostics_).run(*context.getTranslationUnitDecl());
  }

 private:
  clang::DiagnosticsEngine& diagnostics_;
};

class Action : public clang::ASTFrontendAction {
 public:
  std::unique_ptr<clang::ASTConsumer> CreateASTConsumer(clang::CompilerInstance& instance,
                                                        llvm::StringRef) override {
    return std::make_unique<Consumer>(instance.getDiagnostics());
  }
};

}  // namespace

std::unique_ptr<clang::FrontendAction> check_code_action() { return std::make_unique<Action>(); }

}  // namespace mintor::jit
