// SPDX-License-Identifier: Apache-2.0
// ONNX operators that read between elements: GridSample, AffineGrid, RoiAlign, DeformConv.
// Takes attributes and their defaults by version; gives library operators.
#include "compiler/ops/sampling.h"

#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "frontends/onnx/window.h"

namespace mintor {

namespace {

void grid_sample(OnnxNode& n) {
  n.need_inputs(2, 2);
  const std::string mode = n.text("mode", n.opset() < 20 ? "bilinear" : "linear"),
                    padding = n.text("padding_mode", "zeros");
  auto interpolation = ops::Interpolation::linear;
  if (mode == "nearest")
    interpolation = ops::Interpolation::nearest;
  else if (mode == "cubic" || mode == "bicubic")
    interpolation = ops::Interpolation::cubic;
  else if (mode != "linear" && mode != "bilinear")
    n.fail("mode '" + printable(mode) + "' is none of nearest, linear, cubic");
  auto outside = ops::Outside::zeros;
  if (padding == "border")
    outside = ops::Outside::border;
  else if (padding == "reflection")
    outside = ops::Outside::reflection;
  else if (padding != "zeros")
    n.fail("padding_mode '" + printable(padding) + "' is none of zeros, border, reflection");
  n.out(0, ops::grid_sample(n.builder(), n.in(0), n.in(1), interpolation, outside,
                            n.integer("align_corners", 0) != 0));
}

void affine_grid(OnnxNode& n) {
  n.need_inputs(2, 2);
  const std::vector<Index> size = n.sizes(1, "the size");
  if (size.size() < 4 || size.size() > 5)
    n.fail("the size has " + std::to_string(size.size()) + " entries, needs 4 or 5");
  n.out(0, ops::affine_grid(n.builder(), n.in(0), Shape(size.begin() + 2, size.end()),
                            n.integer("align_corners", 0) != 0));
}

void roi_align(OnnxNode& n) {
  n.need_inputs(3, 3);
  ops::RoiAlignAttr attr;
  attr.height = n.integer("output_height", 1);
  attr.width = n.integer("output_width", 1);
  attr.samples = n.integer("sampling_ratio", 0);
  attr.scale = n.real("spatial_scale", 1);
  const std::string mode = n.text("mode", "avg"),
                    place = n.text("coordinate_transformation_mode",
                                   n.opset() < 16 ? "output_half_pixel" : "half_pixel");
  attr.half_pixel = place == "half_pixel";
  attr.maximum = mode == "max";
  if ((!attr.half_pixel && place != "output_half_pixel") || (!attr.maximum && mode != "avg"))
    n.fail("mode '" + printable(mode) + "', coordinates '" + printable(place) + "'");
  if (attr.samples < 1)
    n.fail("sampling_ratio 0, as many samples as each box has elements, is not supported");
  if (attr.height < 1 || attr.width < 1 || attr.height > 4096 || attr.width > 4096 ||
      attr.samples > 4096)
    n.fail("output_height, output_width and sampling_ratio must lie in 1..4096");
  n.out(0, ops::roi_align(n.builder(), n.in(0), n.in(1), n.in(2), attr));
}

void deform_conv(OnnxNode& n) {
  n.need_inputs(3, 5);
  const Value x = n.in(0), weight = n.in(1);
  if (x.shape().size() != 4 || weight.shape().size() != 4 || !weight.shape()[2].is_const() ||
      !weight.shape()[3].is_const())
    n.fail("x is " + to_string(x.type()) + ", the weight " + to_string(weight.type()));
  const OnnxWindow window =
      read_window(n, x, {weight.shape()[2].value(), weight.shape()[3].value()});
  const ops::ConvAttr attr{window.stride, window.dilation, window.pad_before, window.pad_after,
                           n.integer("group", 1)};
  n.out(0, ops::deform_conv(n.builder(), x, weight, n.in(2), n.optional_in(3), n.optional_in(4),
                            attr, n.integer("offset_group", 1)));
}

constexpr OnnxOp kOps[] = {
    {"GridSample", 16, 0, grid_sample, "floats, floats",
     "reindex with loads, mul, add for each corner"},
    {"AffineGrid", 20, 0, affine_grid, "floats, ints", "iota, contract"},
    {"RoiAlign", 10, 0, roi_align, "floats, floats, ints", "reindex with loads, mul, reduce"},
    {"DeformConv", 19, 0, deform_conv, "floats", "reindex with loads, mul, contract"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_sampling;
const OnnxOpGroup onnx_ops_sampling{kOps};

}  // namespace mintor
