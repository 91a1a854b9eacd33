// SPDX-License-Identifier: Apache-2.0
// ONNX pools and resizing.
// Takes one node with constant window attributes, scales and sizes; gives library operators.
// Keeps true: what a version did not have is not read (Upsample and Resize-10 are asymmetric).
#include <cmath>

#include "compiler/ops/by_data.h"
#include "compiler/ops/space.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/limits.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "frontends/onnx/window.h"

namespace mintor {

namespace {

// A window needs a place: a symbolic size is at least what gives one.
void pooled(OnnxNode& n, Value y) {
  for (size_t d = 2; d < y.shape().size(); ++d) need_size(n.state(), y.shape()[d], 1);
  n.out(0, y);
}

void max_pool(OnnxNode& n) {
  n.need_inputs(1, 1);
  const ops::PoolAttr attr = read_pool(n, n.in(0));
  pooled(n, ops::max_pool(n.builder(), n.in(0), attr));
  if (n.wants(1))
    n.out(1, ops::max_pool_indices(n.builder(), n.in(0), attr, n.integer("storage_order", 0) != 0));
}

void average_pool(OnnxNode& n) {
  n.need_inputs(1, 1);
  pooled(n, ops::avg_pool(n.builder(), n.in(0), read_pool(n, n.in(0))));
}

void lp_pool(OnnxNode& n) {
  n.need_inputs(1, 1);
  pooled(n, ops::lp_pool(n.builder(), n.in(0), read_pool(n, n.in(0)), n.integer("p", 2)));
}

template <Value (*function)(Builder&, Value)>
void global(OnnxNode& n) {
  n.need_inputs(1, 1);
  n.out(0, function(n.builder(), n.in(0)));
}

void global_lp_pool(OnnxNode& n) {
  n.need_inputs(1, 1);
  n.out(0, ops::global_lp_pool(n.builder(), n.in(0), n.integer("p", 2)));
}

std::vector<double> constant_floats(OnnxNode& n, size_t i, const char* what) {
  std::optional<Tensor> t = n.state().tensor_of(n.in(i));
  if (!t) n.fail(std::string(what) + " (input " + std::to_string(i) + ") must be constant");
  if (!is_float(t->dtype) || t->count() > onnx_limits::kRank)
    n.fail(std::string(what) + " must be at most " + std::to_string(onnx_limits::kRank) +
           " floats");
  std::vector<double> out;
  for (int64_t k = 0; k < t->count(); ++k) out.push_back(t->at(k).f);
  return out;
}

// One entry per dimension from one entry per axis.
template <class T>
std::vector<T> per_dimension(OnnxNode& n, const std::vector<T>& given,
                             const std::vector<int64_t>& axes, size_t rank, std::vector<T> all) {
  std::vector<int64_t> where = axes;
  if (where.empty()) {
    for (size_t d = 0; d < rank; ++d) where.push_back(static_cast<int64_t>(d));
  }
  if (given.size() != where.size())
    n.fail(std::to_string(given.size()) + " scales or sizes for " + std::to_string(where.size()) +
           " axes");
  for (size_t i = 0; i < where.size(); ++i) {
    int64_t d = where[i] < 0 ? where[i] + static_cast<int64_t>(rank) : where[i];
    if (d < 0 || d >= static_cast<int64_t>(rank))
      n.fail("axis " + std::to_string(where[i]) + " of a value with " + std::to_string(rank) +
             " dimensions");
    all[static_cast<size_t>(d)] = given[i];
  }
  return all;
}

ops::ResizeAttr resize_attr(OnnxNode& n, bool old) {
  ops::ResizeAttr attr;
  std::string mode = n.text("mode", "nearest");
  if (mode == "nearest")
    attr.mode = ops::ResizeMode::nearest;
  else if (mode == "linear" || mode == "bilinear")
    attr.mode = ops::ResizeMode::linear;
  else if (mode == "cubic")
    attr.mode = ops::ResizeMode::cubic;
  else
    n.fail("mode '" + printable(mode) + "' is none of nearest, linear, cubic");
  attr.coordinates = old ? "asymmetric" : n.text("coordinate_transformation_mode", "half_pixel");
  attr.nearest = old ? "floor" : n.text("nearest_mode", "round_prefer_floor");
  attr.cubic_a = n.real("cubic_coeff_a", -0.75);
  attr.exclude_outside = n.integer("exclude_outside", 0) != 0;
  return attr;
}

// not_larger and not_smaller: one scale for all axes, so that the result fits in, or covers, the
// given sizes.
void keep_aspect(OnnxNode& n, Value x, Shape& sizes, std::vector<double>& scales,
                 const std::vector<int64_t>& axes) {
  std::string policy = n.text("keep_aspect_ratio_policy", "stretch");
  if (policy == "stretch") return;
  if (policy != "not_larger" && policy != "not_smaller")
    n.fail("keep_aspect_ratio_policy '" + printable(policy) +
           "' is none of stretch, not_larger, not_smaller");
  size_t rank = sizes.size();
  std::vector<int64_t> marks =
      per_dimension(n, std::vector<int64_t>(axes.empty() ? rank : axes.size(), 1), axes, rank,
                    std::vector<int64_t>(rank, 0));
  double chosen = -1;
  for (size_t d = 0; d < rank; ++d) {
    if (!marks[d]) continue;
    if (scales[d] == 0)
      n.fail("keep_aspect_ratio_policy needs constant sizes, dimension " + std::to_string(d) +
                 " is " + x.shape()[d].str(),
             "fix the size with --shape");
    if (chosen < 0 || (policy == "not_larger") == (scales[d] < chosen)) chosen = scales[d];
  }
  for (size_t d = 0; d < rank; ++d) {
    if (!marks[d] || !x.shape()[d].is_const()) continue;
    scales[d] = chosen;
    sizes[d] =
        static_cast<int64_t>(std::floor(chosen * static_cast<double>(x.shape()[d].value()) + 0.5));
  }
}

// floor(size * scale): a symbolic size takes a scale that is a fraction with a small denominator.
Index scaled_size(OnnxNode& n, const Index& in, double scale, size_t d) {
  if (!(scale > 0) || scale > 1e6)
    n.fail("dimension " + std::to_string(d) + " is scaled by " + std::to_string(scale));
  if (in.is_const())
    return static_cast<int64_t>(std::floor(static_cast<double>(in.value()) * scale));
  for (int64_t below = 1; below <= 1024; below *= 2) {
    double above = scale * static_cast<double>(below);
    if (above == std::floor(above))
      return n.state().graph.ranges().simplify(floordiv(in * static_cast<int64_t>(above), below));
  }
  n.fail("dimension " + std::to_string(d) + " of size '" + in.str() + "' is scaled by " +
             std::to_string(scale) + ", which is no small fraction",
         "fix the size with --shape");
}

// The elements of a list of floats, f64[]; null for dimensions that are none of the axes.
std::vector<Value> floats_of(OnnxNode& n, size_t i, const std::vector<int64_t>& axes, size_t rank,
                             size_t first, size_t count) {
  Builder& b = n.builder();
  const Value list = b.cast(n.in(i), DType::f64);
  std::vector<Value> out;
  for (size_t k = first; k < first + count; ++k)
    out.push_back(b.reshape(b.slice(list, {static_cast<int64_t>(k)}, {1}, {1}), {}));
  return per_dimension(n, out, axes, rank, std::vector<Value>(rank));
}

bool is_data(OnnxNode& n, size_t i) {
  return n.given(i) && !(n.shape(i) == Shape{0}) && !n.known(i) &&
         !(is_float(n.dtype(i)) && n.state().tensor_of(n.in(i)));
}

// Which sizes and scales there are in a run is bound then.
void resize_by_data(OnnxNode& n, size_t scales_at, bool old) {
  Builder& b = n.builder();
  const Value x = n.in(0);
  const size_t rank = x.shape().size();
  const std::vector<int64_t> axes = n.integers("axes");
  const size_t count = axes.empty() ? rank : axes.size();
  ops::ResizeBy by{
      x.shape(), {}, {}, {}, n.real("extrapolation_value", 0), n.integer("antialias", 0) != 0};
  const auto size_in = [&](size_t d) { return b.cast(b.size(x.shape()[d]), DType::f64); };
  const auto bound = [&](Value size) { return n.size_of(b.cast(size, DType::i64)); };
  const auto math = [&](ScalarOp op, Value p, Value q) { return b.apply(op, {p, q}); };
  if (!old && n.given(3) && !(n.shape(3) == Shape{0})) {
    by.scales = floats_of(n, 3, axes, rank, 0, count);
    Value chosen;
    const std::string policy = n.text("keep_aspect_ratio_policy", "stretch");
    for (size_t d = 0; d < rank; ++d) {
      if (!by.scales[d]) continue;
      if (policy == "stretch") by.sizes[d] = bound(by.scales[d]);
      by.scales[d] = math(ScalarOp::div, by.scales[d], size_in(d));
      const ScalarOp least = policy == "not_larger" ? ScalarOp::min : ScalarOp::max;
      chosen = chosen ? math(least, chosen, by.scales[d]) : by.scales[d];
    }
    for (size_t d = 0; d < rank && policy != "stretch"; ++d) {
      if (!by.scales[d]) continue;
      by.scales[d] = chosen;
      const Value half = b.constant(DType::f64, 0.5);
      by.sizes[d] = bound(b.apply(
          ScalarOp::floor, {math(ScalarOp::add, math(ScalarOp::mul, chosen, size_in(d)), half)}));
    }
  } else {
    by.scales = floats_of(n, scales_at, axes, rank, 0, count);
    for (size_t d = 0; d < rank; ++d)
      if (by.scales[d])
        by.sizes[d] =
            bound(b.apply(ScalarOp::floor, {math(ScalarOp::mul, by.scales[d], size_in(d))}));
  }
  const ops::ResizeAttr attr = resize_attr(n, old);
  if (attr.coordinates == "tf_crop_and_resize") {
    by.from = floats_of(n, 1, axes, rank, 0, count);
    by.to = floats_of(n, 1, axes, rank, count, count);
  }
  n.out(0, ops::resize_by(b, x, by, attr, bind_of(n)));
}

// Upsample 7..9 and Resize 10 have scales only and the asymmetric floor; Resize 11 added roi, sizes
// and the rest.
void resize(OnnxNode& n) {
  bool old = n.op() == "Upsample" || n.opset() < 11;
  const size_t scales_at = old ? 1 : 2;
  if (n.op() != "Upsample" || n.opset() >= 9) {
    if (is_data(n, scales_at) ||
        (!old && (is_data(n, 3) || n.integer("antialias", 0) != 0 ||
                  n.text("coordinate_transformation_mode", "") == "tf_crop_and_resize")))
      return resize_by_data(n, scales_at, old);
  }
  Value x = n.in(0);
  size_t rank = x.shape().size();
  std::vector<double> scales(rank, 1);
  std::vector<int64_t> axes = n.integers("axes");
  Shape sizes = x.shape();
  bool by_size = !old && n.given(3);
  if (by_size) {
    sizes = per_dimension(n, n.indices(3, "sizes"), axes, rank, sizes);
    for (size_t d = 0; d < rank; ++d) {
      const Index& in = x.shape()[d];
      if (sizes[d].is_const() && sizes[d].value() < 0)
        n.fail("dimension " + std::to_string(d) + " is resized to " + sizes[d].str());
      bool fixed = in.is_const() && sizes[d].is_const();
      if (!fixed) need_size(n.state(), in, 1);
      scales[d] = fixed ? static_cast<double>(sizes[d].value()) /
                              static_cast<double>(std::max<int64_t>(in.value(), 1))
                        : (in == sizes[d] ? 1 : 0);
      // A whole multiple is one whatever the size.
      for (int64_t factor = 2; !fixed && factor <= 64 && scales[d] == 0; ++factor) {
        if (n.state().graph.ranges().simplify(in * factor - sizes[d]).is_const(0))
          scales[d] = static_cast<double>(factor);
      }
    }
    keep_aspect(n, x, sizes, scales, axes);
  } else {
    bool attribute = n.op() == "Upsample" && n.opset() < 9;
    const bool two = attribute && n.has("height_scale");  // Upsample 1
    scales = per_dimension(
        n,
        two         ? std::vector<double>{1, 1, n.real("height_scale", 1), n.real("width_scale", 1)}
        : attribute ? n.reals("scales")
                    : constant_floats(n, old ? 1 : 2, "scales"),
        axes, rank, scales);
    for (size_t d = 0; d < rank; ++d) sizes[d] = scaled_size(n, x.shape()[d], scales[d], d);
  }
  n.out(0, ops::resize(n.builder(), x, sizes, scales, resize_attr(n, old)));
}

constexpr OnnxOp kOps[] = {
    {"MaxPool", 1, 0, max_pool, "floats ints", "reindex with window dimensions, reduce max"},
    {"AveragePool", 1, 0, average_pool, "floats",
     "reindex with window dimensions, reduce add, div"},
    {"LpPool", 1, 0, lp_pool, "floats", "pow, reindex with window dimensions, reduce add, pow"},
    {"GlobalMaxPool", 1, 0, global<ops::global_max_pool>, "floats", "reduce max"},
    {"GlobalAveragePool", 1, 0, global<ops::global_avg_pool>, "floats", "reduce add, div"},
    {"GlobalLpPool", 1, 0, global_lp_pool, "floats", "pow, reduce add, pow"},
    {"Upsample", 1, 9, resize, "floats ints bool, floats",
     "reindex, or sums of gathers times weights"},
    {"Resize", 10, 0, resize, "floats ints bool, floats, floats, ints",
     "reindex, or sums of gathers times weights"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_pool;
const OnnxOpGroup onnx_ops_pool{kOps};

}  // namespace mintor
