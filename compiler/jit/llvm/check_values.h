// SPDX-License-Identifier: Apache-2.0
// Integer expressions of the user's code as sums whose bounds are known. Takes clang's expressions,
// in the order in which they run; gives sums. Keeps true: a variable that is assigned anywhere is
// unknown wherever it is read; arithmetic that may leave its type gives the whole range of the
// type.
#pragma once

#include <clang/AST/ASTContext.h>
#include <clang/AST/Expr.h>

#include <map>
#include <set>
#include <string>

#include "compiler/jit/llvm/bounds.h"

namespace mintor::jit {

class Values {
 public:
  explicit Values(clang::ASTContext& context) : context_(context) {}

  void count_changes(const clang::Stmt* stmt);  // of variables, in all of it
  int changes(const clang::VarDecl* variable) const;

  Sum value(const clang::Expr* expr);
  // What a condition says where it is true, or false.
  void add_facts(const clang::Expr* condition, bool holds);
  void define(const clang::VarDecl* variable, Sum value) { known_[variable] = std::move(value); }
  Sum any(clang::QualType type);  // of the type's whole range
  bool fits(const Sum& sum, clang::QualType type) const;

  Bounds bounds;

 private:
  Sum binary(const clang::BinaryOperator* op);
  Sum quotient(const clang::BinaryOperator* op, const Sum& x, const Sum& y);
  Sum corners(const Sum& x, const Sum& y, clang::QualType type);
  Sum call(const clang::CallExpr* call);
  Sum least(const Sum& x, const Sum& y);  // of two whose bounds are known
  Sum between(std::optional<Wide> lo, std::optional<Wide> hi, clang::QualType type);

  clang::ASTContext& context_;
  std::map<const clang::VarDecl*, int> changes_;
  std::map<const clang::VarDecl*, Sum> known_;
};

// The variable that an expression names, through parentheses and conversions; null: none.
const clang::VarDecl* named_variable(const clang::Expr* expr);
// The name of the function that is called; "" where it is no name.
std::string called_name(const clang::CallExpr* call);

}  // namespace mintor::jit
