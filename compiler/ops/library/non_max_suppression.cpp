// SPDX-License-Identifier: Apache-2.0
// non_max_suppression: boxes of each class in the order of their scores, then a loop over them.
//   step p: box p stays if no box that stays overlaps it too much, and there is room
// Takes any numbers of batches, classes and boxes; gives rows (batch, class, box).
// Keeps true: of equal scores the lower number comes first.
#include "compiler/ops/library/by_data.h"
#include "compiler/ops/order.h"

namespace mintor::ops {

namespace {

struct Sides {
  Value x0, x1, y0, y1;  // lower and upper
};

Value column(Builder& b, Value boxes, int64_t k) {
  Shape shape = boxes.shape();
  std::vector<Index> start(shape.size(), 0);
  start.back() = k;
  shape.back() = 1;
  const Value own = b.slice(boxes, start, shape, std::vector<int64_t>(shape.size(), 1));
  shape.pop_back();
  return b.reshape(own, shape);
}

Sides sides_of(Builder& b, Value boxes, bool centers) {
  const Value p = column(b, boxes, 0), q = column(b, boxes, 1), r = column(b, boxes, 2),
              s = column(b, boxes, 3);
  const auto f = [&](ScalarOp op, Value x, Value y) { return apply(b, op, {x, y}); };
  if (!centers)
    return {f(ScalarOp::min, q, s), f(ScalarOp::max, q, s), f(ScalarOp::min, p, r),
            f(ScalarOp::max, p, r)};
  const Value two = scalar(b, boxes.dtype(), 2), w = div(b, r, two), h = div(b, s, two);
  return {sub(b, p, w), add(b, p, w), sub(b, q, h), add(b, q, h)};
}

// Whether boxes overlap by more than the share `limit` of what both cover.
Value overlaps(Builder& b, const Sides& p, const Sides& q, Value limit) {
  const auto f = [&](ScalarOp op, Value x, Value y) { return apply(b, op, {x, y}); };
  const Value zero = scalar(b, limit.dtype(), 0);
  const auto common = [&](Value lo, Value hi, Value lo2, Value hi2) {
    return sub(b, f(ScalarOp::min, hi, hi2), f(ScalarOp::max, lo, lo2));
  };
  const Value w = common(p.x0, p.x1, q.x0, q.x1), h = common(p.y0, p.y1, q.y0, q.y1);
  const auto area = [&](const Sides& s) { return mul(b, sub(b, s.x1, s.x0), sub(b, s.y1, s.y0)); };
  const Value both = mul(b, w, h), one = area(p), two = area(q);
  const Value all = sub(b, add(b, one, two), both);
  Value yes = f(ScalarOp::gt, div(b, both, all), limit);
  for (const Value& v : {w, h, both, one, two, all})
    yes = f(ScalarOp::and_, yes, f(ScalarOp::gt, v, zero));
  return yes;
}

}  // namespace

Value non_max_suppression(Builder& b, Value boxes, Value scores, Value most, Value overlap,
                          Value least, const SuppressionAttr& attr, const BindSize& bind) {
  OpScope scope(b, "non_max_suppression");
  const Shape &bs = boxes.shape(), &ss = scores.shape();
  if (bs.size() != 3 || ss.size() != 3 || !bs[2].is_const(4) || !is_float(boxes.dtype()))
    fail("non_max_suppression", "boxes " + text(boxes.type()) + ", scores " + text(scores.type()));
  const Index batch = bs[0], classes = ss[1], count = ss[2];
  const Value wide = widen(b, boxes);
  const Value rank = rank_along(b, scores, 2, true);
  IndexMap places = identity_map(3);
  places.loads.push_back({2, places.coords});
  places.coords[2] = loaded_index(0);
  const Value order =
      b.reindex_reduce(Combiner::last, b.broadcast(b.constant_int(DType::i64, 0), ss, {}),
                       b.iota(DType::i64, ss, 2), places, {&rank, 1});
  IndexMap map;  // boxes in that order: [B, C, N, 4]
  map.loads.push_back({1, {result_index(0), result_index(1), result_index(2)}});
  map.coords = {result_index(0), loaded_index(0), result_index(3)};
  const Value sorted = b.reindex(wide, {batch, classes, count, 4}, map, zero_of(wide), {&order, 1});
  Value eligible = b.broadcast(b.constant_int(DType::boolean, 1), ss, {});
  if (least) {
    const Value limit = b.cast(least, scores.dtype());
    eligible = apply(b, ScalarOp::gt, {gather_elements(b, scores, order, 2), limit});
  }
  const Shape groups = {batch, classes};
  auto graph = std::make_shared<Graph>("suppression_step");
  graph->copy_sizes(b.graph());
  Builder in(*graph);
  const Value t = in.input("t", DType::i64, {});
  const Value kept = in.input("kept", DType::boolean, ss),
              room = in.input("room", DType::i64, groups);
  const Value all = in.input("boxes", sorted.dtype(), sorted.shape()),
              may = in.input("eligible", DType::boolean, ss),
              limit = in.input("limit", sorted.dtype(), {});
  const Value own = in.gather(all, t, 2);
  Sides mine = sides_of(in, own, attr.centers);
  const int64_t last[] = {-1};
  for (Value* v : {&mine.x0, &mine.x1, &mine.y0, &mine.y1}) *v = unsqueeze(in, *v, last);
  const Value hit =
      apply(in, ScalarOp::and_, {kept, overlaps(in, sides_of(in, all, attr.centers), mine, limit)});
  const Value covered = reduce(in, Reduction::any, hit, last, false);
  const Value zero = in.constant_int(DType::i64, 0);
  Value stays =
      apply(in, ScalarOp::and_, {in.gather(may, t, 2), apply(in, ScalarOp::not_, {covered})});
  stays = apply(in, ScalarOp::and_, {stays, apply(in, ScalarOp::gt, {room, zero})});
  const Value here = apply(in, ScalarOp::eq, {in.iota(DType::i64, ss, 2), t});
  const Value now = apply(in, ScalarOp::and_, {here, in.broadcast(stays, ss, {0, 1})});
  graph->results = {{"r0", apply(in, ScalarOp::or_, {kept, now})},
                    {"r1", sub(in, room, in.cast(stays, DType::i64))}};
  const Value first[] = {b.broadcast(b.constant_int(DType::boolean, 0), ss, {}),
                         b.broadcast(b.cast(most, DType::i64), groups, {})};
  const Value captured[] = {sorted, eligible, b.cast(overlap, sorted.dtype())};
  const Value selected = b.loop(count, first, {}, captured, graph)[0];
  const Index flat = batch * classes * count;
  const Value at = places_of(b, b.reshape(selected, {flat}), bind);
  const Numbers m{b};
  const auto spread_number = [&](const Index& e) { return m.size(e); };
  const auto quotient = [&](Value v, const Index& e) {
    return apply(b, ScalarOp::div, {v, spread_number(e)});
  };
  const auto remainder_of = [&](Value v, const Index& e) {
    return apply(b, ScalarOp::mod, {v, spread_number(e)});
  };
  const Value box = take(b, b.reshape(order, {flat}), at, 0);
  const Value rows[] = {unsqueeze(b, quotient(at, classes * count), last),
                        unsqueeze(b, remainder_of(quotient(at, count), classes), last),
                        unsqueeze(b, box, last)};
  return b.concat(rows, 1);
}

}  // namespace mintor::ops
