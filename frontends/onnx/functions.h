// SPDX-License-Identifier: Apache-2.0
// Functions of a model, expanded where they are called.
//   scale <by> (a) => (b) { c = Constant <value_float = @by> ()  b = Mul(a, c) }
//   y = local.scale <by = 2.0> (x)
//     ->  "scale/c" = Constant <value_float = 2.0> ()  y = Mul(x, "scale/c")
// Takes a model; gives the same without functions. Keeps true: names stay unique; a call gives its
// function the attributes that it has, others have their default or are left out; depth, nodes and
// bytes are bounded, and a function that calls itself is refused.
#pragma once

namespace onnx {
class ModelProto;
}  // namespace onnx

namespace mintor {

void expand_functions(onnx::ModelProto& model);

}  // namespace mintor
