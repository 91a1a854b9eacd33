// SPDX-License-Identifier: Apache-2.0
// Shape arithmetic: chains over sizes become shapes and leave no nodes; --shape; symbols.
// Counts nodes of the imported graph, compares its shapes with expressions, and evaluates it.
#if __has_include("onnx-ml.pb.h")
#include "compiler/ir/sizes.h"
#include "tests/frontends_onnx/model_helper.h"

namespace mintor::test {
namespace {

size_t count(const Graph& g, Kind kind) {
  size_t n = 0;
  for (const Node* node : live_nodes(g)) n += node->kind == kind;
  return n;
}

Tensor run(const Graph& g, const std::map<std::string, Tensor>& inputs) {
  return evaluate(g, inputs).results.at(0);
}

// [b, s, 6] -> Shape, Gather, Unsqueeze, Concat -> [b, s, 2, 3], as exporters write view(b, s, 2,
// 3).
TEST(shapes, gather_concat_reshape) {
  Model m;
  m.input("x", {"batch", "seq", "6"}).output("y");
  m.ints("zero", {0}, {}), m.ints("one", {1}, {}), m.ints("axis", {0}), m.ints("tail", {2, 3});
  m.node("Shape", {"x"}, {"s"});
  m.node("Gather", {"s", "zero"}, {"b0"});
  m.node("Gather", {"s", "one"}, {"s0"});
  m.node("Unsqueeze", {"b0", "axis"}, {"b1"});
  m.node("Unsqueeze", {"s0", "axis"}, {"s1"});
  attribute(m.node("Concat", {"b1", "s1", "tail"}, {"shape"}), "axis", 0);
  m.node("Reshape", {"x", "shape"}, {"y"});
  Graph g = m.import();
  EXPECT_EQ(g.results[0].value.shape(), (Shape{Index::var("batch"), Index::var("seq"), 2, 3}));
  EXPECT_EQ(count(g, Kind::size), 0u);
  EXPECT_EQ(count(g, Kind::constant), 0u);
  EXPECT_EQ(live_nodes(g).size(), 2u);  // x and one reindex
}

TEST(shapes, minus_one_is_inferred_from_symbols) {
  Model m;
  m.input("x", {"batch", "seq", "12", "64"}).output("y").output("z");
  m.ints("flat", {0, 0, -1}), m.ints("rows", {-1, 64});
  m.node("Reshape", {"x", "flat"}, {"y"});
  m.node("Reshape", {"x", "rows"}, {"z"});
  Graph g = m.import();
  EXPECT_EQ(g.results[0].value.shape(), (Shape{Index::var("batch"), Index::var("seq"), 768}));
  EXPECT_EQ(g.results[1].value.shape(),
            (Shape{Index(12) * Index::var("batch") * Index::var("seq"), 64}));
}

// Expand to a shape made by Where(Equal(shape, -1), ones, shape), as PyTorch's expand is exported.
TEST(shapes, where_equal_expand) {
  Model m;
  m.input("x", {"1", "seq"}).input("like", {"batch", "seq"}).output("y");
  m.ints("minus", {-1, -1}), m.ints("ones", {1, 1});
  m.node("Shape", {"like"}, {"s"});
  m.node("Equal", {"s", "minus"}, {"e"});
  m.node("Where", {"e", "ones", "s"}, {"shape"});
  m.node("Expand", {"x", "shape"}, {"y"});
  Graph g = m.import();
  EXPECT_EQ(g.results[0].value.shape(), (Shape{Index::var("batch"), Index::var("seq")}));
}

TEST(shapes, arithmetic_range_and_constant_of_shape) {
  Model m;
  m.input("x", {"n"}).output("r").output("c").output("size");
  m.ints("two", {2}, {}), m.ints("zero", {0}, {}), m.ints("one", {1}, {}), m.ints("axis", {0});
  m.node("Size", {"x"}, {"n0"});
  m.node("Mul", {"n0", "two"}, {"n2"});
  m.node("Add", {"n2", "one"}, {"n3"});
  m.node("Range", {"zero", "n3", "one"}, {"r"});
  m.node("Unsqueeze", {"n3", "axis"}, {"u"});
  m.node("ConstantOfShape", {"u"}, {"c"});
  m.node("Identity", {"n3"}, {"size"});
  Graph g = m.import();
  Evaluation e = evaluate(g, {{"x", tensor(DType::f32, {3}, {0, 0, 0})}});
  EXPECT_EQ(values(e.results[0]), (std::vector<double>{0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(values(e.results[1]), std::vector<double>(7, 0));
  EXPECT_EQ(values(e.results[2]), std::vector<double>{7});
}

TEST(shapes, slices_of_sizes_and_of_symbolic_values) {
  Model m;
  m.input("x", {"n", "5"}).output("y");
  m.ints("start", {1, -2}), m.ints("end", {INT64_MAX, INT64_MAX}), m.ints("axes", {0, 1});
  m.node("Slice", {"x", "start", "end", "axes"}, {"y"});
  Graph g = m.import();
  EXPECT_EQ(values(run(g, {{"x", tensor(DType::f32, {2, 5}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9})}})),
            (std::vector<double>{8, 9}));
}

// A table sliced by a symbolic size fits what is added to it only while nothing is clipped: the
// part of it is 1 only where the size is.
TEST(shapes, a_clipped_table_is_a_condition) {
  Model m;
  m.input("x", {"seq", "2"}).output("y");
  m.ints("start", {0});
  m.floats("table", std::vector<float>(8, 1), {4, 2});
  attribute(m.node("Shape", {"x"}, {"end"}), "end", 1);
  m.node("Slice", {"table", "start", "end"}, {"rows"});
  m.node("Add", {"x", "rows"}, {"y"});
  Graph g = m.import();
  ASSERT_EQ(g.conditions().size(), 1u);
  EXPECT_EQ(to_string(g.conditions()[0]), "seq == min(seq, 4)");
  EXPECT_EQ(g.results[0].value.shape(), (Shape{Index::var("seq"), 2}));
}

TEST(shapes, symbols_get_legal_names) {
  Model m;
  m.input("x", {"n", "batch size", "?"}).output("y");
  m.node("Relu", {"x"}, {"y"});
  Graph g = m.import();
  EXPECT_EQ(g.results[0].value.shape(),
            (Shape{Index::var("n_dim"), Index::var("batch_size"), Index::var("x_d2")}));
}

TEST(shape_option, text) {
  auto [name, dims] = parse_onnx_shape("a=b=1x2..8x3..");
  EXPECT_EQ(name, "a=b");
  ASSERT_EQ(dims.size(), 3u);
  EXPECT_TRUE(dims[0].is_fixed());
  EXPECT_EQ(dims[1].hi, 8);
  EXPECT_EQ(dims[2].lo, 3);
  EXPECT_EQ(dims[2].hi, -1);
  EXPECT_TRUE(parse_onnx_shape("t=scalar").second.empty());
  EXPECT_EQ(parse_onnx_shape("x=max_batch,3").second[0].symbol, "max_batch");
  for (const char* bad :
       {"x", "=1", "x=", "x=1x", "x=-1", "x=8..2", "x=1x99999999999999999999", "x=a-b,1"}) {
    try {
      parse_onnx_shape(bad);
      ADD_FAILURE() << bad << " was taken";
    } catch (const CompileError& e) {
      EXPECT_TRUE(contains(e.what(), "error: --shape: '" + std::string(bad) + "' ")) << e.what();
    }
  }
}

TEST(shape_option, fixes_a_name_for_every_input) {
  Model m;
  m.input("x", {"batch", "seq"}).input("mask", {"batch", "seq"}).output("y");
  m.node("Add", {"x", "mask"}, {"y"});
  EXPECT_EQ(m.import(shapes({"x=2x3"})).results[0].value.shape(), (Shape{2, 3}));
  Graph ranged = m.import(shapes({"x=1..32x8"}));
  EXPECT_EQ(ranged.results[0].value.shape(), (Shape{Index::var("batch"), 8}));
  EXPECT_EQ(ranged.find_symbol("batch")->hi, 32);
  EXPECT_TRUE(contains(m.error(shapes({"x=2x3", "mask=2x4"})),
                       "input 'mask' gives dimension 'seq' another size"));
  EXPECT_TRUE(contains(m.error(shapes({"x=2"})), "input 'x' has 2 dimensions, 1 are given"));
  EXPECT_TRUE(contains(m.error(shapes({"mosk=2x3"})), "the model has no input 'mosk'"));
  EXPECT_TRUE(contains(m.error(shapes({"mosk=2x3"})), "mask"));
}

TEST(shape_option, overrides_fixed_dimensions) {
  Model m;
  m.input("x", {"1", "4"}).output("y");
  m.node("Relu", {"x"}, {"y"});
  EXPECT_EQ(m.import(shapes({"x=8x4"})).results[0].value.shape(), (Shape{8, 4}));
  EXPECT_EQ(m.import(shapes({"x=batch,4"})).results[0].value.shape(),
            (Shape{Index::var("batch"), 4}));
}

TEST(import, scopes_parameters_and_constants) {
  Model m;
  m.input("x", {"2"}).output("y");
  m.floats("w", {1, 2}, {2}), m.floats("scale", {3}, {});
  m.node("Mul", {"x", "w"}, {"t"});
  m.node("Mul", {"t", "scale"}, {"y"});
  Graph g = m.import();
  EXPECT_EQ(count(g, Kind::parameter), 1u);
  EXPECT_EQ(count(g, Kind::constant), 1u);
  EXPECT_EQ(g.scopes(g.results[0].value.node), std::vector<std::string>{"part/Mul_2"});
  EXPECT_EQ(values(run(g, {{"x", tensor(DType::f32, {2}, {10, 20})}})),
            (std::vector<double>{30, 120}));
}

TEST(summary, supported_operators) {
  std::vector<OnnxSupportedOp> ops = supported_onnx_ops();
  EXPECT_GT(ops.size(), 130u);
  for (size_t i = 0; i < ops.size(); ++i) {
    EXPECT_FALSE(ops[i].expands_to.empty()) << ops[i].op_type;
    EXPECT_LE(ops[i].since, ops[i].until);
    bool follows = i > 0 && ops[i].op_type == ops[i - 1].op_type;
    EXPECT_TRUE(!follows || ops[i].since > ops[i - 1].until) << ops[i].op_type;
  }
}

}  // namespace
}  // namespace mintor::test
#endif
