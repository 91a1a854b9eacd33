// SPDX-License-Identifier: Apache-2.0
// The names of element types in the rows of operators (element_types.h): a dtype's own, ONNX's in
// small letters where the Graph has no such dtype, and those of groups.
// Takes a node and its row's text; throws a CompileError that names operand, type and what is
// taken.
#include "frontends/onnx/element_types.h"

#include <algorithm>

#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/small_types.h"

namespace mintor {

namespace {

constexpr ElementTypeGroup kGroups[] = {
    {"floats", "f16 bf16 f32 f64"},
    {"ints", "i8 i16 i32 i64 u8 u16 u32 u64"},
    {"small",
     "float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz float8e8m0 float4e2m1 "
     "int4 uint4 int2 uint2"},
    {"any", "floats ints bool small strings"},
};

std::string name_of_element(OnnxNode& n, size_t i) {
  if (n.element(i) == 0) return std::string(name_of(n.dtype(i)));
  if (n.is_strings(i)) return "strings";
  std::string name = onnx_dtype_text(n.element(i));
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return name;
}

}  // namespace

std::span<const ElementTypeGroup> element_type_groups() { return kGroups; }

std::string_view types_of_operand(std::string_view takes, size_t operand) {
  for (; operand > 0; --operand) {
    const size_t comma = takes.find(", ");
    if (comma == std::string_view::npos) break;
    takes.remove_prefix(comma + 2);
  }
  return takes.substr(0, takes.find(", "));
}

bool names_type(std::string_view types, std::string_view type) {
  while (!types.empty()) {
    const std::string_view word = types.substr(0, types.find(' '));
    types.remove_prefix(std::min(types.size(), word.size() + 1));
    if (word == type) return true;
    for (const ElementTypeGroup& group : kGroups)
      if (group.name == word && names_type(group.types, type)) return true;
  }
  return false;
}

void check_element_types(OnnxNode& n, std::string_view takes) {
  for (size_t i = 0; i < n.inputs(); ++i) {
    const OnnxValue value = n.input(i);
    if (value.is_nothing() || value.items || value.absent) continue;
    const std::string type = name_of_element(n, i);
    const std::string_view types = types_of_operand(takes, i);
    if (!names_type(types, type))
      n.fail("input " + std::to_string(i) + " is a tensor of " + type + ", which it does not take",
             "it takes " + std::string(types) + " there (docs/operators.md)");
  }
}

}  // namespace mintor
