// SPDX-License-Identifier: Apache-2.0
// If, Loop and Scan: what is refused and in which words, what is checked when a branch runs, and
// sub-graphs that are wrong. What they compute: tests/onnx/cases_control.py.
#if __has_include("onnx-ml.pb.h")
#include "tests/frontends_onnx/model_helper.h"

namespace mintor::test {
namespace {

// A sub-graph: inputs and outputs by name, one node after the other.
class Sub {
 public:
  Sub& input(const std::string& name, int type = onnx::TensorProto::FLOAT) {
    Model::describe(*graph.add_input(), name, type, {});
    return *this;
  }
  Sub& output(const std::string& name) {
    graph.add_output()->set_name(name);
    return *this;
  }
  Sub& node(const std::string& op, const std::vector<std::string>& inputs,
            const std::vector<std::string>& outputs) {
    onnx::NodeProto& n = *graph.add_node();
    n.set_op_type(op);
    for (const std::string& i : inputs) n.add_input(i);
    for (const std::string& o : outputs) n.add_output(o);
    return *this;
  }
  onnx::GraphProto graph;
};

void set(onnx::NodeProto& n, const std::string& name, const onnx::GraphProto& graph) {
  onnx::AttributeProto& a = *n.add_attribute();
  a.set_name(name);
  a.set_type(onnx::AttributeProto::GRAPH);
  *a.mutable_g() = graph;
}

Sub one_node(const std::string& op, const std::vector<std::string>& inputs) {
  return Sub().output("o").node(op, inputs, {"o"});
}

onnx::NodeProto& branch(Model& m, const Sub& then, const Sub& other) {
  onnx::NodeProto& n = m.node("If", {"c"}, {"y"});
  set(n, "then_branch", then.graph);
  set(n, "else_branch", other.graph);
  return n;
}

Model with_condition(const std::vector<std::string>& dims) {
  Model m;
  m.input("c", {}, onnx::TensorProto::BOOL).input("x", dims).output("y");
  return m;
}

TEST(control, branches_of_other_types_are_refused) {
  Model ranks = with_condition({"n", "3"});
  ranks.ints("axes", {0});
  branch(ranks, one_node("Neg", {"x"}), one_node("Unsqueeze", {"x", "axes"}));
  EXPECT_EQ(ranks.error(),
            "error: If: output 0 of its branches is f32[n_dim, 3] and f32[1, n_dim, 3]\n"
            "  at node '/part/If_1' (If)");
  Model dtypes = with_condition({"2"});
  branch(dtypes, one_node("Neg", {"x"}), one_node("Shape", {"x"}));
  EXPECT_EQ(dtypes.error(),
            "error: If: output 0 of its branches is f32[2] and i64[1]\n"
            "  at node '/part/If_1' (If)");
}

// x squeezed where its first size is 1: the rank depends on it, so the size is taken as 1.
TEST(control, a_rank_that_depends_on_a_size_makes_it_a_condition) {
  Model m;
  m.input("x", {"k", "3"}).output("y");
  m.ints("zero", {0}, {});
  m.ints("axes", {0});
  m.ints("one", {1}, {});
  m.node("Shape", {"x"}, {"s"});
  m.node("Gather", {"s", "zero"}, {"size"});
  m.node("Equal", {"size", "one"}, {"c"});
  branch(m, one_node("Squeeze", {"x", "axes"}), one_node("Neg", {"x"}));
  EXPECT_EQ(to_string(m.import().results[0].value.type()), "f32[3]");
}

// What a branch needs of sizes is checked where it runs: rows of 4 in one, of 6 in the other.
TEST(control, conditions_of_a_branch_are_its_own) {
  Model m = with_condition({"a", "b"});
  m.ints("four", {-1, 2, 4});
  m.ints("six", {-1, 3, 6});
  m.ints("all", {-1});
  const auto part = [](const std::string& shape) {
    Sub sub;
    sub.output("o").node("Reshape", {"x", shape}, {"r"}).node("Neg", {"r"}, {"n"});
    return sub.node("Reshape", {"n", "all"}, {"o"});
  };
  branch(m, part("four"), part("six"));
  const Graph graph = m.import();
  const auto run = [&](bool c, int64_t count) {
    return compile_error([&] {
      evaluate(graph, {{"c", tensor(DType::boolean, {}, {c ? 1.0 : 0.0})},
                       {"x", Tensor::zeros(DType::f32, {1, count})}});
    });
  };
  EXPECT_EQ(run(true, 8), "no error");
  EXPECT_EQ(run(false, 18), "no error");
  EXPECT_TRUE(contains(run(true, 18), "node number 0 (Reshape)")) << run(true, 18);
  EXPECT_TRUE(contains(run(false, 8), "node number 0 (Reshape)")) << run(false, 8);
}

TEST(control, an_error_in_a_branch_names_both_nodes) {
  Model m = with_condition({"2", "3"});
  branch(m, one_node("MatMul", {"x", "x"}), one_node("Neg", {"x"}));
  EXPECT_EQ(m.error(),
            "error: If: MatMul: the sizes to be summed differ: f32[2, 3] @ f32[2, 3]\n"
            "  at node number 0 (MatMul) in node '/part/If_1' (If)");
  Model unknown = with_condition({"2", "3"});
  branch(unknown, one_node("Neg", {"nobody"}), one_node("Neg", {"x"}));
  EXPECT_TRUE(contains(unknown.error(), "input 'nobody' is made by no earlier node"))
      << unknown.error();
}

// x @ x needs a square: the file allows one, the sizes that the user gives do not.
TEST(control, a_branch_that_cannot_be_at_given_sizes_ends_the_run) {
  const auto chosen = [](const std::string& in_branch) {
    Model m = with_condition({"a", "b"});
    branch(m, one_node("MatMul", {"x", in_branch}), one_node("Neg", {"x"}));
    return m;
  };
  const OnnxImportOptions given{{{"x", {{2, 2, ""}, {3, 3, ""}}}}};
  Model m = chosen("x");
  const Graph graph = m.import(given);
  const std::string reason =
      "node number 0 (MatMul) in node '/part/If_1' (If): the sizes to be summed differ: f32[2, 3] "
      "@ f32[2, 3]";
  ASSERT_EQ(m.ctx.warnings.size(), 1u);
  EXPECT_EQ(m.ctx.warnings[0], "onnx: a run that takes this then_branch ends: " + reason);
  const auto run = [&](bool c) {
    return compile_error([&] {
      evaluate(graph, {{"c", tensor(DType::boolean, {}, {c ? 1.0 : 0.0})},
                       {"x", Tensor::zeros(DType::f32, {2, 3})}});
    });
  };
  EXPECT_EQ(run(false), "no error");
  EXPECT_EQ(run(true), "error: evaluate: " + reason);
  // What no size mends stays an error, and so do two branches that cannot be.
  EXPECT_TRUE(contains(chosen("nobody").error(given), "input 'nobody' is made by no earlier node"));
  Model neither = with_condition({"a", "b"});
  branch(neither, one_node("MatMul", {"x", "x"}), one_node("MatMul", {"x", "x"}));
  EXPECT_TRUE(contains(neither.error(given), "the sizes to be summed differ"));
}

TEST(control, ifs_without_what_they_need_are_refused) {
  Model missing = with_condition({"2"});
  set(missing.node("If", {"c"}, {"y"}), "then_branch", one_node("Neg", {"x"}).graph);
  EXPECT_TRUE(contains(missing.error(), "If: has no graph 'else_branch'")) << missing.error();
  Model number = with_condition({"2"});
  branch(number, one_node("Neg", {"x"}), one_node("Abs", {"x"})).set_input(0, "x");
  EXPECT_TRUE(contains(number.error(), "If: input 0 is a tensor of f32, which it does not take"))
      << number.error();
  Model outputs = with_condition({"2"});
  branch(outputs, one_node("Neg", {"x"}).output("x"), one_node("Abs", {"x"}));
  EXPECT_TRUE(contains(outputs.error(), "a branch has 2 outputs, the node 1")) << outputs.error();
}

TEST(control, sub_graphs_are_not_nested_without_end) {
  const auto nested = [](int depth) {
    Model m = with_condition({"2"});
    Sub inner = one_node("Neg", {"x"});
    for (int i = 1; i < depth; ++i) {
      Sub outer;
      outer.output("o");
      onnx::NodeProto& n = *outer.graph.add_node();
      n.set_op_type("If");
      n.add_input("c");
      n.add_output("o");
      set(n, "then_branch", inner.graph);
      set(n, "else_branch", one_node("Abs", {"x"}).graph);
      inner = outer;
    }
    branch(m, inner, one_node("Abs", {"x"}));
    return m.error();
  };
  EXPECT_EQ(nested(20), "imported");
  EXPECT_NE(nested(40), "imported");
}

// What grows with the number of sub-graphs is bounded: sizes that are copied, sizes that runs bind.
TEST(control, sub_graphs_are_not_without_number) {
  Model copies;
  copies.input("c", {}, onnx::TensorProto::BOOL);
  for (int k = 0; k < 64; ++k) {
    std::vector<std::string> dims;
    for (int i = 0; i < 16; ++i) dims.push_back("size" + std::to_string(16 * k + i));
    copies.input("x" + std::to_string(k), dims);
  }
  for (int i = 0; i < 200; ++i) {
    const std::string y = "y" + std::to_string(i);
    onnx::NodeProto& n = copies.node("If", {"c"}, {y});
    set(n, "then_branch", one_node("Not", {"c"}).graph);
    set(n, "else_branch", one_node("Identity", {"c"}).graph);
  }
  copies.output("y0");
  EXPECT_TRUE(contains(copies.error(), "too many sub-graphs with too many sizes"));
  Model bound;
  bound.input("x", {}, onnx::TensorProto::INT64);
  bound.ints("zero", {0}, {});
  bound.ints("one", {1}, {});
  for (int i = 0; i < 1100; ++i) {
    const std::string y = "y" + std::to_string(i);
    bound.node("Range", {"zero", "x", "one"}, {y});
    bound.output(y);
  }
  EXPECT_TRUE(contains(bound.error(), "Range: more than 1000 sizes are known in a run alone"))
      << bound.error();
}

Model loop_of(const Sub& body, const std::vector<std::string>& inputs,
              const std::vector<std::string>& outputs) {
  Model m;
  m.input("x", {"2"}).input("w", {"3"}).input("m", {}, onnx::TensorProto::INT64);
  for (const std::string& name : outputs) m.output(name);
  m.ints("three", {3}, {});
  set(m.node("Loop", inputs, outputs), "body", body.graph);
  return m;
}

Sub body() {
  return Sub().input("i", onnx::TensorProto::INT64).input("go", onnx::TensorProto::BOOL).input("v");
}

TEST(control, loops_that_cannot_be_are_refused) {
  const Sub negated = body().output("go").output("n").node("Neg", {"v"}, {"n"});
  EXPECT_EQ(loop_of(negated, {"three", "", "x"}, {"y"}).error(), "imported");
  EXPECT_TRUE(contains(loop_of(negated, {"", "", "x"}, {"y"}).error(),
                       "never ends: it has no trip count, and its condition is always true"));
  EXPECT_TRUE(contains(loop_of(negated, {"three", "", "x"}, {"y", "z"}).error(),
                       "its body has 2 outputs, the node 2, and 1 values are carried"));
  EXPECT_TRUE(contains(loop_of(negated, {"three", ""}, {}).error(),
                       "its graph 'body' has 3 inputs, needs 2"));
  const Sub grows = body().output("go").output("n").node("MatMul", {"v", "v"}, {"n"});
  EXPECT_EQ(loop_of(grows, {"three", "", "x"}, {"y"}).error(),
            "error: Loop: carried value 0 is f32[2] before an iteration and f32[] after it\n"
            "  at node '/part/Loop_1' (Loop)\n"
            "  help: a loop cannot carry values whose type or rank changes");
  const Sub odd = body().output("c").output("v").node("Greater", {"v", "v"}, {"c"});
  EXPECT_TRUE(contains(loop_of(odd, {"three", "", "x"}, {"y"}).error(),
                       "its condition is bool[2], it must be one value"));
}

// The condition needs the first carried value alone: the loop that counts does not carry the other.
TEST(control, a_loop_that_counts_carries_what_its_condition_needs) {
  Sub sub = body().input("u").output("c").output("n").output("k").output("k");
  sub.node("ReduceMax", {"v"}, {"n"}).node("Neg", {"u"}, {"k"}).node("IsNaN", {"n"}, {"c"});
  Model m;
  m.input("x", {"1"}).input("w", {"3"}).input("m", {}, onnx::TensorProto::INT64);
  for (const char* name : {"y", "z", "all"}) m.output(name);
  set(m.node("Loop", {"m", "", "x", "w"}, {"y", "z", "all"}), "body", sub.graph);
  const Graph graph = m.import();
  std::vector<const RegionAttr*> loops;
  for (const auto& node : graph.nodes())
    if (node->kind == Kind::loop) loops.push_back(&node->as<RegionAttr>());
  ASSERT_EQ(loops.size(), 2u);
  EXPECT_TRUE(loops[0]->conditional);
  EXPECT_EQ(loops[0]->carried, 3);  // whether to go on, n, the count
  EXPECT_FALSE(loops[1]->conditional);
  EXPECT_EQ(loops[1]->carried, 2);
}

TEST(control, scans_that_cannot_be_are_refused) {
  const auto scan = [](int64_t inputs, const std::vector<int64_t>& axes) {
    Model m;
    m.input("x", {"2"}).input("a", {"4", "2"}).input("b", {"5", "2"}).output("y").output("z");
    Sub sub;
    sub.input("s").input("p").input("q").output("n").output("p");
    sub.node("Add", {"s", "p"}, {"n"});
    onnx::NodeProto& n = m.node("Scan", {"x", "a", "b"}, {"y", "z"});
    set(n, "body", sub.graph);
    attribute(n, "num_scan_inputs", inputs);
    attribute(n, "scan_input_axes", axes);
    return m.error();
  };
  EXPECT_TRUE(contains(scan(4, {}), "num_scan_inputs is 4 of 3 inputs"));
  EXPECT_TRUE(contains(scan(2, {0, 2}), "axis 2 of a value with 2 dimensions"));
  EXPECT_TRUE(contains(scan(2, {}), "scanned inputs have 4 and 5 slices"));
}

// The row of a table at a place that is a size: nothing that can be computed now.
TEST(control, a_constant_read_at_a_symbolic_place_stays) {
  Model m;
  m.input("x", {"k"}).output("y");
  m.ints("table", {5, 6, 7, 8});
  m.ints("one", {1});
  m.node("Shape", {"x"}, {"s"});
  m.node("Add", {"s", "one"}, {"e"});
  m.node("Slice", {"table", "s", "e"}, {"y"});
  const Graph graph = m.import(shapes({"x=0..3"}));
  const Evaluation e = evaluate(graph, {{"x", Tensor::zeros(DType::f32, {2})}});
  EXPECT_EQ(values(e.results[0]), (std::vector<double>{7}));
}

}  // namespace
}  // namespace mintor::test
#endif
