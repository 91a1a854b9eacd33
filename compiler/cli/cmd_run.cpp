// SPDX-License-Identifier: Apache-2.0
// mintor run: a package or a model on given inputs. Takes DIR (built) or MODEL, --input
// name=file.npy; gives one line per output, and .npy files below --save DIR.
// Keeps true: a missing or unknown input is named; nothing is made up unless --seed says so.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "compiler/cli/command.h"
#include "compiler/cli/files.h"
#include "compiler/cli/model_io.h"
#include "compiler/cli/open_any.h"

namespace mintor {
namespace {

struct Arguments {
  std::string model, save;
  std::vector<std::string> inputs;
  int64_t seed = -1;
  bool times = false;
  Options options;
};

int run(const Arguments& arguments) {
  CompileContext context = make_context(arguments.options);
  const auto loaded = open_any(context, arguments.model);
  report(context);
  const NamedTensors inputs =
      read_inputs(arguments.inputs, input_infos(loaded->info()), arguments.seed);
  const auto begin = std::chrono::steady_clock::now();
  const NamedTensors outputs = loaded->run(inputs);
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - begin;
  if (!arguments.save.empty()) std::filesystem::create_directories(arguments.save);
  for (const auto& [name, tensor] : outputs) {
    std::printf("%s %s\n", name.c_str(), summary_of(tensor).c_str());
    if (arguments.save.empty()) continue;
    const std::string file = std::filesystem::path(name).filename().string() + ".npy";
    write_npy(arguments.save + "/" + file, tensor);
  }
  if (arguments.times) std::fprintf(stderr, "%.3f ms\n", time.count());
  return 0;
}

RunCommand declare(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("MODEL", arguments->model, "a package, an .onnx file or the text of a graph")
      ->required();
  app.add_option("--input", arguments->inputs, "name=file.npy; repeatable")
      ->allow_extra_args(false);
  app.add_option("--save", arguments->save, "folder for the outputs, as <name>.npy");
  app.add_option("--seed", arguments->seed, "make up the inputs that are not given");
  app.add_flag("--time", arguments->times, "say on stderr how long the run took");
  add_options(app, arguments->options,
              {"target", "threads", "shapes", "numerics", "jit", "cache_dir", "explain"});
  return [arguments] { return run(*arguments); };
}

}  // namespace

extern const Command cmd_run = {
    "run", "run a package or a model on given inputs",
    "  mintor run out --input x=x.npy --save outputs\n"
    "  mintor run model.onnx --seed 0 --threads 2 --target v3\n",
    declare};

}  // namespace mintor
