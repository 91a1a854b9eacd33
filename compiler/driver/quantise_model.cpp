// SPDX-License-Identifier: Apache-2.0
// Samples through the model, with what layers read and make as further results; then through the
// file that was written (quantise_model.h).
// Takes a path, samples, settings; gives the report. Keeps true: values are kept for one sample at
// a time.
#include "compiler/driver/quantise_model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <set>

#include "compiler/driver/driver.h"
#include "compiler/driver/value_range.h"
#include "compiler/support/error.h"
#if MINTOR_HAS_ONNX
#include "compiler/driver/import_options.h"
#include "frontends/onnx/quantise.h"
#endif

namespace mintor {

#if MINTOR_HAS_ONNX
namespace {

using NamedTensors = std::map<std::string, Tensor>;

// Sums over the values of a tensor in all samples.
class ErrorSums {
 public:
  void add(const Tensor& expected, const Tensor& got) {
    if (expected.dtype != DType::f32 || got.dtype != DType::f32 || expected.shape != got.shape)
      return;
    for (int64_t i = 0; i < expected.count(); ++i) {
      const double value = expected.as<float>()[i], error = got.as<float>()[i] - value;
      if (!std::isfinite(value)) continue;
      signal_ += value * value;
      noise_ += error * error;
      largest_value_ = std::max(largest_value_, std::abs(value));
      largest_error_ = std::max(largest_error_, std::abs(error));
    }
  }

  QuantiseError error() const {
    if (noise_ == 0) return {std::numeric_limits<double>::infinity(), 0};
    return {10 * std::log10(signal_ / noise_),
            largest_value_ > 0 ? largest_error_ / largest_value_ : largest_error_};
  }

 private:
  double signal_ = 0, noise_ = 0, largest_value_ = 0, largest_error_ = 0;
};

class Watched {
 public:
  // The model with these values as results, too.
  Watched(CompileContext& context, const std::string& path, const std::set<std::string>& values,
          const QuantiseSettings& settings) {
    Graph graph = import_onnx_with_results(context, path, import_options(context.options), values);
    LoadOptions load;
    load.threads = settings.threads;
    model_ = jit(context, graph, {settings.level}, load);
  }

  NamedTensors run(const Samples& samples, size_t i) {
    const NamedTensors inputs = samples.read(i);
    try {
      return model_->run(inputs);
    } catch (const CompileError& error) {
      throw CompileError(error.op(), error.problem(), samples.name(i));
    }
  }

 private:
  std::unique_ptr<LoadedModel> model_;
};

std::map<std::string, OnnxRange> ranges_of(CompileContext& context, Watched& model,
                                           const OnnxQuantizePlan& plan, const Samples& samples,
                                           double percentile) {
  std::map<std::string, ValueRange> seen;
  for (size_t i = 0; i < samples.count; ++i) {
    if (context.progress)
      context.progress("calibrating", static_cast<int64_t>(i), static_cast<int64_t>(samples.count));
    const NamedTensors values = model.run(samples, i);
    for (const auto& [value, scale] : plan.scale_of) {
      const Tensor& tensor = values.at(value);
      if (tensor.dtype != DType::f32)
        throw CompileError("quantize", "'" + value + "', which a layer reads, is " +
                                           std::string(name_of(tensor.dtype)) + ", not f32");
      seen[value].add(tensor);
    }
  }
  std::map<std::string, OnnxRange> ranges;
  for (const auto& [value, range] : seen) {
    const auto [low, high] = range.holding(percentile);
    ranges[value] = {low, high};
  }
  return ranges;
}

}  // namespace

QuantiseReport quantise_model(CompileContext& context, const std::string& path,
                              const Samples& samples, const QuantiseSettings& settings,
                              const std::string& output) {
  const OnnxQuantizePlan plan = plan_onnx_quantisation(path);
  std::set<std::string> results, watched;
  for (const OnnxLayer& layer : plan.layers)
    if (layer.reason.empty()) results.insert(layer.result);
  watched = results;
  for (const auto& [value, scale] : plan.scale_of) watched.insert(value);
  Watched model(context, path, watched, settings);
  write_quantised_onnx(context, path, plan,
                       ranges_of(context, model, plan, samples, settings.percentile), output);
  Watched quantised(context, output, results, settings);
  std::map<std::string, ErrorSums> sums;
  for (size_t i = 0; i < samples.count; ++i) {
    const NamedTensors expected = model.run(samples, i), got = quantised.run(samples, i);
    for (const auto& [name, tensor] : got) sums[name].add(expected.at(name), tensor);
  }
  QuantiseReport report;
  for (const OnnxLayer& layer : plan.layers) {
    QuantisedLayer made{layer.name, layer.op_type, layer.reason, std::nullopt};
    if (layer.reason.empty()) made.error = sums.at(layer.result).error();
    report.layers.push_back(std::move(made));
  }
  for (const OnnxPort& port : summarize_onnx(path).outputs)
    if (sums.contains(port.name)) report.outputs[port.name] = sums.at(port.name).error();
  return report;
}

#else
QuantiseReport quantise_model(CompileContext&, const std::string& path, const Samples&,
                              const QuantiseSettings&, const std::string&) {
  throw CompileError("quantize", "'" + path + "' cannot be read: this build has no ONNX frontend",
                     "", "build with -DMINTOR_ONNX=ON");
}
#endif

}  // namespace mintor
