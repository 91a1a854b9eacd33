// SPDX-License-Identifier: Apache-2.0
// Static quantisation of an ONNX model: ranges from samples, the quantised file, and how far its
// layers are from those of the model.
// Takes a file and samples; gives a file (frontends/onnx/quantise.h) and an error for each layer.
// Keeps true: the errors are those of the file as it was written, read again, on the same samples.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/tensor.h"
#include "compiler/support/context.h"

namespace mintor {

struct Samples {
  size_t count = 0;
  std::function<std::string(size_t)> name;                    // for errors
  std::function<std::map<std::string, Tensor>(size_t)> read;  // inputs by name
};

struct QuantiseSettings {
  // The share of all values of a tensor, in per cent, that its range holds; 100: all of them.
  double percentile = 100;
  std::string level;  // that runs the model
  int threads = 1;
};

// Of all samples together.
struct QuantiseError {
  double decibels = 0;  // the sum of squares of the values over that of the differences: SQNR
  double largest = 0;   // difference, as a part of the largest value
};

struct QuantisedLayer {
  std::string name, op_type;
  std::string reason;                  // why it stays in floats; empty: it does not
  std::optional<QuantiseError> error;  // of its result; none where the layer stays in floats
};

struct QuantiseReport {
  std::vector<QuantisedLayer> layers;
  std::map<std::string, QuantiseError> outputs;  // of the model
};

// Writes `output`. CompileError names the sample that does not fit the model.
QuantiseReport quantise_model(CompileContext& context, const std::string& path,
                              const Samples& samples, const QuantiseSettings& settings,
                              const std::string& output);

}  // namespace mintor
