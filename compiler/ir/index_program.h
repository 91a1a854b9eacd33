// SPDX-License-Identifier: Apache-2.0
// An Index compiled to a few stack instructions, for loops that evaluate it per element.
// Takes an Index, the values of its symbols, and the slots of its variables; gives the value for an
// array of variables. Keeps true: same value as Index::evaluate; overflow is not checked, extents
// were when tensors were made.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/support/index.h"

namespace mintor {

class IndexProgram {
 public:
  using Slots = std::map<std::string, int32_t, std::less<>>;
  using Symbols = std::map<std::string, int64_t>;

  // Throws InternalError when a name is neither a slot nor a symbol.
  IndexProgram(const Index& index, const Slots& slots, const Symbols& symbols);
  int64_t operator()(const int64_t* variables) const;

  // base + sum of coefficient[slot] * variable[slot], when the expression is affine.
  struct Affine {
    int64_t base = 0;
    std::vector<int64_t> coefficients;
  };
  const Affine* affine() const { return is_affine_ ? &affine_ : nullptr; }

 private:
  enum class Op : uint8_t {
    push,
    add_scaled,
    add_product,
    multiply_variable,
    multiply,
    floordiv,
    mod,
    min,
    max
  };
  struct Instruction {
    Op op;
    int32_t slot = 0;
    int64_t value = 0;
  };
  void compile(const Index& index, const Slots& slots, const Symbols& symbols, size_t depth);
  void compile_factor(const Index::Atom& atom, const Slots& slots, const Symbols& symbols,
                      size_t depth);

  std::vector<Instruction> code_;
  Affine affine_;
  bool is_affine_ = true;
  size_t slots_ = 0;
};

}  // namespace mintor
