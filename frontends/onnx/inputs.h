// SPDX-License-Identifier: Apache-2.0
// Inputs of the model: types, symbols for dimensions that are not fixed, and what the user says
// about shapes.
#pragma once

#include "frontends/onnx/import_state.h"

namespace mintor {

// Makes an input node for every graph input that is no initializer; sizes that state.sizes binds
// are what they are bound to.
void import_inputs(OnnxState& state, const onnx::GraphProto& graph,
                   const OnnxImportOptions& options);

}  // namespace mintor
