// SPDX-License-Identifier: Apache-2.0
// The scalar functions of element-wise nodes, made from scalar_ops.def.
//
// Takes an operator and operand dtypes; gives whether they fit, the result's dtype, the C spelling
// that kernels use, and what the gradient pass and the tests need of the row.
// Keeps true: the operands of a row have one dtype (except `where`, whose first is bool); f16 and
// bf16 are storage only, so arithmetic on them is refused with the cast to write.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "compiler/support/dtype.h"
#include "compiler/support/error.h"

namespace mintor {

enum class ScalarOp : uint8_t {
#define X(name, ...) name,
#include "compiler/ir/scalar_ops.def"
#undef X
};

#define X(...) +1
inline constexpr int kScalarOpCount = 0
#include "compiler/ir/scalar_ops.def"
    ;
#undef X

// What a row takes and gives.
enum class Signature : uint8_t {
  numeric,   // f32, f64 and all integers, same result
  floating,  // f32 and f64, same result
  single,    // f32; f64 is refused by name until its text exists
  integer,   // all integers, same result
  logical,   // bool, result bool
  equality,  // f32, f64, integers, bool; result bool
  compare,   // f32, f64, integers; result bool
  test,      // f32, f64; result bool
  select,    // bool, then two of any dtype; result that dtype
  words,     // i32, which may be read as four bytes; same result
  pairs,     // f32, whose bits may be two bf16; same result
};

struct ScalarOpRow {
  std::string_view name;       // text form: "add", "where", "not"
  int arity;
  Signature signature;
  std::string_view c_spelling; // "mt_add"
  std::string_view gradient;   // see scalar_ops.def
  std::string_view reference;
  double domain_lo, domain_hi;
};

const ScalarOpRow& row_of(ScalarOp op);
std::span<const ScalarOpRow> scalar_op_rows();  // in the order of the enumerators

inline std::string_view name_of(ScalarOp op) { return row_of(op).name; }
std::optional<ScalarOp> parse_scalar_op(std::string_view name);
inline int arity(ScalarOp op) { return row_of(op).arity; }
inline std::string_view c_spelling(ScalarOp op) { return row_of(op).c_spelling; }
// Floating-point (or integer) operations per element: 1, fma 2, and 0 for comparisons, tests,
// logic, bits and select. A function such as exp counts as 1, whatever its text costs.
int flops(ScalarOp op);

// Why these operands do not fit, or an empty Refusal. The reason names the row and the dtypes.
Refusal accepts(ScalarOp op, std::span<const DType> operands);
// The result's dtype; accepts() must hold.
DType result_dtype(ScalarOp op, std::span<const DType> operands);

}  // namespace mintor
