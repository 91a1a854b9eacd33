// SPDX-License-Identifier: Apache-2.0
// Index as text and back, and as C text.
// Keeps true: parse_index(e.str()) == e; nesting of what is read is bounded; larger coefficients
// and positive terms are printed first, the constant last.
#include <algorithm>

#include "compiler/support/error.h"
#include "compiler/support/index_poly.h"
#include "compiler/support/lexer.h"

namespace mintor {
namespace {

using Kind = Index::Atom::Kind;

bool is_simple(const Index& e) {
  return (e.is_const() && e.value() >= 0) || e.as_var().has_value();
}

using AtomText = std::function<std::string(const Index::Atom&, bool alone)>;

std::string join_terms(const Index& e, const AtomText& atom_text) {
  std::vector<const IndexTerm*> terms;
  for (const auto& term : e.poly().terms) terms.push_back(&term);
  if (terms.empty()) return "0";
  auto rank = [](const IndexTerm* t) {
    uint64_t size = t->coefficient < 0 ? 0 - static_cast<uint64_t>(t->coefficient)
                                       : static_cast<uint64_t>(t->coefficient);
    return std::tuple(t->factors.empty(), t->coefficient < 0, ~t->factors.size(), ~size);
  };
  std::stable_sort(terms.begin(), terms.end(), [&](auto* a, auto* b) { return rank(a) < rank(b); });
  std::string out;
  for (const auto* term : terms) {
    bool negative = term->coefficient < 0;
    uint64_t size = negative ? 0 - static_cast<uint64_t>(term->coefficient)
                             : static_cast<uint64_t>(term->coefficient);
    if (out.empty())
      out += negative ? "-" : "";
    else
      out += negative ? " - " : " + ";
    if (term->factors.empty()) {
      out += std::to_string(size);
      continue;
    }
    if (size != 1) out += std::to_string(size) + "*";
    bool alone = size == 1 && term->factors.size() == 1 && !(negative && term == terms.front());
    for (size_t i = 0; i < term->factors.size(); ++i)
      out += (i ? "*" : "") + atom_text(*term->factors[i], alone);
  }
  return out;
}

std::string text_of(const Index& e);

std::string operand(const Index& e) { return is_simple(e) ? text_of(e) : "(" + text_of(e) + ")"; }

std::string atom_text(const Index::Atom& atom, bool alone) {
  switch (atom.kind) {
    case Kind::variable:
      return atom.name;
    case Kind::min:
      return "min(" + text_of(atom.a) + ", " + text_of(atom.b) + ")";
    case Kind::max:
      return "max(" + text_of(atom.a) + ", " + text_of(atom.b) + ")";
    case Kind::floordiv:
    case Kind::mod:
      break;
  }
  std::string body =
      operand(atom.a) + (atom.kind == Kind::floordiv ? " // " : " % ") + operand(atom.b);
  return alone ? body : "(" + body + ")";
}

std::string text_of(const Index& e) { return join_terms(e, atom_text); }

constexpr int kMaxDepth =
    200;  // of parentheses in one expression: hostile text must not end the stack

Index read_sum(Lexer& lexer, int depth);

Index read_factor(Lexer& lexer, int depth) {
  if (depth > kMaxDepth) lexer.fail("an index expression is nested too deeply");
  if (lexer.peek().kind == Token::Kind::number) return lexer.integer("a number");
  if (lexer.accept("-")) {
    if (lexer.peek().kind == Token::Kind::number && lexer.peek().text == "9223372036854775808") {
      lexer.next();
      return INT64_MIN;
    }
    return Index(0) - read_factor(lexer, depth + 1);
  }
  if (lexer.accept("(")) {
    Index inner = read_sum(lexer, depth + 1);
    lexer.expect(")");
    return inner;
  }
  const std::string_view name = lexer.name("a number, a variable or '('");
  if ((name != "min" && name != "max") || !lexer.accept("(")) return Index::var(name);
  Index a = read_sum(lexer, depth + 1);
  lexer.expect(",");
  Index b = read_sum(lexer, depth + 1);
  lexer.expect(")");
  return name == "min" ? min(a, b) : max(a, b);
}

Index read_term(Lexer& lexer, int depth) {
  Index value = read_factor(lexer, depth);
  for (;;) {
    if (lexer.accept("*")) {
      value = value * read_factor(lexer, depth);
      continue;
    }
    const bool divides = lexer.at("//");
    if (!divides && !lexer.at("%")) return value;
    lexer.next();
    const Index divisor = read_factor(lexer, depth);
    if (divisor.is_const() && divisor.value() <= 0) lexer.fail("a divisor must be positive");
    value = divides ? floordiv(value, divisor) : mod(value, divisor);
  }
}

Index read_sum(Lexer& lexer, int depth) {
  Index value = read_term(lexer, depth);
  for (;;) {
    if (lexer.accept("+")) {
      value = value + read_term(lexer, depth);
    } else if (lexer.accept("-")) {
      value = value - read_term(lexer, depth);
    } else {
      return value;
    }
  }
}

// C text needs no care for precedence beyond atoms: calls, or a parenthesised quotient.
struct CText {
  const Ranges& ranges;

  std::string operator()(const Index& e) const {
    return join_terms(e, [this](const Index::Atom& atom, bool) { return atom_c(atom); });
  }
  std::string parens(const Index& e) const {
    return is_simple(e) ? (*this)(e) : "(" + (*this)(e) + ")";
  }
  std::string atom_c(const Index::Atom& atom) const {
    auto call = [&](const char* name) {
      return std::string(name) + "(" + (*this)(atom.a) + ", " + (*this)(atom.b) + ")";
    };
    switch (atom.kind) {
      case Kind::variable:
        return atom.name;
      case Kind::min:
        return call("mt_imin");
      case Kind::max:
        return call("mt_imax");
      case Kind::floordiv:
        if (!ranges.proves_nonnegative(atom.a)) return call("mt_floordiv");
        return "(" + parens(atom.a) + " / " + parens(atom.b) + ")";
      case Kind::mod:
        if (!ranges.proves_nonnegative(atom.a)) return call("mt_mod");
        return "(" + parens(atom.a) + " % " + parens(atom.b) + ")";
    }
    throw InternalError("index", "unknown atom");
  }
};

}  // namespace

std::string Index::str() const { return text_of(*this); }
std::string Index::c_str(const Ranges& ranges) const { return CText{ranges}(*this); }
Index read_index(Lexer& lexer) { return read_sum(lexer, 0); }

Index parse_index(std::string_view text) {
  Lexer lexer(text, "index");
  Index whole = read_index(lexer);
  if (!lexer.at_end()) lexer.fail("unexpected text behind an index expression");
  return whole;
}

}  // namespace mintor
