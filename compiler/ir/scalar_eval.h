// SPDX-License-Identifier: Apache-2.0
// Scalar functions and casts, evaluated on the host with the very functions that kernels use
// (scalar_math.h), so that folding a constant and computing it give the same bits.
//
// Takes operands as the scalar table types them; gives results in result_dtype(). Arrays are dense
// and need no alignment beyond their element's; a bool is one byte, 0 or 1 (any other byte reads as
// true). Keeps true: evaluate() is evaluate_array() with a count of 1. Throws InternalError when
// accepts() would refuse: callers verify first.
#pragma once

#include <cstdint>
#include <span>

#include "compiler/ir/scalar_op.h"
#include "compiler/support/dtype.h"

namespace mintor {

Scalar evaluate(ScalarOp op, std::span<const Scalar> operands);
// float to int truncates, saturates, NaN gives 0; int narrowing wraps; to float rounds once; to
// bool is x != 0; from bool is 0 or 1.
Scalar cast(Scalar value, DType dtype);

// operands: one pointer per operand to `count` elements of operand_dtype (for `where` the first is
// bool and operand_dtype is that of the other two). The result may be one of the operands.
void evaluate_array(ScalarOp op, DType operand_dtype, std::span<const void* const> operands,
                    void* result, int64_t count);
void cast_array(DType from, const void* operand, DType to, void* result, int64_t count);

}  // namespace mintor
