// SPDX-License-Identifier: Apache-2.0
// non_max_suppression: boxes of each class in the order of their scores, then a loop over them.
//   step t: its box stays if none that was kept overlaps it too much, and there is room
// Takes any numbers of batches, classes and boxes; gives rows (batch, class, box).
// Keeps true: of equal scores the lower number comes first; only boxes whose scores suffice are
// sorted, a step looks at the boxes that were kept, and there is none when no class has both boxes
// left and room.
#include <array>

#include "compiler/ops/library/by_data.h"
#include "compiler/ops/order.h"

namespace mintor::ops {

namespace {

constexpr int64_t kLast[] = {-1};

// Lower x, lower y, upper x, upper y of boxes, each a value of its own, so that what is read of
// many boxes lies side by side.
using Corners = std::array<Value, 4>;

// Of boxes [B, N, 4]: [B, N] each.
Corners corners_of(Builder& b, Value boxes, bool centers) {
  Corners given;
  for (size_t k = 0; k < given.size(); ++k) {
    const Index number = static_cast<int64_t>(k);
    const Shape shape = {boxes.shape()[0], boxes.shape()[1], 1};
    given[k] = b.reshape(b.slice(boxes, {0, 0, number}, shape, {1, 1, 1}), {shape[0], shape[1]});
  }
  const auto& [p, q, r, s] = given;
  const auto f = [&](ScalarOp op, Value x, Value y) { return apply(b, op, {x, y}); };
  if (!centers)
    return {f(ScalarOp::min, q, s), f(ScalarOp::min, p, r), f(ScalarOp::max, q, s),
            f(ScalarOp::max, p, r)};
  const Value two = scalar(b, boxes.dtype(), 2), w = div(b, r, two), h = div(b, s, two);
  return {sub(b, p, w), sub(b, q, h), add(b, p, w), add(b, q, h)};
}

// Whether boxes p and q overlap by more than the share `limit` of what both cover.
Value overlaps(Builder& b, const Corners& p, const Corners& q, Value limit) {
  const auto f = [&](ScalarOp op, Value x, Value y) { return apply(b, op, {x, y}); };
  const Value zero = scalar(b, limit.dtype(), 0);
  const auto common = [&](size_t side) {
    return sub(b, f(ScalarOp::min, p[side + 2], q[side + 2]), f(ScalarOp::max, p[side], q[side]));
  };
  const auto area = [&](const Corners& c) {
    return mul(b, sub(b, c[2], c[0]), sub(b, c[3], c[1]));
  };
  const Value w = common(0), h = common(1);
  const Value both = mul(b, w, h), one = area(p), two = area(q);
  const Value all = sub(b, add(b, one, two), both);
  Value yes = f(ScalarOp::gt, div(b, both, all), limit);
  for (const Value& v : {w, h, both, one, two, all})
    yes = f(ScalarOp::and_, yes, f(ScalarOp::gt, v, zero));
  return yes;
}

// Boxes of each group (batch, class) by falling scores.
struct Candidates {
  Value boxes, count;  // [B, C, steps], i64; of which the first `count` [B, C] are some
};

Candidates all_of(Builder& b, Value scores) {
  const Shape& shape = scores.shape();
  return {order_along(b, scores, 2, true),
          b.broadcast(count_of(b, DType::i64, shape[2]), {shape[0], shape[1]}, {})};
}

// Those with a score above `least`, which may be few: they alone are sorted, by score and then by
// group.
Candidates candidates_above(Builder& b, Value scores, Value least, const BindSize& bind) {
  const Shape& shape = scores.shape();
  const Shape groups = {shape[0], shape[1]}, flat = {shape[0] * shape[1] * shape[2]};
  const Numbers m{b};
  const Value above = apply(b, ScalarOp::gt, {scores, b.cast(least, scores.dtype())});
  const Value at = places_of(b, b.reshape(above, flat), bind);
  const Value by_score = order_along(b, take(b, b.reshape(scores, flat), at, 0), 0, true);
  const Value falling = take(b, at, by_score, 0);
  const Value group = apply(b, ScalarOp::div, {falling, m.size(shape[2])});
  const Value by_group = order_along(b, b.cast(group, DType::i32), 0, false);
  const Value all = apply(b, ScalarOp::mod, {take(b, falling, by_group, 0), m.size(shape[2])});
  Candidates out;
  out.count = reduce(b, Reduction::sum, b.cast(above, DType::i64), kLast, false);
  const Value most = reduce(b, Reduction::max, out.count, {}, false);
  const Index steps = bind(m.max(most, m.n(0)));
  const Value before = cum_sum(b, b.reshape(out.count, {shape[0] * shape[1]}), 0, true, false);
  const Value start = b.reshape(before, groups);
  IndexMap map;
  map.loads.push_back({1, {result_index(0), result_index(1)}});
  map.coords = {loaded_index(0) + result_index(2)};
  out.boxes = b.reindex(all, {shape[0], shape[1], steps}, map, zero_of(all), {&start, 1});
  return out;
}

// The loop over candidates of all groups at once.
class Suppression {
 public:
  // Of all boxes [B, N] each; limit [].
  Suppression(const Corners& corners, const Candidates& given, Value limit, Index room)
      : captured_{given.boxes, given.count, limit}, room_(std::move(room)) {
    const Shape& shape = given.boxes.shape();
    groups_ = {shape[0], shape[1]};
    slots_ = {shape[0], shape[1], room_};
    steps_ = shape[2];
    captured_.insert(captured_.end(), corners.begin(), corners.end());
  }

  struct Kept {
    Value boxes, count;  // [B, C, room], [B, C]
  };
  Kept operator()(Builder& b) const {
    const Numbers m{b};
    std::vector<Value> carried = {m.less(m.n(0), m.min(m.size(steps_), m.size(room_))),
                                  b.broadcast(m.n(0), slots_, {}),
                                  b.broadcast(m.n(0), groups_, {})};
    carried.resize(carried.size() + 4, b.full(dtype(), slots_, 0));
    const auto made = b.while_(carried, captured_, step(b.graph()), steps_);
    return {made[1], made[2]};
  }

 private:
  DType dtype() const { return captured_.back().dtype(); }

  std::shared_ptr<const Graph> step(const Graph& around) const {
    auto graph = std::make_shared<Graph>("suppression_step");
    graph->copy_sizes(around);
    Builder b(*graph);
    const Value t = b.input("t", DType::i64, {});
    b.input("go", DType::boolean, {});
    const Value boxes = b.input("boxes", DType::i64, slots_),
                count = b.input("count", DType::i64, groups_);
    const Corners kept = corners_in(b, "kept_", dtype(), slots_);
    const Value candidates = b.input("candidates", DType::i64, captured_[0].shape()),
                candidate_count = b.input("candidate_count", DType::i64, groups_),
                limit = b.input("limit", dtype(), {});
    const Corners all = corners_in(b, "all_", dtype(), captured_.back().shape());
    const auto f = [&](ScalarOp op, Value x, Value y) { return apply(b, op, {x, y}); };
    const auto in_slots = [&](Value x) { return b.broadcast(x, slots_, {0, 1}); };
    const Value own = b.gather(candidates, t, 2);
    Corners box;
    for (size_t k = 0; k < box.size(); ++k) box[k] = in_slots(of_boxes(b, all[k], own));
    const Value slot = b.iota(DType::i64, slots_, 2), used = in_slots(count);
    const Value hit = f(ScalarOp::and_, f(ScalarOp::lt, slot, used), overlaps(b, kept, box, limit));
    const Value free = apply(b, ScalarOp::not_, {reduce(b, Reduction::any, hit, kLast, false)});
    const Value room = count_of(b, DType::i64, room_);
    const Value stays =
        f(ScalarOp::and_, f(ScalarOp::and_, f(ScalarOp::lt, t, candidate_count), free),
          f(ScalarOp::lt, count, room));
    const Value here = f(ScalarOp::and_, f(ScalarOp::eq, slot, used), in_slots(stays));
    const Value now = add(b, count, b.cast(stays, DType::i64));
    const Value more =
        f(ScalarOp::and_, f(ScalarOp::lt, now, room),
          f(ScalarOp::lt, add(b, t, b.constant_int(DType::i64, 1)), candidate_count));
    graph->results = {{"go", reduce(b, Reduction::any, more, {}, false)},
                      {"boxes", where(b, here, in_slots(own), boxes)},
                      {"count", now}};
    for (size_t k = 0; k < kept.size(); ++k)
      graph->results.push_back({"kept_" + std::to_string(k), where(b, here, box[k], kept[k])});
    return graph;
  }

  static Corners corners_in(Builder& b, const std::string& name, DType dtype, const Shape& shape) {
    Corners corners;
    for (size_t k = 0; k < corners.size(); ++k)
      corners[k] = b.input(name + std::to_string(k), dtype, shape);
    return corners;
  }

  // x[B, N] at boxes[B, C].
  Value of_boxes(Builder& b, Value x, Value boxes) const {
    IndexMap map;
    map.loads.push_back({1, {result_index(0), result_index(1)}});
    map.coords = {result_index(0), loaded_index(0)};
    return b.reindex(x, groups_, map, zero_of(x), {&boxes, 1});
  }

  std::vector<Value> captured_;  // the candidates, how many they are, the limit, corners
  Index room_, steps_;
  Shape groups_, slots_;
};

}  // namespace

Value non_max_suppression(Builder& b, Value boxes, Value scores, Value most, Value overlap,
                          Value least, const SuppressionAttr& attr, const BindSize& bind) {
  OpScope scope(b, "non_max_suppression");
  const Shape &bs = boxes.shape(), &ss = scores.shape();
  if (bs.size() != 3 || ss.size() != 3 || !bs[2].is_const(4) || !is_float(boxes.dtype()))
    fail("non_max_suppression", "boxes " + text(boxes.type()) + ", scores " + text(scores.type()));
  const Numbers m{b};
  const Candidates in_order = least ? candidates_above(b, scores, least, bind) : all_of(b, scores);
  const Index room =
      bind(m.clamp(b.cast(most, DType::i64), m.n(0), m.size(in_order.boxes.shape()[2])));
  const Value wide = widen(b, boxes);
  const Suppression suppress(corners_of(b, wide, attr.centers), in_order,
                             b.cast(overlap, wide.dtype()), room);
  const Suppression::Kept kept = suppress(b);
  const Shape slots = {ss[0], ss[1], room};
  const Value used = apply(b, ScalarOp::lt,
                           {b.iota(DType::i64, slots, 2), b.broadcast(kept.count, slots, {0, 1})});
  const Shape flat = {ss[0] * ss[1] * room};
  const Value at = places_of(b, b.reshape(used, flat), bind);
  const auto of_at = [&](ScalarOp op, Value v, const Index& e) {
    return apply(b, op, {v, m.size(e)});
  };
  const Value group = of_at(ScalarOp::div, at, room);
  const Value rows[] = {unsqueeze(b, of_at(ScalarOp::div, group, ss[1]), kLast),
                        unsqueeze(b, of_at(ScalarOp::mod, group, ss[1]), kLast),
                        unsqueeze(b, take(b, b.reshape(kept.boxes, flat), at, 0), kLast)};
  return b.concat(rows, 1);
}

}  // namespace mintor::ops
