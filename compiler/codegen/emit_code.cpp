// SPDX-License-Identifier: Apache-2.0
// Takes the user's code and what it is over; gives text.
// Keeps true: views are local to the block, so that kernels in one unit share no names.
#include "compiler/codegen/emit_code.h"

#include <algorithm>

#include "compiler/codegen/c_text.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

struct View {
  std::string name, short_name, pointer;
  DType dtype;
  std::vector<int64_t> shape;
  bool written = false;
};

std::vector<int64_t> constant(const std::vector<Index>& shape) {
  std::vector<int64_t> sizes;
  for (const Index& e : shape) {
    check(e.is_const(), "emit", "user code over a shape that is not constant");
    sizes.push_back(e.value());
  }
  return sizes;
}

std::string address(const std::vector<int64_t>& shape) {
  std::string text = "0";
  for (size_t d = 0; d < shape.size(); ++d) {
    const std::string index = "i" + std::to_string(d);
    text = d == 0 ? index : "(" + text + ") * " + std::to_string(shape[d]) + " + " + index;
  }
  return text;
}

// struct mt_in0 { const float* data; float operator()(int64_t i0) const { return data[i0]; } };
std::string view_text(const View& view) {
  const std::string type(c_value_type(view.dtype));
  const std::string pointer = (view.written ? "" : "const ") + type + "*";
  std::string indices;
  for (size_t d = 0; d < view.shape.size(); ++d)
    indices += (d == 0 ? "" : ", ") + ("int64_t i" + std::to_string(d));
  const std::string own = "mt_" + view.name;
  std::string text = "struct " + own + " {\n  " + pointer + " data;\n  " + type +
                     (view.written ? "&" : "") + " operator()(" + indices +
                     ") const { return data[" + address(view.shape) + "]; }\n};\n";
  const std::string data = view.dtype == DType::boolean
                               ? "reinterpret_cast<" + pointer + ">(" + view.pointer + ")"
                               : view.pointer;
  for (const std::string& name : {view.name, view.short_name}) {
    if (name.empty()) continue;
    text += "[[maybe_unused]] const " + own + " " + name + "{" + data + "};\n";
    for (size_t d = 0; d < view.shape.size(); ++d)
      text += "[[maybe_unused]] constexpr int64_t " + name + "_shape" + std::to_string(d) + " = " +
              std::to_string(view.shape[d]) + ";\n";
  }
  return text;
}

std::string zeros(const View& view) {
  int64_t count = 1;
  for (const int64_t size : view.shape) count *= size;
  return "for (int64_t i = 0; i < " + std::to_string(count) + "; ++i) " + view.pointer +
         "[i] = 0;\n";
}

}  // namespace

std::string code_text(const Code& code, const Kernel& kernel) {
  const std::string alias =
      short_name({{}, {code.outputs.empty() ? "" : code.outputs[0].name}, ""});
  std::string text;
  const auto add = [&](const CodeOperand& operand, const std::string& shorter, bool written) {
    const auto param = std::ranges::find(kernel.params, operand.buffer, &Param::name);
    check(param != kernel.params.end(), "emit", "user code over a buffer that is no parameter");
    const View view{operand.name,           shorter, operand.buffer, param->dtype,
                    constant(param->shape), written};
    if (written) text += zeros(view);
    text += view_text(view);
  };
  for (const CodeOperand& operand : code.inputs) add(operand, "", false);
  for (const CodeOperand& operand : code.outputs)
    add(operand, code.outputs.size() == 1 ? alias : "", true);
  return text + "{\n" + code.text + "\n}\n";
}

std::string unit_to_check(const UserFunction& function, const std::vector<Type>& inputs,
                          const std::vector<Type>& outputs) {
  std::string parameters, views;
  size_t number = 0;
  const auto add = [&](const std::string& name, const std::string& shorter, const Type& type,
                       bool written) {
    const std::string pointer = "mt_data" + std::to_string(number++);
    parameters += (parameters.empty() ? "" : ", ") + std::string(written ? "" : "const ") +
                  std::string(c_storage_type(type.dtype)) + "* " + pointer;
    views += view_text({name, shorter, pointer, type.dtype, constant(type.shape), written});
  };
  for (size_t i = 0; i < inputs.size(); ++i) add(function.inputs[i], "", inputs[i], false);
  for (size_t r = 0; r < outputs.size(); ++r)
    add(function.outputs[r], short_name(function), outputs[r], true);
  return "#include \"scalar.h\"\n"
         "typedef mt_i8 int8_t; typedef mt_i16 int16_t; typedef mt_i32 int32_t;\n"
         "typedef mt_i64 int64_t; typedef mt_u8 uint8_t; typedef mt_u16 uint16_t;\n"
         "typedef mt_u32 uint32_t; typedef mt_u64 uint64_t;\n"
         "void " +
         std::string(kUserFunction) + "(" + parameters + ") {\n" + views + "{\n#line 1 \"" +
         std::string(kUserFile) + "\"\n" + function.body + "\n}\n}\n";
}

}  // namespace mintor
