// SPDX-License-Identifier: Apache-2.0
// Recurrent layers beside the equations of their cells, one element after the other in double.
// ONNX's attributes in all combinations: tests/onnx/cases_control.py.
#include <cmath>

#include "tests/ops/ops_helper.h"

namespace mintor::test {
namespace {

using List = std::vector<double>;
using ops::RecurrentAttr;
using ops::RecurrentDirection;
using ops::RecurrentInputs;

constexpr int64_t kTime = 3, kBatch = 2, kIn = 2, kHidden = 2;

// Small numbers, other ones for each seed.
List small(int64_t count, int seed) {
  List out;
  for (int64_t i = 0; i < count; ++i)
    out.push_back(static_cast<double>((i * 5 + seed * 3) % 9 - 4) / 8);
  return out;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// What a layer is given, as lists; all of one direction.
struct Given {
  int64_t gates;
  List x = small(kTime * kBatch * kIn, 1), w = small(gates * kHidden * kIn, 2),
       r = small(gates * kHidden * kHidden, 3), wb = small(gates * kHidden, 4),
       rb = small(gates * kHidden, 5), h = small(kBatch * kHidden, 6),
       c = small(kBatch * kHidden, 7);
  std::vector<int64_t> lengths = {kTime, kTime};

  // Row k * hidden + j of w at time t, and of r with a state.
  double input(int64_t t, int64_t b, int64_t k, int64_t j) const {
    double sum = wb[static_cast<size_t>(k * kHidden + j)];
    for (int64_t i = 0; i < kIn; ++i)
      sum += x[static_cast<size_t>((t * kBatch + b) * kIn + i)] *
             w[static_cast<size_t>((k * kHidden + j) * kIn + i)];
    return sum;
  }
  double state(const List& h, int64_t k, int64_t j) const {
    double sum = 0;
    for (int64_t i = 0; i < kHidden; ++i)
      sum += h[static_cast<size_t>(i)] * r[static_cast<size_t>((k * kHidden + j) * kHidden + i)];
    return sum;
  }
  double bias(int64_t k, int64_t j) const { return rb[static_cast<size_t>(k * kHidden + j)]; }
};

// One row of the batch through a cell: (time, h, c) -> the next h and c.
using Cell = std::function<void(const Given&, int64_t t, int64_t b, List& h, List& c)>;

// y[time, batch, hidden], then the last h and c.
List expected(const Given& g, bool reverse, const Cell& cell) {
  List y(static_cast<size_t>(kTime * kBatch * kHidden)), hs, cs;
  for (int64_t b = 0; b < kBatch; ++b) {
    const auto first = b * kHidden, length = g.lengths[static_cast<size_t>(b)];
    List h(g.h.begin() + first, g.h.begin() + first + kHidden),
        c(g.c.begin() + first, g.c.begin() + first + kHidden);
    for (int64_t step = 0; step < length; ++step) {
      const int64_t t = reverse ? length - 1 - step : step;
      cell(g, t, b, h, c);
      for (int64_t j = 0; j < kHidden; ++j)
        y[static_cast<size_t>((t * kBatch + b) * kHidden + j)] = h[static_cast<size_t>(j)];
    }
    hs.insert(hs.end(), h.begin(), h.end());
    cs.insert(cs.end(), c.begin(), c.end());
  }
  y.insert(y.end(), hs.begin(), hs.end());
  y.insert(y.end(), cs.begin(), cs.end());
  return y;
}

using Layer = ops::Recurrent (*)(Builder&, const RecurrentInputs&, const RecurrentAttr&);

// The same from the layer; `symbolic` sizes of time and batch.
List found(const Given& g, Layer layer, const RecurrentAttr& attr, bool symbolic) {
  Op op;
  RecurrentInputs in;
  const auto f64 = [&](Shape shape, std::vector<int64_t> sizes, const List& data) {
    return op.in(tensor(DType::f64, std::move(sizes), data), std::move(shape));
  };
  const Index time = symbolic ? op.symbol("time") : Index(kTime),
              batch = symbolic ? op.symbol("batch") : Index(kBatch);
  const int64_t rows = g.gates * kHidden;
  in.x = f64({time, batch, kIn}, {kTime, kBatch, kIn}, g.x);
  in.w = f64({1, rows, kIn}, {1, rows, kIn}, g.w);
  in.r = f64({1, rows, kHidden}, {1, rows, kHidden}, g.r);
  in.w_bias = f64({1, rows}, {1, rows}, g.wb);
  in.r_bias = f64({1, rows}, {1, rows}, g.rb);
  in.h = f64({1, batch, kHidden}, {1, kBatch, kHidden}, g.h);
  in.c = f64({1, batch, kHidden}, {1, kBatch, kHidden}, g.c);
  if (g.lengths != std::vector<int64_t>{kTime, kTime})
    in.lengths =
        op.in(tensor(DType::i32, {kBatch}, List(g.lengths.begin(), g.lengths.end())), {batch});
  const ops::Recurrent out = layer(op.b, in, attr);
  List all = values(op.run(out.y));
  for (const double v : values(op.run(out.h))) all.push_back(v);
  if (out.c)
    for (const double v : values(op.run(out.c))) all.push_back(v);
  return all;
}

void check_layer(Layer layer, int64_t gates, RecurrentAttr attr, const Cell& cell) {
  for (const bool reverse : {false, true})
    for (const std::vector<int64_t>& lengths : {std::vector<int64_t>{kTime, kTime}, {2, 3}, {0, 1}})
      for (const bool symbolic : {false, true}) {
        attr.direction = reverse ? RecurrentDirection::reverse : RecurrentDirection::forward;
        Given g{gates};
        g.lengths = lengths;
        List want = expected(g, reverse, cell);
        const List got = found(g, layer, attr, symbolic);
        want.resize(got.size());
        for (size_t i = 0; i < got.size(); ++i)
          EXPECT_NEAR(got[i], want[i], 1e-12) << i << " reverse " << reverse << " " << lengths[0];
      }
}

TEST(Recurrent, Rnn) {
  check_layer(ops::rnn, 1, {}, [](const Given& g, int64_t t, int64_t b, List& h, List&) {
    List next;
    for (int64_t j = 0; j < kHidden; ++j)
      next.push_back(std::tanh(g.input(t, b, 0, j) + g.state(h, 0, j) + g.bias(0, j)));
    h = next;
  });
}

TEST(Recurrent, Lstm) {
  for (const bool coupled : {false, true}) {
    RecurrentAttr attr;
    attr.input_forget = coupled;
    attr.clip = 0.4;
    check_layer(ops::lstm, 4, attr, [&](const Given& g, int64_t t, int64_t b, List& h, List& c) {
      List next_h, next_c;
      for (int64_t j = 0; j < kHidden; ++j) {
        const auto gate = [&](int64_t k) {
          return std::clamp(g.input(t, b, k, j) + g.state(h, k, j) + g.bias(k, j), -0.4, 0.4);
        };
        const double i = sigmoid(gate(0)), f = coupled ? 1 - i : sigmoid(gate(2));
        next_c.push_back(f * c[static_cast<size_t>(j)] + i * std::tanh(gate(3)));
        next_h.push_back(sigmoid(gate(1)) * std::tanh(next_c.back()));
      }
      h = next_h, c = next_c;
    });
  }
}

TEST(Recurrent, Gru) {
  for (const bool linear : {false, true}) {
    RecurrentAttr attr;
    attr.linear_before_reset = linear;
    check_layer(ops::gru, 3, attr, [&](const Given& g, int64_t t, int64_t b, List& h, List&) {
      List z, r, reset, next;
      for (int64_t j = 0; j < kHidden; ++j) {
        z.push_back(sigmoid(g.input(t, b, 0, j) + g.state(h, 0, j) + g.bias(0, j)));
        r.push_back(sigmoid(g.input(t, b, 1, j) + g.state(h, 1, j) + g.bias(1, j)));
        reset.push_back(r.back() * h[static_cast<size_t>(j)]);
      }
      for (int64_t j = 0; j < kHidden; ++j) {
        const auto at = static_cast<size_t>(j);
        const double own = linear ? r[at] * (g.state(h, 2, j) + g.bias(2, j))
                                  : g.state(reset, 2, j) + g.bias(2, j);
        const double n = std::tanh(g.input(t, b, 2, j) + own);
        next.push_back((1 - z[at]) * n + z[at] * h[at]);
      }
      h = next;
    });
  }
}

// Half precision is rounded once: what f32 gives, rounded.
TEST(Recurrent, HalvesAreComputedInF32) {
  const auto run = [](DType dtype) {
    Op op;
    RecurrentInputs in;
    in.x = op.of(dtype, {2, 1, 2}, small(4, 1));
    in.w = op.of(dtype, {2, 2, 2}, small(8, 2));
    in.r = op.of(dtype, {2, 2, 2}, small(8, 3));
    RecurrentAttr attr;
    attr.direction = RecurrentDirection::bidirectional;
    const Value y = ops::rnn(op.b, in, attr).y;
    EXPECT_EQ(y.dtype(), dtype);
    return values(op.run(op.b.cast(y, DType::f16)));
  };
  EXPECT_EQ(run(DType::f16), run(DType::f32));
}

// All steps and directions are one contract; what a loop repeats is the product with the state.
TEST(Recurrent, InputsAreProjectedOutsideOfTheLoop) {
  Op op;
  RecurrentInputs in;
  in.x = op.f32({3, 2, 2}), in.w = op.f32({2, 8, 2}), in.r = op.f32({2, 8, 2});
  RecurrentAttr attr;
  attr.direction = RecurrentDirection::bidirectional;
  op.graph.results = {{"y", ops::lstm(op.b, in, attr).y}};
  const auto contracts = [](const Graph& graph) {
    int64_t count = 0;
    for (const Node* node : live_nodes(graph)) count += node->kind == Kind::contract;
    return count;
  };
  EXPECT_EQ(contracts(op.graph), 1);
  int64_t loops = 0;
  for (const Node* node : live_nodes(op.graph)) {
    if (node->kind != Kind::loop) continue;
    ++loops;
    EXPECT_EQ(contracts(*node->as<RegionAttr>().regions[0]), 1);
  }
  EXPECT_EQ(loops, 2);
}

TEST(Recurrent, WhatDoesNotFit) {
  const auto error = [](const std::function<void(Op&, RecurrentInputs&, RecurrentAttr&)>& change) {
    return compile_error([&] {
      Op op;
      RecurrentInputs in;
      RecurrentAttr attr;
      in.x = op.f32({3, 2, 5}), in.w = op.f32({1, 4, 5}), in.r = op.f32({1, 4, 4});
      change(op, in, attr);
      ops::rnn(op.b, in, attr);
    });
  };
  EXPECT_EQ(error([](Op& op, RecurrentInputs& in, RecurrentAttr&) { in.w = op.f32({1, 4, 6}); }),
            "error: rnn: the weight is f32[1, 4, 6], needs the shape [1, 4, 5]");
  EXPECT_EQ(error([](Op& op, RecurrentInputs& in, RecurrentAttr&) { in.h = op.f32({1, 3, 4}); }),
            "error: rnn: the first state is f32[1, 3, 4], needs the shape [1, 2, 4]");
  EXPECT_EQ(error([](Op& op, RecurrentInputs& in, RecurrentAttr&) {
              in.lengths = op.of(DType::i32, {3}, {1, 1, 1});
            }),
            "error: rnn: the list of lengths is i32[3], needs the shape [2]");
  EXPECT_EQ(error([](Op& op, RecurrentInputs& in, RecurrentAttr&) {
              in.r = op.of(DType::f64, {1, 4, 4}, small(16, 1));
            }),
            "error: rnn: the recurrent weight is f64[1, 4, 4], x is f32");
  EXPECT_EQ(error([](Op&, RecurrentInputs&, RecurrentAttr& attr) { attr.activations.resize(2); }),
            "error: rnn: 2 activations are given, needs 1");
}

}  // namespace
}  // namespace mintor::test
