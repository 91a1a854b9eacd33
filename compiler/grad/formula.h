// SPDX-License-Identifier: Apache-2.0
// The gradient column of the scalar table as nodes.
// Takes a row or a formula and the values of its names; gives what the formula says, as nodes.
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "compiler/ir/builder.h"

namespace mintor {

// The formulas of a row, one per operand; "0" says that nothing flows.
std::vector<std::string_view> gradient_formulas(const ScalarOpRow& row);

// Nodes for a formula over x, y, z (operands), r (result) and g (gradient), see scalar_ops.def.
// Numbers get the dtype of g. Throws InternalError on text that is no formula.
Value apply_formula(Builder& b, std::string_view formula, const std::map<char, Value>& names);

}  // namespace mintor
