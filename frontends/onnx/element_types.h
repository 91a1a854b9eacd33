// SPDX-License-Identifier: Apache-2.0
// Which element types an operator takes: text in its row (op_group.h), which is checked before the
// operator converts a node and printed by `supported-ops`.
//   "any, i32 i64"   of any type; i32 or i64, as all operands behind it
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace mintor {

class OnnxNode;

// A name for several types, which are types or such names themselves.
struct ElementTypeGroup {
  std::string_view name, types;
};
std::span<const ElementTypeGroup> element_type_groups();

// The part of `takes` about one operand: the last one is about all that follow.
std::string_view types_of_operand(std::string_view takes, size_t operand);
// Whether `types` names `type`, itself or by a group.
bool names_type(std::string_view types, std::string_view type);
// Fails where an input that is a tensor is of another type than the operator's row says.
void check_element_types(OnnxNode& node, std::string_view takes);

}  // namespace mintor
