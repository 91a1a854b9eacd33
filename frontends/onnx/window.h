// SPDX-License-Identifier: Apache-2.0
// strides, dilations, pads and auto_pad of convolutions and pools.
#pragma once

#include <vector>

#include "frontends/onnx/node.h"

namespace mintor {

struct OnnxWindow {
  std::vector<int64_t> stride, dilation;       // one per spatial dimension
  std::vector<Index> pad_before, pad_after;
};

// x is [N, C, D..], kernel one size per spatial dimension.
OnnxWindow read_window(OnnxNode& n, Value x, const std::vector<int64_t>& kernel);

}  // namespace mintor
