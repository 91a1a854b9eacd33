// SPDX-License-Identifier: Apache-2.0
// The reference evaluator on values worked out by hand, one kind after the other; contract has a
// file of its own.
#include <gtest/gtest.h>

#include <cfenv>
#include <cmath>
#include <limits>

#include "tests/ir/graph_helper.h"

namespace mintor {
namespace {

using test::compile_error;
using test::first;
using test::run;
using test::tensor;
using test::values;
using List = std::vector<double>;

const double kInf = std::numeric_limits<double>::infinity();

// The body of a graph g, with `results y`.
std::string graph(const std::string& body, const std::string& symbols = "") {
  return "graph g " + symbols + "{\n" + body + "\nresults y\n}";
}

TEST(Evaluate, ElementwiseInEveryDtype) {
  for (DType dtype : {DType::f64, DType::f32, DType::i8, DType::i16, DType::i32, DType::i64,
                      DType::u8, DType::u16, DType::u32, DType::u64}) {
    const std::string t(name_of(dtype));
    const std::string text =
        graph("x = input " + t + "[3]\n z = add " + t + "[3] (x, x)\n y = sub " + t + "[3] (z, x)");
    EXPECT_EQ(first(text, {{"x", tensor(dtype, {3}, {1, 2, 100})}}), (List{1, 2, 100})) << t;
  }
  const std::string logic =
      graph("x = input bool[2]\n n = not bool[2] (x)\n y = or bool[2] (x, n)");
  EXPECT_EQ(first(logic, {{"x", tensor(DType::boolean, {2}, {0, 1})}}), (List{1, 1}));
}

TEST(Evaluate, CastsToAndFromStorageTypes) {
  const std::string text = graph(
      "x = input f32[4]\n h = cast f16[4] (x)\n w = cast f32[4] (h)\n b = cast bf16[4] (w)\n"
      "y = cast f32[4] (b)");
  EXPECT_EQ(first(text, {{"x", tensor(DType::f32, {4}, {1.0009765625, 65520, -2, 1.00390625})}}),
            (List{1, kInf, -2, 1}));  // halves of the last place go to even
}

TEST(Evaluate, BitcastMakesNanCanonical) {
  auto [x, bytes] = Tensor::make(DType::f32, {3});
  const uint32_t bits[3] = {0xffc12345u, 0x80000000u, 0x3f800000u};
  std::memcpy(bytes, bits, sizeof bits);
  EXPECT_EQ(first(graph("x = input f32[3]\n y = bitcast u32[3] (x)"), {{"x", x}}),
            (List{0x7fc00000, 0x80000000u, 0x3f800000}));
  EXPECT_EQ(first(graph("x = input u32[1]\n y = bitcast f32[1] (x)"),
                  {{"x", tensor(DType::u32, {1}, {0x40490fdb})}}),
            (List{3.1415927410125732}));
}

TEST(Evaluate, PackAndUnpack) {
  const std::map<std::string, Tensor> x{{"x", tensor(DType::u8, {2, 3}, {1, 2, 3, 15, 0, 7})}};
  EXPECT_EQ(first(graph("x = input u8[2, 3]\n y = pack u8[2, 2] (x) 4 bits"), x),
            (List{0x21, 3, 0x0f, 7}));
  EXPECT_EQ(
      first(
          graph(
              "x = input u8[2, 3]\n p = pack u8[2, 2] (x) 4 bits\n y = unpack u8[2, 3] (p) 4 bits"),
          x),
      (List{1, 2, 3, 15, 0, 7}));
  EXPECT_EQ(first(graph("x = input u8[1]\n y = unpack i8[4] (x) 2 bits signed"),
                  {{"x", tensor(DType::u8, {1}, {0b11100100})}}),
            (List{0, 1, -2, -1}));
}

TEST(Evaluate, IotaAndBroadcast) {
  EXPECT_EQ(first(graph("y = iota i32[2, 3] dim 1")), (List{0, 1, 2, 0, 1, 2}));
  EXPECT_EQ(first(graph("y = iota f64[2, 3] dim 0")), (List{0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(first(graph("x = input f16[2]\n y = broadcast f16[3, 2, 2] (x) dims = [1]"),
                  {{"x", tensor(DType::f16, {2}, {1, 2})}}),
            (List{1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 2}));
}

TEST(Evaluate, PhiloxKnownAnswers) {
  // The published test vectors of philox4x32-10: counter and key all zero, all ones.
  EXPECT_EQ(
      first(graph("k = constant u64[] 0\n c = constant u64[] 0\n y = random u32[4] (k, c) bits")),
      (List{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  // Element e of a long stream is block e / 4: the same block from a short one.
  const List longer =
      first(graph("k = constant u64[] 5\n c = constant u64[] 9\n y = random u32[100] (k, c) bits"));
  const List shorter =
      first(graph("k = constant i64[] 5\n c = constant i64[] 9\n y = random u32[7] (k, c) bits"));
  EXPECT_TRUE(std::equal(shorter.begin(), shorter.end(), longer.begin()));
  const List uniform = first(
      graph("k = constant u64[] 1\n c = constant u64[] 2\n y = random f32[1000] (k, c) uniform"));
  double sum = 0;
  for (double u : uniform) {
    EXPECT_TRUE(u >= 0 && u < 1);
    sum += u;
  }
  EXPECT_NEAR(sum / 1000, 0.5, 0.05);
  const List normal = first(
      graph("k = constant u64[] 1\n c = constant u64[] 2\n y = random f64[1000] (k, c) normal"));
  double square = 0;
  for (double n : normal) square += n * n;
  EXPECT_NEAR(square / 1000, 1, 0.15);
}

TEST(Evaluate, Reindex) {
  const std::map<std::string, Tensor> x{{"x", tensor(DType::f32, {2, 3}, {1, 2, 3, 4, 5, 6})}};
  auto reindex = [&](const std::string& shape, const std::string& map) {
    return first(graph("x = input f32[2, 3]\n y = reindex f32" + shape + " (x) " + map), x);
  };
  EXPECT_EQ(reindex("[3, 2]", "[i1, i0] fill 0"), (List{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(reindex("[6]", "[i0 // 3, i0 % 3] fill 0"), (List{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(reindex("[2, 5]", "[i0, i1 - 1] fill -1"), (List{-1, 1, 2, 3, -1, -1, 4, 5, 6, -1}));
  EXPECT_EQ(reindex("[2, 3]", "[i0, 2 - i1] fill 0"), (List{3, 2, 1, 6, 5, 4}));
  EXPECT_EQ(reindex("[2, 3]", "[i0, i1] if 0 <= i1 - i0 < 2 fill 9"), (List{1, 2, 9, 9, 5, 6}));
  EXPECT_EQ(reindex("[]", "[1, min(7, 2)] fill 0"), (List{6}));
}

TEST(Evaluate, LoadsChain) {
  const std::string text = graph(
      "x = input f32[4]\n a = input i64[3]\n b = input u8[2]\n"
      "y = reindex f32[2] (x, a, b) [l1] where l0 = 2[i0], l1 = 1[l0] fill 0");
  std::map<std::string, Tensor> inputs{{"x", tensor(DType::f32, {4}, {10, 20, 30, 40})},
                                       {"a", tensor(DType::i64, {3}, {3, 1, 2})},
                                       {"b", tensor(DType::u8, {2}, {2, 0})}};
  EXPECT_EQ(first(text, inputs), (List{30, 40}));
  inputs["b"] = tensor(DType::u8, {2}, {3, 0});
  EXPECT_EQ(compile_error([&] { run(text, inputs); }),
            "error: index map: load l1 reads index 3 of a dimension of size 3");
}

TEST(Evaluate, ConcatAndScatter) {
  const std::map<std::string, Tensor> inputs{{"x", tensor(DType::i32, {2, 1}, {1, 2})},
                                             {"z", tensor(DType::i32, {2, 2}, {3, 4, 5, 6})}};
  EXPECT_EQ(
      first(
          graph("x = input i32[2, 1]\n z = input i32[2, 2]\n y = concat i32[2, 5] (x, z, z) dim 1"),
          inputs),
      (List{1, 3, 4, 3, 4, 2, 5, 6, 5, 6}));
  auto scatter = [](const std::string& f) {
    return first(
        graph("init = constant f32[3] {1, 1, 1}\n v = constant f32[4] {2, 3, 4, 5}\n at = constant "
              "i64[4] {0, 2, 0, 7}\n"
              "y = reindex_reduce f32[3] (init, v, at) " +
              f + " [l0] where l0 = 2[i0]"));
  };
  EXPECT_EQ(scatter("add"), (List{7, 1, 4}));
  EXPECT_EQ(scatter("mul"), (List{8, 1, 3}));
  EXPECT_EQ(scatter("max"), (List{4, 1, 3}));
  EXPECT_EQ(scatter("min"), (List{1, 1, 1}));
  EXPECT_EQ(scatter("last"), (List{4, 1, 3}));
}

TEST(Evaluate, SortIsStableAndPutsNanLast) {
  const std::string x = "x = constant f32[5] {2, nan, -0, 0, 1}\n i = iota i64[5] dim 0\n";
  EXPECT_EQ(first(graph(x + "k, y = sort f32[5], i64[5] (x, i) dim 0")), (List{2, 3, 4, 0, 1}));
  EXPECT_EQ(first(graph(x + "k, y = sort f32[5], i64[5] (x, i) dim 0 descending")),
            (List{0, 4, 2, 3, 1}));
  EXPECT_EQ(
      first(graph(
          "x = constant u64[2, 2] {18446744073709551615, 1, 0, 2}\n y = sort u64[2, 2] (x) dim 0"))
          [3],
      2);
}

TEST(Evaluate, CompactAndBindDefineSymbols) {
  const std::string text =
      "graph g (n: 0..4) {\n x = input f32[2, 2]\n m = input bool[2, 2]\n y = compact f32[n] (x, "
      "m) symbol n\n"
      "z = add f32[n] (y, y)\n s = size i64[] n*3\n results z, s\n}";
  const Evaluation e = run(text, {{"x", tensor(DType::f32, {2, 2}, {1, 2, 3, 4})},
                                  {"m", tensor(DType::boolean, {2, 2}, {0, 1, 1, 0})}});
  EXPECT_EQ(values(e.results[0]), (List{4, 6}));
  EXPECT_EQ(values(e.results[1]), (List{6}));
  EXPECT_EQ(e.symbols.at("n"), 2);
  const std::string rows = graph(
      "x = constant i8[3, 2] {1, 2, 3, 4, 5, 6}\n m = constant bool[3] {true, false, true}\n"
      "y = compact i8[n, 2] (x, m) symbol n",
      "(n: 0..) ");
  EXPECT_EQ(first(rows), (List{1, 2, 5, 6}));
  const std::string bound =
      "graph g (k: 1..5) {\n x = input i64[]\n b = bind i64[] (x) symbol k 1..5\n y = iota i32[k] "
      "dim 0\n results y\n}";
  EXPECT_EQ(first(bound, {{"x", tensor(DType::i64, {}, {3})}}), (List{0, 1, 2}));
  EXPECT_EQ(compile_error([&] { run(bound, {{"x", tensor(DType::i64, {}, {6})}}); }),
            "error: bind: 'k' is 6, outside 1..5");
}

TEST(Evaluate, ControlFlow) {
  const std::string branch =
      "graph g {\n c = input bool[]\n x = constant f32[2] {1, 2}\n y = if f32[2] (c, x) {\n"
      "graph a { x = input f32[2] y = neg f32[2] (x) results y }\n graph b { x = input f32[2] "
      "results x } }\n results y\n}";
  EXPECT_EQ(first(branch, {{"c", tensor(DType::boolean, {}, {1})}}), (List{-1, -2}));
  EXPECT_EQ(first(branch, {{"c", tensor(DType::boolean, {}, {0})}}), (List{1, 2}));
  const std::string loop = R"(graph g (n: 0..) {
    x = input f32[n, 2]
    z = constant f32[2] {0, 0}
    k = constant f32[2] {10, 100}
    sum, each = loop f32[2], f32[n, 2] (z, x, k) trip n carried 1 scanned 1 {
      graph body {
        i = input i64[]
        s = input f32[2]
        row = input f32[2]
        k = input f32[2]
        t = mul f32[2] (row, k)
        next = add f32[2] (s, t)
        f = cast f32[] (i)
        w = broadcast f32[2] (f) dims = []
        out = add f32[2] (next, w)
        results next, out
      }
    }
    results sum, each
  })";
  const Evaluation e = run(loop, {{"x", tensor(DType::f32, {3, 2}, {1, 2, 3, 4, 5, 6})}});
  EXPECT_EQ(values(e.results[0]), (List{90, 1200}));
  EXPECT_EQ(values(e.results[1]), (List{10, 200, 41, 601, 92, 1202}));
  EXPECT_EQ(values(run(loop, {{"x", tensor(DType::f32, {0, 2}, {})}}).results[0]), (List{0, 0}));
  EXPECT_NE(compile_error([] {
              run(graph("x = input f32[1]\n y = code f32[1] (x) source \"\""),
                  {{"x", tensor(DType::f32, {1}, {1})}});
            }).find("error: code: the reference evaluator cannot run source text"),
            std::string::npos);
}

// Doubles x while it is below the limit: `head` is what stands between the operands and the body.
std::string doubling(const std::string& head) {
  return R"(graph g (n: 0..) {
    go = input bool[]
    x = input i64[]
    limit = input i64[]
    each = input f32[n]
    again, y = loop bool[], i64[] (go, x, limit) )" +
         head + R"( {
      graph body {
        i = input i64[]
        go = input bool[]
        x = input i64[]
        limit = input i64[]
        next = add i64[] (x, x)
        more = lt bool[] (next, limit)
        results more, next
      }
    }
    results again, y
  })";
}

TEST(Evaluate, ConditionalLoops) {
  const auto doubled = [](const std::string& head, bool go, double limit, int64_t n = 0) {
    const Evaluation e = run(doubling(head), {{"go", tensor(DType::boolean, {}, {go ? 1.0 : 0.0})},
                                              {"x", tensor(DType::i64, {}, {3})},
                                              {"limit", tensor(DType::i64, {}, {limit})},
                                              {"each", Tensor::zeros(DType::f32, {n})}});
    return List{values(e.results[0])[0], values(e.results[1])[0]};
  };
  EXPECT_EQ(doubled("while carried 2", true, 20), (List{0, 24}));
  EXPECT_EQ(doubled("while carried 2", true, 0), (List{0, 6}));    // looked at before an iteration
  EXPECT_EQ(doubled("while carried 2", false, 20), (List{0, 3}));  // and before the first
  EXPECT_EQ(doubled("while trip 2 carried 2", true, 20), (List{1, 12}));
  EXPECT_EQ(doubled("while trip 9 carried 2", true, 20), (List{0, 24}));
  EXPECT_EQ(doubled("while trip n carried 2", true, 20, 1), (List{1, 6}));
  EXPECT_EQ(doubled("while trip n carried 2", true, 20, 0), (List{1, 3}));
}

TEST(Evaluate, ConditionalLoopsCarryAConditionAlone) {
  const auto refusal = [](auto make) {
    return compile_error([&] {
      Graph graph("g");
      Builder b(graph);
      make(b);
    });
  };
  // A body that hands back its carried values, then one of them once more.
  const auto body = [](std::vector<Type> carried, bool stacks) {
    auto graph = std::make_shared<Graph>("body");
    Builder b(*graph);
    b.input("i", DType::i64, {});
    for (size_t i = 0; i < carried.size(); ++i) {
      const std::string name = "c" + std::to_string(i);
      graph->results.push_back({name, b.input(name, carried[i].dtype, carried[i].shape)});
    }
    if (stacks) graph->results.push_back({"again", graph->results.back().value});
    return graph;
  };
  EXPECT_EQ(
      refusal([&](Builder& b) {
        const Value x = b.input("x", DType::f32, {2});
        b.while_({&x, 1}, {}, body({x.type()}, false));
      }),
      "error: loop: the first carried value of a conditional loop must be bool[], got f32[2]");
  EXPECT_EQ(refusal([&](Builder& b) { b.while_({}, {}, body({}, false)); }),
            "error: loop: the first carried value of a conditional loop must be bool[], got none");
  const std::string help =
      "\n  help: count the iterations with a loop that carries a number, bind the count to a "
      "symbol, and make a loop of that many iterations";
  EXPECT_EQ(refusal([&](Builder& b) {
              const Value go = b.input("go", DType::boolean, {});
              b.while_({&go, 1}, {}, body({go.type()}, true));
            }),
            "error: loop: a conditional loop cannot stack: its body gives 2 values, 1 are carried, "
            "and how many slices there are is not known before it has run" +
                help);
  EXPECT_EQ(refusal([&](Builder& b) {
              const Value operands[] = {b.input("go", DType::boolean, {}),
                                        b.input("x", DType::f32, {3})};
              RegionAttr attr;
              attr.regions = {body({operands[0].type()}, false)};
              attr.trip = 3;
              attr.carried = attr.scanned = 1;
              attr.conditional = true;
              b.node(Kind::loop, attr, operands, {});
            }),
            "error: loop: a conditional loop cannot scan: it has 1 scanned values, and how many "
            "slices it takes is not known before it has run" +
                help);
}

TEST(Evaluate, InputErrors) {
  const std::string text =
      graph("x = input f32[n, 2]\n z = input f32[n]\n y = neg f32[n] (z)", "(n: 1..3) ");
  auto error = [&](const std::map<std::string, Tensor>& inputs) {
    return compile_error([&] { evaluate(parse_graph(text), inputs); });
  };
  const Tensor x = Tensor::zeros(DType::f32, {2, 2});
  EXPECT_EQ(error({{"x", x}}), "error: evaluate: input 'z' of type f32[n] is missing");
  EXPECT_EQ(error({{"x", x}, {"z", Tensor::zeros(DType::f64, {2})}}),
            "error: evaluate: input 'z' is f32[n], f64[2] is given");
  EXPECT_EQ(error({{"x", x}, {"z", Tensor::zeros(DType::f32, {3})}}),
            "error: evaluate: input 'z' is f32[n] with n = 2, f32[3] is given");
  EXPECT_EQ(
      error({{"x", Tensor::zeros(DType::f32, {4, 2})}, {"z", Tensor::zeros(DType::f32, {4})}}),
      "error: evaluate: the size 'n' is 4, outside 1..3");
}

TEST(Evaluate, TheCallersEnvironmentChangesNothing) {
  const std::string text =
      graph("x = constant f32[1] {1}\n t = constant f32[1] {3}\n y = div f32[1] (x, t)");
  const Graph g = parse_graph(text);
  const Tensor before = evaluate(g, {}).results[0];
  std::fesetround(FE_DOWNWARD);
  const Tensor during = evaluate(g, {}).results[0];
  const int mode = std::fegetround();
  std::fesetround(FE_TONEAREST);
  EXPECT_EQ(mode, FE_DOWNWARD);
  EXPECT_TRUE(same_bits(before, during));
}

TEST(Evaluate, Updates) {
  const Evaluation e =
      run("graph g {\n w = parameter f32[2] {1, 2}\n d = add f32[2] (w, w)\n results w\n"
          "updates w := d\n}");
  EXPECT_EQ(values(e.results.at(0)), (List{1, 2}));
  EXPECT_EQ(values(e.updates.at(0)), (List{2, 4}));
}

TEST(Evaluate, Constants) {
  Graph g;
  Builder b(g);
  const Value two = b.constant(DType::f32, 2);
  EXPECT_EQ(values(evaluate_constant(b.apply(ScalarOp::mul, {two, two}))), (List{4}));
  const Value x = b.input("x", DType::f32, {});
  EXPECT_EQ(compile_error([&] { evaluate_constant(b.apply(ScalarOp::mul, {x, two})); }),
            "error: evaluate: the value depends on input 'x', it is no constant");
}

}  // namespace
}  // namespace mintor
