// SPDX-License-Identifier: Apache-2.0
// Model files that are wrong, on purpose or not: each gives a CompileError that says what, none
// crashes.
#if __has_include("onnx-ml.pb.h")
#include <unistd.h>

#include <random>

#include "tests/frontends_onnx/model_helper.h"

namespace mintor::test {
namespace {

namespace fs = std::filesystem;

Model relu() {
  Model m;
  m.input("x", {"2", "3"}).output("y");
  m.node("Relu", {"x"}, {"y"});
  return m;
}

TEST(hostile, unsupported_operators_are_named_together) {
  Model m;
  m.input("x", {"2"}).output("y");
  m.node("NoSuchOp", {"x"}, {"a"});
  m.node("Relu", {"a"}, {"b"});
  m.node("NoSuchOp", {"b"}, {"c"});
  m.node("AlsoMissing", {"c"}, {"y"}).set_domain("com.example");
  std::string text = m.error();
  EXPECT_TRUE(
      contains(text,
               "error: onnx: 2 operators are not supported at opset 17: NoSuchOp (2 nodes: "
               "'/part/NoSuchOp_1', "
               "'/part/NoSuchOp_3'); com.example.AlsoMissing (1 node: '/part/AlsoMissing_4')"))
      << text;
  EXPECT_TRUE(contains(text, "help: `mintor supported-ops`")) << text;
}

TEST(hostile, an_error_names_operator_node_and_values) {
  Model m;
  m.input("x", {"2", "3"}).input("y", {"4", "5"}).output("z");
  m.node("MatMul", {"x", "y"}, {"z"});
  EXPECT_EQ(m.error(),
            "error: MatMul: the sizes to be summed differ: f32[2, 3] @ f32[4, 5]\n"
            "  at node '/part/MatMul_1' (MatMul)");
}

// Also what is thrown below the operator: by arithmetic on sizes, by a bound that contradicts.
TEST(hostile, an_error_from_below_names_the_node) {
  const auto node_over = [](const std::vector<std::string>& dims, const char* op,
                            const std::vector<int64_t>& list) {
    Model m;
    m.input("x", dims).output("y");
    m.ints("list", list);
    m.node(op, {"x", "list"}, {"y"});
    return m.error();
  };
  const int64_t large = int64_t{1} << 62;
  for (const std::string& text :
       {node_over({"rows", "4"}, "Reshape", {large, large}),
        node_over({"rows", "cols"}, "Reshape", {-1, large, 4}),
        node_over({"rows", "4611686018427387904"}, "Tile", {4, 4}),
        node_over({"rows", "4"}, "Expand", {large, large, 1, 1}),
        node_over({"4611686018427387904", "4"}, "Pad", {large, large, large, large})})
    EXPECT_TRUE(contains(text, "\n  at node '/part/")) << text;
  Model two;
  two.input("x", {"1", "4", "rows", "8"}).output("y");
  attribute(two.node("SpaceToDepth", {"x"}, {"y"}), "blocksize", 2);
  EXPECT_EQ(two.error(),
            "error: SpaceToDepth: dimension 2 of f32[1, 4, rows, 8] must be constant\n"
            "  at node '/part/SpaceToDepth_1' (SpaceToDepth)");
}

TEST(hostile, structure) {
  Model empty;
  EXPECT_TRUE(contains(empty.error(), "the model has no outputs"));
  Model undefined = relu();
  undefined.node("Relu", {"nothing"}, {"z"});
  EXPECT_TRUE(contains(undefined.error(), "input 'nothing' is made by no earlier node"));
  Model twice = relu();
  twice.node("Relu", {"x"}, {"y"});
  EXPECT_TRUE(contains(twice.error(), "output 'y' is already made"));
  Model missing = relu();
  missing.output("z");
  EXPECT_TRUE(contains(missing.error(), "output 'z' is made by no node"));
  Model later;
  later.input("x", {"2"}).output("y");
  later.node("Relu", {"t"}, {"y"});
  later.node("Relu", {"x"}, {"t"});
  EXPECT_TRUE(contains(later.error(), "input 't' is made by no earlier node"));
  Model same_input = relu();
  same_input.input("x", {"2"});
  EXPECT_TRUE(contains(same_input.error(), "two inputs are named 'x'"));
  Model sparse = relu();
  sparse.graph().add_sparse_initializer();
  EXPECT_TRUE(contains(sparse.error(), "sparse tensor '' has 0 dimensions"));
}

TEST(hostile, opsets) {
  EXPECT_TRUE(contains(Model(0).error(), "opset 0 is not supported, 1 to "));
  EXPECT_TRUE(contains(Model(INT64_MAX).error(), "is not supported"));
  EXPECT_TRUE(contains(Model(INT64_MIN).error(), "error: onnx: "));
  Model none = relu();
  none.proto.clear_opset_import();
  EXPECT_TRUE(contains(none.error(), "imports no opset"));
}

TEST(hostile, input_types) {
  Model strings = relu();
  strings.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
      onnx::TensorProto::STRING);
  EXPECT_TRUE(
      contains(strings.error(), "Relu: input 0 is a tensor of strings, which it does not take"));
  Model unknown = relu();
  unknown.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(-7);
  EXPECT_TRUE(contains(unknown.error(), "element type -7 is not supported"));
  Model sequence = relu();
  sequence.graph().mutable_input(0)->mutable_type()->mutable_sequence_type();
  EXPECT_TRUE(contains(sequence.error(), "input 'x' is not a tensor"));
  Model shapeless = relu();
  shapeless.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  EXPECT_TRUE(contains(shapeless.error(), "input 'x' has no shape"));
  EXPECT_EQ(shapeless.import(shapes({"x=2x2"})).results[0].value.shape(), (Shape{2, 2}));
  Model deep = relu();
  for (int i = 0; i < 40; ++i)
    deep.graph()
        .mutable_input(0)
        ->mutable_type()
        ->mutable_tensor_type()
        ->mutable_shape()
        ->add_dim()
        ->set_dim_value(1);
  EXPECT_TRUE(contains(deep.error(), "at most 16 are taken"));
  Model huge = relu();
  huge.graph()
      .mutable_input(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->mutable_shape()
      ->mutable_dim(0)
      ->set_dim_value(INT64_MAX);
  huge.node("Size", {"x"}, {"s"});
  EXPECT_TRUE(contains(huge.error(), "error: ")) << huge.error();
}

TEST(hostile, initializers) {
  auto error = [](const std::function<void(onnx::TensorProto&)>& change) {
    Model m = relu();
    change(m.floats("w", {1, 2, 3, 4}, {2, 2}));
    return m.error();
  };
  EXPECT_TRUE(contains(error([](auto& t) { t.set_dims(0, 3); }),
                       "holds 16 bytes where its shape needs 24"));
  EXPECT_TRUE(contains(error([](auto& t) { t.set_dims(0, -2); }), "has a negative dimension -2"));
  EXPECT_TRUE(contains(error([](auto& t) { t.set_dims(0, INT64_MAX); }), "has more elements than"));
  EXPECT_TRUE(contains(
      error([](auto& t) { t.set_dims(0, int64_t{1} << 33), t.set_dims(1, int64_t{1} << 33); }),
      "has more elements than"));
  EXPECT_TRUE(contains(error([](auto& t) {
                         for (int i = 0; i < 20; ++i) t.add_dims(1);
                       }),
                       "has 22 dimensions"));
  EXPECT_TRUE(contains(error([](auto& t) { t.clear_raw_data(); }),
                       "holds 0 values where its shape needs 4"));
  EXPECT_TRUE(contains(error([](auto& t) { t.clear_raw_data(), t.add_float_data(1); }),
                       "holds 1 values where its shape needs 4"));
  EXPECT_TRUE(contains(error([](auto& t) { t.set_data_type(onnx::TensorProto::STRING); }),
                       "holds 0 strings where its shape needs 4"));
  EXPECT_TRUE(contains(error([](auto& t) { t.set_data_type(9999); }),
                       "element type 9999 is not supported"));
  EXPECT_TRUE(contains(error([](auto& t) { t.mutable_segment(); }), "stored in segments"));
  EXPECT_TRUE(contains(error([](auto& t) { t.set_name(""); }), "an initializer has no name"));
}

TEST(hostile, attributes) {
  Model wrong;
  wrong.input("x", {"2", "3"}).output("y");
  auto& n = wrong.node("Softmax", {"x"}, {"y"});
  attribute(n, "axis", std::vector<int64_t>{1});
  EXPECT_TRUE(contains(wrong.error(), "attribute 'axis' must be an integer"));
  for (int64_t axis : {int64_t{2}, int64_t{-3}, INT64_MAX, INT64_MIN}) {
    for (const char* op : {"Softmax", "LogSoftmax", "Hardmax", "ArgMax", "Flatten",
                           "LpNormalization", "Concat", "Split"}) {
      Model m;
      m.input("x", {"2", "3"}).output("y");
      attribute(m.node(op, {"x"}, {"y"}), "axis", axis);
      if (std::string(op) == "Flatten" && axis == 2) continue;  // legal: everything before
      EXPECT_TRUE(contains(m.error(), "error: " + std::string(op)))
          << op << " " << axis << " " << m.error();
    }
  }
}

TEST(hostile, windows) {
  auto error = [](const char* name, std::vector<int64_t> values) {
    Model m;
    m.input("x", {"1", "1", "4", "4"}).output("y");
    auto& n = m.node("MaxPool", {"x"}, {"y"});
    if (std::string(name) != "kernel_shape")
      attribute(n, "kernel_shape", std::vector<int64_t>{2, 2});
    attribute(n, name, values);
    return m.error();
  };
  EXPECT_TRUE(contains(error("kernel_shape", {0, 2}), "kernel_shape has the entry 0"));
  EXPECT_TRUE(contains(error("kernel_shape", {INT64_MAX, 2}), "kernel_shape has the entry"));
  EXPECT_TRUE(contains(error("kernel_shape", {2}), "x has 4 dimensions, the window 1"));
  EXPECT_TRUE(contains(error("kernel_shape", {9, 9}), "exceeds the padded size"));
  EXPECT_TRUE(contains(error("strides", {-1, 1}), "strides has the entry -1"));
  EXPECT_TRUE(contains(error("dilations", {1}), "dilations has 1 entries"));
  EXPECT_TRUE(contains(error("pads", {1, 1, 1}), "pads has 3 entries"));
  EXPECT_TRUE(contains(error("pads", {INT64_MIN, 1, 1, 1}), "pads has the entry"));
}

TEST(hostile, shapes_that_cannot_be_are_refused) {
  Model m;  // one that the run brings is asked there
  m.input("x", {"6"}).input("shape", {"2"}, onnx::TensorProto::INT64).output("y");
  m.node("Reshape", {"x", "shape"}, {"y"});
  EXPECT_EQ(m.error(), "imported");
  for (std::vector<int64_t> bad : {std::vector<int64_t>{-1, -1},
                                   {4, -1},
                                   {7},
                                   {-5, 2},
                                   {INT64_MAX, INT64_MAX},
                                   {0, 0, 0, 0}}) {
    Model r;
    r.input("x", {"6"}).output("y");
    r.ints("shape", bad);
    r.node("Reshape", {"x", "shape"}, {"y"});
    EXPECT_TRUE(contains(r.error(), "error: Reshape: ")) << r.error();
  }
}

TEST(hostile, large_results_are_not_computed) {
  Model m;
  m.output("y");
  m.ints("shape", {1 << 20, 1 << 18});
  m.node("ConstantOfShape", {"shape"}, {"y"});
  Graph g = m.import();  // a broadcast of one number
  EXPECT_EQ(g.results[0].value.node->kind, Kind::broadcast);
  Model over;
  over.output("y");
  over.ints("shape", std::vector<int64_t>(17, 2));
  over.node("ConstantOfShape", {"shape"}, {"y"});
  EXPECT_TRUE(contains(over.error(), "the shape has 17 dimensions"));
}

TEST(hostile, names_are_made_printable) {
  Model m;
  m.input("x", {"2"}).output("y");
  auto& n = m.node("Relu\n\x1b[31m", {"x"}, {"y"});
  n.set_name("a\nb\x01" + std::string(100000, 'z'));
  std::string text = m.error();
  EXPECT_TRUE(contains(text, "Relu??[31m (1 node: 'a?b?zzz")) << text.substr(0, 300);
  EXPECT_LT(text.size(), 1000u);
}

struct Folder {
  fs::path path;
  Folder() : path(fs::temp_directory_path() / ("mintor_onnx_" + std::to_string(::getpid()))) {
    fs::create_directories(path / "model" / "sub");
    for (const char* name : {"secret.bin", "model/data.bin", "model/sub/data.bin"}) {
      std::vector<float> data = {1, 2, 3, 4};
      std::ofstream(path / name, std::ios::binary)
          .write(reinterpret_cast<const char*>(data.data()), 16);
    }
    fs::create_symlink(path / "secret.bin", path / "model" / "link.bin");
    fs::create_directory_symlink(path, path / "model" / "up");
  }
  ~Folder() { fs::remove_all(path); }
  std::string import(const std::string& location, const std::string& offset = "",
                     const std::string& length = "") {
    Model m;
    m.input("x", {"4"}).output("y");
    auto& t = m.floats("w", {}, {4});
    t.clear_raw_data();
    t.set_data_location(onnx::TensorProto::EXTERNAL);
    auto add = [&](const char* key, const std::string& value) {
      if (value.empty()) return;
      auto* e = t.add_external_data();
      e->set_key(key);
      e->set_value(value);
    };
    add("location", location), add("offset", offset), add("length", length);
    m.node("Add", {"x", "w"}, {"y"});
    std::string file = (path / "model" / "m.onnx").string();
    std::ofstream(file, std::ios::binary) << m.proto.SerializeAsString();
    try {
      Graph g = import_onnx(m.ctx, file);
      std::vector<double> y =
          values(evaluate(g, {{"x", tensor(DType::f32, {4}, {0, 0, 0, 0})}}).results[0]);
      return y == std::vector<double>{1, 2, 3, 4} ? "read" : "other";
    } catch (const CompileError& e) {
      return e.what();
    }
  }
};

TEST(external_data, stays_in_the_folder) {
  Folder f;
  EXPECT_EQ(f.import("data.bin"), "read");
  EXPECT_EQ(f.import("sub/data.bin", "0", "16"), "read");
  EXPECT_TRUE(contains(f.import("../secret.bin"), "is not a path inside the model's folder"));
  EXPECT_TRUE(
      contains(f.import("sub/../../secret.bin"), "is not a path inside the model's folder"));
  EXPECT_TRUE(contains(f.import((f.path / "secret.bin").string()),
                       "is not a path inside the model's folder"));
  EXPECT_TRUE(contains(f.import("link.bin"), "leads out of the model's folder"));
  EXPECT_TRUE(contains(f.import("up/secret.bin"), "leads out of the model's folder"));
  EXPECT_TRUE(contains(f.import("none.bin"), "cannot be found"));
  EXPECT_TRUE(contains(f.import("sub"), "is not a regular file"));
  EXPECT_TRUE(contains(f.import(""), "is not a path inside"));
  EXPECT_TRUE(contains(f.import(std::string("data.bin\0.x", 11)), "is not a path inside"));
}

TEST(external_data, sizes_are_checked) {
  Folder f;
  EXPECT_TRUE(contains(f.import("data.bin", "4"), "has 16 bytes, 16 are wanted at 4"));
  EXPECT_TRUE(contains(f.import("data.bin", "999999999999999999"), "are wanted at"));
  EXPECT_TRUE(contains(f.import("data.bin", "-4"), "bad external offset '-4'"));
  EXPECT_TRUE(contains(f.import("data.bin", "99999999999999999999999"), "bad external offset"));
  EXPECT_TRUE(contains(f.import("data.bin", "0", "8"),
                       "external data of 8 bytes where its shape needs 16"));
}

TEST(files, bad_paths) {
  CompileContext ctx;
  for (const char* path : {"/no/such/model.onnx", "/dev/zero", "/", ""}) {
    try {
      import_onnx(ctx, path);
      ADD_FAILURE() << path;
    } catch (const CompileError& e) {
      EXPECT_TRUE(contains(e.what(), "error: onnx: model '")) << e.what();
    }
  }
}

// One small model with many kinds of nodes; every mutation imports or is a CompileError.
TEST(fuzz, mutated_models) {
  Model m;
  m.input("x", {"batch", "3", "8", "8"}).output("y");
  m.floats("w", std::vector<float>(4 * 3 * 3 * 3, 0.5f), {4, 3, 3, 3}),
      m.floats("w2", std::vector<float>(4 * 5, 1), {4, 5});
  m.ints("flat", {0, -1}), m.ints("start", {0}), m.ints("end", {4}), m.ints("axis", {1}),
      m.ints("pads", {0, 0, 1, 1, 0, 0, 1, 1});
  auto& conv = m.node("Conv", {"x", "w"}, {"a"});
  attribute(conv, "strides", std::vector<int64_t>{2, 2});
  m.node("Relu", {"a"}, {"b"});
  m.node("Pad", {"b", "pads"}, {"c"});
  attribute(m.node("MaxPool", {"c"}, {"d"}), "kernel_shape", std::vector<int64_t>{2, 2});
  m.node("GlobalAveragePool", {"d"}, {"e"});
  m.node("Reshape", {"e", "flat"}, {"f"});
  m.node("Slice", {"f", "start", "end", "axis"}, {"g"});
  m.node("MatMul", {"g", "w2"}, {"h"});
  attribute(m.node("Softmax", {"h"}, {"y"}), "axis", -1);
  ASSERT_EQ(m.error(), "imported");
  std::string good = m.proto.SerializeAsString();
  std::mt19937 random(20240607);
  size_t imported = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = good;
    for (unsigned k = 0, n = 1 + random() % 4; k < n; ++k) {
      size_t at = random() % bytes.size();
      switch (random() % 4) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
          break;
        case 2:
          bytes.erase(at, 1 + random() % 8);
          break;
        case 3:
          bytes.insert(at, std::string(1 + random() % 4, static_cast<char>(random())));
          break;
      }
    }
    CompileContext ctx;
    try {
      verify(import_onnx_bytes(ctx, std::as_bytes(std::span(bytes))));
      ++imported;
    } catch (const CompileError&) {
    }
  }
  EXPECT_GT(imported, 10u);  // the mutations reach past the parser
}

TEST(fuzz, truncated_models) {
  std::string good = relu().proto.SerializeAsString();
  for (size_t size = 0; size < good.size(); ++size) {
    CompileContext ctx;
    EXPECT_THROW(import_onnx_bytes(ctx, std::as_bytes(std::span(good.data(), size))), CompileError)
        << size;
  }
}

}  // namespace
}  // namespace mintor::test
#endif
