// SPDX-License-Identifier: Apache-2.0
// Compilation and execution of index programs. See index_program.h.
// An affine expression runs as one dot product; any other as stack code, a sum being built on top
// of the stack.
#include "compiler/ir/index_program.h"

#include <algorithm>

#include "compiler/support/error.h"
#include "compiler/support/index_poly.h"

namespace mintor {

namespace {

constexpr size_t kStack =
    256;  // operands of floordiv, mod, min, max pending at once; deeper expressions are refused

}  // namespace

IndexProgram::IndexProgram(const Index& index, const Slots& slots, const Symbols& symbols) {
  for (const auto& [name, slot] : slots) slots_ = std::max(slots_, static_cast<size_t>(slot) + 1);
  affine_.coefficients.assign(slots_, 0);
  for (const IndexTerm& term :
       index.poly().terms) {  // affine: at most one slot per term, symbols are constants
    int64_t coefficient = term.coefficient;
    int32_t variable = -1;
    for (const AtomRef& atom : term.factors) {
      auto slot = slots.find(atom->name);
      if (atom->kind != Index::Atom::Kind::variable || (slot != slots.end() && variable >= 0)) {
        is_affine_ = false;
        break;
      }
      if (slot != slots.end()) {
        variable = slot->second;
      } else {
        auto symbol = symbols.find(atom->name);
        if (symbol == symbols.end())
          throw InternalError("IndexProgram", "unknown variable " + atom->name);
        coefficient *= symbol->second;
      }
    }
    if (!is_affine_) break;
    (variable < 0 ? affine_.base : affine_.coefficients[static_cast<size_t>(variable)]) +=
        coefficient;
  }
  if (!is_affine_) compile(index, slots, symbols, 1);
}

// Leaves the value of the expression on top of the stack.
void IndexProgram::compile(const Index& index, const Slots& slots, const Symbols& symbols,
                           size_t depth) {
  if (depth + 2 > kStack) throw CompileError("index", "an index expression is nested too deeply");
  code_.push_back({Op::push, 0, 0});
  for (const IndexTerm& term : index.poly().terms) {
    if (term.factors.empty()) {
      code_.push_back({Op::push, 0, term.coefficient});
      code_.push_back({Op::add_product, 0, 1});
      continue;
    }
    auto slot = slots.find(term.factors[0]->name);
    if (term.factors.size() == 1 && term.factors[0]->kind == Index::Atom::Kind::variable &&
        slot != slots.end()) {
      code_.push_back({Op::add_scaled, slot->second, term.coefficient});
      continue;
    }
    code_.push_back({Op::push, 0, 1});
    for (const AtomRef& atom : term.factors) compile_factor(*atom, slots, symbols, depth + 1);
    code_.push_back({Op::add_product, 0, term.coefficient});
  }
}

// Multiplies the top of the stack by the atom.
void IndexProgram::compile_factor(const Index::Atom& atom, const Slots& slots,
                                  const Symbols& symbols, size_t depth) {
  Op op = Op::floordiv;
  switch (atom.kind) {
    case Index::Atom::Kind::variable: {
      if (auto slot = slots.find(atom.name); slot != slots.end()) {
        code_.push_back({Op::multiply_variable, slot->second, 0});
        return;
      }
      auto symbol = symbols.find(atom.name);
      if (symbol == symbols.end())
        throw InternalError("IndexProgram", "unknown variable " + atom.name);
      code_.push_back({Op::push, 0, symbol->second});
      code_.push_back({Op::multiply, 0, 0});
      return;
    }
    case Index::Atom::Kind::floordiv:
      break;
    case Index::Atom::Kind::mod:
      op = Op::mod;
      break;
    case Index::Atom::Kind::min:
      op = Op::min;
      break;
    case Index::Atom::Kind::max:
      op = Op::max;
      break;
  }
  compile(atom.a, slots, symbols, depth + 1);
  compile(atom.b, slots, symbols, depth + 2);
  code_.push_back({op, 0, 0});
  code_.push_back({Op::multiply, 0, 0});
}

int64_t IndexProgram::operator()(const int64_t* variables) const {
  if (is_affine_) {
    int64_t sum = affine_.base;
    for (size_t s = 0; s < slots_; ++s) sum += affine_.coefficients[s] * variables[s];
    return sum;
  }
  int64_t stack[kStack + 1];  // the first element lies below all values
  int64_t* top = stack;
  for (const Instruction& in : code_) {
    switch (in.op) {
      case Op::push:
        *++top = in.value;
        break;
      case Op::add_scaled:
        *top += in.value * variables[in.slot];
        break;
      case Op::add_product:
        --top;
        *top += in.value * top[1];
        break;
      case Op::multiply_variable:
        *top *= variables[in.slot];
        break;
      case Op::multiply:
        --top;
        *top *= top[1];
        break;
      case Op::floordiv:
      case Op::mod: {
        const int64_t b = *top--;
        if (b <= 0) throw CompileError("index", "a divisor is " + std::to_string(b));
        *top =
            in.op == Op::mod ? index_detail::floor_mod(*top, b) : index_detail::floor_div(*top, b);
        break;
      }
      case Op::min:
        --top;
        *top = std::min(top[0], top[1]);
        break;
      case Op::max:
        --top;
        *top = std::max(top[0], top[1]);
        break;
    }
  }
  return *top;
}

}  // namespace mintor
