// SPDX-License-Identifier: Apache-2.0
// The second link of the chain: Graph evaluator == loop interpreter on plain loops == on the
// schedules of every level. Takes small graphs; fails on the first result that differs in a bit,
// with the kernels' text.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <regex>

#include "compiler/codegen/target.h"
#include "compiler/graph/fusion.h"
#include "compiler/graph/pipeline.h"
#include "compiler/ir/builder.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/text.h"
#include "compiler/ops/library.h"
#include "tests/lowering/check_chain.h"
#include "tests/lowering/run_groups.h"

namespace mintor {
namespace {

TEST(Lower, ElementwiseWithBroadcastAndTail) {
  for (int64_t columns : {1, 5, 16, 37, 64}) {  // below, at and beside a whole number of vectors
    Graph g;
    Builder b(g);
    const Value x = b.input("x", DType::f32, {3, columns});
    const Value y = b.input("y", DType::f32, {columns});
    const Value sum =
        b.apply(ScalarOp::add, {b.apply(ScalarOp::exp, {x}), b.broadcast_to(y, {3, columns})});
    g.results = {{"r", b.apply(ScalarOp::relu, {sum})}};
    check_chain(std::move(g));
  }
}

TEST(Lower, MatmulTilesAndTails) {
  // Rows and columns: one, less than a tile, a tile, tiles and a tail; k: short, odd.
  for (int64_t m : {1, 5, 14, 31})
    for (int64_t n : {7, 16, 48, 70}) {
      Graph g;
      Builder b(g);
      const Value x = b.input("x", DType::f32, {m, 19});
      const Value w = b.parameter("w", noise({19, n}, 7));
      const Value bias = b.parameter("bias", noise({n}, 8));
      const Value sum =
          b.apply(ScalarOp::add, {ops::matmul(b, x, w), b.broadcast_to(bias, {m, n})});
      g.results = {{"r", b.apply(ScalarOp::relu, {sum})}};
      check_chain(std::move(g));
    }
}

TEST(Lower, MatmulOverSymbolicRows) {
  for (int64_t batch : {0, 1, 13, 29}) {
    Graph g;
    g.add_symbol({"batch", 0, 64, 1, 8});
    Builder b(g);
    const Value x = b.input("x", DType::f32, {Index::var("batch"), 21});
    g.results = {{"r", ops::matmul(b, x, b.parameter("w", noise({21, 40}, 3)))}};
    check_chain(std::move(g), {{"batch", batch}});
  }
}

TEST(Lower, MatmulLongerThanAChunk) {
  Graph g;
  Builder b(g);
  const Value x = b.input("x", DType::f32, {2, 8200});
  g.results = {{"r", ops::matmul(b, x, b.parameter("w", noise({8200, 16}, 3)))}};
  check_chain(std::move(g));
}

// Sizes of a symbol without bounds: nothing, one, a lane's worth and a tail, a whole chunk, a chunk
// and a tail.
constexpr int64_t kSummed[] = {0, 1, 17, 8192, 8205};

TEST(Lower, SumsOverASymbolOfAnySize) {
  for (int64_t k : kSummed) {
    Graph g;
    g.add_symbol({"size", 0, -1, 1, 8});
    Builder b(g);
    const Index size = Index::var("size");
    const Value x = b.input("x", DType::f32, {2, size}), y = b.input("y", DType::f32, {size, 17});
    const Value product = ops::matmul(b, x, y);
    const Value bias = b.broadcast_to(b.full(DType::f32, {17}, -0.0), {2, 17});
    const Value sum = b.apply(ScalarOp::add, {product, bias});
    g.results = {{"product", product}, {"tail", b.apply(ScalarOp::reciprocal, {sum})}};
    check_chain(std::move(g), {{"size", k}});
  }
}

TEST(Lower, BatchedSumsOverASymbolOfAnySize) {
  for (int64_t k : kSummed) {
    Graph g;
    g.add_symbol({"size", 0, -1, 1, 8});
    Builder b(g);
    const Index size = Index::var("size");
    const Value x = b.input("x", DType::f32, {2, 3, size});
    g.results = {{"products", ops::matmul(b, x, b.input("y", DType::f32, {2, size, 5}))},
                 {"squares", ops::matmul(b, x, b.transpose(x, {0, 2, 1}))}};
    check_chain(std::move(g), {{"size", k}});
  }
}

TEST(Lower, DotsOverASymbolOfAnySize) {
  for (int64_t k : kSummed) {
    Graph g;
    g.add_symbol({"size", 0, -1, 1, 8});
    Builder b(g);
    const Index size = Index::var("size");
    const Value x = b.input("x", DType::f32, {3, 1, size});
    const Value y = b.input("y", DType::f32, {3, size, 1});
    g.results = {{"r", b.apply(ScalarOp::reciprocal, {ops::matmul(b, x, y)})}};
    check_chain(std::move(g), {{"size", k}});
  }
}

// An order says how many lanes it has; levels vectorise what they can of it.
TEST(Lower, SumsOfOtherLanes) {
  for (const std::string order :
       {"lanes(64, across 8)", "lanes(32, across 32)", "lanes(2, across 2)"})
    for (int64_t n : {1, 7, 8, 31, 32, 65, 1000}) {
      check_chain(parse_graph("graph sums (n: 0..) {\n x = input f32[3, n]\n y = input f32[n]\n"
                              " s = reduce f32[3] (x) add dims = [1] identity -0 order " +
                              order + "\n d = contract f32[] (y, y) k = n | x[k] y[k] order " +
                              order + "\n results s, d\n}"),
                  {{"n", n}});
      const std::string size = std::to_string(n);
      check_chain(parse_graph("graph sums {\n x = input f32[3, " + size +
                              "]\n s = reduce f32[3] (x) "
                              "add dims = [1] identity -0 order " +
                              order + "\n results s\n}"));
    }
}

TEST(Lower, ReductionsOverASymbolOfAnySize) {
  for (int64_t n : {0, 1, 17, 4097, 8200}) {
    Graph g;
    g.add_symbol({"n", 0, -1, 1, 8});
    Builder b(g);
    const Value x = b.input("x", DType::f32, {2, Index::var("n")});
    const Value sum = b.reduce(Combiner::add, x, {1});
    g.results = {{"sum", b.apply(ScalarOp::reciprocal, {sum})},
                 {"max", b.reduce(Combiner::max, x, {1})},
                 {"all", b.reduce(Combiner::add, x, {0, 1})},
                 {"columns", b.reduce(Combiner::add, b.transpose(x, {1, 0}), {0})},
                 {"first", b.reduce(Combiner::argmax, x, {1})}};
    check_chain(std::move(g), {{"n", n}});
  }
}

TEST(Lower, MoreBlocksThanLanes) {
  Graph g;
  g.add_symbol({"n", 0, -1, 1, 8});
  Builder b(g);
  g.results = {{"sum", b.reduce(Combiner::add, b.input("x", DType::f32, {Index::var("n")}), {0})}};
  check_chain(std::move(g), {{"n", 17 * 4096 + 5}});
}

TEST(Lower, AnItemOfASumIsWrittenTwiceAtMost) {
  // Blocks of blocks, as deep as memory: whole groups of lanes, and the rest, of the innermost.
  Graph g;
  g.add_symbol({"n", 0, -1, 1, 8});
  Builder b(g);
  const Value x = b.apply(ScalarOp::exp, {b.input("x", DType::f32, {Index::var("n")})});
  g.results = {{"sum", b.reduce(Combiner::add, x, {0})}};
  for (const auto& target : {std::optional<TargetInfo>(), std::optional(find_level("v4"))}) {
    const std::string text = kernels_text(g, target);
    size_t count = 0;
    for (size_t at = text.find("exp("); at != std::string::npos; at = text.find("exp(", at + 1))
      ++count;
    EXPECT_GE(count, 1u) << text;
    EXPECT_LE(count, 2u) << text;
  }
}

TEST(Lower, NothingIsReadOfEmptyIndices) {
  // The padding reads no row, so neither an index: what names it is loaded under the size alone.
  for (int64_t n : {0, 1, 5})
    for (int64_t m : {0, 4}) {
      Graph g;
      g.add_symbol({"m", 0, -1, 1, 8});
      g.add_symbol({"n", 0, -1, 1, 8});
      Builder b(g);
      const Value x = b.input("x", DType::f32, {Index::var("m"), 20});
      const Value ids = b.input("ids", DType::i64, {Index::var("n")});
      const Value more = b.input("more", DType::i64, {Index::var("n")});
      const Value rows = b.gather(x, ids, 0), again = b.gather(x, b.gather(ids, more, 0), 0);
      const std::vector<Index> around{3, 0};
      g.results = {{"rows", ops::pad(b, rows, around, around, ops::PadMode::constant, Value{})},
                   {"again", ops::pad(b, again, around, around, ops::PadMode::constant, Value{})}};
      check_chain(std::move(g), {{"m", m}, {"n", n}});
    }
}

TEST(Lower, IntegerSumsAreExact) {
  // Whole panels and pairs; tails of both; zero points that widen to 16 bits.
  for (auto [n, k] : {std::pair<int64_t, int64_t>{32, 8}, {20, 7}, {5, 3}}) {
    Graph g;
    Builder b(g);
    const Value x = b.input("x", DType::u8, {3, k});
    const Value w = b.input("w", DType::i8, {k, n});
    g.results = {{"r", ops::matmul_integer(b, x, w, b.constant_int(DType::u8, 3),
                                           b.constant_int(DType::i8, -2))}};
    check_chain(std::move(g));
  }
}

TEST(Lower, DotIsAReduce) {
  Graph g;
  Builder b(g);
  const Value x = b.input("x", DType::f32, {1, 37});
  g.results = {{"r", ops::matmul(b, x, b.input("w", DType::f32, {37, 1}))}};
  check_chain(std::move(g));
}

TEST(Lower, ConvolutionBordersStridesGroups) {
  struct Case {
    int64_t channels, out, groups, size, kernel, stride, pad, dilation;
  };
  for (const Case& c : {Case{3, 16, 1, 9, 3, 1, 1, 1}, Case{20, 24, 1, 8, 3, 2, 1, 1},
                        Case{16, 16, 1, 17, 1, 1, 0, 1}, Case{8, 8, 8, 10, 3, 1, 1, 1},
                        Case{16, 16, 16, 9, 3, 2, 1, 1}, Case{8, 16, 2, 7, 3, 1, 1, 1},
                        Case{4, 16, 1, 12, 3, 1, 2, 2}, Case{3, 16, 1, 23, 7, 2, 3, 1}}) {
    Graph g;
    Builder b(g);
    const Value x = b.input("x", DType::f32, {1, c.channels, c.size, c.size});
    const Value w = b.parameter("w", noise({c.out, c.channels / c.groups, c.kernel, c.kernel}, 5));
    ops::ConvAttr attr;
    attr.groups = c.groups;
    attr.stride = {c.stride, c.stride};
    attr.dilation = {c.dilation, c.dilation};
    attr.pad_before = attr.pad_after = {c.pad, c.pad};
    const Value y = ops::conv(b, x, w, b.parameter("bias", noise({c.out}, 6)), attr);
    g.results = {{"r", b.apply(ScalarOp::relu, {y})}};
    check_chain(std::move(g));
  }
}

// Lines of one tile, of several, with a tail; phases with fewer taps than others or with none; a
// size that is no whole number of phases has one.
TEST(Lower, TransposedConvolutionsArePhases) {
  struct Case {
    int64_t size, kernel, stride, pad, more;
  };
  for (const Case& c : {Case{4, 4, 2, 1, 0}, Case{9, 3, 2, 1, 1}, Case{17, 2, 2, 0, 0},
                        Case{6, 5, 3, 1, 0}, Case{5, 2, 4, 0, 2}, Case{5, 3, 2, 1, 0}}) {
    const auto make = [&](const Index& width) {
      Graph g;
      if (const auto name = width.as_var()) g.add_symbol({*name, 1, 64, 1, 8});
      Builder b(g);
      ops::ConvAttr attr;
      attr.stride = {c.stride, c.stride};
      attr.pad_before = attr.pad_after = {c.pad, c.pad};
      const Value x = b.input("x", DType::f32, {2, 3, 3, width});
      const Value w = b.parameter("w", noise({3, 24, c.kernel, c.kernel}, 5));
      g.results = {{"r", ops::conv_transpose(b, x, w, Value{}, attr, {c.more, c.more})}};
      return g;
    };
    CompileContext context;
    const std::string text = kernels_text(run_pipeline(context, make(c.size)), find_level("v3"));
    const bool whole = ((c.size - 1) * c.stride + c.kernel - 2 * c.pad + c.more) % c.stride == 0;
    EXPECT_EQ(text.find("positions of one phase together") != std::string::npos, whole) << text;
    check_chain(make(c.size));
    check_chain(make(Index::var("w")), {{"w", c.size}});
  }
}

// Heads beside each other, or places before channels: the sum is in the parts of its operand.
TEST(Lower, SumsAreInPartsOfTheirOperand) {
  for (const std::string at : {"k // 24, m, k % 24", "k % 24, m, k // 24"}) {
    const bool outer = at.starts_with("k //");
    const std::string text = fmt::format(
        "graph heads {{\n  x = input f32[{}, 9, {}]\n  w = input f32[120, 32]\n"
        "  y = contract f32[9, 32] (x, w) m = 9, n = 32, k = 120 | x[{}] y[k, n]\n"
        "  results y\n}}\n",
        outer ? 5 : 24, outer ? 24 : 5, at);
    CompileContext context;
    const std::string kernels =
        kernels_text(run_pipeline(context, parse_graph(text)), find_level("v3"));
    EXPECT_NE(kernels.find("split(k, 24)"), std::string::npos) << kernels;
    check_chain(parse_graph(text));
  }
}

Graph wide_convolution(const Index& batch) {
  Graph g;
  Builder b(g);
  if (const auto name = batch.as_var()) g.add_symbol({*name, 1, 64, 1, 8});
  ops::ConvAttr attr;
  attr.pad_before = attr.pad_after = {1, 1};
  const Value x = b.input("x", DType::f32, {batch, 2, 6, 6});
  const Value w = b.parameter("w", noise({56, 2, 3, 3}, 5));
  g.results = {{"r", ops::conv(b, x, w, Value{}, attr)}};
  return g;
}

Graph convolution_of_any_size(int64_t groups, int64_t stride) {
  Graph g;
  g.add_symbol({"h", 1, 64, 1, 8});
  g.add_symbol({"w", 1, 64, 1, 8});
  Builder b(g);
  ops::ConvAttr attr;
  attr.groups = groups;
  attr.stride = {stride, stride};
  attr.pad_before = attr.pad_after = {1, 1};
  const Value x = b.input("x", DType::f32, {1, 16, Index::var("h"), Index::var("w")});
  const Value w = b.parameter("w", noise({24, 16 / groups, 3, 3}, 5));
  g.results = {{"r", ops::conv(b, x, w, Value{}, attr)}};
  return g;
}

// Lines shorter than a tile, of one, of several and of a tail whose last rows touch the border.
TEST(Lower, TapsOfLinesOfUnknownLengthAreAskedOncePerTile) {
  for (const auto& [groups, stride] : {std::pair<int64_t, int64_t>{1, 1}, {1, 2}, {8, 1}}) {
    CompileContext context;
    const std::string text = kernels_text(
        run_pipeline(context, convolution_of_any_size(groups, stride)), find_level("v4"));
    EXPECT_NE(text.find("unswitch("), std::string::npos) << text;
    for (const int64_t width : {1, 4, 14, 29, 43})
      check_chain(convolution_of_any_size(groups, stride), {{"h", 3}, {"w", width}});
  }
}

// Two extents that are not known are tasks enough; a third would be a division in each of them.
TEST(Lower, TasksOfUnknownExtentsKeepLoopsInside) {
  Graph g;
  for (const char* name : {"b", "h", "w"}) g.add_symbol({name, 1, 8, 1, 2});
  Builder b(g);
  const Value x = b.input("x", DType::f32, {Index::var("b"), Index::var("h"), Index::var("w"), 32});
  g.results = {{"r", b.apply(ScalarOp::exp, {x})}};
  CompileContext context;
  const std::string text =
      kernels_text(run_pipeline(context, parse_graph(print(g))), find_level("v4"));
  EXPECT_NE(text.find("out in 0..b*h {"), std::string::npos) << text;
  check_chain(std::move(g), {{"b", 2}, {"h", 3}, {"w", 5}});
}

// Weights that leave the cache, in one panel and the rest of another: tasks are pieces of the batch
// with their panels, the last piece shorter.
TEST(Lower, FewLargePanelsAreTasksWithPiecesOfTheBatch) {
  constexpr int64_t kCache = 1024;
  TargetInfo target = find_level("v4");
  target.l2_bytes = kCache;
  for (const Index& batch : {Index(17), Index::var("batch")}) {
    CompileContext context;
    const std::string text = kernels_text(run_pipeline(context, wide_convolution(batch)), target);
    EXPECT_NE(text.find("pieces and their panels are tasks"), std::string::npos) << text;
    for (const int64_t n : {1, 17})
      if (batch.as_var() || batch.is_const(n))
        check_chain(wide_convolution(batch), {{"batch", n}}, kCache);
  }
}

Graph line_convolution(const Index& batch, int64_t length, int64_t pad, int64_t dilation) {
  Graph g;
  Builder b(g);
  if (const auto name = batch.as_var()) g.add_symbol({*name, 1, 8, 1, 1});
  ops::ConvAttr attr;
  attr.pad_before = attr.pad_after = {pad};
  attr.dilation = {dilation};
  const Value x = b.input("x", DType::f32, {batch, 3, length});
  const Value w = b.parameter("w", noise({20, 3, 5}, 5));
  g.results = {{"r", b.apply(ScalarOp::relu, {ops::conv(b, x, w, Value{}, attr)})}};
  return g;
}

// 1-D, with borders and without: tiles with a tap outside are branches of the loop of tasks, at
// both ends as many as the border reaches. What is between asks for no tap.
TEST(Lower, TilesOfALineAreTasks) {
  for (const Index& batch : {Index(1), Index::var("batch")})
    for (const auto& [pad, dilation] : {std::pair{0, 1}, {2, 1}, {4, 1}, {8, 4}, {16, 8}})
      for (const int64_t length : {66, 67, 75, 80, 88}) {
        CompileContext context;
        const std::string text =
            kernels_text(run_pipeline(context, line_convolution(batch, length, pad, dilation)),
                         find_level("v4"));
        EXPECT_NE(text.find("tiles of rows are tasks"), std::string::npos) << text;
        EXPECT_EQ(text.find("branch_ends") != std::string::npos, pad > 0) << text;
        if (pad > 0) {
          const size_t between = text.find("m0_o: out m0 outer");
          ASSERT_NE(between, std::string::npos) << text;
          const std::string middle = text.substr(between, text.find("} else {", between) - between);
          EXPECT_FALSE(std::regex_search(middle, std::regex(R"(in_range\([^,]*\*m0_o)"))) << text;
        }
        check_chain(line_convolution(batch, length, pad, dilation),
                    {{"batch", batch.as_var() ? 3 : 1}});
      }
}

TEST(Lower, ReductionsOfEveryLength) {
  // Few (straight text), one block, a block and a tail, several blocks.
  for (int64_t n : {1, 9, 16, 100, 4096, 9000}) {
    Graph g;
    Builder b(g);
    const Value x = b.input("x", DType::f32, {2, n});
    g.results = {{"sum", b.reduce(Combiner::add, x, {1})},
                 {"max", b.reduce(Combiner::max, x, {1})},
                 {"all", b.reduce(Combiner::add, x, {0, 1})}};
    check_chain(std::move(g));
  }
}

TEST(Lower, ReductionsOverOuterDimensions) {
  for (int64_t channels : {3, 16, 40}) {
    Graph g;
    Builder b(g);
    const Value x = b.input("x", DType::f32, {2, 7, 5, channels});
    g.results = {{"sum", b.reduce(Combiner::add, x, {1, 2})}};
    check_chain(std::move(g));
  }
}

TEST(Lower, SoftmaxAndLayerNormAreOneKernel) {
  for (int64_t n : {5, 16, 50, 128}) {
    Graph g;
    Builder b(g);
    const Value x = b.input("x", DType::f32, {3, 4, n});
    g.results = {{"p", ops::softmax(b, x, {-1})}};
    CompileContext context;
    EXPECT_EQ(fuse(run_pipeline(context, parse_graph(print(g)))).groups.size(), 1u);
    check_chain(std::move(g));
  }
}

TEST(Lower, PoolingWithPadding) {
  Graph g;
  Builder b(g);
  const Value x = b.input("x", DType::f32, {1, 16, 9, 9});
  ops::PoolAttr attr;
  attr.kernel = {3, 3};
  attr.stride = {2, 2};
  attr.pad_before = attr.pad_after = {1, 1};
  g.results = {{"r", ops::max_pool(b, x, attr)}};
  check_chain(std::move(g));
}

// What costs nothing to compute again has no buffer: a reshape of it is no view.
TEST(Lower, ReshapesOfWhatHasNoBuffer) {
  const Index n = Index::var("n");
  const auto make_index = [&](Builder& b) { return b.iota(DType::i32, {6 * n}, 0); };
  const auto make_bits = [&](Builder& b) { return b.bitcast(make_index(b), DType::f32); };
  const auto make_size = [&](Builder& b) { return b.broadcast(b.size(n), {6 * n}, {}); };
  const auto make_full = [&](Builder& b) { return b.full(DType::f32, {6 * n}, 3); };
  const auto make_rows = [&](Builder& b) {
    return b.broadcast(b.input("row", DType::f32, {6}), {n, 6}, {1});
  };
  const std::function<Value(Builder&)> all[] = {make_index, make_bits, make_size, make_full,
                                                make_rows};
  for (const auto& make : all)
    for (const bool again : {false, true})
      for (const int64_t size : {0, 1, 5}) {
        Graph g;
        g.add_symbol({"n", 0, -1, 1, 5});
        Builder b(g);
        const Value x = b.input("x", DType::f32, {2 * n, 3}), y = b.input("y", DType::f32, {n});
        Value v = b.reshape(make(b), {n, 2, 3});
        if (again) v = b.bitcast(b.reshape(v, {3 * n, 2}), v.dtype());
        v = b.cast(b.reshape(v, {2 * n, 3}), DType::f32);
        g.results = {{"r", b.apply(ScalarOp::add, {v, x})}, {"size", y}};
        check_chain(std::move(g), {{"n", size}});
      }
}

TEST(Lower, ReshapesOfNumbers) {
  Graph g;
  g.add_symbol({"n", 0, -1, 1, 5});
  Builder b(g);
  const Index n = Index::var("n");
  const Value x = b.input("x", DType::i64, {n});
  const Value one = b.reshape(b.size(n), {1}), few = b.constant_i64({7, 7, 7, 7});
  const Value sum = b.apply(ScalarOp::add, {b.broadcast_to(one, {n}), x});
  const Value table = b.reshape(b.iota(DType::i64, {4}, 0), {2, 2});
  g.results = {{"sum", sum},
               {"table", b.apply(ScalarOp::add, {b.reshape(few, {2, 2}), table})},
               {"one", one},
               {"again", b.reshape(one, {1, 1})}};
  check_chain(std::move(g), {{"n", 3}});
}

TEST(Lower, GatherConcatSlice) {
  Graph g;
  Builder b(g);
  const Value table = b.parameter("table", noise({7, 12}, 2));
  const Value ids = b.input("ids", DType::i64, {5});
  const Value rows = b.gather(table, ids, 0);
  const Value x = b.input("x", DType::f32, {5, 9});
  const Value parts[] = {rows, x};
  const Value joined = b.concat(parts, 1);
  g.results = {{"r", b.apply(ScalarOp::tanh, {b.slice(joined, {1, 3}, {3, 15}, {1, 1})})}};
  check_chain(std::move(g));
}

// 48 lines that lie 24 lines apart are in 8 sets of a cache; others are spread.
TEST(Lower, LinesThatShareSetsAreReadInBlocks) {
  for (const auto& [columns, blocks] : {std::pair{384, true}, {385, false}}) {
    Graph g;
    Builder b(g);
    const Value x = b.input("x", DType::f32, {48, columns});
    g.results = {{"r", b.transpose(x, {1, 0})}};
    const std::string text = kernels_text(g, find_level("v3"));
    EXPECT_EQ(text.find("reorder") != std::string::npos, blocks) << text;
    check_chain(std::move(g));
  }
}

}  // namespace
}  // namespace mintor
