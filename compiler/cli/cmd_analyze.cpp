// SPDX-License-Identifier: Apache-2.0
// mintor analyze: what a model holds and costs, before any code is made. Takes MODEL; gives its
// inputs, outputs, operators, symbols, floating-point operations and memory, as text or --json.
// Unsupported operators are one error that names them all (exit code 1).
// Keeps true: nothing is compiled; symbols count at their hints, and the output says which.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "compiler/cli/command.h"
#include "compiler/graph/cost.h"
#include "compiler/ir/sizes.h"
#include "compiler/driver/driver.h"
#if MINTOR_HAS_ONNX
#include "frontends/onnx/onnx.h"
#endif

namespace mintor {
namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  std::string model;
  bool json = false;
  Options options;
};

struct KindSum {
  int64_t count = 0, flops = 0, bytes = 0;
};

std::map<std::string, KindSum> by_operator(const GraphCost& cost) {
  std::map<std::string, KindSum> sums;
  for (const NodeCost& node : cost.nodes) {
    KindSum& sum = sums[std::string(op_name(node.node->kind, node.node->attr))];
    sum.count += 1;
    sum.flops += node.flops;
    sum.bytes += node.result_bytes;
  }
  return sums;
}

Json as_json(const Graph& graph, const GraphCost& cost, const SymbolValues& symbols) {
  Json result = {{"model", graph.name()}, {"inputs", Json::array()}, {"outputs", Json::array()}};
  for (const NodeCost& one : cost.nodes) {
    if (one.node->kind != Kind::input) continue;
    const Type& type = one.node->results[0];
    result["inputs"].push_back({{"name", one.node->as<InputAttr>().name},
                                {"dtype", name_of(type.dtype)},
                                {"shape", to_string(type.shape)}});
  }
  for (const Result& output : graph.results) {
    result["outputs"].push_back({{"name", output.name},
                                 {"dtype", name_of(output.value.dtype())},
                                 {"shape", to_string(output.value.shape())}});
  }
  result["symbols"] = Json::object();
  for (const auto& [name, value] : symbols) result["symbols"][name] = value;
  result["conditions"] = Json::array();
  for (const Condition& c : graph.conditions())
    result["conditions"].push_back({{"needs", to_string(c)}, {"because", c.because}});
  result["operators"] = Json::object();
  for (const auto& [name, sum] : by_operator(cost)) {
    result["operators"][name] = {{"count", sum.count}, {"flops", sum.flops}, {"bytes", sum.bytes}};
  }
  result["nodes"] = cost.nodes.size();
  result["flops"] = cost.flops;
  result["contraction_flops"] = cost.contract_flops;
  result["parameter_bytes"] = cost.parameter_bytes;
  result["largest_value_bytes"] = cost.largest_value_bytes;
  result["peak_live_bytes_unfused"] = cost.peak_live_bytes;
  return result;
}

// What an .onnx file says of itself, unsupported operators included; null for a graph's text.
Json onnx_json(const std::string& path) {
  Json result;
#if MINTOR_HAS_ONNX
  if (!path.ends_with(".onnx")) return result;
  const OnnxSummary summary = summarize_onnx(path);
  result = {{"opset", summary.opset}, {"producer", summary.producer}};
  result["operators"] = Json::object();
  for (const auto& [name, count] : summary.op_counts) result["operators"][name] = count;
  result["unsupported"] = Json::object();
  for (const auto& [name, nodes] : summary.unsupported) result["unsupported"][name] = nodes;
  result["weight_bytes"] = summary.weight_bytes;
#else
  static_cast<void>(path);
#endif
  return result;
}

void print_onnx(const Json& onnx) {
  std::printf("onnx opset %lld, operators:", static_cast<long long>(onnx["opset"].get<int64_t>()));
  for (const auto& [name, count] : onnx["operators"].items()) {
    std::printf(" %s %lld", name.c_str(), static_cast<long long>(count.get<int64_t>()));
  }
  std::printf("\nunsupported:");
  for (const auto& [name, nodes] : onnx["unsupported"].items()) {
    std::printf(" %s (%zu)", name.c_str(), nodes.size());
  }
  std::puts(onnx["unsupported"].empty() ? " none" : "");
}

void print_values(const char* heading, const Json& values) {
  std::printf("%s\n", heading);
  for (const Json& value : values) {
    std::printf("  %-24s %s%s\n", value["name"].get<std::string>().c_str(),
                value["dtype"].get<std::string>().c_str(),
                value["shape"].get<std::string>().c_str());
  }
}

void print_text(const Json& result) {
  std::printf("model %s\n", result["model"].get<std::string>().c_str());
  print_values("inputs", result["inputs"]);
  print_values("outputs", result["outputs"]);
  for (const auto& [name, value] : result["symbols"].items()) {
    std::printf("symbol %s counted at %lld\n", name.c_str(),
                static_cast<long long>(value.get<int64_t>()));
  }
  for (const Json& condition : result["conditions"]) {
    std::printf("sizes need %s: %s\n", condition["needs"].get<std::string>().c_str(),
                condition["because"].get<std::string>().c_str());
  }
  std::printf("%-24s %8s %16s %16s\n", "operator", "count", "flop", "bytes of results");
  for (const auto& [name, sum] : result["operators"].items()) {
    std::printf("  %-22s %8lld %16lld %16lld\n", name.c_str(),
                static_cast<long long>(sum["count"].get<int64_t>()),
                static_cast<long long>(sum["flops"].get<int64_t>()),
                static_cast<long long>(sum["bytes"].get<int64_t>()));
  }
  std::printf("operations  %.3f Gflop, of which %.3f in contractions\n",
              result["flops"].get<double>() * 1e-9,
              result["contraction_flops"].get<double>() * 1e-9);
  std::printf("memory      parameters %.3f MB, largest value %.3f MB, live at one time at most "
              "%.3f MB (nothing fused)\n",
              result["parameter_bytes"].get<double>() * 1e-6,
              result["largest_value_bytes"].get<double>() * 1e-6,
              result["peak_live_bytes_unfused"].get<double>() * 1e-6);
}

int run(const Arguments& arguments) {
  const Json onnx = onnx_json(arguments.model);
  if (!onnx.is_null() && !onnx["unsupported"].empty()) {
    // The import would stop at them: what the file says is all that can be shown.
    if (arguments.json) {
      std::puts(Json{{"onnx", onnx}}.dump(2).c_str());
    } else {
      print_onnx(onnx);
    }
  }
  CompileContext context = make_context(arguments.options);
  const Graph graph = optimise(context, load_model(context, arguments.model));
  report(context);
  const SymbolValues symbols = typical_symbols(graph);
  Json result = as_json(graph, cost_of(graph, symbols), symbols);
  if (!onnx.is_null()) result["onnx"] = onnx;
  if (arguments.json) {
    std::puts(result.dump(2).c_str());
  } else {
    print_text(result);
    if (!onnx.is_null()) print_onnx(onnx);
  }
  return 0;
}

RunCommand declare(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("MODEL", arguments->model, "an .onnx file or the text of a graph")->required();
  app.add_flag("--json", arguments->json, "the same for machines");
  add_options(app, arguments->options, {"shapes", "states", "numerics", "explain", "disable_pass"});
  return [arguments] { return run(*arguments); };
}

}  // namespace

extern const Command cmd_analyze = {
    "analyze", "operators, shapes, operations and memory of a model; what is unsupported",
    "  mintor analyze model.onnx\n"
    "  mintor analyze model.onnx --shape x=8x3x224x224 --json\n",
    declare};

}  // namespace mintor
