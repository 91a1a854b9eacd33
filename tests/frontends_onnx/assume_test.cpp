// SPDX-License-Identifier: Apache-2.0
// Sizes that have to fit: what binds a size of an input, what becomes a condition, what is said
// about it, and what is refused. Each model is the smallest that asks for it.
#if __has_include("onnx-ml.pb.h")
#include "compiler/ir/sizes.h"
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

// The conditions of a graph, one a line.
std::string needs(const Graph& graph) {
  std::string text;
  for (const Condition& c : graph.conditions()) text += (text.empty() ? "" : "\n") + to_string(c);
  return text;
}

TEST(assume, a_reshape_of_two_unknowns_is_a_condition) {
  Graph g = with_list("Reshape", {"batch", "time", "4"}, {2, 3, 4}).import();
  EXPECT_EQ(needs(g), "4*batch*time == 24");
  EXPECT_EQ(g.conditions()[0].because, "node '/part/Reshape_1' (Reshape)");
  EXPECT_EQ(g.results[0].value.shape(), (Shape{2, 3, 4}));
  Graph rows = with_list("Reshape", {"batch", "time"}, {-1, 4}).import();
  EXPECT_EQ(needs(rows), "batch*time == 4*((batch*time) // 4)");
  const Index count = Index::var("batch") * Index::var("time");
  EXPECT_EQ(rows.results[0].value.shape(), (Shape{floordiv(count, 4), 4}));
  EXPECT_TRUE(contains(with_list("Reshape", {"time", "5"}, {2, 3}).error(), "must be equal"));
}

TEST(assume, what_an_empty_batch_allows_stays_allowed) {
  Graph g = with_list("Reshape", {"batch", "time", "4"}, {0, 12}).import();
  EXPECT_EQ(needs(g), "4*batch*time == 12*batch");
  EXPECT_EQ(g.results[0].value.shape(), (Shape{Index::var("batch"), 12}));
}

// x[dims] reshaped to `to`: "0*1" is the product of two sizes of x, anything else a number.
Model with_products(const std::vector<std::string>& dims, const std::vector<std::string>& to) {
  Model m;
  m.input("x", dims).output("y");
  m.node("Shape", {"x"}, {"sizes"});
  std::vector<std::string> parts;
  for (const std::string& part : to) {
    const std::string at = "p" + std::to_string(parts.size());
    parts.push_back(at);
    const size_t star = part.find('*');
    if (star == std::string::npos) {
      m.ints(at, {std::stoll(part)});
      continue;
    }
    m.ints(at + "a", {std::stoll(part.substr(0, star))});
    m.ints(at + "b", {std::stoll(part.substr(star + 1))});
    for (const char* side : {"a", "b"}) m.node("Gather", {"sizes", at + side}, {at + side + "s"});
    m.node("Mul", {at + "as", at + "bs"}, {at});
  }
  attribute(m.node("Concat", parts, {"to"}), "axis", 0);
  m.node("Reshape", {"x", "to"}, {"y"});
  return m;
}

TEST(assume, a_computed_size_of_0_that_would_copy_another_is_kept_out) {
  Model m = with_products({"batch", "high", "wide", "5"}, {"0", "1*2", "5"});
  Graph g = m.import();
  EXPECT_EQ(needs(g), "high*wide == high or high*wide >= 1");
  EXPECT_TRUE(g.conditions()[0].because.starts_with("node '/part/Reshape_"));
  EXPECT_EQ(g.results[0].value.shape(),
            (Shape{Index::var("batch"), Index::var("high") * Index::var("wide"), 5}));
  // The -1 would be inferred from the copied size.
  EXPECT_EQ(needs(with_products({"batch", "high", "6"}, {"0*1", "-1"}).import()),
            "batch*high == batch or batch*high >= 1");
  EXPECT_EQ(needs(with_products({"batch", "12", "high", "4"}, {"0*1", "2*3", "1"}).import()),
            "4*high == 12 or 4*high >= 1");
}

TEST(assume, a_computed_size_of_0_is_taken_where_it_is_the_copied_one) {
  EXPECT_EQ(needs(with_products({"batch", "12", "high", "4"}, {"0*1", "-1", "4"}).import()), "");
  EXPECT_EQ(needs(with_products({"batch", "high", "6"}, {"-1", "6"}).import()), "");
  // [b, 6] of [b, 0, 6] has elements where b has: no reshape of none.
  EXPECT_EQ(needs(with_products({"batch", "high", "6"}, {"0*1", "6"}).import()), "");
  Model m = with_products({"batch", "high", "wide", "5"}, {"0", "1*2", "5"});
  EXPECT_EQ(needs(m.import(shapes({"x=0..8x1..8x1..8x5"}))), "");
  Model zeros = with_products({"batch", "high", "wide", "5"}, {"0*1", "2*3"});
  EXPECT_EQ(needs(zeros.import()),
            "batch*high == batch or batch*high >= 1\n5*wide == high or 5*wide >= 1");
  attribute(*zeros.graph().mutable_node(zeros.graph().node_size() - 1), "allowzero", 1);
  EXPECT_EQ(needs(zeros.import()), "");  // nothing is copied
}

TEST(assume, allowzero_takes_sizes_of_0) {
  Model m = with_products({"batch", "high", "wide"}, {"1*2", "0*0"});
  attribute(*m.graph().mutable_node(m.graph().node_size() - 1), "allowzero", 1);
  EXPECT_EQ(needs(m.import()), "batch*high*wide == batch*batch*high*wide");
  Model none = with_list("Reshape", {"rows", "0"}, {0, 7});
  attribute(*none.graph().mutable_node(0), "allowzero", 1);
  EXPECT_EQ(none.import().results[0].value.shape(), (Shape{0, 7}));
  Model both = with_list("Reshape", {"rows", "3"}, {0, -1});
  attribute(*both.graph().mutable_node(0), "allowzero", 1);
  EXPECT_TRUE(contains(both.error(),
                       "error: Reshape: the new shape has a 0 and a -1, which cannot "
                       "be inferred with allowzero\n  at node '/part/Reshape_1'"));
}

TEST(assume, a_division_is_a_condition_and_a_multiple_from_then_on) {
  Model flat = with_list("Reshape", {"time"}, {-1, 4});
  Graph g = flat.import();
  EXPECT_EQ(needs(g), "time == 4*(time // 4)");
  EXPECT_TRUE(flat.ctx.warnings.empty());
  // Windows of 4 rows and 4 columns, as Swin cuts them.
  Model window = with_list("Reshape", {"batch", "height", "12", "6"}, {0, -1, 4, 3, 4, 6});
  Graph w = window.import();
  Index windows = floordiv(Index::var("height"), 4);
  EXPECT_EQ(w.results[0].value.shape(), (Shape{Index::var("batch"), windows, 4, 3, 4, 6}));
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
  EXPECT_EQ(needs(g), "wide == 2*(wide // 2)");
  EXPECT_EQ(g.results[0].value.shape(), (Shape{1, 4, Index::var("wide")}));
}

TEST(assume, products_and_parts_bind) {
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
}

std::vector<double> run(const Graph& g, const std::map<std::string, Tensor>& inputs) {
  return values(evaluate(g, inputs).results.at(0));
}

TEST(assume, what_meets_a_number_may_be_1) {
  Model add;
  add.input("x", {"batch", "time", "2"}).output("y");
  add.floats("p", {1, 2, 3, 4, 5, 6}, {1, 3, 2});
  add.node("Add", {"x", "p"}, {"y"});
  Graph g = add.import();
  EXPECT_EQ(needs(g), "time == 3 or time == 1");
  EXPECT_EQ(g.results[0].value.shape(), (Shape{Index::var("batch"), 3, 2}));
  EXPECT_EQ(run(g, {{"x", tensor(DType::f32, {1, 1, 2}, {10, 20})}}),
            (std::vector<double>{11, 22, 13, 24, 15, 26}));
  EXPECT_EQ(run(g, {{"x", tensor(DType::f32, {1, 3, 2}, {1, 1, 2, 2, 3, 3})}}),
            (std::vector<double>{2, 3, 5, 6, 8, 9}));
  Model wider = with_list("Expand", {"rows", "3"}, {4, 3});
  EXPECT_EQ(needs(wider.import()), "rows == 4 or rows == 1");
}

TEST(assume, two_symbols_that_meet_have_a_size_in_common) {
  Model m;
  m.input("x", {"batch", "2"}).input("y", {"rows", "2"}).output("z");
  m.node("Add", {"x", "y"}, {"z"});
  Graph g = m.import();
  EXPECT_EQ(needs(g), "batch == rows or batch == 1 or rows == 1");
  EXPECT_EQ(g.results[0].value.shape(), (Shape{Index::var("common_batch_rows"), 2}));
  EXPECT_EQ(run(g, {{"x", tensor(DType::f32, {1, 2}, {1, 2})},
                    {"y", tensor(DType::f32, {2, 2}, {10, 20, 30, 40})}}),
            (std::vector<double>{11, 22, 31, 42}));
}

// A mask with a size of its own: a product needs the common size to be that of the values, so the
// mask alone may be stretched.
TEST(assume, a_later_product_settles_what_meets) {
  Model m;
  m.input("s", {"q", "k"}).input("mask", {"keys"}).input("v", {"k", "2"}).output("z");
  m.node("Add", {"s", "mask"}, {"t"});
  m.node("MatMul", {"t", "v"}, {"z"});
  Graph g = m.import();
  EXPECT_EQ(needs(g), "keys == k_dim or keys == 1");
  EXPECT_EQ(g.symbols().size(), 3u);
}

TEST(assume, a_size_that_is_twice_another_keeps_its_input) {
  Model m;
  m.input("x", {"whole", "2"}).input("y", {"half", "2"}).output("z");
  attribute(m.node("Concat", {"y", "y"}, {"yy"}), "axis", 0);
  attribute(m.node("Concat", {"x", "yy"}, {"z"}), "axis", 1);
  Graph g = m.import();
  EXPECT_EQ(needs(g), "whole == 2*half");
  EXPECT_EQ(run(g, {{"x", tensor(DType::f32, {2, 2}, {1, 2, 3, 4})},
                    {"y", tensor(DType::f32, {1, 2}, {5, 6})}}),
            (std::vector<double>{1, 2, 5, 6, 3, 4, 5, 6}));
}

// The part is 8 long where the whole is 17.
TEST(assume, a_part_from_the_end_is_a_condition) {
  Model m;
  m.input("x", {"long"}).output("y").output("z");
  m.ints("a", {-10}), m.ints("b", {-(int64_t{1} << 31)});
  m.ints("axes", {0}), m.ints("steps", {-1}), m.ints("sizes", {3, 5});
  m.node("Slice", {"x", "a", "b", "axes", "steps"}, {"v"});
  m.node("Split", {"v", "sizes"}, {"y", "z"});
  Graph g = m.import();
  EXPECT_EQ(g.results[1].value.shape(), (Shape{5}));
  std::vector<double> x(17);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(i);
  EXPECT_EQ(run(g, {{"x", tensor(DType::f32, {17}, x)}}), (std::vector<double>{7, 6, 5}));
}

TEST(assume, what_exporters_do_not_know_is_no_name) {
  for (const char* unknown : {"*", "-1", "None"}) {
    Model m;
    m.input("x", {unknown, "3", unknown}).output("y");
    m.node("Relu", {"x"}, {"y"});
    Graph g = m.import();
    EXPECT_EQ(g.results[0].value.shape(), (Shape{Index::var("x_d0"), 3, Index::var("x_d2")}));
  }
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

// (long - 2) // 2 + 1 is 0 for 1, where ONNX Runtime takes half a window.
TEST(lower_bounds, a_window_of_a_pool_lies_inside) {
  const auto pool = [](const char* size, int64_t up) {
    Model m;
    m.input("x", {"1", "1", size}).output("y");
    onnx::NodeProto& node = m.node("MaxPool", {"x"}, {"y"});
    attribute(node, "kernel_shape", std::vector<int64_t>{2});
    attribute(node, "strides", std::vector<int64_t>{2});
    attribute(node, "ceil_mode", up);
    return m;
  };
  EXPECT_EQ(pool("long", 0).import().find_symbol("long")->lo, 2);
  EXPECT_EQ(pool("long", 1).import().find_symbol("long")->lo, 1);
  EXPECT_EQ(pool("1", 0).error(),
            "error: MaxPool: kernel [2] exceeds the padded size of dimension 2 of f32[1, 1, 1]\n"
            "  at node '/part/MaxPool_1' (MaxPool)");
  EXPECT_EQ(pool("1", 1).error(), "imported");
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
