// SPDX-License-Identifier: Apache-2.0
// ONNX operators on shapes: what asks for sizes gives known values (no nodes), what takes sizes
// takes known values.
#include <algorithm>

#include "compiler/ir/derive.h"
#include "compiler/ir/sizes_differ.h"
#include "compiler/ops/by_data.h"
#include "compiler/support/index_poly.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/limits.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"

namespace mintor {

namespace {

// Known values under another shape with as many elements.
bool reshape_known(OnnxNode& n, const Shape& shape) {
  const Known* x = n.known(0);
  if (!x) return false;
  std::vector<int64_t> sizes;
  for (const Index& size : shape) {
    if (!size.is_const()) return false;
    sizes.push_back(size.value());
  }
  if (count_of_shape(sizes) != static_cast<int64_t>(x->items.size())) return false;
  n.out(0, Known{x->dtype, std::move(sizes), x->items});
  return true;
}

// Range [start, end) of dimensions, as Shape-15 states it.
void shape(OnnxNode& n) {
  n.need_inputs(1, 1);
  Shape s = n.shape(0);
  int64_t rank = static_cast<int64_t>(s.size());
  auto clamped = [&](int64_t v) { return std::clamp<int64_t>(v < 0 ? v + rank : v, 0, rank); };
  int64_t start = clamped(std::max(n.integer("start", 0), -rank)),
          end = clamped(std::max(n.integer("end", rank), -rank));
  Known y{DType::i64, {std::max<int64_t>(end - start, 0)}, {}};
  for (int64_t d = start; d < end; ++d) y.items.push_back(s[static_cast<size_t>(d)]);
  n.out(0, std::move(y));
}

void size(OnnxNode& n) {
  n.need_inputs(1, 1);
  Index count = 1;
  for (const Index& s : n.shape(0)) count = count * s;
  n.out(0, Known{DType::i64, {}, {count}});
}

// numerator / denominator with the exact divisions in the denominator multiplied out: 64*t over
// t // 2 is 128*t over t where t is even.
void multiply_out(const Ranges& ranges, Index& numerator, Index& denominator) {
  for (const AtomRef& atom : index_detail::atoms_of(denominator)) {
    if (atom->kind != Index::Atom::Kind::floordiv || !atom->b.is_const()) continue;
    Index quotient = index_detail::from_atom(atom);
    std::optional<Index> others = index_detail::divide_exactly(denominator, quotient);
    if (!others || !ranges.simplify(atom->a - quotient * atom->b).is_const(0)) continue;
    denominator = *others * atom->a;
    numerator = numerator * atom->b;
  }
}

// The size that makes the products equal: equal factors cancel, then what is left is divided as a
// polynomial. Throws SizesDiffer where the division is not known to come out even.
Index inferred_size(OnnxNode& n, const Shape& from, const Shape& to, size_t hole) {
  std::vector<Index> left(from.begin(), from.end());
  Index denominator = 1, numerator = 1;
  for (size_t d = 0; d < to.size(); ++d) {
    if (d == hole) continue;
    auto it = to[d].is_const() ? left.end() : std::find(left.begin(), left.end(), to[d]);
    if (it != left.end())
      left.erase(it);
    else
      denominator = denominator * to[d];
  }
  for (const Index& size : left) numerator = numerator * size;
  std::string text = "the -1 in the new shape cannot be inferred: " + numerator.str() +
                     " elements over " + denominator.str();
  if (denominator.is_const(0)) return 0;
  if (denominator.is_const() && numerator.is_const()) {
    if (denominator.value() < 0 || numerator.value() % denominator.value() != 0) n.fail(text);
    return numerator.value() / denominator.value();
  }
  Ranges ranges = n.state().graph.ranges();
  multiply_out(ranges, numerator, denominator);
  Index quotient = ranges.simplify(floordiv(numerator, denominator));
  if (!ranges.simplify(numerator - denominator * quotient).is_const(0))
    throw SizesDiffer(n.op(), text, numerator, denominator * floordiv(numerator, denominator));
  return quotient;
}

// Throws SizesDiffer unless both shapes have as many elements.
void need_equal_counts(OnnxNode& n, const Shape& from, const Shape& to) {
  Index have = product_of(from), want = product_of(to);
  if (n.state().graph.ranges().simplify(have - want).is_const(0)) return;
  std::string text = "cannot reshape " + to_string(from) + " (" + have.str() + " elements) to " +
                     to_string(to) + " (" + want.str() + ")";
  throw SizesDiffer(n.op(), text, have, want);
}

bool may_be_none(const Ranges& ranges, const Index& size) {
  return !ranges.proves_nonnegative(size - 1);
}

// A computed size that is 0 in a run copies the size at its place, as a written 0 does. Shapes have
// the size as computed: a condition keeps out the runs where that is another one. It is not needed
// where a run that copies has an element to fill and none to take, which no reshape is.
//   [b, h, w, c] -> [b, h*w, c]    needs h*w == h or h*w >= 1
void need_no_copies(OnnxNode& n, const Shape& from, const std::vector<Index>& wanted,
                    std::optional<size_t> hole) {
  Graph& graph = n.state().graph;
  const Ranges& ranges = graph.ranges();
  const size_t rank = std::min(from.size(), wanted.size());
  const auto stays_none = [&](size_t d) {
    return d != hole && may_be_none(ranges, from[d]) && may_be_none(ranges, wanted[d]);
  };
  for (size_t d = 0; d < rank; ++d) {
    if (d == hole || wanted[d].is_const() || !may_be_none(ranges, wanted[d])) continue;
    if (ranges.proves_nonnegative(wanted[d] - from[d])) continue;
    bool has_other = hole.has_value();
    for (size_t other = 0; other < rank; ++other) has_other |= other != d && stays_none(other);
    if (has_other) graph.add_condition({wanted[d], from[d], Condition::Form::left_or_positive, ""});
  }
}

Shape target_shape(OnnxNode& n, const Shape& from, std::vector<Index> wanted) {
  bool zero_is_zero = n.opset() >= 14 && n.integer("allowzero", 0) != 0;
  std::optional<size_t> hole;
  bool has_zero = false;
  if (wanted.size() > static_cast<size_t>(onnx_limits::kRank))
    n.fail("the new shape has " + std::to_string(wanted.size()) + " dimensions");
  for (size_t d = 0; d < wanted.size(); ++d) {
    has_zero |= wanted[d].is_const(0);
    if (wanted[d].is_const(0) && !zero_is_zero) {
      if (d >= from.size())
        n.fail("the new shape copies dimension " + std::to_string(d) + " of a value with " +
               std::to_string(from.size()));
      wanted[d] = from[d];
    } else if (wanted[d].is_const(-1)) {
      if (hole) n.fail("the new shape has two -1");
      hole = d;
    } else if (wanted[d].is_const() && wanted[d].value() < 0) {
      n.fail("the new shape has the size " + wanted[d].str());
    }
  }
  if (zero_is_zero && hole && has_zero)
    n.fail("the new shape has a 0 and a -1, which cannot be inferred with allowzero");
  if (!zero_is_zero) need_no_copies(n, from, wanted, hole);
  if (hole)
    wanted[*hole] = inferred_size(n, from, wanted, *hole);
  else
    need_equal_counts(n, from, wanted);
  return wanted;
}

// A shape that the run says: its sizes are bound, and have to fit the number of elements.
void reshape_by_data(OnnxNode& n) {
  const bool zero_is_zero = n.opset() >= 14 && n.integer("allowzero", 0) != 0;
  const Value x = n.in(0);
  const Shape to = ops::shape_by(n.builder(), x.shape(), n.in(1), zero_is_zero, bind_of(n));
  n.state().graph.add_condition(
      {product_of(to), product_of(x.shape()), Condition::Form::equal, ""});
  n.out(0, n.builder().reshape(x, to));
}

void reshape(OnnxNode& n) {
  const bool attribute = n.opset() < 5;
  n.need_inputs(attribute ? 1 : 2, attribute ? 1 : 2);
  if (!attribute && !n.known(1) && n.is_list(1)) return reshape_by_data(n);
  std::vector<Index> wanted;
  if (attribute) {
    for (int64_t size : n.integers("shape")) wanted.push_back(size);
  } else {
    wanted = n.indices(1, "the new shape");
  }
  for (Index& size : wanted) size = n.state().graph.ranges().simplify(size);
  Shape to = target_shape(n, n.shape(0), std::move(wanted));
  if (!reshape_known(n, to)) n.out(0, n.builder().reshape(n.in(0), to));
}

void flatten(OnnxNode& n) {
  n.need_inputs(1, 1);
  n.out(0, ops::flatten(n.builder(), n.in(0), n.integer("axis", 1)));
}

void squeeze(OnnxNode& n) {
  n.need_inputs(1, n.opset() < 13 ? 1 : 2);
  if (n.given(1) && !n.known(1) && n.is_list(1))
    return n.out(0, ops::squeeze_by(n.builder(), n.in(0), n.in(1), bind_of(n)));
  std::vector<int64_t> axes = n.constants_since(13, 1, "axes");
  if (n.fraction(0)) {
    const Known* x = n.fraction(0);
    const int64_t rank = static_cast<int64_t>(x->shape.size());
    std::set<int64_t> dropped;
    for (int64_t axis : axes) dropped.insert(axis < 0 ? axis + rank : axis);
    Known y{x->dtype, {}, x->items, x->denominator};
    for (int64_t d = 0; d < rank; ++d) {
      const int64_t size = x->shape[static_cast<size_t>(d)];
      if (axes.empty() ? size != 1 : !dropped.contains(d)) y.shape.push_back(size);
    }
    if (count_of_shape(y.shape) == static_cast<int64_t>(x->items.size()) &&
        (axes.empty() || y.shape.size() + axes.size() == x->shape.size()))
      return n.out(0, std::move(y));
  }
  n.out(0, ops::squeeze(n.builder(), n.in(0), axes));
}

void unsqueeze(OnnxNode& n) {
  n.need_inputs(n.opset() < 13 ? 1 : 2, n.opset() < 13 ? 1 : 2);
  if (n.given(1) && !n.known(1) && n.is_list(1))
    return n.out(0, ops::unsqueeze_by(n.builder(), n.in(0), n.in(1), bind_of(n)));
  std::vector<int64_t> axes = n.constants_since(13, 1, "axes");
  const Known* x = n.fraction(0);
  if (x && axes.size() == 1) {
    const int64_t rank = static_cast<int64_t>(x->shape.size()) + 1;
    const int64_t at = axes[0] < 0 ? axes[0] + rank : axes[0];
    if (at >= 0 && at < rank) {
      Known y = *x;
      y.shape.insert(y.shape.begin() + at, 1);
      return n.out(0, std::move(y));
    }
  }
  if (axes.size() + n.shape(0).size() > static_cast<size_t>(onnx_limits::kRank))
    n.fail("the result has too many dimensions");
  n.out(0, ops::unsqueeze(n.builder(), n.in(0), axes));
}

void transpose(OnnxNode& n) {
  n.need_inputs(1, 1);
  size_t rank = n.shape(0).size();
  std::vector<int64_t> given = n.integers("perm");
  if (given.empty()) {
    for (size_t d = rank; d-- > 0;) given.push_back(static_cast<int64_t>(d));
  }
  std::vector<int32_t> perm;
  std::vector<bool> seen(rank, false);
  for (int64_t d : given) {
    if (d < 0 || d >= static_cast<int64_t>(rank) || seen[static_cast<size_t>(d)] ||
        given.size() != rank)
      n.fail("perm is no permutation of " + std::to_string(rank) + " dimensions");
    seen[static_cast<size_t>(d)] = true;
    perm.push_back(static_cast<int32_t>(d));
  }
  if (const Known* x = n.known(0))
    return n.out(0, known_moved(*x, std::vector<int64_t>(rank, 0), std::vector<int64_t>(rank, 1),
                                x->shape, perm));
  n.out(0, n.builder().transpose(n.in(0), perm));
}

void expand(OnnxNode& n) {
  n.need_inputs(2, 2);
  std::vector<Index> shape = n.sizes(1, "the shape");
  for (const Index& s : shape) {
    if (s.is_const() && s.value() < 0) n.fail("the shape has the size " + s.str());
  }
  const Known* x = n.known(0);
  if (x && x->items.size() == 1 && shape.size() == 1 && shape[0].is_const() &&
      shape[0].value() <= onnx_limits::kKnown && x->shape.size() <= 1)
    return n.out(0, Known{x->dtype,
                          {shape[0].value()},
                          std::vector<Index>(static_cast<size_t>(shape[0].value()), x->items[0])});
  n.out(0, ops::expand(n.builder(), n.in(0), shape));
}

void tile(OnnxNode& n) {
  n.need_inputs(2, 2);
  n.out(0, ops::tile(n.builder(), n.in(0), n.sizes(1, "repeats")));
}

void concat(OnnxNode& n) {
  n.need_inputs(1, SIZE_MAX);
  if (!n.has("axis") && n.opset() >= 4) n.fail("has no attribute 'axis'");
  int64_t axis = n.integer("axis", 1), rank = static_cast<int64_t>(n.shape(0).size());
  if (axis < -rank || axis >= rank)
    n.fail("axis " + std::to_string(axis) + " of a value with " + std::to_string(rank) +
           " dimensions");
  std::vector<const Known*> knowns;
  for (size_t i = 0; i < n.inputs(); ++i) {
    if (const Known* k = n.known(i)) knowns.push_back(k);
  }
  if (knowns.size() == n.inputs()) {
    if (std::optional<Known> y = known_concat(knowns, axis)) return n.out(0, std::move(*y));
  }
  std::vector<Value> xs;
  for (size_t i = 0; i < n.inputs(); ++i) xs.push_back(n.in(i));
  n.out(0, n.builder().concat(xs, static_cast<int>(axis < 0 ? axis + rank : axis)));
}

// Sizes that a run binds: all of them together are the whole.
void need_whole(OnnxNode& n, std::span<const Index> sizes, const Index& total) {
  Index sum = 0;
  for (const Index& size : sizes) sum = sum + size;
  n.state().graph.add_condition({sum, total, Condition::Form::equal, ""});
}

void split(OnnxNode& n) {
  n.need_inputs(1, n.opset() < 13 ? 1 : 2);
  int64_t axis = n.integer("axis", 0), rank = static_cast<int64_t>(n.shape(0).size());
  if (axis < -rank || axis >= rank)
    n.fail("axis " + std::to_string(axis) + " of a value with " + std::to_string(rank) +
           " dimensions");
  if (axis < 0) axis += rank;
  std::vector<Index> sizes;
  if (n.opset() < 13) {
    for (int64_t s : n.integers("split")) sizes.push_back(s);
  } else if (n.given(1)) {
    sizes = n.sizes(1, "the split sizes");
    if (!n.known(1)) need_whole(n, sizes, n.shape(0)[static_cast<size_t>(axis)]);
  }
  if (sizes.empty()) {
    // Equal parts; the last one is smaller where the number of parts does not divide.
    int64_t parts = n.integer("num_outputs", static_cast<int64_t>(n.outputs()));
    if (parts != static_cast<int64_t>(n.outputs()) || parts < 1)
      n.fail("num_outputs " + std::to_string(parts) + " with " + std::to_string(n.outputs()) +
             " outputs");
    Index total = n.shape(0)[static_cast<size_t>(axis)], done = 0;
    Index part = n.state().graph.ranges().simplify(ceildiv(total, parts));
    Index whole = parts * floordiv(total, parts);
    bool even = n.state().graph.ranges().simplify(total - whole).is_const(0);
    if (n.opset() < 18 && !even && !total.is_const())  // before, the parts had to be equal
      throw SizesDiffer(n.op(), "into " + std::to_string(parts) + " parts of " + total.str(), total,
                        whole);
    for (int64_t p = 0; p < parts; ++p) {
      sizes.push_back(p + 1 < parts ? part : total - done);
      done = done + part;
    }
  }
  for (const Index& s : sizes) {
    if (s.is_const() && s.value() < 0) n.fail("a part has the size " + s.str());
  }
  if (sizes.size() != n.outputs())
    n.fail(std::to_string(sizes.size()) + " sizes for " + std::to_string(n.outputs()) + " outputs");
  bool all_const =
      std::all_of(sizes.begin(), sizes.end(), [](const Index& s) { return s.is_const(); });
  if (const Known* x = n.known(0); x && x->shape.size() == 1 && all_const) {
    size_t start = 0;
    for (size_t p = 0; p < sizes.size(); ++p) {
      size_t count = static_cast<size_t>(sizes[p].value());
      if (start + count > x->items.size())
        n.fail("the parts exceed " + std::to_string(x->items.size()) + " elements");
      auto first = x->items.begin() + static_cast<int64_t>(start);
      n.out(p, Known{x->dtype,
                     {static_cast<int64_t>(count)},
                     std::vector<Index>(first, first + static_cast<int64_t>(count))});
      start += count;
    }
    return;
  }
  std::vector<Value> parts = ops::split(n.builder(), n.in(0), axis, sizes);
  for (size_t p = 0; p < parts.size(); ++p) n.out(p, parts[p]);
}

constexpr OnnxOp kOps[] = {
    {"Shape", 1, 0, shape, "any", "nothing (known when compiling)"},
    {"Size", 1, 0, size, "any", "nothing (known when compiling)"},
    {"Reshape", 1, 0, reshape, "any, ints", "reindex", true},
    {"Flatten", 1, 0, flatten, "any", "reindex", true},
    {"Squeeze", 1, 0, squeeze, "any, ints", "reindex", true},
    {"Unsqueeze", 1, 0, unsqueeze, "any, ints", "reindex", true},
    {"Transpose", 1, 0, transpose, "any", "reindex", true},
    {"Expand", 8, 0, expand, "any, ints", "broadcast", true},
    {"Tile", 6, 0, tile, "any, ints", "reindex", true},
    {"Concat", 1, 0, concat, "any", "concat", true},
    {"Split", 1, 0, split, "any, ints", "reindex for each part", true},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_shape;
const OnnxOpGroup onnx_ops_shape{kOps};

}  // namespace mintor
