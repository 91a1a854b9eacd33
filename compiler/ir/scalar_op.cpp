// SPDX-License-Identifier: Apache-2.0
// The scalar table as data, and which dtypes a row takes.
// Takes rows of scalar_ops.def; gives names, refusals and result dtypes as scalar_op.h says.
#include "compiler/ir/scalar_op.h"

#include <limits>
#include <string>

namespace mintor {
namespace {

// "not_" -> "not": the underscore only keeps C++ keywords apart.
constexpr std::string_view text_name(std::string_view name) {
  return name.ends_with('_') ? name.substr(0, name.size() - 1) : name;
}

constexpr double INF = std::numeric_limits<double>::infinity();

constexpr ScalarOpRow kRows[kScalarOpCount] = {
#define X(name, arity, signature, spelling, gradient, reference, lo, hi) \
  {text_name(#name), arity, Signature::signature, #spelling, gradient, #reference, lo, hi},
#include "compiler/ir/scalar_ops.def"
#undef X
};

std::string_view wanted(Signature signature) {
  switch (signature) {
    case Signature::numeric:
    case Signature::compare: return "f32, f64 or integers";
    case Signature::floating:
    case Signature::test: return "f32 or f64";
    case Signature::single: return "f32";
    case Signature::integer: return "integers";
    case Signature::logical: return "bool";
    case Signature::equality: return "f32, f64, integers or bool";
    case Signature::select: return "bool and two of one dtype";
    case Signature::words: return "i32";
    case Signature::pairs: return "f32";
  }
  return "";
}

bool takes(Signature signature, DType dtype) {
  const bool wide_float = dtype == DType::f32 || dtype == DType::f64;
  switch (signature) {
    case Signature::numeric:
    case Signature::compare: return wide_float || is_int(dtype);
    case Signature::floating:
    case Signature::test: return wide_float;
    case Signature::single: return dtype == DType::f32;
    case Signature::integer: return is_int(dtype);
    case Signature::logical: return dtype == DType::boolean;
    case Signature::equality: return wide_float || is_int(dtype) || dtype == DType::boolean;
    case Signature::select: return true;
    case Signature::words: return dtype == DType::i32;
    case Signature::pairs: return dtype == DType::f32;
  }
  return false;
}

std::string list(std::span<const DType> dtypes) {
  std::string text;
  for (DType d : dtypes) text += (text.empty() ? "" : ", ") + std::string(name_of(d));
  return text;
}

std::string explain(const ScalarOpRow& row, DType dtype) {
  const std::string name(row.name), given(name_of(dtype));
  if (is_storage_float(dtype)) {
    return name + " does not compute in " + given + ", a storage type: cast to f32 first";
  }
  if (row.signature == Signature::single && dtype == DType::f64) {
    return name + " is not available in f64 yet: cast to f32";
  }
  if (row.signature == Signature::integer && dtype == DType::boolean) {
    return name + " takes integers, not bool: use and, or, xor, not";
  }
  return name + " takes " + std::string(wanted(row.signature)) + ", not " + given;
}

}  // namespace

const ScalarOpRow& row_of(ScalarOp op) { return kRows[static_cast<int>(op)]; }
std::span<const ScalarOpRow> scalar_op_rows() { return kRows; }

std::optional<ScalarOp> parse_scalar_op(std::string_view name) {
  for (int i = 0; i < kScalarOpCount; ++i) {
    if (kRows[i].name == name) return static_cast<ScalarOp>(i);
  }
  return std::nullopt;
}

int flops(ScalarOp op) {
  switch (row_of(op).signature) {
    case Signature::numeric:
    case Signature::floating:
    case Signature::single: return op == ScalarOp::fma ? 2 : 1;
    case Signature::words: return 8;  // four products and as many sums
    case Signature::pairs: return 4;  // two products and as many sums
    case Signature::integer:
    case Signature::logical:
    case Signature::equality:
    case Signature::compare:
    case Signature::test:
    case Signature::select: return 0;
  }
  return 0;
}

Refusal accepts(ScalarOp op, std::span<const DType> operands) {
  const ScalarOpRow& row = row_of(op);
  const std::string name(row.name);
  if (operands.size() != static_cast<size_t>(row.arity)) {
    return {name + " takes " + std::to_string(row.arity) + " operands, not " +
            std::to_string(operands.size())};
  }
  if (row.signature == Signature::select) {
    if (operands[0] != DType::boolean) {
      return {name + " takes a bool condition, not " + std::string(name_of(operands[0]))};
    }
    operands = operands.subspan(1);
  }
  for (DType d : operands) {
    if (d != operands[0]) return {name + " takes operands of one dtype, not " + list(operands)};
  }
  if (!takes(row.signature, operands[0])) return {explain(row, operands[0])};
  return {};
}

DType result_dtype(ScalarOp op, std::span<const DType> operands) {
  switch (row_of(op).signature) {
    case Signature::numeric:
    case Signature::floating:
    case Signature::single:
    case Signature::integer:
    case Signature::words:
    case Signature::pairs: return operands[0];
    case Signature::select: return operands[1];
    case Signature::logical:
    case Signature::equality:
    case Signature::compare:
    case Signature::test: return DType::boolean;
  }
  throw InternalError("result_dtype", "unknown signature");
}

}  // namespace mintor
