// SPDX-License-Identifier: Apache-2.0
// Index as text and back, and as C text.
// Keeps true: parse_index(e.str()) == e; larger coefficients and positive terms are printed first,
// the constant last.
#include <algorithm>

#include "compiler/support/error.h"
#include "compiler/support/index_poly.h"

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

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Index whole() {
    Index e = sum();
    skip();
    if (at_ != text_.size()) fail("unexpected text");
    return e;
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;

  [[noreturn]] void fail(const std::string& what) const {
    throw CompileError(
        "index", what + " at position " + std::to_string(at_) + " of '" + std::string(text_) + "'");
  }
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  bool take(std::string_view token) {
    skip();
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }
  void expect(std::string_view token) {
    if (!take(token)) fail("expected '" + std::string(token) + "'");
  }

  Index sum() {
    if (++depth_ > 200) fail("nested too deeply");
    Index e = product();
    for (;;) {
      if (take("+"))
        e = e + product();
      else if (take("-"))
        e = e - product();
      else
        break;
    }
    --depth_;
    return e;
  }
  Index product() {
    if (take("-")) return Index(0) - product();
    Index e = factor();
    for (;;) {
      if (take("//"))
        e = floordiv(e, factor());
      else if (take("*"))
        e = e * factor();
      else if (take("%"))
        e = mod(e, factor());
      else
        return e;
    }
  }
  Index number() {
    int64_t value = 0;
    for (; at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])); ++at_)
      value = index_detail::add(index_detail::multiply(value, 10), text_[at_] - '0');
    return value;
  }
  Index factor() {
    skip();
    if (at_ == text_.size()) fail("expected an expression");
    if (take("(")) {
      Index e = sum();
      expect(")");
      return e;
    }
    if (std::isdigit(static_cast<unsigned char>(text_[at_]))) return number();
    size_t start = at_;
    auto part = [&](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
    };
    while (at_ < text_.size() && part(text_[at_]) && !text_.substr(at_).starts_with("..")) ++at_;
    std::string_view name = text_.substr(start, at_ - start);
    if (name.empty()) fail("expected an expression");
    if ((name == "min" || name == "max") && take("(")) {
      Index a = sum();
      expect(",");
      Index b = sum();
      expect(")");
      return name == "min" ? min(a, b) : max(a, b);
    }
    return Index::var(name);
  }
};

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
Index parse_index(std::string_view text) { return Parser(text).whole(); }

}  // namespace mintor
