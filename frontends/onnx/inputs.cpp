// SPDX-License-Identifier: Apache-2.0
// Graph inputs, their symbols, and the text of --shape (inputs.h, onnx.h).
// Takes the declared types and what the user says; gives input nodes.
// Keeps true: a dim_param is one symbol or one number everywhere; symbol names are legal and
// collide with no index variable.
#include "frontends/onnx/inputs.h"

#include <algorithm>
#include <charconv>

#include "compiler/ops/library/common.h"
#include "compiler/support/error.h"
#include "compiler/support/identifier.h"
#include "compiler/support/nearest.h"
#include "compiler/support/reserved_names.h"
#include "frontends/onnx/limits.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/small_types.h"
#include "onnx-ml.pb.h"

namespace mintor {

namespace {

std::string symbol_name(std::string_view given) {
  std::string out = identifier(given.substr(0, 60));
  if (out.empty() || is_digit(out[0])) out.insert(0, "d_");
  return why_reserved(NameIn::axes, out).empty() ? out : out + "_dim";
}

// The name that a dimension has in the model; "" where it has none. Exporters write "?", "-1" or
// "None" for whatever they do not know: two of those are two sizes.
std::string name_of(const onnx::TensorShapeProto::Dimension& dim) {
  const std::string& given = dim.dim_param();
  if (std::none_of(given.begin(), given.end(), is_letter)) return "";
  for (const char* unknown : {"None", "none", "null", "unk", "unknown"})
    if (given == unknown) return "";
  return given;
}

[[noreturn]] void bad_shape(std::string_view text, const std::string& why) {
  throw CompileError("--shape", "'" + std::string(text) + "' " + why, "",
                     "write name=1x3x224x224, name=1..32x3x224x224, name=batch,128 or name=scalar");
}

int64_t size_of_text(std::string_view whole, std::string_view digits) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || value < 0 ||
      value > onnx_limits::kElements)
    bad_shape(whole, "has a bad size '" + std::string(digits) + "'");
  return value;
}

OnnxDim dim_of_text(std::string_view whole, std::string_view part) {
  if (part.empty()) bad_shape(whole, "has an empty dimension");
  if (is_letter(part[0]) || part[0] == '_') {
    for (char c : part) {
      if (!is_word(c)) bad_shape(whole, "has a bad name '" + std::string(part) + "'");
    }
    return {0, -1, std::string(part)};
  }
  size_t dots = part.find("..");
  if (dots == std::string_view::npos) {
    int64_t size = size_of_text(whole, part);
    return {size, size, ""};
  }
  OnnxDim dim{size_of_text(whole, part.substr(0, dots)), -1, ""};
  if (dots + 2 < part.size()) dim.hi = size_of_text(whole, part.substr(dots + 2));
  if (dim.hi >= 0 && dim.hi < dim.lo)
    bad_shape(whole, "has an empty range '" + std::string(part) + "'");
  return dim;
}

// What is decided about the model's own dimension names so far: a number or a symbol.
class Dimensions {
 public:
  explicit Dimensions(OnnxState& state) : state_(state) {}

  // Overrides say what a dim_param is for every input that uses it.
  void note(const onnx::TensorShapeProto& shape, const std::vector<OnnxDim>& dims,
            const std::string& input) {
    for (int d = 0; d < shape.dim_size(); ++d) {
      const std::string param = name_of(shape.dim(d));
      if (param.empty()) continue;
      auto [it, added] = given_.emplace(param, dims[static_cast<size_t>(d)]);
      const OnnxDim& before = it->second;
      const OnnxDim& now = dims[static_cast<size_t>(d)];
      if (!added && (before.lo != now.lo || before.hi != now.hi || before.symbol != now.symbol))
        throw CompileError("--shape", "input '" + printable(input) + "' gives dimension '" +
                                          printable(param) +
                                          "' another size than an input before it");
    }
  }

  Index of(const onnx::TensorShapeProto::Dimension& dim, const OnnxDim* wanted,
           const std::string& fallback) {
    const std::string param = name_of(dim);
    if (!wanted && !param.empty()) {
      auto it = given_.find(param);
      if (it != given_.end()) wanted = &it->second;
    }
    if (wanted && wanted->is_fixed()) return wanted->lo;
    if (!wanted && dim.has_dim_value() && dim.dim_value() >= 0) return dim.dim_value();
    std::string name =
        wanted && !wanted->symbol.empty() ? wanted->symbol : (param.empty() ? fallback : param);
    return symbol(name, wanted);
  }

 private:
  Index symbol(const std::string& given, const OnnxDim* wanted) {
    // Two different names of the model must not become one symbol.
    auto [it, added] = names_.emplace(given, "");
    if (added) {
      it->second = unique_name(symbol_name(given), taken_);
      if (wanted && wanted->symbol.empty()) state_.given_ranges.insert(it->second);
      declare_symbol(state_, it->second, wanted ? wanted->lo : 0, wanted ? wanted->hi : -1);
    }
    return state_.symbols.at(it->second);
  }

  OnnxState& state_;
  std::map<std::string, OnnxDim> given_;
  std::map<std::string, std::string> names_;
  std::set<std::string> taken_;
};

const onnx::TypeProto::Tensor& tensor_type(const onnx::ValueInfoProto& input) {
  if (!input.type().has_tensor_type())
    throw CompileError("onnx",
                       "input '" + printable(input.name()) +
                           "' is not a tensor (sequences, maps and optionals are not supported)");
  return input.type().tensor_type();
}

bool is_strings(const onnx::TypeProto::Tensor& type) { return type.elem_type() == kStringElement; }

std::vector<const onnx::ValueInfoProto*> real_inputs(const OnnxState& state,
                                                     const onnx::GraphProto& graph) {
  std::vector<const onnx::ValueInfoProto*> inputs;
  for (const onnx::ValueInfoProto& input : graph.input()) {
    if (!state.values.contains(input.name())) inputs.push_back(&input);
  }
  return inputs;
}

void check_overrides(const std::vector<const onnx::ValueInfoProto*>& inputs,
                     const OnnxImportOptions& options) {
  std::vector<std::string_view> names;
  for (const onnx::ValueInfoProto* input : inputs) names.push_back(input->name());
  for (const auto& [name, dims] : options.shapes) {
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw CompileError("--shape", "the model has no input '" + printable(name) + "'", "",
                         did_you_mean(name, names));
  }
}

}  // namespace

std::pair<std::string, std::vector<OnnxDim>> parse_onnx_shape(std::string_view text) {
  size_t equal = text.rfind('=');
  if (equal == std::string_view::npos || equal == 0) bad_shape(text, "has no name=");
  std::pair<std::string, std::vector<OnnxDim>> out{std::string(text.substr(0, equal)), {}};
  std::string_view rest = text.substr(equal + 1);
  if (rest == "scalar") return out;
  char separator = rest.find(',') == std::string_view::npos ? 'x' : ',';
  for (size_t start = 0; start <= rest.size();) {
    size_t end = std::min(rest.find(separator, start), rest.size());
    out.second.push_back(dim_of_text(text, rest.substr(start, end - start)));
    start = end + 1;
  }
  if (out.second.size() > static_cast<size_t>(onnx_limits::kRank))
    bad_shape(text, "has too many dimensions");
  return out;
}

void import_inputs(OnnxState& state, const onnx::GraphProto& graph,
                   const OnnxImportOptions& options) {
  std::vector<const onnx::ValueInfoProto*> inputs = real_inputs(state, graph);
  check_overrides(inputs, options);
  Dimensions dimensions(state);
  auto override_of = [&](const onnx::ValueInfoProto& input) {
    auto it = options.shapes.find(input.name());
    return it == options.shapes.end() ? nullptr : &it->second;
  };
  for (const onnx::ValueInfoProto* input : inputs) {
    const onnx::TypeProto::Tensor& type = tensor_type(*input);
    const std::vector<OnnxDim>* wanted = override_of(*input);
    if (type.has_shape() && type.shape().dim_size() > onnx_limits::kRank)
      throw CompileError("onnx", "input '" + printable(input->name()) + "' has " +
                                     std::to_string(type.shape().dim_size()) +
                                     " dimensions, at most " + std::to_string(onnx_limits::kRank) +
                                     " are taken");
    // Of strings the number of bytes may be given, too.
    const size_t rank = static_cast<size_t>(type.shape().dim_size());
    const bool fits =
        wanted && (wanted->size() == rank || (is_strings(type) && wanted->size() == rank + 1));
    if (wanted && type.has_shape() && !fits)
      throw CompileError("--shape", "input '" + printable(input->name()) + "' has " +
                                        std::to_string(type.shape().dim_size()) + " dimensions, " +
                                        std::to_string(wanted->size()) + " are given");
    if (!wanted && !type.has_shape())
      throw CompileError("onnx", "input '" + printable(input->name()) + "' has no shape", "",
                         "give it with --shape " + printable(input->name()) + "=...");
    if (wanted && is_strings(type) && !type.has_shape())
      throw CompileError(
          "onnx", "input '" + printable(input->name()) + "', strings, has no shape in the model");
    if (wanted && type.has_shape()) dimensions.note(type.shape(), *wanted, input->name());
  }
  for (const onnx::ValueInfoProto* input : inputs) {
    const onnx::TypeProto::Tensor& type = tensor_type(*input);
    const std::vector<OnnxDim>* wanted = override_of(*input);
    int rank = type.has_shape() ? type.shape().dim_size() : static_cast<int>(wanted->size());
    Shape shape;
    for (int d = 0; d < rank; ++d) {
      const auto& dim = type.has_shape() ? type.shape().dim(d)
                                         : onnx::TensorShapeProto::Dimension::default_instance();
      shape.push_back(dimensions.of(dim, wanted ? &(*wanted)[static_cast<size_t>(d)] : nullptr,
                                    input->name() + "_d" + std::to_string(d)));
    }
    if (input->name().empty()) throw CompileError("onnx", "an input has no name");
    if (is_strings(type))
      shape.push_back(
          dimensions.of(onnx::TensorShapeProto::Dimension::default_instance(),
                        wanted && wanted->size() > shape.size() ? &wanted->back() : nullptr,
                        input->name() + "_bytes"));
    DType dtype = is_strings(type)
                      ? DType::u8
                      : storage_dtype(type.elem_type(), "input '" + printable(input->name()) + "'");
    if (state.values.contains(input->name()))
      throw CompileError("onnx", "two inputs are named '" + printable(input->name()) + "'");
    state.values.emplace(input->name(), OnnxValue{state.builder.input(input->name(), dtype, shape),
                                                  nullptr, stored_element(type.elem_type())});
  }
}

}  // namespace mintor
