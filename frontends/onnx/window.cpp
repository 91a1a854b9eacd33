// SPDX-License-Identifier: Apache-2.0
// Window attributes of convolutions and pools (window.h).
// Takes one node; gives lists as long as the spatial dimensions. Keeps true: sizes, strides and
// dilations are at least 1 and small enough that no sum of them overflows.
#include "frontends/onnx/window.h"

namespace mintor {

namespace {

constexpr int64_t kLargest = int64_t{1} << 31;

void check_positive(OnnxNode& n, const char* name, const std::vector<int64_t>& values,
                    size_t count) {
  if (values.size() != count)
    n.fail(std::string(name) + " has " + std::to_string(values.size()) + " entries, needs " +
           std::to_string(count));
  for (int64_t v : values) {
    if (v < 1 || v > kLargest)
      n.fail(std::string(name) + " has the entry " + std::to_string(v) + ", at least 1 is needed");
  }
}

}  // namespace

OnnxWindow read_window(OnnxNode& n, Value x, const std::vector<int64_t>& kernel) {
  size_t spatial = kernel.size();
  if (x.shape().size() != spatial + 2)
    n.fail("x has " + std::to_string(x.shape().size()) + " dimensions, the window " +
           std::to_string(spatial));
  OnnxWindow w{n.integers("strides"), n.integers("dilations"), {}, {}};
  if (w.stride.empty()) w.stride.assign(spatial, 1);
  if (w.dilation.empty()) w.dilation.assign(spatial, 1);
  check_positive(n, "kernel_shape", kernel, spatial);
  check_positive(n, "strides", w.stride, spatial);
  check_positive(n, "dilations", w.dilation, spatial);
  std::string auto_pad = n.text("auto_pad", "NOTSET");
  if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") {
    ops::ConvAttr attr{w.stride, w.dilation, {}, {}, 1};
    ops::pad_same(Shape(x.shape().begin() + 2, x.shape().end()), kernel, attr,
                  auto_pad == "SAME_LOWER");
    w.pad_before = attr.pad_before;
    w.pad_after = attr.pad_after;
    return w;
  }
  if (auto_pad != "NOTSET" && auto_pad != "VALID" && !auto_pad.empty())
    n.fail("auto_pad '" + printable(auto_pad) +
           "' is none of NOTSET, VALID, SAME_UPPER, SAME_LOWER");
  std::vector<int64_t> pads = auto_pad == "VALID" ? std::vector<int64_t>{} : n.integers("pads");
  if (pads.empty()) pads.assign(2 * spatial, 0);
  if (pads.size() != 2 * spatial)
    n.fail("pads has " + std::to_string(pads.size()) + " entries, needs " +
           std::to_string(2 * spatial));
  for (int64_t p : pads) {
    if (p < -kLargest || p > kLargest) n.fail("pads has the entry " + std::to_string(p));
  }
  w.pad_before.assign(pads.begin(), pads.begin() + static_cast<int64_t>(spatial));
  w.pad_after.assign(pads.begin() + static_cast<int64_t>(spatial), pads.end());
  return w;
}

ops::PoolAttr read_pool(OnnxNode& n, Value x) {
  const std::vector<int64_t> kernel = n.integers("kernel_shape");
  if (kernel.empty()) n.fail("has no attribute 'kernel_shape'");
  const OnnxWindow w = read_window(n, x, kernel);
  return {kernel,
          w.stride,
          w.dilation,
          w.pad_before,
          w.pad_after,
          n.integer("ceil_mode", 0) != 0,
          n.integer("count_include_pad", 0) != 0,
          {}};
}

}  // namespace mintor
