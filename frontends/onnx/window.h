// SPDX-License-Identifier: Apache-2.0
// strides, dilations, pads and auto_pad of convolutions and pools, one entry per dimension.
// Takes the node, its data and the window; gives paddings as expressions (SAME of a symbolic size).
#pragma once

#include <vector>

#include "frontends/onnx/node.h"

namespace mintor {

struct OnnxWindow {
  std::vector<int64_t> stride, dilation;  // one per spatial dimension
  std::vector<Index> pad_before, pad_after;
};

// x is [N, C, D..], kernel one size per spatial dimension.
OnnxWindow read_window(OnnxNode& n, Value x, const std::vector<int64_t>& kernel);
ops::PoolAttr read_pool(OnnxNode& n, Value x);

}  // namespace mintor
