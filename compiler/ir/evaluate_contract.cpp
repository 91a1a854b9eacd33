// SPDX-License-Identifier: Apache-2.0
// contract in the order of the numerics contract, for any maps.
// The summed index space is one sequence of positions (see Order); a position whose coordinates
// leave an operand, or that a condition drops, counts and adds nothing. chain: each chunk is one
// chain of fma from +0; the total is the first chunk's sum, the next added to it in ascending
// order. lanes: blocks with 16 fma chains from -0, then as reduce by add. A sum over no positions
// is +0. Integers multiply and wrap in 64 bits and are cut to the result's width. Speed: affine
// coordinates become one offset per result plus one per position, and checks that cannot fail
// vanish.
#include <algorithm>
#include <functional>

#include "compiler/ir/evaluate.h"
#include "compiler/ir/evaluate_node.h"
#include "compiler/ir/scalar_eval.h"
#include "compiler/ir/scalar_math.h"

namespace mintor {

namespace {

struct Axes {
  std::vector<size_t> slots;
  std::vector<int64_t> extents;
};

// One quantity that must lie in [0, extent).
struct Check {
  IndexProgram value, extent;
};

// The node with its symbols' values: axis number = slot of every program.
struct Problem {
  Axes out, sum;
  Order order;
  std::vector<Check> checks;  // x dims, y dims, conditions
  std::vector<IndexProgram> x, y;
  std::vector<int64_t> x_strides, y_strides;
  size_t slots = 0;
  size_t blocked = 0;  // for inner > 1: which of sum's axes is cut into blocks
  int64_t positions = 0;
};

Problem prepare(const Node& node, std::span<const Tensor> operands,
                const EvaluateContext& context) {
  const Contract& c = node.as<Contract>();
  Problem p;
  p.order = c.order.form == Order::Form::unset ? default_order(node) : c.order;
  p.slots = c.axes.size();
  IndexProgram::Slots slots;
  int k_axes = 0;
  for (size_t a = 0; a < c.axes.size(); ++a) {
    slots[c.axes[a].name] = static_cast<int32_t>(a);
    const bool summed = c.axes[a].role == AxisRole::k || c.axes[a].role == AxisRole::window;
    Axes& axes = summed ? p.sum : p.out;
    if (c.axes[a].role == AxisRole::k) {
      p.blocked = axes.slots.size();
      ++k_axes;
    }
    axes.slots.push_back(a);
    axes.extents.push_back(context.value(c.axes[a].extent));
  }
  auto program = [&](const Index& e) { return IndexProgram(e, slots, context.symbols); };
  auto add = [&](const std::vector<Index>& coords, const Tensor& tensor,
                 std::vector<IndexProgram>& out) {
    for (size_t d = 0; d < coords.size(); ++d) {
      out.push_back(program(coords[d]));
      p.checks.push_back({out.back(), program(Index(tensor.shape[d]))});
    }
  };
  add(c.x_coords, operands[0], p.x);
  add(c.y_coords, operands[1], p.y);
  for (const IndexCondition& condition : c.conditions) {
    p.checks.push_back({program(condition.value), program(condition.extent)});
  }
  p.x_strides = strides_of(operands[0].shape);
  p.y_strides = strides_of(operands[1].shape);
  p.positions = count_of(p.sum.extents);
  if (p.order.form == Order::Form::chain && p.order.inner > 1) {
    if (k_axes != 1) throw InternalError("contract", "a blocked order needs exactly one k axis");
    const int64_t extent = p.sum.extents[p.blocked], inner = p.order.inner;
    p.positions = extent == 0 ? 0 : p.positions / extent * ((extent + inner - 1) / inner * inner);
  } else {
    p.order.inner = 1;
  }
  return p;
}

// The summed axes at a position; false for a missing lane of a last block.
bool sum_index(const Problem& p, int64_t position, std::span<int64_t> variables) {
  const int64_t inner = p.order.inner;
  int64_t lane = 0;
  if (inner > 1) {
    lane = position % inner;
    position /= inner;
  }
  for (size_t a = p.sum.slots.size(); a-- > 0;) {
    if (inner > 1 && a == p.blocked) continue;
    variables[p.sum.slots[a]] = position % p.sum.extents[a];
    position /= p.sum.extents[a];
  }
  if (inner == 1) return true;
  const int64_t channel = position * inner + lane;
  variables[p.sum.slots[p.blocked]] = channel;
  return channel < p.sum.extents[p.blocked];
}

int64_t flat(const std::vector<IndexProgram>& coords, const std::vector<int64_t>& strides,
             const int64_t* variables) {
  int64_t at = 0;
  for (size_t d = 0; d < coords.size(); ++d) at += coords[d](variables) * strides[d];
  return at;
}

bool is_affine(const Problem& p) {
  return std::ranges::all_of(p.checks, [](const Check& c) {
    const auto* extent = c.extent.affine();
    return c.value.affine() && extent &&
           std::ranges::all_of(extent->coefficients, [](int64_t v) { return v == 0; });
  });
}

// One term of the sum: which lane or chain position it has is known to the caller by its place in
// the list.
struct Term {
  int64_t lane, x, y;  // lane: position within its chunk or block
};

// What all results share of one chunk, when everything is affine: offsets and checked values
// without the result's part.
struct Chunk {
  std::vector<Term> terms;
  std::vector<std::vector<int64_t>> checked;  // [check][term]
  std::vector<int64_t> least, most;           // of each check over the terms
};

Chunk make_chunk(const Problem& p, int64_t first, int64_t end,
                 const std::vector<const Check*>& checks) {
  Chunk chunk;
  chunk.checked.resize(checks.size());
  std::vector<int64_t> variables(p.slots + 1, 0);
  for (int64_t at = first; at < end; ++at) {
    if (!sum_index(p, at, variables)) continue;
    chunk.terms.push_back({at - first, flat(p.x, p.x_strides, variables.data()),
                           flat(p.y, p.y_strides, variables.data())});
    for (size_t c = 0; c < checks.size(); ++c)
      chunk.checked[c].push_back(checks[c]->value(variables.data()));
  }
  for (const std::vector<int64_t>& values : chunk.checked) {
    chunk.least.push_back(values.empty() ? 0 : *std::ranges::min_element(values));
    chunk.most.push_back(values.empty() ? 0 : *std::ranges::max_element(values));
  }
  return chunk;
}

template <class T>
T multiply_add(T x, T y, T sum) {
  if constexpr (std::is_floating_point_v<T>) {
    return mt_fma(x, y, sum);
  } else {
    return static_cast<T>(static_cast<uint64_t>(x) * static_cast<uint64_t>(y) +
                          static_cast<uint64_t>(sum));
  }
}

template <class T>
T plus(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return a + b;
  return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

// The sum of one chunk or block of one result. `each` calls its argument with (position in the
// chunk, x, y) in order.
template <class T, class Each>
T sum_of(const Problem& p, Each each) {
  if (p.order.form == Order::Form::lanes) {
    Lanes<T> lanes(p.order, std::is_floating_point_v<T> ? static_cast<T>(-0.0) : T{});
    each([&](int64_t at, T x, T y) { lanes.of(at) = multiply_add(x, y, lanes.of(at)); });
    return lanes.tree(plus<T>);
  }
  T sum{};
  each([&](int64_t, T x, T y) { sum = multiply_add(x, y, sum); });
  return sum;
}

// Sums of chunks, gathered per result: totals for chain and serial, kept one by one for lanes.
template <class T>
class Totals {
 public:
  Totals(const Problem& p, int64_t results)
      : lanes_(p.order.form == Order::Form::lanes), order_(p.order) {
    if (lanes_) {
      blocks_.resize(static_cast<size_t>(results));
    } else {
      totals_.resize(static_cast<size_t>(results));
    }
  }
  void add(int64_t result, bool first, T sum) {
    const auto r = static_cast<size_t>(result);
    if (lanes_) {
      blocks_[r].push_back(sum);
    } else {
      totals_[r] = first ? sum : plus(totals_[r], sum);
    }
  }
  T take(int64_t result) {
    const auto r = static_cast<size_t>(result);
    if (!lanes_) return totals_[r];
    if (blocks_[r].empty()) return T{};
    const T identity = std::is_floating_point_v<T> ? static_cast<T>(-0.0) : T{};
    return reduce_blocks(std::move(blocks_[r]), order_, identity, plus<T>);
  }

 private:
  bool lanes_;
  Order order_;
  std::vector<T> totals_;
  std::vector<std::vector<T>> blocks_;
};

template <class T>
void affine_chunk(const Problem& p, const Chunk& chunk, const std::vector<const Check*>& checks,
                  bool first, const T* x, const T* y, Totals<T>& totals) {
  std::vector<int64_t> variables(p.slots + 1, 0), index(p.out.slots.size(), 0), base(checks.size()),
      limit(checks.size());
  const std::vector<int64_t> origin = variables;
  // Affine parts of results and positions add up, their common constant must count once.
  const int64_t x0 = flat(p.x, p.x_strides, origin.data()),
                y0 = flat(p.y, p.y_strides, origin.data());
  const int64_t results = count_of(p.out.extents);
  for (int64_t r = 0; r < results; ++r, next_index(index, p.out.extents)) {
    for (size_t a = 0; a < index.size(); ++a) variables[p.out.slots[a]] = index[a];
    const T* xr = x + (flat(p.x, p.x_strides, variables.data()) - x0);
    const T* yr = y + (flat(p.y, p.y_strides, variables.data()) - y0);
    bool inside = true;
    for (size_t c = 0; c < checks.size(); ++c) {
      base[c] = checks[c]->value(variables.data()) - checks[c]->value(origin.data());
      limit[c] = checks[c]->extent(origin.data());
      inside = inside && base[c] + chunk.least[c] >= 0 && base[c] + chunk.most[c] < limit[c];
    }
    totals.add(r, first, sum_of<T>(p, [&](auto term) {
                 for (size_t t = 0; t < chunk.terms.size(); ++t) {
                   bool skip = false;
                   for (size_t c = 0; !inside && c < checks.size(); ++c) {
                     const int64_t value = base[c] + chunk.checked[c][t];
                     skip = skip || value < 0 || value >= limit[c];
                   }
                   if (!skip) term(chunk.terms[t].lane, xr[chunk.terms[t].x], yr[chunk.terms[t].y]);
                 }
               }));
  }
}

template <class T>
void general_chunk(const Problem& p, int64_t begin, int64_t end, const T* x, const T* y,
                   Totals<T>& totals) {
  std::vector<int64_t> variables(p.slots + 1, 0), index(p.out.slots.size(), 0);
  const int64_t results = count_of(p.out.extents);
  for (int64_t r = 0; r < results; ++r, next_index(index, p.out.extents)) {
    for (size_t a = 0; a < index.size(); ++a) variables[p.out.slots[a]] = index[a];
    totals.add(r, begin == 0, sum_of<T>(p, [&](auto term) {
                 for (int64_t at = begin; at < end; ++at) {
                   if (!sum_index(p, at, variables)) continue;
                   const bool skip = std::ranges::any_of(p.checks, [&](const Check& c) {
                     const int64_t value = c.value(variables.data());
                     return value < 0 || value >= c.extent(variables.data());
                   });
                   if (skip) continue;
                   term(at - begin, x[flat(p.x, p.x_strides, variables.data())],
                        y[flat(p.y, p.y_strides, variables.data())]);
                 }
               }));
  }
}

// The checks that some point of the whole index space fails.
std::vector<const Check*> needed_checks(const Problem& p) {
  std::vector<const Check*> needed;
  for (const Check& check : p.checks) {
    const IndexProgram::Affine& value = *check.value.affine();
    int64_t least = value.base, most = value.base;
    for (const Axes* axes : {&p.out, &p.sum}) {
      for (size_t a = 0; a < axes->slots.size(); ++a) {
        const int64_t reach = value.coefficients[axes->slots[a]] * (axes->extents[a] - 1);
        (reach < 0 ? least : most) += reach;
      }
    }
    if (least < 0 || most >= check.extent.affine()->base) needed.push_back(&check);
  }
  return needed;
}

template <class T>
std::vector<T> contract(const Problem& p, const T* x, const T* y) {
  const int64_t results = count_of(p.out.extents);
  Totals<T> totals(p, results);
  const bool affine = is_affine(p);
  const std::vector<const Check*> checks = affine ? needed_checks(p) : std::vector<const Check*>{};
  int64_t step = p.order.form == Order::Form::chain ? p.order.chunk : p.order.block;
  if (p.order.form == Order::Form::serial) step = std::max<int64_t>(p.positions, 1);
  for (int64_t begin = 0; begin < p.positions && results > 0; begin += step) {
    const int64_t end = std::min(begin + step, p.positions);
    if (affine) {
      affine_chunk(p, make_chunk(p, begin, end, checks), checks, begin == 0, x, y, totals);
    } else {
      general_chunk(p, begin, end, x, y, totals);
    }
  }
  std::vector<T> values(static_cast<size_t>(results));
  for (int64_t r = 0; r < results; ++r) values[static_cast<size_t>(r)] = totals.take(r);
  return values;
}

template <class T>
Tensor contract_in(DType dtype, const Node& node, std::span<const Tensor> operands,
                   EvaluateContext& context) {
  std::vector<T> wide[2];
  for (size_t i = 0; i < 2; ++i) {
    wide[i].resize(static_cast<size_t>(operands[i].count()));
    cast_array(operands[i].dtype, operands[i].data, dtype, wide[i].data(), operands[i].count());
  }
  const Problem p = prepare(node, operands, context);
  const std::vector<T> values = contract<T>(p, wide[0].data(), wide[1].data());
  auto [y, bytes] = Tensor::make(node.results[0].dtype, context.values(node.results[0].shape));
  check(y.count() == static_cast<int64_t>(values.size()), "contract",
        "the axes and the result disagree");
  cast_array(dtype, values.data(), y.dtype, bytes, y.count());
  return y;
}

}  // namespace

Tensors evaluate_contract(const Node& node, std::span<const Tensor> operands,
                          EvaluateContext& context) {
  if (node.as<Contract>().order.form == Order::Form::winograd)
    return evaluate_winograd(node, operands, context);
  switch (node.results[0].dtype) {
    case DType::f32:
      return {contract_in<float>(DType::f32, node, operands, context)};
    case DType::f64:
      return {contract_in<double>(DType::f64, node, operands, context)};
    default:
      return {contract_in<int64_t>(DType::i64, node, operands, context)};
  }
}

}  // namespace mintor
