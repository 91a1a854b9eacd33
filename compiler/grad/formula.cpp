// SPDX-License-Identifier: Apache-2.0
// Formulas of scalar_ops.def, read from left to right and made into nodes on the way:
//   sum := product (('+' | '-') product)*      product := factor (('*' | '/') factor)*
//   factor := number | x | y | z | r | g | row '(' sum (',' sum)* ')' | '(' sum ')'
#include "compiler/grad/formula.h"

#include <cctype>
#include <charconv>
#include <string>

#include "compiler/support/error.h"

namespace mintor {

namespace {

class Formula {
 public:
  Formula(Builder& b, std::string_view text, const std::map<char, Value>& names)
      : b_(b), text_(text), names_(names) {}

  Value whole() {
    const Value value = sum();
    if (at_ != text_.size()) fail();
    return value;
  }

 private:
  [[noreturn]] void fail() {
    throw InternalError(
        "grad", "cannot read the formula '" + std::string(text_) + "' at " + std::to_string(at_));
  }

  bool accept(char c) {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Value sum() {
    Value value = product();
    while (true) {
      if (accept('+'))
        value = b_.apply(ScalarOp::add, {value, product()});
      else if (accept('-'))
        value = b_.apply(ScalarOp::sub, {value, product()});
      else
        return value;
    }
  }

  Value product() {
    Value value = factor();
    while (true) {
      if (accept('*'))
        value = b_.apply(ScalarOp::mul, {value, factor()});
      else if (accept('/'))
        value = b_.apply(ScalarOp::div, {value, factor()});
      else
        return value;
    }
  }

  Value factor() {
    if (accept('(')) {
      const Value value = sum();
      if (!accept(')')) fail();
      return value;
    }
    if (at_ < text_.size() && std::isalpha(static_cast<unsigned char>(text_[at_]))) return name();
    return number();
  }

  Value number() {
    double value = 0;
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc()) fail();
    at_ += static_cast<size_t>(end - begin);
    const Value& g = names_.at('g');
    return b_.full(g.dtype(), g.shape(), value);
  }

  Value name() {
    const size_t start = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_'))
      ++at_;
    const std::string_view word = text_.substr(start, at_ - start);
    if (word.size() == 1 && names_.contains(word[0])) return names_.at(word[0]);
    const auto op = parse_scalar_op(word);
    if (!op || !accept('(')) fail();
    std::vector<Value> operands;
    do {
      operands.push_back(sum());
    } while (accept(','));
    if (!accept(')')) fail();
    return b_.apply(*op, operands);
  }

  Builder& b_;
  std::string_view text_;
  const std::map<char, Value>& names_;
  size_t at_ = 0;
};

}  // namespace

std::vector<std::string_view> gradient_formulas(const ScalarOpRow& row) {
  std::vector<std::string_view> formulas;
  std::string_view rest = row.gradient;
  for (size_t at = rest.find("; "); at != std::string_view::npos; at = rest.find("; ")) {
    formulas.push_back(rest.substr(0, at));
    rest.remove_prefix(at + 2);
  }
  formulas.push_back(rest);
  return formulas;
}

Value apply_formula(Builder& b, std::string_view formula, const std::map<char, Value>& names) {
  return Formula(b, formula, names).whole();
}

}  // namespace mintor
