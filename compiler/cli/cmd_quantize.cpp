// SPDX-License-Identifier: Apache-2.0
// mintor quantize: an ONNX model with f32 layers becomes one whose layers compute in integers.
// Takes MODEL, --calibrate DIR of samples; gives the ONNX file -o, and how far each layer is from
// the model's, as a table or --json. Keeps true: nothing is measured on made-up values.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "compiler/cli/command.h"
#include "compiler/cli/samples.h"

namespace mintor {
namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  std::string model, samples, output;
  double percentile = 100;
  bool json = false;
  Options options;
};

Json as_json(const QuantiseError& error) {
  Json made = {{"sqnr_db", nullptr}, {"largest_error", error.largest}};
  if (std::isfinite(error.decibels)) made["sqnr_db"] = error.decibels;  // else there is no error
  return made;
}

Json as_json(const QuantiseReport& report) {
  Json made = {{"layers", Json::array()}, {"outputs", Json::object()}};
  for (const QuantisedLayer& layer : report.layers) {
    Json one = {{"name", layer.name}, {"operator", layer.op_type}};
    if (layer.error)
      one.update(as_json(*layer.error));
    else
      one["float_because"] = layer.reason;
    made["layers"].push_back(std::move(one));
  }
  for (const auto& [name, error] : report.outputs) made["outputs"][name] = as_json(error);
  return made;
}

std::string text_of(const QuantiseError& error) {
  char text[64];
  std::snprintf(text, sizeof text, "%8.1f %14.3g", error.decibels, error.largest);
  return text;
}

void print_text(const QuantiseReport& report) {
  std::printf("%-40s %-8s %8s %14s\n", "layer", "operator", "SQNR dB", "largest error");
  for (const QuantisedLayer& layer : report.layers) {
    const std::string text = layer.error ? text_of(*layer.error) : "  floats: " + layer.reason;
    std::printf("%-40s %-8s %s\n", layer.name.c_str(), layer.op_type.c_str(), text.c_str());
  }
  for (const auto& [name, error] : report.outputs)
    std::printf("%-40s %-8s %s\n", name.c_str(), "output", text_of(error).c_str());
}

int run(const Arguments& arguments) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (fs::equivalent(arguments.model, arguments.output, ignored))
    throw UsageError("-o is the model itself");
  check_one_level(arguments.options);
  CompileContext context = make_context(arguments.options);
  const Samples samples =
      read_samples(arguments.samples, input_infos(load_model(context, arguments.model)));
  const QuantiseSettings settings{arguments.percentile,
                                  levels_of(context, DefaultLevels::native).back(),
                                  threads_of(arguments.options)};
  const QuantiseReport report =
      quantise_model(context, arguments.model, samples, settings, arguments.output);
  mintor::report(context);
  if (arguments.json) {
    std::puts(as_json(report).dump(2).c_str());
    return 0;
  }
  print_text(report);
  const auto layers = std::ranges::count_if(
      report.layers, [](const QuantisedLayer& layer) { return layer.error.has_value(); });
  std::printf("%s: %td of %zu layers in integers, %zu samples, %.3f MB\n", arguments.output.c_str(),
              layers, report.layers.size(), samples.count,
              static_cast<double>(fs::file_size(arguments.output)) * 1e-6);
  return 0;
}

RunCommand declare(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("MODEL", arguments->model, "an .onnx file")->required();
  app.add_option("--calibrate", arguments->samples,
                 "folder of samples: .npz files with an array for each input, or .npy files where "
                 "there is one input")
      ->required();
  app.add_option("-o,--output", arguments->output, "the .onnx file to write")->required();
  app.add_option("--percentile", arguments->percentile,
                 "the share of a tensor's values, in per cent, that its range holds; the others "
                 "saturate (else 100: from the least to the largest)")
      ->check(CLI::Range(50.0, 100.0));
  app.add_flag("--json", arguments->json, "the errors for machines");
  add_options(app, arguments->options, {"target", "threads", "shapes", "jit", "cache_dir"});
  return [arguments] { return run(*arguments); };
}

}  // namespace

extern const Command cmd_quantize = {
    "quantize", "an ONNX model whose layers compute in integers, and the error of each",
    "  mintor quantize model.onnx --calibrate samples -o model.int8.onnx\n"
    "  mintor quantize model.onnx --calibrate samples -o model.int8.onnx --percentile 99.99\n",
    declare};

}  // namespace mintor
