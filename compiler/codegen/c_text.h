// SPDX-License-Identifier: Apache-2.0
// Dtypes, constants and conversions in C++ text.
// Storage floats have one C type for two formats: conversions from and to them name the format.
#pragma once

#include <string>
#include <string_view>

#include "compiler/support/dtype.h"

namespace mintor {

std::string_view c_storage_type(DType dtype);  // in memory: bool is uint8_t, f16 and bf16 uint16_t
std::string_view c_value_type(DType dtype);    // in a variable: bool is bool
std::string c_constant(const Scalar& value);
// `type`: of the result, of one value or of a vector.
std::string c_cast(DType from, DType to, const std::string& type, const std::string& arg);
// A NaN becomes the one quiet NaN on the way.
std::string c_bitcast(DType from, const std::string& type, const std::string& arg);

}  // namespace mintor
