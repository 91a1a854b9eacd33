// SPDX-License-Identifier: Apache-2.0
// roi_align: a grid of samples in each bin of each box, bilinear, then their mean or maximum.
// Takes boxes in any scale; gives [R, C, height, width]. Keeps true: samples further than one
// element outside of x are 0.
#include "compiler/ops/library/common.h"
#include "compiler/ops/sampling.h"

namespace mintor::ops {

namespace {

struct Line {  // one dimension of the samples of each box: [R, count]
  Value low, high, near, far, valid;
};

Line line_of(Builder& b, Value start, Value end, const Index& size, int64_t bins, int64_t samples,
             bool half_pixel) {
  const Index boxes = start.shape()[0];
  const Shape shape = {boxes, bins * samples};
  const DType dtype = start.dtype();
  const auto n = [&](double v) { return scalar(b, dtype, v); };
  const auto f = [&](ScalarOp op, Value x, Value y) { return apply(b, op, {x, y}); };
  const auto rows = [&](Value v) { return b.broadcast(v, shape, {0}); };
  Value extent = f(ScalarOp::sub, end, start);
  if (!half_pixel) extent = f(ScalarOp::max, extent, n(1));
  const Value bin = f(ScalarOp::div, extent, n(static_cast<double>(bins)));
  const Value i = b.iota(DType::i64, shape, 1), count = b.constant_int(DType::i64, samples);
  const Value whole = b.cast(f(ScalarOp::div, i, count), dtype),
              part = b.cast(f(ScalarOp::mod, i, count), dtype);
  const Value inner = f(ScalarOp::div, f(ScalarOp::mul, f(ScalarOp::add, part, n(0.5)), rows(bin)),
                        n(static_cast<double>(samples)));
  Value at =
      f(ScalarOp::add, f(ScalarOp::add, rows(start), f(ScalarOp::mul, whole, rows(bin))), inner);
  const Value length = count_of(b, dtype, size), last = f(ScalarOp::sub, length, n(1));
  const Value valid = f(ScalarOp::and_, f(ScalarOp::ge, at, n(-1)), f(ScalarOp::le, at, length));
  at = f(ScalarOp::max, at, n(0));
  const Value low = f(ScalarOp::min, apply(b, ScalarOp::floor, {at}), last);
  const Value high = f(ScalarOp::min, f(ScalarOp::add, low, n(1)), last);
  const Value far = f(ScalarOp::sub, f(ScalarOp::min, at, last), low);
  return {b.cast(low, DType::i64), b.cast(high, DType::i64), f(ScalarOp::sub, n(1), far), far,
          valid};
}

}  // namespace

Value roi_align(Builder& b, Value x, Value boxes, Value batches, const RoiAlignAttr& attr) {
  OpScope scope(b, "roi_align");
  if (x.shape().size() != 4 || boxes.shape().size() != 2 || !boxes.shape()[1].is_const(4) ||
      batches.shape().size() != 1)
    fail("roi_align", "boxes " + text(boxes.type()) + " of batches " + text(batches.type()) +
                          " in " + text(x.type()));
  const Value wide = widen(b, x), corners = b.cast(boxes, wide.dtype());
  const Index count = boxes.shape()[0];
  const auto edge = [&](int64_t k) {
    const Value own = b.reshape(b.slice(corners, {0, k}, {count, 1}, {1, 1}), {count});
    const Value scaled = mul(b, own, scalar(b, wide.dtype(), attr.scale));
    return sub(b, scaled, scalar(b, wide.dtype(), attr.half_pixel ? 0.5 : 0));
  };
  const Line h = line_of(b, edge(1), edge(3), x.shape()[2], attr.height, attr.samples,
                         attr.half_pixel),
             w = line_of(b, edge(0), edge(2), x.shape()[3], attr.width, attr.samples,
                         attr.half_pixel);
  const int64_t rows = attr.height * attr.samples, columns = attr.width * attr.samples;
  const Shape shape = {count, x.shape()[1], rows, columns};
  const Value valid =
      apply(b, ScalarOp::and_,
            {b.broadcast(h.valid, shape, {0, 2}), b.broadcast(w.valid, shape, {0, 3})});
  const Value batch = b.cast(batches, DType::i64);
  const bool maximum = attr.maximum;
  Value all;
  for (const bool down : {false, true}) {
    for (const bool right : {false, true}) {
      IndexMap map;
      map.loads = {{1, {result_index(0)}},
                   {2, {result_index(0), result_index(2)}},
                   {3, {result_index(0), result_index(3)}}};
      map.coords = {loaded_index(0), result_index(1), loaded_index(1), loaded_index(2)};
      const Value operands[] = {batch, down ? h.high : h.low, right ? w.high : w.low};
      Value part = b.reindex(wide, shape, map, zero_of(wide), operands);
      part = mul(b, part,
                 mul(b, b.broadcast(down ? h.far : h.near, shape, {0, 2}),
                     b.broadcast(right ? w.far : w.near, shape, {0, 3})));
      part = where(b, valid, part, scalar(b, wide.dtype(), 0));
      all = !all ? part : maximum ? apply(b, ScalarOp::max, {all, part}) : add(b, all, part);
    }
  }
  const Value bins =
      b.reshape(all, {count, x.shape()[1], attr.height, attr.samples, attr.width, attr.samples});
  const int64_t inner[] = {3, 5};
  return narrow(b, reduce(b, maximum ? Reduction::max : Reduction::mean, bins, inner, false),
                x.dtype());
}

}  // namespace mintor::ops
