// SPDX-License-Identifier: Apache-2.0
// The user's code as C++ text: a view for each operand and result, then the statements as they were
// written. A view `in0` of a 2-d value gives elements as in0(i, j), and sizes as in0_shape0 and
// in0_shape1, int64_t; one of a result gives references. Nothing checks an index at run time: the
// text was checked before (jit/check_code.h), and unit_to_check is what that check reads.
// Keeps true: views are the same in what is checked and in what is compiled.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/graph.h"
#include "compiler/ir/user_code.h"
#include "compiler/loop/ir.h"

namespace mintor {

inline constexpr std::string_view kUserFile = "source";  // what its lines are counted in
inline constexpr std::string_view kUserFunction = "mt_user_code";

// Statements of a block of their own in the kernel's function.
std::string code_text(const Code& code, const Kernel& kernel);
// A unit with the function kUserFunction, over pointers mt_data0, mt_data1, ... of these types,
// whose symbols are in these ranges. Conditions before the views say what is known of sizes.
std::string unit_to_check(const UserFunction& function, const std::vector<Type>& inputs,
                          const std::vector<Type>& outputs, const Ranges& ranges);

}  // namespace mintor
