// SPDX-License-Identifier: Apache-2.0
// Takes shapes at the borders of blocks and chunks; compares bits, since order is the contract.
// contract: values, and the exact order of its sums against a plain second writing of the rules.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/ir/graph_helper.h"

namespace mintor {
namespace {

using test::first;
using test::run;
using test::tensor;
using test::values;
using List = std::vector<double>;

std::vector<double> noise(int64_t count, uint64_t seed) {
  std::vector<double> list;
  for (int64_t i = 0; i < count; ++i) {
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    list.push_back(static_cast<float>(static_cast<double>(seed >> 40) / 16777216.0 - 0.5));
  }
  return list;
}

TEST(Contract, MatmulInEveryDtype) {
  struct Case {
    const char *x, *y, *out;
  };
  for (const Case& c :
       {Case{"f32", "f32", "f32"}, Case{"f16", "bf16", "f32"}, Case{"f16", "f32", "f32"},
        Case{"f64", "f64", "f64"}, Case{"u8", "i8", "i32"}, Case{"i16", "i16", "i32"},
        Case{"i32", "i64", "i64"}, Case{"u64", "u64", "i64"}}) {
    const std::string text = "graph g {\n x = input " + std::string(c.x) + "[2, 3]\n w = input " +
                             c.y + "[3, 2]\n y = contract " + c.out +
                             "[2, 2] (x, w) m = 2, n = 2, k = 3 | x[m, k] y[k, n]\n results y\n}";
    EXPECT_EQ(first(text, {{"x", tensor(*parse_dtype(c.x), {2, 3}, {1, 2, 3, 4, 5, 6})},
                           {"w", tensor(*parse_dtype(c.y), {3, 2}, {1, 2, 3, 4, 5, 6})}}),
              (List{22, 28, 49, 64}))
        << c.x << " " << c.y;
  }
  const std::string wraps =
      "graph g {\n x = constant i64[1, 1] {9223372036854775807}\n y = contract i64[1, 1] (x, x) m "
      "= 1, n = 1, k = 1 | x[m, k] y[k, n]\n results y\n}";
  EXPECT_EQ(first(wraps), (List{1}));
  const std::string bytes =
      "graph g {\n x = constant u8[2, 2] {255, 255, 255, 255}\n w = constant i8[2, 2] {-128, -128, "
      "-128, -128}\n"
      "y = contract i32[2, 2] (x, w) m = 2, n = 2, k = 2 | x[m, k] y[k, n]\n results y\n}";
  EXPECT_EQ(first(bytes), (List{-65280, -65280, -65280, -65280}));  // no saturation on the way
}

// Chunks of fma chains from +0, added in ascending order.
float chained(const std::vector<float>& x, const std::vector<float>& y, size_t chunk) {
  float total = 0;
  for (size_t start = 0; start < x.size(); start += chunk) {
    float sum = 0;
    for (size_t i = start; i < x.size() && i < start + chunk; ++i) sum = std::fmaf(x[i], y[i], sum);
    total = start == 0 ? sum : total + sum;
  }
  return total;
}

TEST(Contract, ChainOrder) {
  for (int64_t k : {1, 100, 8192, 8193, 20000}) {
    const List x = noise(2 * k, 1), y = noise(2 * k, 2);
    const std::string text =
        "graph g (k0: 0..) {\n x = input f32[2, k0]\n w = input f32[k0, 2]\n"
        "y = contract f32[2, 2] (x, w) m = 2, n = 2, k = k0 | x[m, k] y[k, n]\n results y\n}";
    const List got =
        first(text, {{"x", tensor(DType::f32, {2, k}, x)}, {"w", tensor(DType::f32, {k, 2}, y)}});
    for (int64_t m = 0; m < 2; ++m) {
      for (int64_t n = 0; n < 2; ++n) {
        std::vector<float> a, b;
        for (int64_t i = 0; i < k; ++i) {
          a.push_back(static_cast<float>(x[static_cast<size_t>(m * k + i)]));
          b.push_back(static_cast<float>(y[static_cast<size_t>(i * 2 + n)]));
        }
        EXPECT_EQ(got[static_cast<size_t>(m * 2 + n)], chained(a, b, 8192)) << k;
      }
    }
  }
}

// m and n of constant extent 1: 16 fma chains from -0 and the tree, blocks of 4096.
TEST(Contract, VectorProductsUseLanes) {
  const int64_t k = 5000;
  const Graph graph = parse_graph(
      "graph g {\n x = input f32[1, 5000]\n w = input f32[5000, 1]\n"
      "y = contract f32[1, 1] (x, w) m = 1, n = 1, k = 5000 | x[m, k] y[k, n]\n results y\n}");
  for (uint64_t seed = 0; seed < 8; ++seed) {  // two orders may agree by chance, not eight times
    const List x = noise(k, 2 * seed), y = noise(k, 2 * seed + 1);
    float blocks[2];
    for (int64_t b = 0; b < 2; ++b) {
      float lane[16];
      for (float& l : lane) l = -0.0f;
      for (int64_t i = b * 4096; i < std::min<int64_t>(k, (b + 1) * 4096); ++i) {
        float& l = lane[(i - b * 4096) % 16];
        l = std::fmaf(static_cast<float>(x[static_cast<size_t>(i)]),
                      static_cast<float>(y[static_cast<size_t>(i)]), l);
      }
      for (int half = 8; half > 0; half /= 2) {
        for (int l = 0; l < half; ++l) lane[l] += lane[l + half];
      }
      blocks[b] = lane[0];
    }
    const Evaluation e = evaluate(
        graph, {{"x", tensor(DType::f32, {1, k}, x)}, {"w", tensor(DType::f32, {k, 1}, y)}});
    EXPECT_EQ(values(e.results[0]), (List{blocks[0] + blocks[1]})) << seed;
  }
}

constexpr const char* kConvolution =
    "graph g {\n x = input f32[1, 20, 5, 5]\n w = input f32[3, 20, 3, 3]\n"
    "y = contract f32[1, 3, 3, 3] (x, w) batch = 1, oc: n = 3, oh: m = 3, ow: m = 3, c: k = 20, "
    "kh: window = 3, kw: window = 3"
    " | x[batch, c, 2*oh + kh - 1, 2*ow + kw - 1] y[oc, c, kh, kw]\n results y\n}";

TEST(Contract, ConvolutionOrder) {
  // 20 channels, stride 2, padding 1: blocks of 16 channels, window row-major, channel mod 16; 8064
  // positions a chunk.
  const List x = noise(500, 5), w = noise(540, 6);
  const List got = first(kConvolution, {{"x", tensor(DType::f32, {1, 20, 5, 5}, x)},
                                        {"w", tensor(DType::f32, {3, 20, 3, 3}, w)}});
  const Graph graph = parse_graph(kConvolution);
  const Order order = default_order(*graph.results[0].value.node);
  EXPECT_EQ(order.inner, 16);
  EXPECT_EQ(order.chunk, 8064);  // 56 blocks of 144
  size_t at = 0;
  for (int64_t oc = 0; oc < 3; ++oc) {
    for (int64_t oh = 0; oh < 3; ++oh) {
      for (int64_t ow = 0; ow < 3; ++ow, ++at) {
        float sum = 0;
        for (int64_t block = 0; block < 2; ++block) {
          for (int64_t tap = 0; tap < 9; ++tap) {
            for (int64_t lane = 0; lane < 16; ++lane) {
              const int64_t c = block * 16 + lane, h = 2 * oh + tap / 3 - 1,
                            v = 2 * ow + tap % 3 - 1;
              if (c >= 20 || h < 0 || h >= 5 || v < 0 || v >= 5) continue;
              sum = std::fmaf(static_cast<float>(x[static_cast<size_t>((c * 5 + h) * 5 + v)]),
                              static_cast<float>(w[static_cast<size_t>((oc * 20 + c) * 9 + tap)]),
                              sum);
            }
          }
        }
        EXPECT_EQ(got[at], sum);
      }
    }
  }
}

TEST(Contract, ChunksCountSkippedPositions) {
  // Chunks of 32 positions = one channel block of a window of 2; 17 channels fill two blocks, the
  // second almost empty.
  const std::string text =
      "graph g {\n x = input f32[4, 17]\n w = input f32[2, 17, 2]\n"
      "y = contract f32[2, 3] (x, w) n = 2, m = 3, k = 17, t: window = 2 | x[m + t, k] y[n, k, t] "
      "order chain(32, inner 16)\n results y\n}";
  const List x = noise(68, 7), w = noise(68, 8);
  const List got = first(
      text, {{"x", tensor(DType::f32, {4, 17}, x)}, {"w", tensor(DType::f32, {2, 17, 2}, w)}});
  for (size_t n = 0; n < 2; ++n) {
    for (size_t m = 0; m < 3; ++m) {
      float chunk[2] = {0, 0};
      for (size_t block = 0; block < 2; ++block) {
        for (size_t t = 0; t < 2; ++t) {
          for (size_t c = block * 16; c < std::min<size_t>(17, block * 16 + 16); ++c) {
            chunk[block] = std::fmaf(static_cast<float>(x[(m + t) * 17 + c]),
                                     static_cast<float>(w[(n * 17 + c) * 2 + t]), chunk[block]);
          }
        }
      }
      EXPECT_EQ(got[n * 3 + m], chunk[0] + chunk[1]);
    }
  }
}

TEST(Contract, ConditionsAndUnusualMaps) {
  // A transposed convolution: taps off the stride are dropped by a condition; floordiv takes the
  // general path.
  const std::string text =
      "graph g {\n x = input f32[3, 2]\n w = input f32[2, 2, 3]\n"
      "y = contract f32[7, 2] (x, w) o: m = 7, n = 2, k = 2, t: window = 3 | x[(o - t) // 2, k] "
      "y[n, k, t] if 0 <= (o - t) % 2 < 1\n results y\n}";
  const List x{1, 2, 3, 4, 5, 6}, w{1, 0, 2, 0, 1, 0, 3, 1, 0, 0, 0, 1};
  List expected(14, 0);
  for (size_t i = 0; i < 3; ++i) {
    for (size_t t = 0; t < 3; ++t) {
      for (size_t n = 0; n < 2; ++n) {
        for (size_t k = 0; k < 2; ++k)
          expected[(2 * i + t) * 2 + n] += x[i * 2 + k] * w[(n * 2 + k) * 3 + t];
      }
    }
  }
  EXPECT_EQ(
      first(text, {{"x", tensor(DType::f32, {3, 2}, x)}, {"w", tensor(DType::f32, {2, 2, 3}, w)}}),
      expected);
}

TEST(Contract, EmptySumsAndResults) {
  const std::string text =
      "graph g (k0: 0.., n0: 0..) {\n x = input f32[2, k0]\n w = input f32[k0, n0]\n"
      "y = contract f32[2, n0] (x, w) m = 2, n = n0, k = k0 | x[m, k] y[k, n]\n results y\n}";
  EXPECT_EQ(
      first(text, {{"x", tensor(DType::f32, {2, 0}, {})}, {"w", tensor(DType::f32, {0, 2}, {})}}),
      (List{0, 0, 0, 0}));
  EXPECT_EQ(first(text, {{"x", tensor(DType::f32, {2, 1}, {1, 2})},
                         {"w", tensor(DType::f32, {1, 0}, {})}}),
            (List{}));
  // -0 * 1 from +0 is +0: a chain never starts from -0.
  const Tensor y = run(text, {{"x", tensor(DType::f32, {2, 1}, {-0.0, -0.0})},
                              {"w", tensor(DType::f32, {1, 1}, {1})}})
                       .results[0];
  EXPECT_FALSE(std::signbit(y.at(0).f));
}

TEST(Contract, DefaultOrders) {
  auto order = [](const std::string& axes, const std::string& x, const std::string& shapes) {
    const Graph g =
        parse_graph("graph g (s: 1..) {\n x = input f32" + shapes + "\n y = contract f32" + axes +
                    " | x" + x + " y" + x + "\n results y\n}");
    return default_order(*g.results[0].value.node);
  };
  EXPECT_EQ(order("[] (x, x) k = 8", "[k]", "[8]").form, Order::Form::lanes);
  EXPECT_EQ(order("[s] (x, x) batch = s, k = 8", "[batch, k]", "[s, 8]").form, Order::Form::lanes);
  EXPECT_EQ(order("[s] (x, x) m = s, k = 8", "[m, k]", "[s, 8]").form, Order::Form::chain);
  EXPECT_EQ(order("[s] (x, x) m = s, k = 8", "[m, k]", "[s, 8]").chunk, 8192);
  EXPECT_EQ(order("[4] (x, x) m = 4, k = 8, window = 1024", "[m, k, window]", "[4, 8, 1024]").chunk,
            16384);  // at least one block
  EXPECT_EQ(order("[4] (x, x) m = 4, window = 9", "[m, window]", "[4, 9]").inner, 0);  // depthwise
  EXPECT_EQ(
      order("[4] (x, x) m = 4, k = 2, o: k = 3, window = 9", "[m, k, o, window]", "[4, 2, 3, 9]")
          .inner,
      0);
}

}  // namespace
}  // namespace mintor
