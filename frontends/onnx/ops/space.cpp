// SPDX-License-Identifier: Apache-2.0
// ONNX operators on places of space (ops/space.h): MaxUnpool, Col2Im, CenterCropPad, Det.
// Takes sizes that are known or that the run binds; gives library operators.
#include "compiler/ops/space.h"

#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"

namespace mintor {

namespace {

// The attribute, or as many defaults as there are spatial dimensions.
std::vector<int64_t> list_of(OnnxNode& n, const char* name, size_t count, int64_t otherwise) {
  std::vector<int64_t> out = n.integers(name);
  if (out.empty()) out.assign(count, otherwise);
  if (out.size() != count)
    n.fail(std::string(name) + " has " + std::to_string(out.size()) + " entries, needs " +
           std::to_string(count));
  for (int64_t v : out)
    if (v < -(int64_t{1} << 31) || v > int64_t{1} << 31)
      n.fail(std::string(name) + " has the entry " + std::to_string(v));
  return out;
}

void max_unpool(OnnxNode& n) {
  n.need_inputs(2, 3);
  Builder& b = n.builder();
  const Value x = n.in(0);
  const size_t rank = x.shape().size();
  if (rank < 3) n.fail("x is " + to_string(x.type()));
  const size_t spatial = rank - 2;
  const std::vector<int64_t> kernel = list_of(n, "kernel_shape", spatial, 1),
                             stride = list_of(n, "strides", spatial, 1),
                             pads = list_of(n, "pads", 2 * spatial, 0);
  Shape shape = x.shape();
  for (size_t d = 0; d < spatial; ++d)
    shape[d + 2] = (x.shape()[d + 2] - 1) * stride[d] + kernel[d] - pads[d] - pads[d + spatial];
  Value y = ops::max_unpool(b, x, n.in(1), shape);
  if (n.given(2)) {
    const std::vector<Index> wanted = n.sizes(2, "output_shape");
    if (wanted.size() != rank)
      n.fail("output_shape has " + std::to_string(wanted.size()) + " entries, needs " +
             std::to_string(rank));
    IndexMap map;
    for (size_t d = 0; d < rank; ++d) map.coords.push_back(Index::var("i" + std::to_string(d)));
    y = b.reindex(y, Shape(wanted.begin(), wanted.end()), map, Scalar::of_int(y.dtype(), 0));
  }
  n.out(0, y);
}

void col2im(OnnxNode& n) {
  n.need_inputs(3, 3);
  const std::vector<Index> sizes = n.sizes(1, "image_shape"), block = n.sizes(2, "block_shape");
  const size_t spatial = sizes.size();
  const std::vector<int64_t> pads = list_of(n, "pads", 2 * spatial, 0);
  ops::ConvAttr attr;
  attr.stride = list_of(n, "strides", spatial, 1);
  attr.dilation = list_of(n, "dilations", spatial, 1);
  for (int64_t v : attr.stride)
    if (v < 1) n.fail("strides has the entry " + std::to_string(v));
  attr.pad_before.assign(pads.begin(), pads.begin() + static_cast<int64_t>(spatial));
  attr.pad_after.assign(pads.begin() + static_cast<int64_t>(spatial), pads.end());
  n.out(0, ops::col2im(n.builder(), n.in(0), Shape(sizes.begin(), sizes.end()), block, attr));
}

void center_crop_pad(OnnxNode& n) {
  n.need_inputs(2, 2);
  const std::vector<Index> wanted = n.sizes(1, "the shape");
  std::vector<int64_t> axes = n.integers("axes");
  Shape shape = n.shape(0);
  const auto rank = static_cast<int64_t>(shape.size());
  if (axes.empty())
    for (int64_t d = 0; d < rank; ++d) axes.push_back(d);
  if (axes.size() != wanted.size())
    n.fail(std::to_string(wanted.size()) + " sizes for " + std::to_string(axes.size()) + " axes");
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
    if (axis < 0 || axis >= rank)
      n.fail("axis " + std::to_string(axes[i]) + " of a value with " + std::to_string(rank) +
             " dimensions");
    shape[static_cast<size_t>(axis)] = wanted[i];
  }
  n.out(0, ops::center_crop_pad(n.builder(), n.in(0), shape));
}

void det(OnnxNode& n) {
  n.need_inputs(1, 1);
  n.out(0, ops::determinant(n.builder(), n.in(0)));
}

constexpr OnnxOp kOps[] = {
    {"MaxUnpool", 9, 0, max_unpool, "floats ints, ints", "reindex_reduce with a load"},
    {"Col2Im", 18, 0, col2im, "floats ints, ints", "reindex_reduce add"},
    {"CenterCropPad", 18, 0, center_crop_pad, "floats ints bool, ints", "reindex"},
    {"Det", 11, 0, det, "floats", "loop of argmax, reindex, mul, sub"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_space;
const OnnxOpGroup onnx_ops_space{kOps};

}  // namespace mintor
