// SPDX-License-Identifier: Apache-2.0
// What the operators built on `contract` share: dtypes around it and the spelling of axes.
// Takes operands and a Contract; gives the product in the dtype that NumPy gives.
#pragma once

#include "compiler/ops/library/common.h"

namespace mintor::ops {

// contract with NumPy's result dtype: that of the operands. f16 and bf16 are summed in f32 and
// rounded once; integers are summed in a width that wraps to the same result.
Value contract_as(std::string_view op, Builder& b, Value x, Value y, Contract contract);

// matmul with the result dtype of `contract` itself: i32 for 8- and 16-bit integers, f32 for f16
// and bf16.
Value matmul_sums(Builder& b, Value x, Value y);

inline ContractAxis axis(std::string name, AxisRole role, Index extent) {
  return ContractAxis{std::move(name), role, std::move(extent)};
}

}  // namespace mintor::ops
