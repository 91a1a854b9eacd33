// SPDX-License-Identifier: Apache-2.0
// What a call says apart from which values it takes: operator, attributes, operand types. Takes a
// call's parts; gives the one Signature of all equal calls, with the types of its results. Keeps
// true: results are what the operator's own build function makes, so that shapes are derived in one
// place; a call that does not fit fails here, at the line that makes it.
#pragma once

#include <array>
#include <memory>
#include <unordered_map>

#include "frontends/python/trace/operator.h"

namespace mintor::trace {

using Hash = std::array<uint64_t, 2>;

inline void mix(Hash& hash, uint64_t value) {
  hash[0] = (hash[0] ^ value) * 0x9E3779B97F4A7C15u;
  hash[0] ^= hash[0] >> 29;
  hash[1] = (hash[1] + value) * 0xC2B2AE3D27D4EB4Fu;
  hash[1] ^= hash[1] >> 31;
}

// An operator refuses a dtype: it takes the same shapes of another.
struct DTypeError : CompileError {
  explicit DTypeError(const CompileError& error) : CompileError(error) {}
};

struct Signature {
  const TracedOperator* op = nullptr;
  std::string attributes;
  bool detached = false;  // made where gradients are off
  std::vector<const ValueType*> operands, results;
  Hash hash{};                      // the same in every process
  Hash structure{};                 // without sizes and integers; see general.h
  std::vector<int64_t> integers;    // of the attributes, in order
  std::vector<const Body*> bodies;  // the same
};

class SignatureTable {
 public:
  const ValueType* type(DType dtype, std::span<const int64_t> shape);
  // Throws CompileError when the operator refuses these operands.
  const Signature* find(const TracedOperator& op, const std::string& attributes, bool detached,
                        std::span<const ValueType* const> operands);

 private:
  std::unordered_multimap<uint64_t, std::unique_ptr<const ValueType>> types_;
  std::unordered_multimap<uint64_t, std::unique_ptr<const Signature>> signatures_;
};

}  // namespace mintor::trace
