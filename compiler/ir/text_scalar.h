// SPDX-License-Identifier: Apache-2.0
// Numbers of the text forms: the shortest decimal that reads back to the same bits.
// f16, bf16 and f32 print as the shortest decimal of the f32; NaN other than the positive quiet one
// prints its bits.
#pragma once

#include <string>

#include "compiler/support/dtype.h"
#include "compiler/support/lexer.h"

namespace mintor {

std::string print_scalar(const Scalar& value);
Scalar read_scalar(Lexer& lexer, DType dtype);

}  // namespace mintor
