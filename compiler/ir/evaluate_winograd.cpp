// SPDX-License-Identifier: Apache-2.0
// contract in order winograd(m) (ir/winograd.h): for each tile, B on the inputs of each channel, a
// chain of fma over the channels from +0 for each point of the tile, A on the sums. What the maps
// put outside of x is +0, and sums outside of the result are dropped.
#include <algorithm>
#include <array>

#include "compiler/ir/evaluate_node.h"
#include "compiler/ir/scalar_eval.h"
#include "compiler/ir/scalar_math.h"
#include "compiler/ir/winograd.h"

namespace mintor {

namespace {

float step_value(const winograd::Step& step, float a, float b) {
  switch (step.op) {
    case ScalarOp::add:
      return a + b;
    case ScalarOp::sub:
      return a - b;
    default:
      return mt_fma(static_cast<float>(step.factor), a, b);
  }
}

// The contract with the values of its symbols; slots are positions in Contract::axes.
struct Problem {
  std::vector<int64_t> extents;  // of all axes
  std::vector<winograd::Axis> tiled;
  std::vector<size_t> places, columns;  // out axes: of role n, and the others, as listed
  size_t k = 0;
  std::vector<IndexProgram> x, y;
  std::vector<IndexProgram> conditions, limits;
  std::vector<int64_t> x_shape, x_strides, y_strides, out_strides;  // out: by axis
  int64_t points = 0, tile = 0;
};

Problem prepare(const Node& node, std::span<const Tensor> operands,
                const EvaluateContext& context) {
  const Contract& c = node.as<Contract>();
  Problem p;
  p.points = winograd::points_of(c);
  p.tile = c.order.tile;
  p.tiled = winograd::axes_of(c);
  IndexProgram::Slots slots;
  for (size_t a = 0; a < c.axes.size(); ++a) {
    slots[c.axes[a].name] = static_cast<int32_t>(a);
    p.extents.push_back(context.value(c.axes[a].extent));
    if (c.axes[a].role == AxisRole::k)
      p.k = a;
    else if (c.axes[a].role == AxisRole::n)
      p.columns.push_back(a);
    else if (c.axes[a].role != AxisRole::window)
      p.places.push_back(a);
  }
  const auto program = [&](const Index& e) { return IndexProgram(e, slots, context.symbols); };
  for (const Index& e : c.x_coords) p.x.push_back(program(e));
  for (const Index& e : c.y_coords) p.y.push_back(program(e));
  for (const IndexCondition& condition : c.conditions) {
    p.conditions.push_back(program(condition.value));
    p.limits.push_back(program(condition.extent));
  }
  p.x_shape = operands[0].shape;
  p.x_strides = strides_of(operands[0].shape);
  p.y_strides = strides_of(operands[1].shape);
  p.out_strides.assign(c.axes.size(), 0);
  int64_t stride = 1;
  for (size_t a = c.axes.size(); a-- > 0;) {
    if (c.axes[a].role == AxisRole::k || c.axes[a].role == AxisRole::window) continue;
    p.out_strides[a] = stride;
    stride *= p.extents[a];
  }
  return p;
}

// The first result of tile number `at` along an axis of that step; +step for each further one.
int64_t origin_of(const Problem& p, const winograd::Axis& axis, int64_t at) {
  return at / axis.step * axis.step * p.tile + at % axis.step;
}

int64_t tiles_of(const Problem& p, const winograd::Axis& axis) {
  const int64_t span = p.tile * axis.step;
  return (p.extents[axis.out] + span - 1) / span * axis.step;
}

float input_at(const Problem& p, const float* x, const std::vector<int64_t>& variables) {
  int64_t at = 0;
  for (size_t d = 0; d < p.x.size(); ++d) {
    const int64_t coordinate = p.x[d](variables.data());
    if (coordinate < 0 || coordinate >= p.x_shape[d]) return 0;
    at += coordinate * p.x_strides[d];
  }
  for (size_t n = 0; n < p.conditions.size(); ++n) {
    const int64_t value = p.conditions[n](variables.data());
    if (value < 0 || value >= p.limits[n](variables.data())) return 0;
  }
  return x[at];
}

// The windows' variables at a point of the tile, or those of the tile's results at one of these.
std::vector<std::vector<int64_t>> points_of(size_t axes, int64_t extent) {
  const std::vector<int64_t> extents(axes, extent);
  std::vector<std::vector<int64_t>> points;
  std::vector<int64_t> at(axes, 0);
  for (int64_t n = 0; n < count_of(extents); ++n, next_index(at, extents)) points.push_back(at);
  return points;
}

class Tiles {
 public:
  Tiles(const Problem& p, const float* x, const float* y, float* out)
      : p_(p),
        x_(x),
        y_(y),
        out_(out),
        input_(winograd::input_transform(p.points)),
        output_(winograd::output_transform(p.points, p.tile)),
        points_(points_of(p.tiled.size(), p.points)),
        results_(points_of(p.tiled.size(), p.tile)) {}

  // `variables`: out axes of the tile but the columns.
  void compute(std::vector<int64_t> variables) {
    const int64_t channels = p_.extents[p_.k];
    std::vector<std::vector<float>> inputs;  // by channel
    for (int64_t k = 0; k < channels; ++k) {
      variables[p_.k] = k;
      std::vector<float> values;
      for (const auto& point : points_) {
        put_windows(point, variables);
        values.push_back(input_at(p_, x_, variables));
      }
      inputs.push_back(winograd::apply(input_, p_.tiled.size(), values, step_value));
    }
    std::vector<int64_t> extents, column(p_.columns.size(), 0);
    for (const size_t a : p_.columns) extents.push_back(p_.extents[a]);
    for (int64_t n = 0; n < count_of(extents); ++n, next_index(column, extents)) {
      for (size_t a = 0; a < column.size(); ++a) variables[p_.columns[a]] = column[a];
      store(variables,
            winograd::apply(output_, p_.tiled.size(), sums(inputs, variables), step_value));
    }
  }

 private:
  void put_windows(const std::vector<int64_t>& point, std::vector<int64_t>& variables) const {
    for (size_t a = 0; a < point.size(); ++a) variables[p_.tiled[a].window] = point[a];
  }

  std::vector<float> sums(const std::vector<std::vector<float>>& inputs,
                          std::vector<int64_t> variables) const {
    std::vector<float> sums;
    for (size_t u = 0; u < points_.size(); ++u) {
      put_windows(points_[u], variables);
      float sum = 0;
      for (size_t k = 0; k < inputs.size(); ++k) {
        variables[p_.k] = static_cast<int64_t>(k);
        int64_t at = 0;
        for (size_t d = 0; d < p_.y.size(); ++d) at += p_.y[d](variables.data()) * p_.y_strides[d];
        sum = mt_fma(inputs[k][u], y_[at], sum);
      }
      sums.push_back(sum);
    }
    return sums;
  }

  void store(const std::vector<int64_t>& variables, const std::vector<float>& values) const {
    for (size_t r = 0; r < results_.size(); ++r) {
      std::vector<int64_t> at = variables;
      bool inside = true;
      for (size_t a = 0; a < p_.tiled.size(); ++a) {
        const winograd::Axis& axis = p_.tiled[a];
        at[axis.out] += results_[r][a] * axis.step;
        inside = inside && at[axis.out] < p_.extents[axis.out];
      }
      if (!inside) continue;
      int64_t flat = 0;
      for (size_t a = 0; a < at.size(); ++a) flat += at[a] * p_.out_strides[a];
      out_[flat] = values[r];
    }
  }

  const Problem& p_;
  const float* x_;
  const float* y_;
  float* out_;
  winograd::Transform input_, output_;
  std::vector<std::vector<int64_t>> points_, results_;
};

}  // namespace

Tensors evaluate_winograd(const Node& node, std::span<const Tensor> operands,
                          EvaluateContext& context) {
  std::array<std::vector<float>, 2> wide;
  for (size_t i = 0; i < 2; ++i) {
    wide[i].resize(static_cast<size_t>(operands[i].count()));
    cast_array(operands[i].dtype, operands[i].data, DType::f32, wide[i].data(),
               operands[i].count());
  }
  const Problem p = prepare(node, operands, context);
  auto [out, bytes] = Tensor::make(DType::f32, context.values(node.results[0].shape));
  if (out.count() == 0) return {out};
  std::vector<int64_t> extents, place(p.places.size(), 0);
  const auto tiled = [&](size_t axis) {
    return std::ranges::find(p.tiled, axis, &winograd::Axis::out);
  };
  for (const size_t a : p.places)
    extents.push_back(tiled(a) == p.tiled.end() ? p.extents[a] : tiles_of(p, *tiled(a)));
  Tiles tiles(p, wide[0].data(), wide[1].data(), reinterpret_cast<float*>(bytes));
  for (int64_t n = 0; n < count_of(extents); ++n, next_index(place, extents)) {
    std::vector<int64_t> variables(p.extents.size() + 1, 0);
    for (size_t a = 0; a < place.size(); ++a) {
      const auto axis = tiled(p.places[a]);
      variables[p.places[a]] = axis == p.tiled.end() ? place[a] : origin_of(p, *axis, place[a]);
    }
    tiles.compute(variables);
  }
  return {out};
}

}  // namespace mintor
