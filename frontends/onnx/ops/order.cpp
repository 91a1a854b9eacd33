// SPDX-License-Identifier: Apache-2.0
// ONNX operators that order and select: TopK, NonZero, Compress, Unique, NonMaxSuppression.
// Takes one node; sizes that its data decide are bound by the run.
#include "compiler/ops/order.h"

#include "compiler/ops/library/common.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "frontends/onnx/region.h"

namespace mintor {

namespace {

void top_k(OnnxNode& n) {
  Index k;
  if (n.opset() < 10) {
    n.need_inputs(1, 1);
    k = n.integer("k", 0);
  } else {
    n.need_inputs(2, 2);
    const std::vector<Index> given = n.sizes(1, "k");
    if (given.size() != 1) n.fail("k must be one number");
    k = given[0];
  }
  if (k.is_const() && k.value() < 0) n.fail("k is " + k.str());
  const ops::TopK made =
      ops::top_k(n.builder(), n.in(0), k, n.integer("axis", -1), n.integer("largest", 1) != 0);
  n.out(0, made.values);
  n.out(1, made.indices);
}

Index count_of(const Shape& shape) {
  Index count = 1;
  for (const Index& size : shape) count = count * size;
  return count;
}

void non_zero(OnnxNode& n) {
  n.need_inputs(1, 1);
  Builder& b = n.builder();
  Value x = n.in(0);
  if (x.shape().empty()) x = b.reshape(x, {1});
  const Shape shape = x.shape();
  const Value mask = b.reshape(b.cast(x, DType::boolean), {count_of(shape)});
  const Value places = ops::places_of(b, mask, bind_of(n));
  std::vector<Value> rows;
  Index stride = 1;
  const int64_t first[] = {0};
  for (size_t d = shape.size(); d-- > 0; stride = stride * shape[d]) {
    const auto number = [&](const Index& e) { return ops::count_of(b, DType::i64, e); };
    const Value above = ops::div(b, places, number(stride));
    rows.insert(rows.begin(),
                ops::unsqueeze(b, ops::remainder(b, above, number(shape[d]), false), first));
  }
  n.out(0, b.concat(rows, 0));
}

void compress(OnnxNode& n) {
  n.need_inputs(2, 2);
  Builder& b = n.builder();
  Value x = n.in(0);
  if (!n.has("axis")) x = b.reshape(x, {count_of(x.shape())});
  n.out(0, ops::take(b, x, ops::places_of(b, n.in(1), bind_of(n)), n.integer("axis", 0)));
}

void unique(OnnxNode& n) {
  n.need_inputs(1, 1);
  std::optional<int64_t> axis;
  if (n.has("axis")) axis = n.integer("axis", 0);
  const ops::Unique made =
      ops::unique(n.builder(), n.in(0), axis, n.integer("sorted", 1) != 0, bind_of(n));
  n.out(0, made.values);
  n.out(1, made.first);
  n.out(2, made.inverse);
  n.out(3, made.counts);
}

void non_max_suppression(OnnxNode& n) {
  n.need_inputs(2, 5);
  Builder& b = n.builder();
  const auto number = [&](size_t i, const char* what) {
    return n.given(i) ? single(n, b, n.in(i), what) : Value{};
  };
  Value most = number(2, "max_output_boxes_per_class"), overlap = number(3, "iou_threshold");
  if (!most) most = b.constant_int(DType::i64, 0);
  if (!overlap) overlap = b.constant(DType::f32, 0);
  n.out(0,
        ops::non_max_suppression(b, n.in(0), n.in(1), most, overlap, number(4, "score_threshold"),
                                 {n.integer("center_point_box", 0) != 0}, bind_of(n)));
}

constexpr OnnxOp kOps[] = {
    {"TopK", 1, 0, top_k, "floats ints, ints", "reduce, sort, reindex with a load"},
    {"NonZero", 9, 0, non_zero, "floats ints bool",
     "scan add, reindex_reduce with a load, div, mod"},
    {"Compress", 9, 0, compress, "any, bool", "scan add, reindex_reduce and reindex with loads",
     true},
    {"Unique", 11, 0, unique, "floats ints bool",
     "sort, scan add, reindex and reindex_reduce with loads"},
    {"NonMaxSuppression", 10, 0, non_max_suppression,
     "f32 f16 f64 bf16, f32 f16 f64 bf16, ints, floats",
     "sort, loop over boxes, scan add, reindex_reduce with loads"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_order;
const OnnxOpGroup onnx_ops_order{kOps};

}  // namespace mintor
