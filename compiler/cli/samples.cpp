// SPDX-License-Identifier: Apache-2.0
// Reads the samples of a folder (samples.h). Takes .npz and .npy files; gives inputs by name.
// Keeps true: what is not finite calibrates nothing, and is refused; sizes are checked by the run.
#include "compiler/cli/samples.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "compiler/cli/files.h"
#include "compiler/support/error.h"
#include "compiler/support/nearest.h"

namespace mintor {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> files_in(const std::string& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error))
    throw CompileError("quantize", "'" + folder + "' is no folder of samples", "",
                       "--calibrate takes a folder of .npz or .npy files");
  std::vector<std::string> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const fs::path extension = entry.path().extension();
    if (extension == ".npz" || extension == ".npy") files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  if (files.empty())
    throw CompileError("quantize", "the folder holds no .npz or .npy file", folder,
                       "numpy.savez(file, x=array) writes a sample");
  return files;
}

NamedTensors arrays_of(const std::string& file, const std::vector<InputInfo>& inputs) {
  if (!file.ends_with(".npy")) return read_npz(file);
  if (inputs.size() == 1) return {{inputs[0].name, read_npy(file)}};
  throw CompileError("quantize",
                     "the model has " + std::to_string(inputs.size()) + " inputs, an .npy file one",
                     file, "numpy.savez writes several arrays into an .npz file, by name");
}

void check_finite(const std::string& name, const Tensor& tensor, const std::string& file) {
  if (!is_float(tensor.dtype)) return;
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const double value = tensor.at(i).f;
    if (std::isfinite(value)) continue;
    throw CompileError("quantize",
                       "input '" + name + "' holds " + (std::isnan(value) ? "NaN" : "infinity") +
                           " at element " + std::to_string(i),
                       file);
  }
}

NamedTensors read_sample(const std::string& file, const std::vector<InputInfo>& inputs) {
  NamedTensors arrays = with_dtypes_of(arrays_of(file, inputs), inputs);
  std::vector<std::string_view> names;
  for (const InputInfo& input : inputs) {
    names.push_back(input.name);
    if (!arrays.contains(input.name))
      throw CompileError("quantize", "input '" + input.name + "' is missing", file);
  }
  for (const auto& [name, tensor] : arrays) {
    if (std::ranges::find(names, name) == names.end())
      throw CompileError("quantize", "the model has no input '" + name + "'", file,
                         did_you_mean(name, names));
    check_finite(name, tensor, file);
  }
  return arrays;
}

}  // namespace

Samples read_samples(const std::string& folder, const std::vector<InputInfo>& inputs) {
  const std::vector<std::string> files = files_in(folder);
  return {files.size(), [files](size_t i) { return files[i]; },
          [files, inputs](size_t i) { return read_sample(files[i], inputs); }};
}

}  // namespace mintor
