// SPDX-License-Identifier: Apache-2.0
// Sums of products of bytes: the passes keep every integer, and every level has the evaluator's.
// Takes small graphs with bytes of the whole range; fails on the first result that differs.
#include <gtest/gtest.h>

#include "compiler/codegen/target.h"
#include "compiler/contraction/strategy.h"
#include "compiler/graph/fusion.h"
#include "compiler/graph/pipeline.h"
#include "compiler/graph/rewrite.h"
#include "compiler/ir/builder.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/text.h"
#include "compiler/loop/lower.h"
#include "compiler/ops/library.h"
#include "tests/lowering/check_chain.h"
#include "tests/lowering/run_groups.h"

namespace mintor {
namespace {

// Bytes of the whole range, the extremes among them.
Tensor bytes(DType dtype, std::vector<int64_t> shape, uint32_t seed) {
  auto [tensor, data] = Tensor::make(dtype, std::move(shape));
  uint64_t state = seed * 2654435761u + 7;
  for (int64_t i = 0; i < tensor.count(); ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    data[i] = static_cast<std::byte>(i % 7 == 0 ? 0x80 : i % 5 == 0 ? 0xff : state >> 56);
  }
  return tensor;
}

// An input's samples are small: spread over the bytes.
Value input_bytes(Builder& b, DType dtype, Shape shape) {
  const Value x = b.input("x", dtype, shape);
  return b.apply(ScalarOp::mul, {x, b.broadcast(b.constant_int(dtype, 41), shape, {})});
}

// Integers before and after all passes are one; then all levels.
void check_integers(Graph graph, const std::map<std::string, int64_t>& symbols = {}) {
  CompileContext context;
  const Graph after = run_pipeline(context, rewrite(graph, nullptr));
  const auto inputs = sample_inputs(graph, symbols, 3);
  const auto want = evaluate(graph, inputs).results, have = evaluate(after, inputs).results;
  for (size_t n = 0; n < want.size(); ++n) EXPECT_TRUE(same_bits(want[n], have[n])) << n;
  check_chain(std::move(graph), symbols);
}

std::vector<std::string> chosen(Graph graph, const std::string& level) {
  CompileContext context;
  context.options.explain = true;
  const Graph after = run_pipeline(context, std::move(graph));
  for (const Group& group : fuse(after).groups) {
    Kernel kernel = lower(after, group);
    schedule(context, after, group, find_level(level), kernel);
  }
  std::vector<std::string> found;
  for (const std::string& line : context.explanations)
    if (line.starts_with("contraction: ")) found.push_back(line);
  return found;
}

Graph product(DType x_dtype, DType w_dtype, int64_t m, int64_t n, int64_t k, bool zeros) {
  Graph g;
  Builder b(g);
  const Value x = input_bytes(b, x_dtype, {m, k});
  const Value w = b.parameter("w", bytes(w_dtype, {k, n}, 7));
  const Value xz = zeros ? b.input("zero", x_dtype, {}) : Value{};
  const Value wz = zeros ? b.parameter("wz", bytes(w_dtype, {n}, 9)) : Value{};
  g.results = {{"r", ops::matmul_integer(b, x, w, xz, wz)}};
  return g;
}

TEST(Bytes, ProductsOfEveryKind) {
  for (const DType x : {DType::u8, DType::i8})
    for (const DType w : {DType::u8, DType::i8})
      for (const bool zeros : {false, true}) check_integers(product(x, w, 5, 37, 19, zeros));
}

TEST(Bytes, TilesAndTails) {
  // Rows and columns: one, less than a tile, a tile, tiles and a tail; whole words and parts.
  for (const int64_t m : {1, 5, 31})
    for (const int64_t n : {7, 16, 70})
      for (const int64_t k : {1, 4, 22})
        check_integers(product(DType::u8, DType::i8, m, n, k, true));
}

TEST(Bytes, RowsOfAnyNumber) {
  for (const int64_t rows : {0, 1, 13, 29}) {
    Graph g;
    g.add_symbol({"rows", 0, 64, 1, 8});
    Builder b(g);
    const Value x = input_bytes(b, DType::u8, {Index::var("rows"), 24});
    const Value w = b.parameter("w", bytes(DType::i8, {24, 40}, 7));
    g.results = {{"r", ops::matmul_integer(b, x, w, b.input("zero", DType::u8, {}), {})}};
    check_integers(std::move(g), {{"rows", rows}});
  }
}

// A batch of sequences, both of any number: few rows and many, tiles and what they leave over.
constexpr std::pair<int64_t, int64_t> kBatches[] = {{0, 5}, {1, 1}, {1, 13}, {3, 17}, {2, 35}};

Shape batch_of_rows(Graph& g, int64_t columns) {
  g.add_symbol({"batch", 0, 8, 1, 2});
  g.add_symbol({"rows", 0, 64, 1, 8});
  return {Index::var("batch"), Index::var("rows"), columns};
}

TEST(Bytes, BatchesOfRowsOfAnyNumber) {
  for (const auto& [batch, rows] : kBatches) {
    Graph g;
    const Shape shape = batch_of_rows(g, 24);
    Builder b(g);
    const Value x = input_bytes(b, DType::u8, shape);
    const Value w = b.parameter("w", bytes(DType::i8, {24, 130}, 7));
    g.results = {{"r", ops::matmul_integer(b, x, w, b.input("zero", DType::u8, {}), {})}};
    check_integers(std::move(g), {{"batch", batch}, {"rows", rows}});
  }
}

// scale * (x - zero), as DequantizeLinear has it.
Value dequantised(Builder& b, Value x, Value scale, Value zero, int64_t axis) {
  return ops::dequantize_linear(b, x, scale, zero, axis);
}

Graph convolution(int64_t channels, int64_t groups, int64_t out, int64_t stride, int64_t zero) {
  Graph g;
  Builder b(g);
  const Value x = input_bytes(b, DType::u8, {1, channels, 9, 9});
  const Value w = b.parameter("w", bytes(DType::i8, {out, channels / groups, 3, 3}, 5));
  const auto one = [&](double v) {
    return b.parameter("p" + std::to_string(v), Tensor::scalar(Scalar::of(DType::f32, v)));
  };
  const Value sw = b.broadcast(one(0.01), {out}, {});
  const Value xz = zero != 0 ? b.constant_int(DType::u8, zero) : Value{};
  const ops::ConvAttr attr{{stride, stride}, {1, 1}, {1, 1}, {1, 1}, groups};
  const Value y = ops::conv(b, dequantised(b, x, one(0.03), xz, 1), dequantised(b, w, sw, {}, 0),
                            b.broadcast(one(0.5), {out}, {}), attr);
  g.results = {
      {"r", ops::quantize_linear(b, y, one(0.25), b.constant_int(DType::u8, 120), DType::u8, 1)}};
  return g;
}

TEST(Bytes, Convolutions) {
  struct Case {
    int64_t channels, groups, out, stride, zero;
  };
  for (const Case& c : {Case{16, 1, 24, 1, 0},
                        {3, 1, 20, 2, 7},
                        {8, 2, 32, 1, 0},
                        {20, 20, 20, 1, 3},
                        {36, 1, 40, 2, 128}})
    check_chain(convolution(c.channels, c.groups, c.out, c.stride, c.zero));
}

// Images of any size: windows of one pixel walk through all of them, others along lines.
TEST(Bytes, ConvolutionsOverAnySize) {
  for (const int64_t window : {1, 3})
    for (const int64_t side : {1, 6, 17}) {
      Graph g;
      g.add_symbol({"batch", 0, 8, 1, 2});
      g.add_symbol({"side", 0, 64, 1, 8});
      Builder b(g);
      const Index s = Index::var("side");
      const Value x = input_bytes(b, DType::u8, {Index::var("batch"), 12, s, s + 1});
      const Value w = b.parameter("w", bytes(DType::i8, {40, 12, window, window}, 5));
      const Value scale = b.constant(DType::f32, 0.01);
      const int64_t pad = window / 2;
      const ops::ConvAttr attr{{1, 1}, {1, 1}, {pad, pad}, {pad, pad}, 1};
      const Value y =
          ops::conv(b, dequantised(b, x, scale, {}, 1), dequantised(b, w, scale, {}, 0), {}, attr);
      g.results = {
          {"r", ops::quantize_linear(b, y, b.constant(DType::f32, 0.25), {}, DType::u8, 1)}};
      check_chain(std::move(g), {{"batch", 2}, {"side", side}});
    }
}

TEST(Bytes, PoolsAndConcatsOfBytes) {
  for (const DType dtype : {DType::u8, DType::i8})
    for (const int64_t side : {1, 6, 9}) {
      Graph g;
      g.add_symbol({"side", 1, 64, 1, 8});
      Builder b(g);
      const Index s = Index::var("side");
      const Value x = input_bytes(b, dtype, {2, 20, s, s});
      const Value scale = b.constant(DType::f32, 0.037);
      const Value zero = b.constant_int(dtype, 7);
      const Value v = dequantised(b, x, scale, zero, 1);
      const Value p = ops::max_pool(b, v, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}});
      const Value both = b.concat(std::vector<Value>{b.apply(ScalarOp::relu, {p}), v}, 1);
      g.results = {{"r", ops::quantize_linear(b, both, scale, zero, dtype, 1)}};
      CompileContext context;
      const Graph after = run_pipeline(context, rewrite(g, nullptr));
      for (const auto& node : after.nodes())
        EXPECT_NE(node->results[0].dtype, DType::f32) << print(after);
      check_integers(std::move(g), {{"side", side}});
    }
}

TEST(Bytes, ChannelsAreSummedByWords) {
  const auto lines = chosen(convolution(16, 1, 24, 1, 0), "v4-vnni");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("register_tile"), std::string::npos) << lines[0];
}

TEST(Bytes, WeightsThatStayBytes) {
  for (const int64_t rows : {1, 13}) {
    Graph g;
    Builder b(g);
    const Value x = b.input("x", DType::f32, {rows, 20});
    const Value w = b.parameter("w", bytes(DType::i8, {20, 40}, 7));
    const Value s = b.parameter("s", Tensor::scalar(Scalar::of(DType::f32, 0.02)));
    const Value wide =
        b.apply(ScalarOp::mul, {b.cast(w, DType::f32), b.broadcast(s, {20, 40}, {})});
    g.results = {{"r", ops::matmul(b, x, wide)}};
    check_chain(std::move(g));
  }
}

TEST(Bytes, WeightsThatStayBytesBelowBatchesOfAnyNumber) {
  for (const auto& [batch, rows] : kBatches) {
    Graph g;
    const Shape shape = batch_of_rows(g, 20), wide = {Index::var("batch"), Index::var("rows"), 40};
    Builder b(g);
    const Value x = b.input("x", DType::f32, shape);
    const Value w = b.parameter("w", bytes(DType::i8, {20, 40}, 7));
    const Value s = b.parameter("s", Tensor::scalar(Scalar::of(DType::f32, 0.02)));
    const Value weights =
        b.apply(ScalarOp::mul, {b.cast(w, DType::f32), b.broadcast(s, {20, 40}, {})});
    const Value y = ops::matmul(b, x, weights);
    g.results = {{"r", b.apply(ScalarOp::add, {y, b.input("rest", DType::f32, wide)})}};
    check_chain(std::move(g), {{"batch", batch}, {"rows", rows}});
  }
}

TEST(Bytes, RowsOfABatchAreOneLine) {
  Graph g;
  const Shape shape = batch_of_rows(g, 24);
  Builder b(g);
  const Value x = input_bytes(b, DType::u8, shape);
  const Value w = b.parameter("w", bytes(DType::i8, {24, 130}, 7));
  g.results = {{"r", ops::matmul_integer(b, x, w, {}, {})}};
  const auto lines = chosen(std::move(g), "v4-vnni");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("axes in line are one"), std::string::npos) << lines[0];
}

}  // namespace
}  // namespace mintor
