// SPDX-License-Identifier: Apache-2.0
// ONNX operators that pick, place and pad elements.
// Takes known bounds (symbolic where they are); gives reindexes and reindex_reduces.
// Keeps true: Slice clamps as ONNX says, by min and max where a size is symbolic.
#include <algorithm>

#include "compiler/ops/by_data.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/limits.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "frontends/onnx/region.h"

namespace mintor {

namespace {

void gather(OnnxNode& n) {
  n.need_inputs(2, 2);
  int64_t axis = n.integer("axis", 0);
  const Known *x = n.known(0), *index = n.known(1);
  if (x && index) {
    if (std::optional<Known> y = known_gather(*x, *index, axis)) return n.out(0, std::move(*y));
  }
  const int64_t rank = static_cast<int64_t>(n.shape(0).size()), at = axis < 0 ? axis + rank : axis;
  for (size_t i = 0; index && at >= 0 && at < rank && i < index->items.size(); ++i) {
    const Index size = n.shape(0)[static_cast<size_t>(at)], item = index->items[i];
    if (item.is_const() && size.is_const() &&
        (item.value() >= size.value() || item.value() < -size.value()))
      n.fail("index " + item.str() + " of dimension " + std::to_string(at) + ", which has " +
             size.str() + " elements");
  }
  n.out(0, ops::take(n.builder(), n.in(0), n.in(1), axis));
}

void gather_elements(OnnxNode& n) {
  n.need_inputs(2, 2);
  n.out(0, ops::gather_elements(n.builder(), n.in(0), n.in(1), n.integer("axis", 0)));
}

void gather_nd(OnnxNode& n) {
  n.need_inputs(2, 2);
  n.out(0, ops::gather_nd(n.builder(), n.in(0), n.in(1), n.integer("batch_dims", 0)));
}

Combiner combiner_of(OnnxNode& n) {
  std::string reduction = n.text("reduction", "none");
  if (reduction == "none") return Combiner::last;
  if (n.element(0) != 0) n.fail("reduction '" + printable(reduction) + "' of such elements");
  if (reduction == "add") return Combiner::add;
  if (reduction == "mul") return Combiner::mul;
  if (reduction == "min") return Combiner::min;
  if (reduction == "max") return Combiner::max;
  n.fail("reduction '" + printable(reduction) + "' is none of none, add, mul, min, max");
}

void scatter_elements(OnnxNode& n) {
  n.need_inputs(3, 3);
  n.out(0, ops::scatter_elements(n.builder(), n.in(0), n.in(1), n.in(2), n.integer("axis", 0),
                                 combiner_of(n)));
}

void scatter_nd(OnnxNode& n) {
  n.need_inputs(3, 3);
  n.out(0, ops::scatter_nd(n.builder(), n.in(0), n.in(1), n.in(2), combiner_of(n)));
}

// Bounds of one dimension as ONNX clamps them.
struct Range {
  Index start, size;
  int64_t step;
};

// `value`, counted from the end when it is negative: a size's third less one is, of sizes below 3.
Index from_end(const Ranges& ranges, const Index& value, const Index& size) {
  if (value.is_const() ? value.value() >= 0 : ranges.proves_nonnegative(value)) return value;
  if (ranges.proves_nonnegative(-1 - value)) return value + size;
  return value + size * max(0, min(1, 0 - value));
}

Range clamp_range(OnnxNode& n, const Index& size, Index start, Index end, int64_t step) {
  Ranges ranges = n.state().graph.ranges();
  auto simple = [&](const Index& e) { return ranges.simplify(e); };
  // Huge constants stand for "to the end" and would overflow sums; exporters write 10^9, 2^31 - 1,
  // 2^63 - 1.
  constexpr int64_t kHuge = 1'000'000'000;
  auto open = [&](const Index& e, bool high) {
    return e.is_const() && (high ? e.value() >= kHuge : e.value() <= -kHuge);
  };
  for (Index* e : {&start, &end})
    if (e->is_const()) *e = std::clamp(e->value(), -kHuge, kHuge);
  step = std::max(step, -INT64_MAX);
  if (step > 0) {
    Index s =
        open(start, false) ? Index(0) : simple(max(0, min(from_end(ranges, start, size), size)));
    if (open(start, true)) s = size;
    Index raw = open(end, true) ? size : from_end(ranges, end, size);
    if (open(end, false)) raw = 0;
    Index e = simple(max(0, min(raw, size)));
    Index count = simple(max(0, step == 1 ? e - s : ceildiv(e - s, step)));
    return {s, count, step};
  }
  // Clamped to 0..size-1; of an empty dimension -1, which is before its end.
  Index first = simple(min(0, size - 1));
  Index s = open(start, true) ? size - 1
                              : simple(max(first, min(from_end(ranges, start, size), size - 1)));
  if (open(start, false)) s = first;
  Index e =
      open(end, false) ? Index(-1) : simple(max(-1, min(from_end(ranges, end, size), size - 1)));
  if (open(end, true)) e = size - 1;
  return {s, simple(max(0, ceildiv(s - e, -step))), step};
}

// Bounds, axes or steps that the run says.
bool slice_by_data(OnnxNode& n) {
  bool known = true;
  for (size_t i = 1; i < n.inputs(); ++i) {
    if (!n.given(i)) continue;
    if (!n.is_list(i)) return false;
    known = known && n.known(i);
  }
  if (known) return false;
  n.out(0, ops::slice_by(n.builder(), n.in(0), n.in(1), n.in(2), n.optional_in(3), n.optional_in(4),
                         bind_of(n)));
  return true;
}

void slice(OnnxNode& n) {
  bool attributes = n.opset() < 10;
  n.need_inputs(attributes ? 1 : 3, attributes ? 1 : 5);
  if (!attributes && slice_by_data(n)) return;
  auto from_attribute = [&](const char* name) {
    std::vector<int64_t> v = n.integers(name);
    return std::vector<Index>(v.begin(), v.end());
  };
  std::vector<Index> starts = attributes ? from_attribute("starts") : n.indices(1, "starts");
  std::vector<Index> ends = attributes ? from_attribute("ends") : n.indices(2, "ends");
  std::vector<int64_t> axes = attributes
                                  ? n.integers("axes")
                                  : (n.given(3) ? n.constants(3, "axes") : std::vector<int64_t>{});
  std::vector<int64_t> steps =
      n.given(4) ? n.constants(4, "steps") : std::vector<int64_t>(starts.size(), 1);
  if (axes.empty()) {
    for (size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<int64_t>(i));
  }
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    n.fail(std::to_string(starts.size()) + " starts, " + std::to_string(ends.size()) + " ends, " +
           std::to_string(axes.size()) + " axes and " + std::to_string(steps.size()) + " steps");
  Shape shape = n.shape(0), size = shape;
  int64_t rank = static_cast<int64_t>(shape.size());
  std::vector<Index> start(shape.size(), 0);
  std::vector<int64_t> step(shape.size(), 1);
  std::vector<bool> seen(shape.size(), false);
  for (size_t i = 0; i < starts.size(); ++i) {
    int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
    if (axis < 0 || axis >= rank || seen[static_cast<size_t>(axis)])
      n.fail("axis " + std::to_string(axes[i]) + " of a value with " + std::to_string(rank) +
             " dimensions, or named twice");
    if (steps[i] == 0 || steps[i] < -INT32_MAX || steps[i] > (int64_t{1} << 31)) {
      if (steps[i] == 0) n.fail("step 0");
      steps[i] = steps[i] < 0 ? -INT32_MAX : INT32_MAX;
    }
    size_t d = static_cast<size_t>(axis);
    seen[d] = true;
    Range r = clamp_range(n, shape[d], starts[i], ends[i], steps[i]);
    start[d] = r.start;
    size[d] = r.size;
    step[d] = r.step;
  }
  std::vector<int64_t> first, count;
  std::vector<int32_t> order;
  for (size_t d = 0; n.known(0) && d < shape.size(); ++d) {
    if (!start[d].is_const() || !size[d].is_const()) break;
    first.push_back(start[d].value());
    count.push_back(size[d].value());
    order.push_back(static_cast<int32_t>(d));
  }
  if (n.known(0) && first.size() == shape.size())
    return n.out(0, known_moved(*n.known(0), first, step, count, order));
  n.out(0, ops::slice(n.builder(), n.in(0), start, size, step));
}

void pad(OnnxNode& n) {
  n.need_inputs(n.opset() < 11 ? 1 : 2, n.opset() < 11 ? 1 : 4);
  std::string text = n.text("mode", "constant");
  ops::PadMode mode = ops::PadMode::constant;
  if (text == "reflect")
    mode = ops::PadMode::reflect;
  else if (text == "edge")
    mode = ops::PadMode::edge;
  else if (text == "wrap")
    mode = ops::PadMode::wrap;
  else if (text != "constant")
    n.fail("mode '" + printable(text) + "' is none of constant, reflect, edge, wrap");
  size_t rank = n.shape(0).size();
  std::vector<Index> pads;
  const bool by_data = n.opset() >= 11 && n.is_list(1) && (!n.given(3) || n.is_list(3)) &&
                       !(n.known(1) && (!n.given(3) || n.known(3)));
  if (n.opset() < 11) {
    for (int64_t p : n.integers(n.opset() < 2 ? "paddings" : "pads")) pads.push_back(p);
  } else if (by_data) {
    pads = ops::pads_by(n.builder(), rank, n.in(1), n.optional_in(3), bind_of(n));
  } else {
    pads = n.indices(1, "pads");
  }
  std::vector<int64_t> axes;
  if (n.given(3) && !by_data)
    axes = n.constants(3, "axes");
  else
    for (size_t d = 0; d < rank; ++d) axes.push_back(static_cast<int64_t>(d));
  if (pads.size() != 2 * axes.size())
    n.fail(std::to_string(pads.size()) + " pads for " + std::to_string(axes.size()) + " axes");
  std::vector<Index> before(rank, 0), after(rank, 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    int64_t axis = axes[i] < 0 ? axes[i] + static_cast<int64_t>(rank) : axes[i];
    if (axis < 0 || axis >= static_cast<int64_t>(rank))
      n.fail("axis " + std::to_string(axes[i]) + " of a value with " + std::to_string(rank) +
             " dimensions");
    before[static_cast<size_t>(axis)] = pads[i];
    after[static_cast<size_t>(axis)] = pads[i + axes.size()];
    bool pads_nothing = pads[i].is_const(0) && pads[i + axes.size()].is_const(0);
    if (mode != ops::PadMode::constant && !pads_nothing)  // from something
      need_size(n.state(), n.shape(0)[static_cast<size_t>(axis)], 1);
  }
  Builder& b = n.builder();
  Value fill;
  if (n.opset() < 11)
    fill = n.has("value") ? ops::scalar(b, n.dtype(0), n.real("value", 0)) : Value{};
  else if (n.given(2))
    fill = n.in(2);
  if (fill && fill.shape().size() == 1 && fill.shape()[0].is_const(1)) {
    const Node* node = fill.node;
    fill = node->kind == Kind::constant
               ? b.constant(Tensor::scalar(node->as<ConstantAttr>().value.at(0)))
               : b.reshape(fill, {});
  }
  n.out(0, ops::pad(b, n.in(0), before, after, mode, fill));
}

void one_hot(OnnxNode& n) {
  n.need_inputs(3, 3);
  Builder& b = n.builder();
  const Known* known = n.known(1);
  if (known && known->items.size() != 1) n.fail("depth (input 1) must be one number");
  const Index depth = known
                          ? known->items[0]
                          : n.size_of(b.cast(single(n, b, n.in(1), "depth (input 1)"), DType::i64));
  Value values = n.in(2);
  if (values.shape() != Shape{2}) n.fail("values (input 2) must have 2 elements: off and on");
  auto pick = [&](int64_t i) { return b.reshape(b.slice(values, {i}, {1}, {1}), {}); };
  n.out(0, ops::one_hot(b, n.in(0), depth, n.state().folded(pick(0)), n.state().folded(pick(1)),
                        n.integer("axis", -1)));
}

void trilu(OnnxNode& n) {
  n.need_inputs(1, 2);
  Index k = 0;
  if (n.given(1) && !n.known(1))
    return n.out(0, ops::trilu_by(n.builder(), n.in(0), single(n, n.builder(), n.in(1), "k"),
                                  n.integer("upper", 1) != 0));
  if (n.given(1)) {
    std::vector<Index> given = n.indices(1, "k");
    if (given.size() != 1) n.fail("k must be one number");
    k = given[0].is_const()
            ? Index(std::clamp<int64_t>(given[0].value(), -(int64_t{1} << 40), int64_t{1} << 40))
            : given[0];
  }
  n.out(0, ops::trilu(n.builder(), n.in(0), k, n.integer("upper", 1) != 0));
}

void depth_to_space(OnnxNode& n) {
  n.need_inputs(1, 1);
  std::string mode = n.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD")
    n.fail("mode '" + printable(mode) + "' is neither DCR nor CRD");
  int64_t block = n.integer("blocksize", 0);
  if (block < 1 || block > 4096) n.fail("blocksize " + std::to_string(block));
  n.out(0, ops::depth_to_space(n.builder(), n.in(0), block, mode == "CRD"));
}

void space_to_depth(OnnxNode& n) {
  n.need_inputs(1, 1);
  int64_t block = n.integer("blocksize", 0);
  if (block < 1 || block > 4096) n.fail("blocksize " + std::to_string(block));
  std::string mode = n.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD")
    n.fail("mode '" + printable(mode) + "' is neither DCR nor CRD");
  n.out(0, ops::space_to_depth(n.builder(), n.in(0), block, mode == "CRD"));
}

void reverse_sequence(OnnxNode& n) {
  n.need_inputs(2, 2);
  n.out(0, ops::reverse_sequence(n.builder(), n.in(0), n.in(1), n.integer("batch_axis", 1),
                                 n.integer("time_axis", 0)));
}

constexpr OnnxOp kOps[] = {
    {"Gather", 1, 0, gather, "any, ints", "reindex with a load", true},
    {"GatherElements", 11, 0, gather_elements, "any, ints", "reindex with a load", true},
    {"GatherND", 11, 0, gather_nd, "any, ints", "reindex with loads", true},
    {"Scatter", 9, 10, scatter_elements, "any, ints, any", "reindex_reduce with a load", true},
    {"ScatterElements", 11, 0, scatter_elements, "any, ints, any", "reindex_reduce with a load",
     true},
    {"ScatterND", 11, 0, scatter_nd, "any, ints, any", "reindex_reduce with loads", true},
    {"Slice", 1, 0, slice, "any, ints", "reindex", true},
    {"Pad", 1, 0, pad, "any, ints, any, ints", "reindex", true},
    {"OneHot", 9, 0, one_hot, "floats ints, floats ints, floats ints bool", "iota, eq, where"},
    {"Trilu", 14, 0, trilu, "any, ints", "reindex with a condition", true},
    {"DepthToSpace", 1, 0, depth_to_space, "any", "reindexes", true},
    {"SpaceToDepth", 1, 0, space_to_depth, "any", "reindexes", true},
    {"ReverseSequence", 10, 0, reverse_sequence, "any, ints", "reindex with a load", true},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_index;
const OnnxOpGroup onnx_ops_index{kOps};

}  // namespace mintor
