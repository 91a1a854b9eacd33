// SPDX-License-Identifier: Apache-2.0
// Random numbers of ONNX operators.
// Keeps true: the stream is Philox 4x32-10 (docs/numerics.md), its key the attribute `seed`, or the
// hash of the name of the node's first output where there is none: every run of a model draws the
// same numbers, and no two nodes do.
#pragma once

#include "frontends/onnx/node.h"

namespace mintor {

// f32 of the distribution "uniform" ([0, 1)) or "normal" (mean 0, deviation 1).
Value random_values(OnnxNode& n, std::string_view distribution, const Shape& shape);

}  // namespace mintor
