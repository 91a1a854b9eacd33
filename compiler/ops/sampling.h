// SPDX-License-Identifier: Apache-2.0
// Library operators that read between the elements of a value: grids, boxes, offsets. Positions are
// floats that the run computes; what lies outside of the value is chosen by a mode. The general
// rules are those of ops/library.h.
#pragma once

#include "compiler/ops/library.h"

namespace mintor::ops {

enum class Interpolation { nearest, linear, cubic };
enum class Outside { zeros, border, reflection };

// x[N, C, D..] at positions[N, K.., r] (r: the number of D..; first D first, in elements of x):
// [N, C, K..]. `corners`: reflection is about the first and last element, not their outer edges.
Value sample(Builder& b, Value x, Value positions, Interpolation mode, Outside outside,
             bool corners);

// ONNX GridSample: grid[N, K.., r] has the last of D.. first, -1..1 is the extent of x.
Value grid_sample(Builder& b, Value x, Value grid, Interpolation mode, Outside outside,
                  bool corners);
// theta[N, r, r + 1] applied to the places of a grid of these sizes: [N, sizes.., r].
Value affine_grid(Builder& b, Value theta, const Shape& sizes, bool corners);

// x[N, C, H, W] in boxes[R, 4] (x0, y0, x1, y1) of the batches[R]: [R, C, height, width].
struct RoiAlignAttr {
  int64_t height = 1, width = 1;
  int64_t samples = 1;  // of each bin, along each dimension
  double scale = 1;     // of the boxes
  bool half_pixel = true;
  bool maximum = false;  // of the weighted corners of all samples; else the mean of samples
};
Value roi_align(Builder& b, Value x, Value boxes, Value batches, const RoiAlignAttr& attr);

// conv of x[N, C, H, W] at places moved by offset[N, groups * K * 2, ..], each read times
// mask[N, groups * K, ..] (may be null).
Value deform_conv(Builder& b, Value x, Value weight, Value offset, Value bias, Value mask,
                  const ConvAttr& attr, int64_t offset_groups);

}  // namespace mintor::ops
