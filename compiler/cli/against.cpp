// SPDX-License-Identifier: Apache-2.0
// Starts Python on a short script that reads .npy files, runs onnxruntime and writes .npy files.
// Takes tensors; gives tensors, through a temporary folder. Keeps true: names of inputs and
// outputs travel in a JSON file, so that they need not be file names.
#include "compiler/cli/against.h"

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "compiler/cli/files.h"
#include "compiler/support/error.h"
#include "compiler/support/subprocess.h"

namespace mintor {
namespace {

constexpr const char* kScript = R"(
import json, sys
import numpy as np
import onnxruntime as ort
model, folder = sys.argv[1:]
names = json.load(open(folder + "/inputs.json"))
options = ort.SessionOptions()
options.log_severity_level = 3
run = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
feeds = {name: np.load(f"{folder}/in{i}.npy") for i, name in enumerate(names)}
outputs = [output.name for output in run.get_outputs()]
for i, value in enumerate(run.run(outputs, feeds)):
    np.save(f"{folder}/out{i}.npy", np.ascontiguousarray(value))
json.dump(outputs, open(folder + "/outputs.json", "w"))
)";

std::string python() {
  if (const char* chosen = std::getenv("MINTOR_PYTHON")) return chosen;
  return "python3";
}

}  // namespace

NamedTensors run_onnxruntime(const std::string& model, const NamedTensors& inputs) {
  const TemporaryFolder folder;
  auto names = nlohmann::json::array();
  for (const auto& [name, tensor] : inputs) {
    write_npy(folder.path() + "/in" + std::to_string(names.size()) + ".npy", tensor);
    names.push_back(name);
  }
  write_file(folder.path() + "/inputs.json", names.dump());
  const std::string interpreter = python();
  const CommandResult result =
      run_command({interpreter, "-c", kScript, std::filesystem::absolute(model).string(),
                   folder.path()});
  if (result.status != 0) {
    throw CompileError("verify", "onnxruntime did not run:\n" + result.output, interpreter,
                       "install onnxruntime there, or name another Python in $MINTOR_PYTHON");
  }
  NamedTensors outputs;
  const auto made = nlohmann::json::parse(read_file(folder.path() + "/outputs.json"));
  for (size_t i = 0; i < made.size(); ++i) {
    outputs[made[i].get<std::string>()] =
        read_npy(folder.path() + "/out" + std::to_string(i) + ".npy");
  }
  return outputs;
}

}  // namespace mintor
