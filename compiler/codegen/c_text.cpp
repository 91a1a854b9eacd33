// SPDX-License-Identifier: Apache-2.0
// Takes dtypes, values and text of operands; gives C++ text. Keeps true: a constant reads back to
// its bits, NaN aside.
#include "compiler/codegen/c_text.h"

#include <cmath>
#include <cstdio>

#include "compiler/support/error.h"

namespace mintor {

std::string_view c_storage_type(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return "double";
    case DType::f32:
      return "float";
    case DType::f16:
    case DType::bf16:
      return "uint16_t";
    case DType::i8:
      return "int8_t";
    case DType::i16:
      return "int16_t";
    case DType::i32:
      return "int32_t";
    case DType::i64:
      return "int64_t";
    case DType::u8:
    case DType::boolean:
      return "uint8_t";
    case DType::u16:
      return "uint16_t";
    case DType::u32:
      return "uint32_t";
    case DType::u64:
      return "uint64_t";
  }
  throw InternalError("emit", "unknown dtype");
}

std::string_view c_value_type(DType dtype) {
  return dtype == DType::boolean ? "bool" : c_storage_type(dtype);
}

std::string c_constant(const Scalar& value) {
  char text[64];
  switch (value.dtype) {
    case DType::f64:
    case DType::f32: {
      const bool single = value.dtype == DType::f32;
      const std::string suffix = single ? "f" : "";
      if (std::isnan(value.f)) return "__builtin_nan" + suffix + "(\"\")";
      if (std::isinf(value.f))
        return std::string(value.f < 0 ? "-" : "") + "__builtin_inf" + suffix + "()";
      std::snprintf(text, sizeof text, single ? "%.9g" : "%.17g", value.f);
      std::string number = text;
      if (number.find_first_of(".e") == std::string::npos) number += ".0";
      return number + suffix;
    }
    case DType::f16:
    case DType::bf16: {
      uint16_t bits = 0;
      value.write(&bits);
      std::snprintf(text, sizeof text, "uint16_t(0x%04x)", bits);
      return text;
    }
    case DType::boolean:
      return value.i != 0 ? "true" : "false";
    case DType::i64:
      if (value.i == INT64_MIN) return "(-9223372036854775807 - 1)";
      return "int64_t(" + std::to_string(value.i) + ")";
    case DType::i32:
      if (value.i == INT32_MIN) return "(-2147483647 - 1)";
      return std::to_string(value.i);
    case DType::u64:
      return "uint64_t(" + std::to_string(static_cast<uint64_t>(value.i)) + "u)";
    case DType::i8:
    case DType::i16:
    case DType::u8:
    case DType::u16:
    case DType::u32:
      return std::string(c_value_type(value.dtype)) + "(" + std::to_string(value.i) + ")";
  }
  throw InternalError("emit", "unknown dtype");
}

std::string c_cast(DType from, DType to, const std::string& type, const std::string& arg) {
  if (is_storage_float(from) || is_storage_float(to))
    return "mt_convert_" + std::string(name_of(from)) + "_" + std::string(name_of(to)) + "<" +
           type + ">(" + arg + ")";
  return "mt_cast<" + type + ">(" + arg + ")";
}

std::string c_bitcast(DType from, const std::string& type, const std::string& arg) {
  const std::string format = is_storage_float(from) ? "_" + std::string(name_of(from)) : "";
  return "mt_bitcast" + format + "<" + type + ">(" + arg + ")";
}

}  // namespace mintor
