// SPDX-License-Identifier: Apache-2.0
// mintor run: a package or a model on given inputs. Takes DIR (built) or MODEL, --entry NAME where
// it has several, --input name=file.npy; gives one line per output, and .npy files below --save
// DIR. --evaluate runs the graph in the reference evaluator instead of compiling it. Keeps true: a
// missing or unknown input is named; nothing is made up unless --seed says so; --json has no value
// that is not finite (null).
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "compiler/cli/command.h"
#include "compiler/cli/files.h"
#include "compiler/cli/model_io.h"
#include "compiler/cli/open_any.h"
#include "compiler/cli/terminal.h"
#include "compiler/graph/join_entries.h"
#include "compiler/graph/pipeline.h"
#include "compiler/ir/evaluate.h"
#include "compiler/support/error.h"
#include "compiler/support/nearest.h"

namespace mintor {
namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  std::string model, save, entry;
  std::vector<std::string> inputs;
  int64_t seed = -1;
  bool times = false, evaluate = false, json = false;
  Options options;
};

// A file name that no other output has and that stays in its folder: what is not plain is written
// as %XX, "a/1" as "a%2F1".
std::string file_name_of(const std::string& output) {
  std::string name;
  for (const char c : output) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = c != '/' && c != '%' && byte >= 0x20 && byte != 0x7f &&
                       !(c == '.' && name.empty());
    char code[4];
    std::snprintf(code, sizeof code, "%%%02X", byte);
    name += plain ? std::string(1, c) : code;
  }
  return name + ".npy";
}

struct Outcome {
  NamedTensors outputs, updates;  // updates: new values of parameters, by their names
  double seconds = 0;
};

template <typename Run>
Outcome timed(Run run) {
  const auto begin = std::chrono::steady_clock::now();
  Outcome outcome = run();
  outcome.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return outcome;
}

Outcome run_compiled(const Arguments& arguments, CompileContext& context) {
  const auto loaded = open_any(context, arguments.model);
  report(context);
  const mt_model_info& info = loaded->info();
  const int32_t entry = arguments.entry.empty() ? 0 : find_entry(info, arguments.entry);
  const NamedTensors inputs =
      read_inputs(arguments.inputs, input_infos(info, entry), arguments.seed);
  return timed([&] { return Outcome{loaded->run(info.entries[entry].name, inputs), {}, 0}; });
}

// The graph of the entry that is asked for, which knows of the others.
Graph load_entry(CompileContext& context, const Arguments& arguments) {
  std::vector<Graph> graphs = load_entries(context, arguments.model);
  join_entries(graphs);
  std::vector<std::string> names;
  for (const Graph& graph : graphs) names.push_back(entry_name(graph, graphs.size()));
  const auto found =
      arguments.entry.empty() ? names.begin() : std::ranges::find(names, arguments.entry);
  if (found != names.end()) return std::move(graphs[static_cast<size_t>(found - names.begin())]);
  throw CompileError(
      "run", "'" + arguments.model + "' has no entry '" + arguments.entry + "'", "",
      did_you_mean(arguments.entry, std::vector<std::string_view>(names.begin(), names.end())));
}

// The reference evaluator on the graph after the numerics passes: the bits that a compiled model
// has to have, also for graphs that cannot be compiled.
Outcome run_evaluated(const Arguments& arguments, CompileContext& context) {
  if (is_package_folder(arguments.model)) {
    throw UsageError("--evaluate needs the model's file; a package does not hold it");
  }
  refuse_options(arguments.options, {"shapes", "states", "numerics", "disable_pass", "explain"},
                 "has no use beside --evaluate: nothing is compiled");
  context.options.stop_after = numerics_pipeline().back().pass;
  const Graph graph = optimise(context, load_entry(context, arguments));
  report(context);
  const NamedTensors inputs = read_inputs(arguments.inputs, input_infos(graph), arguments.seed);
  return timed([&] {
    const Evaluation evaluation = evaluate(graph, inputs);
    Outcome outcome;
    for (size_t i = 0; i < evaluation.results.size(); ++i) {
      outcome.outputs[graph.results[i].name] = evaluation.results[i];
    }
    for (size_t i = 0; i < evaluation.updates.size(); ++i) {
      outcome.updates[graph.updates[i].parameter] = evaluation.updates[i];
    }
    return outcome;
  });
}

// Small ones with their values; those of others are in the files of --save.
Json tensor_json(const std::string& name, const Tensor& tensor) {
  constexpr int64_t kMostValues = 64;
  Json json = {{"name", name},
               {"dtype", name_of(tensor.dtype)},
               {"shape", tensor.shape},
               {"sha256", tensor.sha256()}};
  if (tensor.count() > kMostValues) return json;
  json["values"] = Json::array();
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const Scalar value = tensor.at(i);
    if (is_float(tensor.dtype))
      json["values"].push_back(value.f);
    else if (tensor.dtype == DType::u64)
      json["values"].push_back(static_cast<uint64_t>(value.i));
    else
      json["values"].push_back(value.i);
  }
  return json;
}

Json tensors_json(const NamedTensors& tensors) {
  Json all = Json::array();
  for (const auto& [name, tensor] : tensors) all.push_back(tensor_json(name, tensor));
  return all;
}

void save(const std::string& folder, const NamedTensors& outputs) {
  std::filesystem::create_directories(folder);
  for (const auto& [name, tensor] : outputs) {
    const std::string file = file_name_of(name);
    write_npy(folder + "/" + file, tensor);
    if (file != name + ".npy") say("output '" + name + "' is in " + file);
  }
}

int run(const Arguments& arguments) {
  CompileContext context = make_context(arguments.options);
  const auto [outputs, updates, seconds] =
      arguments.evaluate ? run_evaluated(arguments, context) : run_compiled(arguments, context);
  if (!arguments.save.empty()) save(arguments.save, outputs);
  if (arguments.json) {
    const Json result = {{"outputs", tensors_json(outputs)},
                         {"updates", tensors_json(updates)},
                         {"seconds", seconds}};
    std::puts(result.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
    return 0;
  }
  for (const auto& [name, tensor] : outputs)
    std::printf("%s %s\n", name.c_str(), summary_of(tensor).c_str());
  for (const auto& [name, tensor] : updates)
    std::printf("update %s %s\n", name.c_str(), summary_of(tensor).c_str());
  if (arguments.times) say(time_text(seconds));
  return 0;
}

RunCommand declare(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("MODEL", arguments->model, "a package, an .onnx file or the text of a graph")
      ->required();
  app.add_option("--entry", arguments->entry, "which entry of the model runs (else the first)");
  app.add_option("--input", arguments->inputs, "name=file.npy; repeatable")
      ->allow_extra_args(false);
  app.add_option("--save", arguments->save,
                 "folder for the outputs, as <name>.npy; / in a name becomes %2F");
  app.add_option("--seed", arguments->seed, "make up the inputs that are not given")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--time", arguments->times, "say on stderr how long the run took");
  app.add_flag("--json", arguments->json, "outputs for machines, small ones with their values");
  app.add_flag("--evaluate", arguments->evaluate,
               "run the graph in the reference evaluator: slow, compiles nothing, takes every "
               "operator");
  add_options(app, arguments->options,
              {"target", "threads", "shapes", "states", "numerics", "db", "disable_pass", "jit",
               "cache_dir", "llvm_pass_plugin", "explain"});
  return [arguments] { return run(*arguments); };
}

}  // namespace

extern const Command cmd_run = {"run", "run a package or a model on given inputs",
                                "  mintor run out --input x=x.npy --save outputs\n"
                                "  mintor run model.onnx --seed 0 --threads 2 --target v3\n"
                                "  mintor run loop.graph --input x=x.npy --evaluate\n"
                                "  mintor run trained --entry train_step --seed 0\n",
                                declare};

}  // namespace mintor
