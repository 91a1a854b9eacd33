// SPDX-License-Identifier: Apache-2.0
// A folder of samples for `quantize`: .npz files, each with an array for every input by name, or,
// where the model has one input, .npy files. Takes the folder and the model's inputs; gives samples
// in the order of their names, each read when it is asked for. Keeps true: a sample is refused with
// its file, what is wrong and what the model takes.
#pragma once

#include <string>
#include <vector>

#include "compiler/cli/model_io.h"
#include "compiler/driver/quantise_model.h"

namespace mintor {

Samples read_samples(const std::string& folder, const std::vector<InputInfo>& inputs);

}  // namespace mintor
