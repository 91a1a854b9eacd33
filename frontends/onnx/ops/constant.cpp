// SPDX-License-Identifier: Apache-2.0
// ONNX operators without data: constants and ranges.
// Takes attributes and known values; gives constants, known values, or nodes that make them.
// Keeps true: a large filled tensor is a broadcast of one number, never bytes.
#include <algorithm>
#include <cmath>

#include "frontends/onnx/import_state.h"
#include "frontends/onnx/limits.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "frontends/onnx/region.h"
#include "frontends/onnx/small_types.h"
#include "onnx-ml.pb.h"

namespace mintor {

namespace {

void constant(OnnxNode& n) {
  n.need_inputs(0, 0);
  Builder& b = n.builder();
  if (const onnx::AttributeProto* value = n.attribute("value"); value && value->has_t())
    return n.out_stored(0, b.constant(tensor_from_proto(n.state(), value->t())),
                        stored_element(value->t().data_type()));
  if (const onnx::AttributeProto* value = n.attribute("sparse_value");
      value && value->has_sparse_tensor())
    return n.out_stored(0, b.constant(tensor_from_sparse(n.state(), value->sparse_tensor())),
                        stored_element(value->sparse_tensor().values().data_type()));
  if (n.has("value_int")) return n.out(0, b.constant_int(DType::i64, n.integer("value_int", 0)));
  if (n.has("value_ints")) return n.out(0, b.constant_i64(n.integers("value_ints")));
  if (n.has("value_float")) return n.out(0, b.constant(DType::f32, n.real("value_float", 0)));
  if (n.has("value_floats")) {
    std::vector<float> items;
    for (double v : n.reals("value_floats")) items.push_back(static_cast<float>(v));
    return n.out(0, b.constant(Tensor::copy_of(DType::f32, {static_cast<int64_t>(items.size())},
                                               items.data())));
  }
  if (n.has("value_string")) {
    const Value one =
        b.constant(string_constant(n.state(), std::vector{n.text("value_string", "")}));
    return n.out_strings(0, b.reshape(one, {one.shape()[1]}));
  }
  if (n.has("value_strings"))
    return n.out_strings(0, b.constant(string_constant(n.state(), n.texts("value_strings"))));
  n.fail("has no value of a supported kind",
         "tensors, numbers, strings and lists of these are supported");
}

void constant_of_shape(OnnxNode& n) {
  n.need_inputs(1, 1);
  std::vector<Index> shape = n.sizes(0, "the shape");
  if (shape.size() > static_cast<size_t>(onnx_limits::kRank))
    n.fail("the shape has " + std::to_string(shape.size()) + " dimensions");
  Scalar value = Scalar::of(DType::f32, 0);
  if (const onnx::AttributeProto* given = n.attribute("value"); given && given->has_t()) {
    Tensor t = tensor_from_proto(n.state(), given->t());
    if (t.count() != 1) n.fail("value has " + std::to_string(t.count()) + " elements, needs 1");
    value = t.at(0);
  }
  std::vector<int64_t> sizes;
  for (const Index& s : shape) {
    if (s.is_const() && s.value() < 0) n.fail("the shape has the size " + s.str());
    if (s.is_const()) sizes.push_back(s.value());
  }
  bool small = sizes.size() == shape.size() && count_of_shape(sizes) <= onnx_limits::kKnown;
  if (small && !is_float(value.dtype)) {
    size_t count = static_cast<size_t>(count_of_shape(sizes));
    return n.out(0, Known{value.dtype, sizes, std::vector<Index>(count, value.i)});
  }
  n.out(0, n.builder().broadcast_to(n.builder().constant(Tensor::scalar(value)), shape));
}

// How many elements a range of floats has: from sizes and fractions, or from any three numbers;
// null where a run has to say it.
std::optional<Index> float_count(OnnxNode& n) {
  const Known* numbers[] = {n.fraction(0), n.fraction(1), n.fraction(2)};
  const auto is_size = [](const Known* k) { return k && !k->all_const(); };
  if (std::ranges::any_of(numbers, is_size)) {
    const auto is_one = [](const Known* k) { return k && k->items.size() == 1; };
    const auto [start, limit, delta] = numbers;
    if (!std::ranges::all_of(numbers, is_one) || !delta->all_const() || delta->items[0].is_const(0))
      return std::nullopt;
    Index span = limit->items[0] * start->denominator - start->items[0] * limit->denominator,
          step = delta->items[0] * (start->denominator * limit->denominator);
    if (delta->items[0].value() < 0) span = Index(0) - span, step = Index(0) - step;
    const Index count = ceildiv(span * delta->denominator, step);
    return n.state().graph.ranges().simplify(max(0, count));
  }
  double first = n.number(0, "start"), last = n.number(1, "limit"), step = n.number(2, "delta");
  double count = std::ceil((last - first) / step);
  if (!(step != 0) || !(count < 1e9)) n.fail("start, limit and delta give no finite range");
  return static_cast<int64_t>(std::max(count, 0.0));
}

// Element k is start + k * delta in the operator's dtype.
Value counted_range(OnnxNode& n, const Index& count) {
  Builder& b = n.builder();
  DType dtype = n.dtype(0);
  DType counted = is_storage_float(dtype) ? DType::f32 : dtype;
  Value y = b.iota(counted, {count}, 0);
  const Value start = single(n, b, n.in(0), "start"), delta = single(n, b, n.in(2), "delta");
  return b.cast(ops::add(b, ops::mul(b, y, b.cast(delta, counted)), b.cast(start, counted)), dtype);
}

// A range whose numbers a run computes: its size is bound then, to ceil((limit - start) / delta).
void computed_range(OnnxNode& n) {
  Builder& b = n.builder();
  const DType dtype = is_storage_float(n.dtype(0)) ? DType::f32 : n.dtype(0);
  const Value start = single(n, b, n.in(0), "start"), limit = single(n, b, n.in(1), "limit"),
              delta = single(n, b, n.in(2), "delta");
  const Value span = ops::sub(b, b.cast(limit, dtype), b.cast(start, dtype));
  const Value steps =
      ops::div(b, b.cast(span, DType::f64), b.cast(b.cast(delta, dtype), DType::f64));
  Value count = b.cast(b.apply(ScalarOp::ceil, {steps}), DType::i64);
  count = b.apply(ScalarOp::max, {count, b.constant_int(DType::i64, 0)});
  const std::string name = n.state().fresh_symbol("count");
  b.bind(count, name, 0, -1);
  n.out(0, counted_range(n, Index::var(name)));
}

bool are_numbers(OnnxNode& n) {
  for (size_t i = 0; i < 3; ++i)
    if (!n.fraction(i) && !n.state().tensor_of(n.in(i))) return false;
  return true;
}

void range(OnnxNode& n) {
  n.need_inputs(3, 3);
  const Known *start = n.known(0), *limit = n.known(1), *delta = n.known(2);
  bool known = start && limit && delta && start->items.size() == 1 && limit->items.size() == 1 &&
               delta->items.size() == 1;
  if (!known && !(is_float(n.dtype(0)) && are_numbers(n))) return computed_range(n);
  if (is_float(n.dtype(0)) && !(known && delta->items[0].is_const(1))) {
    const std::optional<Index> count = float_count(n);
    return count ? n.out(0, counted_range(n, *count)) : computed_range(n);
  }
  const Index& step = delta->items[0];
  if (!step.is_const() || step.is_const(0))
    n.fail("delta is '" + step.str() + "', it must be a number other than 0");
  Index span = limit->items[0] - start->items[0];
  Index count = step.value() > 0 ? ceildiv(span, step) : ceildiv(Index(0) - span, -step.value());
  count = n.state().graph.ranges().simplify(max(0, count));
  if (count.is_const() && count.value() <= onnx_limits::kKnown && !is_float(start->dtype)) {
    Known y{start->dtype, {count.value()}, {}};
    for (int64_t k = 0; k < count.value(); ++k) y.items.push_back(start->items[0] + step * k);
    return n.out(0, std::move(y));
  }
  n.out(0, ops::range(n.builder(), start->dtype, start->items[0], count, step));
}

void eye_like(OnnxNode& n) {
  n.need_inputs(1, 1);
  Shape s = n.shape(0);
  if (s.size() != 2) n.fail("the input must have 2 dimensions");
  int64_t named = n.integer("dtype", 0);
  int64_t k = n.integer("k", 0);
  if (k < -(int64_t{1} << 40) || k > (int64_t{1} << 40)) n.fail("k " + std::to_string(k));
  n.out(0, ops::eye_like(n.builder(), named ? dtype_from_onnx(named, "EyeLike") : n.dtype(0), s[0],
                         s[1], k));
}

constexpr OnnxOp kOps[] = {
    {"Constant", 1, 0, constant, "", "constant"},
    {"ConstantOfShape", 9, 0, constant_of_shape, "ints", "broadcast of a constant"},
    {"Range", 11, 0, range, "floats ints", "iota, mul, add; a size that is computed is bound"},
    {"EyeLike", 9, 0, eye_like, "floats ints bool", "reindex with a condition"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_constant;
const OnnxOpGroup onnx_ops_constant{kOps};

}  // namespace mintor
