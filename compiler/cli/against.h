// SPDX-License-Identifier: Apache-2.0
// Another implementation's outputs for a model, through the environment's Python.
// Takes the .onnx file and inputs by name; gives its outputs by name; throws CompileError with
// what Python said when it or the package is not there.
// Keeps true: Python is $MINTOR_PYTHON (the one beside the command), else python3 of PATH.
#pragma once

#include <string>

#include "compiler/cli/model_io.h"

namespace mintor {

NamedTensors run_onnxruntime(const std::string& model, const NamedTensors& inputs);

}  // namespace mintor
