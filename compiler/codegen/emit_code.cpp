// SPDX-License-Identifier: Apache-2.0
// Takes the user's code and what it is over; gives text.
// Keeps true: views are local to the block, so that kernels in one unit share no names.
#include "compiler/codegen/emit_code.h"

#include <algorithm>

#include "compiler/codegen/c_text.h"
#include "compiler/support/error.h"
#include "compiler/support/index_poly.h"

namespace mintor {
namespace {

// Expressions as variables of one name, numbered in order of appearance.
class Numbered {
 public:
  explicit Numbered(std::string name) : name_(std::move(name)) {}

  std::string of(const Index& e) {
    const auto at = std::ranges::find(all_, e) - all_.begin();
    if (at == std::ssize(all_)) all_.push_back(e);
    return name_ + std::to_string(at);
  }

  // What `line` says of each name and its expression.
  template <class Function>
  std::string each(const Function& line) const {
    std::string text;
    for (size_t n = 0; n < all_.size(); ++n) text += line(name_ + std::to_string(n), all_[n]);
    return text;
  }

 private:
  std::string name_;
  std::vector<Index> all_;
};

// Sizes that are no numbers, as variables mt_size0, mt_size1, ... that views refer to.
class Sizes {
 public:
  // Of one extent: a number, or the name of a variable.
  std::string text(const Index& extent) {
    return extent.is_const() ? std::to_string(extent.value()) : extents_.of(extent);
  }

  // `value`: the text of an extent.
  template <class Function>
  std::string declarations(const Function& value) const {
    return extents_.each([&](const std::string& name, const Index& extent) {
      return "[[maybe_unused]] const int64_t " + name + " = " + value(extent) + ";\n";
    });
  }

  std::string facts() const {
    return extents_.each(
        [](const std::string& name, const Index&) { return "if (" + name + " < 0) return;\n"; });
  }

 private:
  Numbered extents_{"mt_size"};
};

struct View {
  std::string name, short_name, pointer;
  DType dtype;
  std::vector<std::string> sizes;
  bool written = false;
};

bool is_number(const std::string& size) { return size[0] >= '0' && size[0] <= '9'; }

std::vector<std::string> texts(const std::vector<Index>& shape, Sizes& sizes) {
  std::vector<std::string> found;
  for (const Index& extent : shape) found.push_back(sizes.text(extent));
  return found;
}

// A view is a struct of its own, which sees no variables: it holds the sizes that it multiplies by.
std::string member(size_t dim) { return "size" + std::to_string(dim); }

std::string address(const std::vector<std::string>& sizes) {
  std::string text = "0";
  for (size_t d = 0; d < sizes.size(); ++d) {
    const std::string index = "i" + std::to_string(d);
    const std::string size = is_number(sizes[d]) ? sizes[d] : member(d);
    text = d == 0 ? index : "(" + text + ") * " + size + " + " + index;
  }
  return text;
}

// struct mt_in0 { const float* data; float operator()(int64_t i0) const { return data[i0]; } };
std::string view_text(const View& view) {
  const std::string type(c_value_type(view.dtype));
  const std::string pointer = (view.written ? "" : "const ") + type + "*";
  std::string indices, members, values;
  for (size_t d = 0; d < view.sizes.size(); ++d) {
    indices += (d == 0 ? "" : ", ") + ("int64_t i" + std::to_string(d));
    if (d == 0 || is_number(view.sizes[d])) continue;
    members += "  int64_t " + member(d) + ";\n";
    values += ", " + view.sizes[d];
  }
  const std::string own = "mt_" + view.name;
  std::string text = "struct " + own + " {\n  " + pointer + " data;\n" + members + "  " + type +
                     (view.written ? "&" : "") + " operator()(" + indices +
                     ") const { return data[" + address(view.sizes) + "]; }\n};\n";
  const std::string data = view.dtype == DType::boolean
                               ? "reinterpret_cast<" + pointer + ">(" + view.pointer + ")"
                               : view.pointer;
  for (const std::string& name : {view.name, view.short_name}) {
    if (name.empty()) continue;
    text += "[[maybe_unused]] const " + own + " " + name + "{" + data + values + "};\n";
    for (size_t d = 0; d < view.sizes.size(); ++d)
      text += std::string("[[maybe_unused]] ") +
              (is_number(view.sizes[d]) ? "constexpr" : "const") + " int64_t " + name + "_shape" +
              std::to_string(d) + " = " + view.sizes[d] + ";\n";
  }
  return text;
}

std::string zeros(const View& view) {
  std::string count = "1";
  for (const std::string& size : view.sizes) count += " * " + size;
  return "for (int64_t i = 0; i < " + count + "; ++i) " + view.pointer + "[i] = 0;\n";
}

// Sizes as sums of terms that are parameters, for the check: what is known of a term is said by a
// condition, so that two sizes of the same terms are known to be equal.
class Terms {
 public:
  explicit Terms(const Ranges& ranges) : ranges_(ranges) {}

  std::string text(const Index& extent) {
    std::string sum;
    for (const IndexTerm& term : extent.poly().terms) {
      const std::string factor = std::to_string(term.coefficient);
      sum += (sum.empty() ? "" : " + ") + factor;
      if (!term.factors.empty())
        sum += " * " + terms_.of(index_detail::product_of(1, term.factors));
    }
    return sum;
  }

  std::string parameters() const {
    return terms_.each([](const std::string& name, const Index&) { return ", int64_t " + name; });
  }

  std::string facts() const {
    return terms_.each([&](const std::string& name, const Index& term) {
      const int64_t least = std::max(ranges_.lower(term).value_or(-kMost), -kMost);
      const int64_t most = std::min(ranges_.upper(term).value_or(kMost), kMost);
      return "if (" + name + " < " + std::to_string(least) + " || " + name + " > " +
             std::to_string(most) + ") return;\n";
    });
  }

 private:
  static constexpr int64_t kMost = int64_t{1} << 61;  // more elements fit no memory
  const Ranges& ranges_;
  Numbered terms_{"mt_term"};
};

}  // namespace

std::string code_text(const Code& code, const Kernel& kernel) {
  const std::string alias =
      short_name({{}, {code.outputs.empty() ? "" : code.outputs[0].name}, ""});
  std::string text;
  Sizes sizes;
  const auto add = [&](const CodeOperand& operand, const std::string& shorter, bool written) {
    const auto param = std::ranges::find(kernel.params, operand.buffer, &Param::name);
    check(param != kernel.params.end(), "emit", "user code over a buffer that is no parameter");
    const View view{operand.name, shorter, operand.buffer, param->dtype, texts(param->shape, sizes),
                    written};
    if (written) text += zeros(view);
    text += view_text(view);
  };
  for (const CodeOperand& operand : code.inputs) add(operand, "", false);
  for (const CodeOperand& operand : code.outputs)
    add(operand, code.outputs.size() == 1 ? alias : "", true);
  return sizes.declarations([](const Index& extent) { return extent.c_str(Ranges()); }) + text +
         "{\n" + code.text + "\n}\n";
}

std::string unit_to_check(const UserFunction& function, const std::vector<Type>& inputs,
                          const std::vector<Type>& outputs, const Ranges& ranges) {
  std::string parameters, views;
  Sizes sizes;
  Terms terms(ranges);
  size_t number = 0;
  const auto add = [&](const std::string& name, const std::string& shorter, const Type& type,
                       bool written) {
    const std::string pointer = "mt_data" + std::to_string(number++);
    parameters += (parameters.empty() ? "" : ", ") + std::string(written ? "" : "const ") +
                  std::string(c_storage_type(type.dtype)) + "* " + pointer;
    views += view_text({name, shorter, pointer, type.dtype, texts(type.shape, sizes), written});
  };
  for (size_t i = 0; i < inputs.size(); ++i) add(function.inputs[i], "", inputs[i], false);
  for (size_t r = 0; r < outputs.size(); ++r)
    add(function.outputs[r], short_name(function), outputs[r], true);
  const std::string declared =
      sizes.declarations([&](const Index& extent) { return terms.text(extent); });
  parameters += terms.parameters();
  return "#include \"scalar.h\"\n"
         "typedef mt_i8 int8_t; typedef mt_i16 int16_t; typedef mt_i32 int32_t;\n"
         "typedef mt_i64 int64_t; typedef mt_u8 uint8_t; typedef mt_u16 uint16_t;\n"
         "typedef mt_u32 uint32_t; typedef mt_u64 uint64_t;\n"
         "void " +
         std::string(kUserFunction) + "(" + parameters + ") {\n" + terms.facts() + declared +
         sizes.facts() + views + "{\n#line 1 \"" + std::string(kUserFile) + "\"\n" + function.body +
         "\n}\n}\n";
}

}  // namespace mintor
