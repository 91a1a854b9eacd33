// SPDX-License-Identifier: Apache-2.0
// Levels, inputs and comparisons for the commands that run models. Takes what the command line
// says; gives tensors and text. Keeps true: comparing reads every element, NaN equal to NaN.
#include "compiler/cli/model_io.h"

#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <thread>

#include "compiler/cli/command.h"
#include "compiler/cli/files.h"
#include "compiler/codegen/target.h"
#include "compiler/ir/seeded.h"
#include "compiler/support/error.h"
#include "compiler/support/machine.h"
#include "compiler/support/nearest.h"

namespace mintor {
namespace {

// FNV-1a, so that an input's values do not depend on its position.
uint64_t hash_of(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  return hash;
}

double as_double(const Scalar& scalar) {
  return is_float(scalar.dtype) ? scalar.f : static_cast<double>(scalar.i);
}

std::vector<int64_t> index_of(int64_t flat, const std::vector<int64_t>& shape) {
  std::vector<int64_t> index(shape.size());
  for (size_t d = shape.size(); d-- > 0;) {
    index[d] = flat % shape[d];
    flat /= shape[d];
  }
  return index;
}

std::string bracketed(const std::vector<int64_t>& values) {
  std::string text = "[";
  for (size_t i = 0; i < values.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(values[i]);
  }
  return text + "]";
}

std::string number_text(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

}  // namespace

std::vector<std::string> split_list(const std::string& text, char separator) {
  std::vector<std::string> items;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    if (end > begin) items.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return items;
}

std::vector<std::string> host_levels() {
  std::vector<std::string> levels;
  for (const Target* target : all_targets()) {
    for (const TargetInfo& level : target->levels()) {
      if (target->host_supports(level)) levels.push_back(level.level);
    }
  }
  return levels;
}

std::vector<std::string> levels_of(CompileContext& context, DefaultLevels otherwise) {
  std::vector<std::string> levels;
  for (const std::string& name : split_list(context.options.target, ',')) {
    levels.push_back(find_level(name).level);
  }
  if (context.options.size && levels.size() > 1)
    throw UsageError("--size is for one level, --target names several");
  if (!levels.empty()) return levels;
  if (otherwise == DefaultLevels::all_with_vectors) {
    for (const Target* target : all_targets()) {
      for (const TargetInfo& level : target->levels()) {
        if (level.vectors() && !level.on_request && target->machine == host_machine())
          levels.push_back(level.level);
      }
    }
  }
  if (context.options.size && !levels.empty()) levels.resize(1);
  if (!levels.empty()) return levels;
  const TargetInfo native = find_level("native");
  if (!native.vectors()) {
    context.warn("this CPU is below every level with vectors; '" + native.level +
                 "' runs anywhere, slowly");
  }
  return {native.level};
}

void check_one_level(const Options& options) {
  if (split_list(options.target, ',').size() > 1) {
    throw UsageError("--target names several levels; one of them can run");
  }
}

int threads_of(const Options& options) {
  if (options.threads > 0) return static_cast<int>(std::min<int64_t>(options.threads, 1024));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

bool is_package_folder(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

std::vector<InputInfo> input_infos(const Graph& graph) {
  const SymbolValues symbols = typical_symbols(graph);
  std::vector<InputInfo> inputs;
  for (const auto& node : graph.nodes()) {
    if (node->kind != Kind::input) continue;
    InputInfo input{node->as<InputAttr>().name, node->results[0].dtype, {}};
    for (const Index& dim : node->results[0].shape) {
      input.shape.push_back(dim.evaluate(
          [&](std::string_view name) { return symbols.at(std::string(name)); }));
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

std::vector<InputInfo> input_infos(const mt_model_info& info, int32_t entry) {
  std::map<std::string, int64_t> symbols;
  for (int32_t i = 0; i < info.symbol_count; ++i) {
    const mt_symbol_info& symbol = info.symbols[i];  // hints fit together where others might not
    symbols[symbol.name] = symbol.hint > 0 ? symbol.hint : std::max<int64_t>(symbol.lo, 1);
  }
  std::vector<InputInfo> inputs;
  const mt_entry_info& of = info.entries[entry];
  for (int32_t i = 0; i < of.input_count; ++i) {
    const mt_tensor_info& one = of.inputs[i];
    InputInfo input{one.name, static_cast<DType>(one.dtype), {}};
    for (int32_t d = 0; d < one.rank; ++d) {
      input.shape.push_back(one.shape[d] >= 0 ? one.shape[d] : symbols[one.symbol[d]]);
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

NamedTensors seeded_inputs(const std::vector<InputInfo>& inputs, int64_t seed) {
  NamedTensors tensors;
  for (const InputInfo& input : inputs) {
    const uint64_t own = hash_of(input.name) + static_cast<uint64_t>(seed);
    tensors[input.name] = seeded_tensor(input.dtype, input.shape, own);
  }
  return tensors;
}

Tensor with_dtype_of_bits(Tensor tensor, DType wanted) {
  if (wanted == DType::bf16 && tensor.dtype == DType::u16) tensor.dtype = DType::bf16;
  return tensor;
}

NamedTensors with_dtypes_of(NamedTensors tensors, const std::vector<InputInfo>& inputs) {
  for (const InputInfo& input : inputs) {
    const auto found = tensors.find(input.name);
    if (found == tensors.end()) continue;
    found->second = with_dtype_of_bits(std::move(found->second), input.dtype);
  }
  return tensors;
}

std::pair<std::string, std::string> split_case(const std::string& item) {
  const size_t comma = item.find(',');
  if (comma == std::string::npos) {
    throw UsageError("--case is '" + item + "', expected in.npz,out.npz");
  }
  return {item.substr(0, comma), item.substr(comma + 1)};
}

NamedTensors read_inputs(const std::vector<std::string>& given,
                         const std::vector<InputInfo>& inputs, int64_t seed) {
  NamedTensors tensors;
  if (seed >= 0) tensors = seeded_inputs(inputs, seed);
  std::vector<std::string_view> names;
  for (const InputInfo& input : inputs) names.push_back(input.name);
  for (const std::string& item : given) {
    const size_t equals = item.rfind('=');
    if (equals == std::string::npos) {
      throw UsageError("--input is '" + item + "', expected name=file.npy");
    }
    const std::string name = item.substr(0, equals);
    if (std::ranges::find(names, name) == names.end()) {
      throw CompileError("run", "the model has no input '" + name + "'", "",
                         did_you_mean(name, names));
    }
    tensors[name] = read_npy(item.substr(equals + 1));
  }
  for (const InputInfo& input : inputs) {
    if (!tensors.contains(input.name)) {
      throw CompileError("run", "input '" + input.name + "' is missing", "",
                         "give --input " + input.name +
                             "=file.npy, or --seed 0 for made-up values");
    }
  }
  return with_dtypes_of(std::move(tensors), inputs);
}

Difference compare(const Tensor& got, const Tensor& expected) {
  Difference result;
  result.same_shape = got.dtype == expected.dtype && got.shape == expected.shape;
  if (!result.same_shape) {
    result.same_bits = false;
    result.largest = std::numeric_limits<double>::infinity();
    return result;
  }
  result.same_bits = same_bits(got, expected);
  for (int64_t i = 0; i < got.count(); ++i) {
    const double a = as_double(got.at(i)), b = as_double(expected.at(i));
    if (std::isfinite(b)) result.largest_expected = std::max(result.largest_expected, std::abs(b));
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    const double error = std::abs(a - b);
    const double distance = std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
    if (distance <= result.largest) continue;
    result.largest = distance;
    result.index = index_of(i, got.shape);
    result.got = a;
    result.expected = b;
  }
  return result;
}

std::string to_string(const Difference& difference) {
  if (!difference.same_shape) return "other dtype or shape";
  if (difference.same_bits) return "same bits";
  if (difference.index.empty()) return "equal values, other bits (signs of zero)";
  const double scale = difference.largest_expected;
  return "largest error " + number_text(difference.largest) + " (" +
         number_text(scale > 0 ? difference.largest / scale : difference.largest) +
         " of the largest output) at " + bracketed(difference.index) + ": " +
         number_text(difference.got) + ", expected " + number_text(difference.expected);
}

std::string time_text(double seconds) {
  char text[40];
  const bool small = seconds < 1e-3;
  std::snprintf(text, sizeof text, small ? "%.3f us" : "%.3f ms", seconds * (small ? 1e6 : 1e3));
  return text;
}

std::string summary_of(const Tensor& tensor) {
  std::string text = std::string(name_of(tensor.dtype)) + bracketed(tensor.shape);
  const int64_t shown = std::min<int64_t>(tensor.count(), 8);
  for (int64_t i = 0; i < shown; ++i) text += " " + number_text(as_double(tensor.at(i)));
  return shown < tensor.count() ? text + " ..." : text;
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "mintor-XXXXXX").string();
  if (!mkdtemp(pattern.data())) {
    throw CompileError("temporary folder", "cannot make one like '" + pattern + "'");
  }
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;  // a folder that stays is no reason to fail
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace mintor
