// SPDX-License-Identifier: Apache-2.0
// Sizes that have to fit: what is assumed about symbols so that they do, what is said about it, and
// what is refused. Each model is the smallest that asks for its assumption.
#if __has_include("onnx-ml.pb.h")
#include "tests/frontends_onnx/model_helper.h"

namespace mintor::test {
namespace {

// One node over x[dims] and one list of integers.
Model with_list(const std::string& op, const std::vector<std::string>& dims,
                const std::vector<int64_t>& list, int64_t opset = 17) {
  Model m(opset);
  m.input("x", dims).output("y");
  m.ints("list", list);
  m.node(op, {"x", "list"}, {"y"});
  return m;
}

TEST(assume, a_reshape_binds_the_symbol_that_it_determines) {
  Model m = with_list("Reshape", {"time", "4"}, {2, 3, 4});
  Graph g = m.import();
  EXPECT_EQ(live_nodes(g)[0]->results[0].shape, (Shape{6, 4}));
  ASSERT_EQ(m.ctx.warnings.size(), 1u);
  EXPECT_EQ(m.ctx.warnings[0],
            "onnx: 'time' is taken as 6: node '/part/Reshape_1' (Reshape) needs 4*time and 24 to "
            "be equal");
}

TEST(assume, a_reshape_that_determines_no_symbol_is_refused) {
  EXPECT_EQ(with_list("Reshape", {"batch", "time", "4"}, {2, 3, 4}).error(),
            "error: Reshape: cannot reshape [batch, time, 4] (4*batch*time elements) to [2, 3, 4] "
            "(24)\n  at node '/part/Reshape_1' (Reshape)\n  help: 4*batch*time and 24 must be "
            "equal: fix 'batch', 'time' with --shape");
  EXPECT_TRUE(contains(with_list("Reshape", {"batch", "time"}, {-1, 4}).error(),
                       "the -1 in the new shape cannot be inferred: batch*time elements over 4"));
  EXPECT_TRUE(contains(with_list("Reshape", {"time", "5"}, {2, 3}).error(), "must be equal"));
}

TEST(assume, common_factors_do_not_hide_a_symbol) {
  Graph g = with_list("Reshape", {"batch", "time", "4"}, {0, 12}).import();
  EXPECT_EQ(live_nodes(g)[0]->results[0].shape, (Shape{Index::var("batch"), 3, 4}));
}

TEST(assume, a_division_makes_a_multiple) {
  Model flat = with_list("Reshape", {"time"}, {-1, 4});
  Graph g = flat.import();
  EXPECT_EQ(g.find_symbol("time")->divisor, 4);
  EXPECT_TRUE(contains(flat.ctx.warnings.at(0), "'time' is taken as a multiple of 4: "));
  // Windows of 4 rows and 4 columns, as Swin cuts them.
  Model window = with_list("Reshape", {"batch", "height", "12", "6"}, {0, -1, 4, 3, 4, 6});
  Graph w = window.import();
  Index windows = floordiv(Index::var("height"), 4);
  EXPECT_EQ(w.results[0].value.shape(), (Shape{Index::var("batch"), windows, 4, 3, 4, 6}));
  EXPECT_EQ(w.find_symbol("height")->divisor, 4);
}

// Half, then double, beside what was not halved: a U-Net.
TEST(assume, a_skip_connection_needs_an_even_size) {
  Model m;
  m.input("x", {"1", "2", "wide"}).output("y");
  attribute(m.node("MaxPool", {"x"}, {"half"}), "kernel_shape", std::vector<int64_t>{2});
  attribute(*m.graph().mutable_node(0), "strides", std::vector<int64_t>{2});
  m.floats("w", std::vector<float>(8, 1), {2, 2, 2});
  attribute(m.node("ConvTranspose", {"half", "w"}, {"up"}), "strides", std::vector<int64_t>{2});
  attribute(m.node("Concat", {"x", "up"}, {"y"}), "axis", 1);
  Graph g = m.import();
  EXPECT_EQ(g.find_symbol("wide")->divisor, 2);
  EXPECT_EQ(g.results[0].value.shape(), (Shape{1, 4, Index::var("wide")}));
}

TEST(assume, broadcasts_products_parts_and_expansions_bind) {
  Model add;
  add.input("x", {"batch", "time", "2"}).output("y");
  add.floats("p", std::vector<float>(6, 1), {1, 3, 2});
  add.node("Add", {"x", "p"}, {"y"});
  EXPECT_EQ(add.import().results[0].value.shape(), (Shape{Index::var("batch"), 3, 2}));
  EXPECT_TRUE(contains(add.ctx.warnings.at(0), "'time' is taken as 3: "));

  Model product;
  product.input("x", {"batch", "inner"}).output("y");
  product.floats("w", std::vector<float>(8, 1), {4, 2});
  product.node("MatMul", {"x", "w"}, {"y"});
  product.import();
  EXPECT_TRUE(contains(product.ctx.warnings.at(0), "'inner' is taken as 4: "));

  Model parts;
  parts.input("x", {"time"}).output("y").output("z");
  parts.ints("sizes", {2, 3});
  parts.node("Split", {"x", "sizes"}, {"y", "z"});
  parts.import();
  EXPECT_TRUE(contains(parts.ctx.warnings.at(0), "'time' is taken as 5: "));

  Model wider = with_list("Expand", {"rows", "3"}, {4, 3});
  wider.import();
  EXPECT_TRUE(contains(wider.ctx.warnings.at(0), "'rows' is taken as 4: "));
}

TEST(assume, two_symbols_that_meet_are_one) {
  Model m;
  m.input("x", {"batch", "2"}).input("y", {"rows", "2"}).output("z");
  m.node("Add", {"x", "y"}, {"z"});
  Graph g = m.import();
  EXPECT_EQ(g.results[0].value.shape(), (Shape{Index::var("batch"), 2}));
  EXPECT_EQ(g.find_symbol("rows"), nullptr);
  EXPECT_TRUE(contains(m.ctx.warnings.at(0), "'rows' is taken as the size 'batch': "));
}

TEST(assume, what_the_user_gave_is_not_overruled) {
  Model m = with_list("Reshape", {"time", "4"}, {2, 3, 4});
  EXPECT_TRUE(contains(m.error(shapes({"x=8..16x4"})),
                       "error: --shape: the range 8..16 is given for 'time', but node "
                       "'/part/Reshape_1' (Reshape) needs 4*time and 24 to be equal"));
}

Model conv(const std::vector<std::string>& dims) {
  Model m;
  m.input("x", dims).output("y");
  m.floats("w", std::vector<float>(5, 1), {1, 1, 5});
  m.node("Conv", {"x", "w"}, {"y"});
  return m;
}

TEST(lower_bounds, a_window_needs_a_place) {
  Model m = conv({"batch", "1", "long"});
  Graph g = m.import();
  EXPECT_EQ(g.find_symbol("long")->lo, 5);
  EXPECT_EQ(g.find_symbol("batch")->lo, 0);
  EXPECT_TRUE(m.ctx.warnings.empty());
  EXPECT_TRUE(contains(m.error(shapes({"x=1x1x2..9"})),
                       "error: Conv: the size long - 4 needs 'long' of at least 5, the given range "
                       "begins at 2\n  at node '/part/Conv_1' (Conv)"));
  EXPECT_EQ(m.import(shapes({"x=1x1x7..9"})).find_symbol("long")->lo, 7);
}

// Strides make the size a division: (long - 5) // 2 + 1.
TEST(lower_bounds, divisions_and_crops) {
  Model m = conv({"1", "1", "long"});
  attribute(*m.graph().mutable_node(0), "strides", std::vector<int64_t>{2});
  m.node("Relu", {"y"}, {"z"});
  EXPECT_EQ(m.import().find_symbol("long")->lo, 5);
  Model crop = with_list("Pad", {"long"}, {-2, -3});
  EXPECT_EQ(crop.import().find_symbol("long")->lo, 5);
}

TEST(lower_bounds, nothing_is_reflected_in_an_empty_dimension) {
  for (const char* mode : {"reflect", "wrap", "edge"}) {
    Model m = with_list("Pad", {"long"}, {2, 2}, 19);
    onnx::AttributeProto& a = *m.graph().mutable_node(0)->add_attribute();
    a.set_name("mode"), a.set_type(onnx::AttributeProto::STRING), a.set_s(mode);
    Graph g = m.import();
    EXPECT_EQ(g.find_symbol("long")->lo, 1);
    Tensor y = evaluate(g, {{"x", tensor(DType::f32, {1}, {7})}}).results.at(0);
    EXPECT_EQ(values(y), std::vector<double>(5, 7)) << mode;
  }
}

TEST(lower_bounds, a_size_that_divides_is_not_0) {
  Model m;
  m.input("x", {"long"}).output("y");
  m.ints("seven", {7});
  m.node("Shape", {"x"}, {"s"});
  m.node("Div", {"seven", "s"}, {"d"});
  m.node("ConstantOfShape", {"d"}, {"y"});
  EXPECT_EQ(m.import().find_symbol("long")->lo, 1);
}

}  // namespace
}  // namespace mintor::test
#endif
