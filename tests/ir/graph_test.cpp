// SPDX-License-Identifier: Apache-2.0
// Interning, scopes, liveness, tensors; the Builder's shapes, maps and error texts; the verifier's
// refusals.
#include <gtest/gtest.h>

#include "compiler/support/sha256.h"
#include "tests/ir/graph_helper.h"

namespace mintor {
namespace {

using test::compile_error;
using test::internal_error;
using test::tensor;

TEST(Sha256, KnownAnswers) {
  EXPECT_EQ(sha256_hex(std::string_view("")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex(std::string_view("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const std::string million(1000000, 'a');
  Sha256 pieces;
  for (size_t at = 0; at < million.size(); at += 777)
    pieces.update(std::string_view(million).substr(at, 777));
  EXPECT_EQ(pieces.hex(), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Tensor, SizesAreChecked) {
  EXPECT_EQ(compile_error([] { Tensor::make(DType::f32, {1ll << 40, 1ll << 40}); }),
            "error: tensor: its size in bytes does not fit in 63 bits");
  EXPECT_EQ(compile_error([] { Tensor::make(DType::f32, {-1}); }),
            "error: tensor: a dimension is -1");
  EXPECT_EQ(Tensor::zeros(DType::f32, {1ll << 40, 0}).bytes(), 0);
}

TEST(Tensor, DigestFollowsTheBytes) {
  Tensor a = tensor(DType::u8, {4}, {1, 2, 3, 4});
  const std::string whole = a.sha256();
  Tensor part = a;
  part.shape = {2};
  EXPECT_NE(part.sha256(), whole);
  EXPECT_EQ(a.sha256(), whole);
}

TEST(Graph, EqualNodesAreOne) {
  Graph g;
  Builder b(g);
  const Value x = b.input("x", DType::f32, {Index(4)});
  Value first, second;
  {
    Builder::Scope outer(b, "layer1");
    Builder::Scope inner(b, "relu");
    first = b.apply(ScalarOp::relu, {x});
  }
  {
    Builder::Scope scope(b, "again");
    second = b.apply(ScalarOp::relu, {x});
  }
  EXPECT_EQ(first, second);
  EXPECT_EQ(g.scopes(first.node), (std::vector<std::string>{"again", "layer1/relu"}));
  EXPECT_NE(first, b.apply(ScalarOp::neg, {x}));
  EXPECT_EQ(b.constant(DType::f32, 1), b.constant(DType::f32, 1));
  EXPECT_NE(b.constant(DType::f32, 0.0), b.constant(DType::f32, -0.0));
  EXPECT_NE(b.constant(DType::f32, 1),
            b.constant_int(DType::i32, 0x3f800000));  // same bytes, another dtype
  const Value five[] = {b.reduce(Combiner::add, x, {0}), b.reduce(Combiner::add, x, {0})};
  EXPECT_EQ(five[0], five[1]);
  EXPECT_NE(b.host("f", {}, {Type{DType::i64, {}}})[0], b.host("f", {}, {Type{DType::i64, {}}})[0]);
}

TEST(Graph, RegionsAreComparedByMeaning) {
  auto body = [](ScalarOp op, const char* scope) {
    auto region = std::make_shared<Graph>("f");
    Builder b(*region);
    Builder::Scope s(b, scope);
    region->results = {{"y", b.apply(op, {b.input("x", DType::f32, {Index(2)})})}};
    return region;
  };
  Graph g;
  Builder b(g);
  const Value x = b.input("x", DType::f32, {Index(2)});
  EXPECT_EQ(b.call({&x, 1}, body(ScalarOp::exp, "a"))[0],
            b.call({&x, 1}, body(ScalarOp::exp, "b"))[0]);
  EXPECT_NE(b.call({&x, 1}, body(ScalarOp::exp, "a"))[0],
            b.call({&x, 1}, body(ScalarOp::neg, "a"))[0]);
}

TEST(Graph, SymbolsKeepTheirDefinitionAlive) {
  Graph g;
  Builder b(g);
  const Value n = b.input("n", DType::i64, {});
  const Value bound = b.bind(n, "s", 0, 9);
  const Value dead = b.apply(ScalarOp::neg, {n});
  g.results = {{"y", b.iota(DType::i64, {Index::var("s")}, 0)}};
  const auto live = live_nodes(g);
  EXPECT_NE(std::find(live.begin(), live.end(), bound.node), live.end());
  EXPECT_EQ(std::find(live.begin(), live.end(), dead.node), live.end());
  EXPECT_EQ(users_of(g)[static_cast<size_t>(n.node->id)], (std::vector<const Node*>{bound.node}));
  EXPECT_EQ(compile_error([&] { b.bind(b.apply(ScalarOp::abs, {n}), "s", 0, 9); }),
            "error: bind: the symbol 's' is already defined by a node of kind bind\n  help: choose "
            "another name");
}

std::string coords(const Value& v) {
  std::string text;
  for (const Index& c : v.node->as<ReindexAttr>().map.coords)
    text += (text.empty() ? "" : ", ") + c.str();
  return text;
}

TEST(Builder, ReshapesAreSimple) {
  Graph g;
  Builder b(g);
  auto reshaped = [&](Shape from, Shape to) {
    const std::string name = "x" + std::to_string(g.nodes().size());
    return coords(b.reshape(b.input(name, DType::f32, std::move(from)), std::move(to)));
  };
  const Index n = Index::var("n");
  EXPECT_EQ(reshaped({n, 6}, {n, 2, 3}), "i0, 3*i1 + i2");
  EXPECT_EQ(reshaped({n, 2, 3}, {n, 6}), "i0, i1 // 3, i1 % 3");
  EXPECT_EQ(reshaped({1, n, 5}, {n, 1, 5, 1}), "0, i0, i2");
  EXPECT_EQ(reshaped({4, 6}, {6, 4}), "(4*i0 + i1) // 6, (4*i0 + i1) % 6");
  EXPECT_EQ(reshaped({n, 12, 64}, {n, 12, 8, 8}), "i0, i1, 8*i2 + i3");
  EXPECT_EQ(reshaped({n, 4, 8}, {n * 4, 8}), "i0 // 4, i0 % 4, i1");
  const Value x = b.input("same", DType::f32, {n, 3});
  EXPECT_EQ(b.reshape(x, {n, 3}), x);
  EXPECT_EQ(b.transpose(x, {0, 1}), x);
  EXPECT_EQ(b.broadcast_to(x, {n, 3}), x);
  EXPECT_EQ(b.slice(x, {0, 0}, {n, 3}, {1, 1}), x);
}

// Every pair of factorisations of 24 and 30 elements: reshape moves element k to element k.
TEST(Builder, ReshapeKeepsRowMajorOrder) {
  const std::vector<std::vector<int64_t>> shapes = {
      {24},      {1, 24},   {2, 12},      {12, 2},      {3, 8},
      {2, 3, 4}, {4, 3, 2}, {2, 1, 2, 6}, {8, 1, 3, 1}, {6, 4}};
  for (const auto& from : shapes) {
    for (const auto& to : shapes) {
      Graph g;
      Builder b(g);
      g.results = {{"y", b.reshape(b.input("x", DType::i32, {from.begin(), from.end()}),
                                   {to.begin(), to.end()})}};
      std::vector<double> count(24);
      for (size_t i = 0; i < 24; ++i) count[i] = static_cast<double>(i);
      const Tensor y = evaluate(g, {{"x", tensor(DType::i32, from, count)}}).results[0];
      EXPECT_EQ(y.shape, to);
      EXPECT_EQ(test::values(y), count);
    }
  }
}

TEST(Builder, GatherCountsNegativeIndicesFromTheEnd) {
  Graph g;
  Builder b(g);
  const Value x = b.input("x", DType::f32, {3, 2}), i = b.input("i", DType::i32, {2, 2});
  g.results = {{"y", b.gather(x, i, 0)}, {"z", b.gather(x, i, 1)}};
  const auto e = evaluate(g, {{"x", tensor(DType::f32, {3, 2}, {1, 2, 3, 4, 5, 6})},
                              {"i", tensor(DType::i32, {2, 2}, {0, -1, 1, 5})}});
  EXPECT_EQ(test::values(e.results[0]), (std::vector<double>{1, 2, 5, 6, 3, 4, 0, 0}));
  EXPECT_EQ(test::values(e.results[1]), (std::vector<double>{1, 2, 2, 0, 3, 4, 4, 0, 5, 6, 6, 0}));
}

TEST(Builder, BroadcastSlicePad) {
  Graph g;
  Builder b(g);
  const Value x = b.input("x", DType::f32, {3, 1}), y = b.input("y", DType::f32, {1, 2});
  const Value both[] = {x, y};
  const Shape shape = b.broadcast_shapes(both);
  EXPECT_EQ(to_string(shape), "[3, 2]");
  const Value sum = b.apply(ScalarOp::add, {b.broadcast_to(x, shape), b.broadcast_to(y, shape)});
  const Value sliced = b.slice(sum, {2, 0}, {2, 2}, {-2, 1});
  const Value padded = b.pad(sum, {0, 1}, {1, -2}, Scalar::of(DType::f32, 9));
  g.results = {{"sum", sum}, {"sliced", sliced}, {"padded", padded}};
  const auto e = evaluate(g, {{"x", tensor(DType::f32, {3, 1}, {1, 2, 3})},
                              {"y", tensor(DType::f32, {1, 2}, {10, 20})}});
  EXPECT_EQ(test::values(e.results[0]), (std::vector<double>{11, 21, 12, 22, 13, 23}));
  EXPECT_EQ(test::values(e.results[1]), (std::vector<double>{13, 23, 11, 21}));
  EXPECT_EQ(test::values(e.results[2]), (std::vector<double>{9, 9, 9, 9}));
}

TEST(Builder, Errors) {
  Graph g;
  Builder b(g);
  Builder::Scope scope(b, "layer1/conv");
  const Value x = b.input("x", DType::f32, {2, 3}), h = b.input("h", DType::f16, {2, 3}),
              i = b.input("i", DType::i64, {4});
  const Value fourth = b.input("n", DType::f32, {Index::var("n"), 3});
  auto error = [](auto f) { return compile_error(f); };
  EXPECT_EQ(error([&] { b.apply(ScalarOp::add, {x, fourth}); }),
            "error: add: operands have different shapes: f32[2, 3] and f32[n, 3]\n  at "
            "layer1/conv\n  help: broadcast them to one shape first");
  EXPECT_NE(error([&] { b.apply(ScalarOp::add, {h, h}); }).find("f16"), std::string::npos);
  EXPECT_EQ(
      error([&] { b.reshape(x, {4, 2}); }),
      "error: reshape: cannot reshape f32[2, 3] (6 elements) to [4, 2] (8)\n  at layer1/conv");
  EXPECT_EQ(error([&] { b.transpose(x, {0, 0}); }),
            "error: transpose: [0, 0] is no permutation of the dimensions of f32[2, 3]\n  at "
            "layer1/conv");
  EXPECT_EQ(error([&] { b.broadcast_to(x, {2, 4}); }),
            "error: broadcast: cannot stretch f32[2, 3] to [2, 4]\n  at layer1/conv");
  const Value pair[] = {x, i};
  EXPECT_EQ(
      error([&] { b.broadcast_shapes(pair); }),
      "error: broadcast: the shapes do not fit together: f32[2, 3], i64[4]\n  at layer1/conv\n"
      "  help: aligned at the last dimension, sizes must be equal or 1");
  EXPECT_EQ(error([&] { b.slice(x, {0, 2}, {2, 2}, {1, 1}); }),
            "error: slice: dimension 1 of f32[2, 3] is read from 2 to 3\n  at layer1/conv");
  EXPECT_EQ(error([&] { b.gather(x, x, 0); }),
            "error: gather: the index must be integers, got f32[2, 3]\n  at layer1/conv");
  EXPECT_EQ(error([&] { b.concat(pair, 0); }),
            "error: concat: operands differ in more than the size of dimension 0: f32[2, 3] and "
            "i64[4]\n  at layer1/conv");
  EXPECT_EQ(error([&] { b.reduce(Combiner::add, h, {0}); }),
            "error: reduce: add of f16 is not defined: it is a storage type\n  at layer1/conv\n  "
            "help: cast to f32 first");
  EXPECT_EQ(
      error([&] { b.reduce(Combiner::add, x, {2}); }),
      "error: reduce: dimension 2 does not exist in rank 2 (operands f32[2, 3])\n  at layer1/conv");
  EXPECT_EQ(error([&] { b.input("x", DType::f32, {}); }),
            "error: input: the graph has two inputs named 'x'\n  at layer1/conv");
  EXPECT_EQ(
      error([&] { b.iota(DType::i64, {Index::var("unknown")}, 0); }),
      "error: iota: result i64[unknown] mentions the unknown symbol 'unknown'\n  at layer1/conv\n"
      "  help: sizes come from input dimensions, bind, compact or the header of the graph");
  b.parameter("w", tensor(DType::f32, {1}, {1}));
  EXPECT_NO_THROW(b.parameter("w", tensor(DType::f32, {1}, {1})));
  EXPECT_EQ(error([&] { b.parameter("w", tensor(DType::f32, {1}, {2})); }),
            "error: parameter: the graph has two parameters named 'w' with different values\n  at "
            "layer1/conv");
  Contract c;
  c.axes = {{"m", AxisRole::m, 2}, {"k", AxisRole::k, 3}};
  c.x_coords = {Index::var("m"), Index::var("q")};
  c.y_coords = {Index::var("m"), Index::var("k")};
  EXPECT_EQ(error([&] { b.contract(x, x, c); }),
            "error: contract: a coordinate mentions 'q', which is neither an axis nor a symbol\n  "
            "at layer1/conv");
  c.x_coords[1] = Index::var("k");
  EXPECT_EQ(error([&] { b.contract(x, b.input("d", DType::f64, {2, 3}), c); }),
            "error: contract: cannot multiply f32[2, 3] and f64[2, 3]\n  at layer1/conv\n  help: "
            "cast both to one of f32, f64, i64");
}

TEST(Verify, TablesPerStage) {
  const std::string text =
      "graph g {\n x = input f32[4]\n y = reduce f32[] (x) add dims = [0] identity -0\n results "
      "y\n}";
  const Graph g = parse_graph(text);
  EXPECT_NO_THROW(verify(g, Stage::imported));
  EXPECT_EQ(internal_error([&] { verify(g, Stage::frozen); }),
            "internal error: verify g: node 1, reduce f32[]: its order is not set (rule: orders "
            "are set)");
  std::string ordered = text;
  ordered.insert(ordered.find(" -0") + 3, " order lanes(4096)");
  EXPECT_NO_THROW(verify(parse_graph(ordered), Stage::fused));
  const Graph sorted =
      parse_graph("graph g {\n x = input f32[4]\n y = sort f32[4] (x) dim 0\n results y\n}");
  EXPECT_NO_THROW(verify(sorted, Stage::frozen));
  EXPECT_NE(internal_error([&] {
              verify(sorted, Stage::fused);
            }).find("the kind sort cannot be lowered yet"),
            std::string::npos);
}

TEST(Verify, Refusals) {
  auto refused = [](const std::string& body) {
    const Graph g = parse_graph("graph g {\n x = input f32[4]\n" + body + "\n results y\n}");
    return internal_error([&] { verify(g); });
  };
  auto has = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos ? part : text;
  };
  EXPECT_EQ(has(refused("y = reduce f32[] (x) add dims = [0] identity 0"),
                "the identity is not that of add"),
            "the identity is not that of add");
  EXPECT_EQ(has(refused("y = scan f32[4] (x) add dims = [0] identity 0 order lanes(4096)"),
                "a scan is serial"),
            "a scan is serial");
  EXPECT_EQ(has(refused("y = reduce i64[] (x) argmax dims = [0] identity -inf order lanes(16)"),
                "argmin and argmax are serial"),
            "argmin and argmax are serial");
  EXPECT_EQ(has(refused("y = contract f32[4] (x, x) m = 4 | x[m] y[m] order chain(16, inner 16)"),
                "needs exactly one k axis, there are 0"),
            "needs exactly one k axis, there are 0");
  for (const auto& [order, fault] : {std::pair("lanes(4)", "a block has 4 positions for 16 lanes"),
                                     {"lanes(64, across 12)", "its lanes are 12, no power of two"},
                                     {"lanes(64, across 1)", "its lanes are 1, no power of two"},
                                     {"lanes(4096, across 128)", "from 2 to 64"}}) {
    const std::string sum = "y = reduce f32[] (x) add dims = [0] identity -0 order ";
    EXPECT_EQ(has(refused(sum + order), fault), fault);
  }
  EXPECT_EQ(has(refused("y = contract f32[4] (x, x) m = 4 | x[m] y[m] order serial"),
                "a contract has order chain or lanes"),
            "a contract has order chain or lanes");
  // Two results of one name, a result of another graph, a type that does not follow.
  Graph g, other;
  Builder b(g), o(other);
  const Value x = b.input("x", DType::f32, {4});
  g.results = {{"y", x}, {"y", x}};
  EXPECT_EQ(has(internal_error([&] { verify(g); }), "two results are named 'y'"),
            "two results are named 'y'");
  g.results = {{"y", o.input("z", DType::f32, {4})}};
  EXPECT_NO_THROW(other.results.clear());
  EXPECT_EQ(has(internal_error([&] { verify(g); }), "result 'y' is no value of this graph"),
            "result 'y' is no value of this graph");
  g.results = {
      {"y", {g.add(Kind::unary, ScalarAttr{ScalarOp::neg}, {x}, {Type{DType::f32, {5}}}), 0}}};
  EXPECT_EQ(has(internal_error([&] { verify(g); }), "its parts give f32[4]"),
            "its parts give f32[4]");
  Graph reserved;
  reserved.add_symbol({"i3", 0, 4, 1, 0});
  EXPECT_EQ(has(internal_error([&] { verify(reserved); }), "a symbol cannot be named 'i3'"),
            "a symbol cannot be named 'i3'");
  Graph odd;
  odd.add_symbol({"batch size", 0, 4, 1, 0});
  EXPECT_EQ(has(internal_error([&] { verify(odd); }), "a symbol cannot be named 'batch size'"),
            "a symbol cannot be named 'batch size'");
  Graph updated;
  Builder u(updated);
  updated.updates = {{"w", u.input("x", DType::f32, {4})}};
  EXPECT_EQ(
      has(internal_error([&] { verify(updated); }), "the updated parameter 'w' does not exist"),
      "the updated parameter 'w' does not exist");
}

}  // namespace
}  // namespace mintor
