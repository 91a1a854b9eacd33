// SPDX-License-Identifier: Apache-2.0
// An Index where its variables have values: other expressions, or numbers. Takes a value for each
// name; gives an Index built anew, or a number. Keeps true: overflow and divisors that are not
// positive are errors.
#include <algorithm>

#include "compiler/support/error.h"
#include "compiler/support/index.h"
#include "compiler/support/index_poly.h"

namespace mintor {

using Kind = Index::Atom::Kind;
using namespace index_detail;

namespace {
Index substitute_atom(const Index::Atom& atom, const AtomRef& ref,
                      const std::map<std::string, Index>& values) {
  if (atom.kind == Kind::variable) {
    auto it = values.find(atom.name);
    return it == values.end() ? from_atom(ref) : it->second;
  }
  Index a = atom.a.substitute(values), b = atom.b.substitute(values);
  switch (atom.kind) {
    case Kind::floordiv:
      return floordiv(a, b);
    case Kind::mod:
      return mod(a, b);
    case Kind::min:
      return min(a, b);
    case Kind::max:
      return max(a, b);
    case Kind::variable:
      break;
  }
  throw InternalError("index", "unknown atom");
}

bool touches(const Index& e, const std::map<std::string, Index>& values) {
  for (const auto& term : e.poly().terms)
    for (const auto& f : term.factors) {
      if (f->kind == Kind::variable ? values.count(f->name) > 0
                                    : touches(f->a, values) || touches(f->b, values))
        return true;
    }
  return false;
}
}  // namespace

Index Index::substitute(const std::map<std::string, Index>& values) const {
  if (values.empty() || !touches(*this, values)) return *this;
  Index out = 0;
  for (const auto& term : poly_->terms) {
    Index product = term.coefficient;
    for (const auto& f : term.factors) product = product * substitute_atom(*f, f, values);
    out = out + product;
  }
  return out;
}

int64_t Index::evaluate(const std::function<int64_t(std::string_view)>& value_of) const {
  int64_t sum = 0;
  for (const auto& term : poly_->terms) {
    int64_t product = term.coefficient;
    for (const auto& f : term.factors) {
      int64_t v = 0;
      if (f->kind == Kind::variable) {
        v = value_of(f->name);
      } else {
        int64_t a = f->a.evaluate(value_of), b = f->b.evaluate(value_of);
        bool divides = f->kind == Kind::floordiv || f->kind == Kind::mod;
        if (divides && b <= 0)
          throw InternalError("index", "divisor " + f->b.str() + " is " + std::to_string(b));
        v = f->kind == Kind::floordiv ? floor_div(a, b)
            : f->kind == Kind::mod    ? floor_mod(a, b)
            : f->kind == Kind::min    ? std::min(a, b)
                                      : std::max(a, b);
      }
      product = multiply(product, v);
    }
    sum = add(sum, product);
  }
  return sum;
}

}  // namespace mintor
