// SPDX-License-Identifier: Apache-2.0
// The differential chain on small graphs: evaluator, Program interpreter, JIT by both compilers and
// the package by gcc and clang, at every level that this machine runs, bits equal. Takes graphs as
// text; gives pass or fail. Keeps true: a level that the machine lacks is named as skipped.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include "compiler/codegen/target.h"
#include "compiler/driver/driver.h"
#include "compiler/driver/package_cases.h"
#include "compiler/ir/builder.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/seeded.h"
#include "compiler/ir/text.h"
#include "compiler/jit/llvm_library.h"
#include "compiler/ops/library.h"
#include "compiler/package/builder.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

namespace fs = std::filesystem;

struct Named {
  const char* name;
  const char* text;  // null: what `make` makes
  Graph (*make)() = nullptr;
};

Graph network();
Graph many_parts();

// What each is for: element-wise work, a matmul with its tail, rows and symbols, results that no
// kernel computes.
constexpr Named kGraphs[] = {
    {"elementwise", R"(graph elementwise {
  x = input f32[7, 33]
  y = input f32[7, 33]
  a = add f32[7, 33] (x, y)
  b = tanh f32[7, 33] (a)
  c = mul f32[7, 33] (b, y)
  results out = c
})"},
    {"dense", R"(graph dense (batch: 0..9 ~ 5) {
  x = input f32[batch, 20]
  y = input f32[20, 37]
  z = contract f32[batch, 37] (x, y) m = batch, n = 37, k = 20 | x[m, k] y[k, n]
  r = relu f32[batch, 37] (z)
  results r
})"},
    {"chain", R"(graph chain (n: 0..40 ~ 17) {
  x = input f32[n, 8]
  a = exp f32[n, 8] (x)
  s = reduce f32[n] (a) add dims = [1] identity -0
  b = broadcast f32[n, 8] (s) dims = [0]
  p = div f32[n, 8] (a, b)
  results p, again = p, given = x
})"},
    {"bits", R"(graph bits (n: 0..40 ~ 17) {
  x = input i8[n, 19]
  y = input u8[n, 5]
  p = pack u8[n, 10] (x) 4 bits signed
  u = unpack i8[n, 19] (p) 4 bits signed
  q = unpack u8[n, 18] (y) 2 bits
  results p, u, q
})"},
    // A row of windows: its sums are bounded per row only, through n // 4.
    {"windows", R"(graph windows (n: 0..40 ~ 17) {
  x = input f32[n, 12]
  w = reindex f32[3*(n // 4), 4, 4] (x)  [4*(i0 // 3) + i1, 4*(i0 % 3) + i2] fill 0
  s = reduce f32[3*(n // 4), 4] (w) add dims = [1] identity -0
  t = tanh f32[3*(n // 4), 4] (s)
  results t
})"},
    // Symbols called as the buffers of x and r, and the loop of r, would be.
    {"names", R"(graph names (x_0: 0..40 ~ 17, relu_1_0i: 0..9) {
  x = input f32[x_0, relu_1_0i]
  r = relu f32[x_0, relu_1_0i] (x)
  s = reduce f32[x_0] (r) add dims = [1] identity -0
  results r, s
})"},
    // Weights larger than the rows of a batch: vectors run along the batch, in odd sizes.
    {"few_rows", R"(graph few_rows {
  x  = input    f32[19, 70]
  w  = input    f32[150, 70]
  u  = input    f32[41, 150]
  dy = input    f32[19, 41]
  v0 = contract f32[19, 150] (x, w) m = 19, n = 150, k = 70 | x[m, k] y[n, k]
  h  = relu     f32[19, 150] (v0)
  y  = contract f32[19, 41] (h, u) m = 19, n = 41, k = 150 | x[m, k] y[n, k]
  dh = contract f32[19, 150] (dy, u) m = 19, n = 150, k = 41 | x[m, k] y[k, n]
  dv = mul      f32[19, 150] (dh, h)
  v1 = contract f32[150, 41] (h, dy) k: m = 150, n = 41, m: k = 19 | x[m, k] y[m, n]
  du = reindex  f32[41, 150] (v1) [i1, i0] fill 0
  v2 = sub      f32[41, 150] (u, du)
  results y, dv, v2
})"},
    // Reads across memory, in blocks: long and short loops along the lines, loops between, tails.
    {"across", R"(graph across (n: 0..40 ~ 17) {
  x = input   f32[70, 333]
  y = input   f32[5, 3, 21, 301]
  z = input   f32[n, 3, 300]
  w = input   f32[45, 70, 16]
  a = reindex f32[333, 70] (x) [i1, i0] fill 0
  b = reindex f32[301, 5, 21, 3] (y) [i1, i3, i2, i0] fill 0
  c = reindex f32[3, 301, 21, 5] (y) [i3, i0, i2, i1] fill 0
  d = reindex f32[21, 3, 5, 301] (y) [i2, i1, i0, i3] fill 0
  e = reindex f32[300, 3, n] (z) [i2, i1, i0] fill 0
  f = reindex f32[3, 300, n] (z) [i2, i0, i1] fill 0
  g = reindex f32[70, 16, 45] (w) [i2, i0, i1] fill 0
  results a, b, c, d, e, f, g
})"},
    // A conditional loop, and a loop in a branch in a loop.
    {"control", R"(graph control (n: 0..40 ~ 17) {
  x = input f32[n, 8]
  c = input bool[]
  y0 = reduce f32[8] (x) add dims = [0] identity -0
  zero = constant i64[] 0
  go, i, s = loop bool[], i64[], f32[n, 8] (c, zero, x, x) while carried 3 {
    graph body (n: 0..40) {
      t = input i64[]
      g = input bool[]
      i = input i64[]
      s = input f32[n, 8]
      x = input f32[n, 8]
      one = constant i64[] 1
      lim = constant i64[] 7
      i2 = add i64[] (i, one)
      more = lt bool[] (i2, lim)
      s2 = add f32[n, 8] (s, x)
      results more, i2, s2
    }
  }
  h, ys = loop f32[8], f32[3, n, 8] (y0, s) trip 3 carried 1 scanned 0 {
    graph outer (n: 0..40) {
      t = input i64[]
      h = input f32[8]
      s = input f32[n, 8]
      two = constant i64[] 1
      odd = eq bool[] (t, two)
      r = if f32[8] (odd, h, s) {
        graph then (n: 0..40) {
          h = input f32[8]
          s = input f32[n, 8]
          k = loop f32[8] (h, s) trip n carried 1 scanned 1 {
            graph inner {
              t = input i64[]
              h = input f32[8]
              row = input f32[8]
              m = mul f32[8] (h, row)
              q = tanh f32[8] (m)
              results q
            }
          }
          results k
        }
        graph else (n: 0..40) {
          h = input f32[8]
          s = input f32[n, 8]
          results h
        }
      }
      hb = broadcast f32[n, 8] (r) dims = [1]
      z = add f32[n, 8] (s, hb)
      results r, z
    }
  }
  results s, i, h, ys, go
})"},
    // Sizes that the run decides: of a loop, of what is stacked, of outputs.
    {"counted", R"(graph counted (n: 0..40 ~ 17) {
  x = input f32[n, 8]
  k = input i64[n]
  seven = constant i64[] 7
  all = reduce i64[] (k) max dims = [0] identity -9223372036854775808
  few = bit_and i64[] (all, seven)
  m = bind i64[] (few) symbol m 0..7
  first = reduce f32[8] (x) add dims = [0] identity -0
  h, ys = loop f32[8], f32[m, 8] (first, x) trip m carried 1 scanned 0 {
    graph body (n: 0..40) {
      t = input i64[]
      h = input f32[8]
      x = input f32[n, 8]
      s = reduce f32[8] (x) add dims = [0] identity -0
      hs = mul f32[8] (h, s)
      z = tanh f32[8] (hs)
      results z, stacked = z
    }
  }
  e = exp f32[m, 8] (ys)
  two = constant i64[] 2
  more = mul i64[] (m, two)
  m2 = bind i64[] (more) symbol m2 0..14
  i = iota f32[m2, 3] dim 0
  j = exp f32[m2, 3] (i)
  results h, e, count = m2, j
})"},
    // Sizes that regions decide: of a carried value, of slices, of a branch; one loop in another.
    {"grown", R"(graph grown (n: 0..40 ~ 17, m: 0..7, grown: 0.., slices: 0.., taken: 0..) {
  x = input f32[n, 8]
  k = input i64[n]
  c = input bool[]
  seven = constant i64[] 7
  all = reduce i64[] (k) max dims = [0] identity -9223372036854775808
  few = bit_and i64[] (all, seven)
  b = bind i64[] (few) symbol m 0..7
  first = reduce f32[8] (x) add dims = [0] identity -0
  g, h, ys = loop f32[grown, 8], f32[8], f32[m, slices, 3] (x, first, few)
    trip m carried 2 scanned 0 {
    graph body (n: 0..40, m: 0..7, p: 0.., inner: 0..) {
      t = input i64[]
      g = input f32[p, 8]
      h = input f32[8]
      few = input i64[]
      s = reduce f32[8] (g) add dims = [0] identity -0
      z = tanh f32[8] (s)
      w = loop f32[inner, 8] (g, z) trip 2 carried 1 scanned 0 {
        graph double (n: 0..40, m: 0..7, p: 0.., q: 0..) {
          t = input i64[]
          w = input f32[q, 8]
          z = input f32[8]
          r = reindex f32[1, 8] (z) [i1] fill 0
          v = concat f32[q + 1, 8] (r, w) dim 0
          results v
        }
      }
      a = add f32[8] (h, z)
      size = bind i64[] (few) symbol few 0..7
      f = iota f32[few, 3] dim 1
      e = exp f32[few, 3] (f)
      results w, a, e
    }
  }
  e = exp f32[grown, 8] (g)
  y, s = if f32[taken, 8], f32[8] (c, g, x, h) {
    graph then (n: 0..40, m: 0..7, grown: 0.., slices: 0..) {
      g = input f32[grown, 8]
      x = input f32[n, 8]
      h = input f32[8]
      y = concat f32[grown + n, 8] (g, x) dim 0
      results y, h
    }
    graph else (n: 0..40, m: 0..7, grown: 0.., slices: 0..) {
      g = input f32[grown, 8]
      x = input f32[n, 8]
      h = input f32[8]
      count = size i64[] n
      one = constant i64[] 1
      more = add i64[] (count, one)
      b = bind i64[] (more) symbol more 0..41
      i = iota f32[more, 8] dim 0
      s = reduce f32[8] (g) max dims = [0] identity -inf
      results i, s
    }
  }
  results e, ys, y, s
})"},
    {"network", nullptr, network},
    {"parts", nullptr, many_parts},
};

Tensor noise(std::vector<int64_t> shape, uint32_t seed) {
  auto [tensor, bytes] = Tensor::make(DType::f32, std::move(shape));
  for (int64_t i = 0; i < tensor.count(); ++i) {
    seed = seed * 1664525u + 1013904223u;
    const float value = static_cast<float>(seed >> 8) / (1 << 23) - 1.0f;
    std::memcpy(bytes + 4 * i, &value, 4);
  }
  return tensor;
}

// Weights that `prepare` packs, a residual, a symbolic batch: what a network is made of.
Graph network() {
  using namespace ops;
  Graph graph("network");
  graph.add_symbol({"batch", 0, 3, 1, 2});
  Builder b(graph);
  const Value x = b.input("x", DType::f32, {Index::var("batch"), 5, 9, 9});
  ConvAttr same;
  same.pad_before = same.pad_after = {1, 1};
  const auto parameter = [&](const char* name, std::vector<int64_t> shape) {
    return b.parameter(name, noise(std::move(shape), name[1]));
  };
  const Value first = conv(b, x, parameter("w1", {18, 5, 3, 3}), parameter("b1", {18}), same);
  const Value one = b.apply(ScalarOp::relu, {first});
  const Value two = conv(b, one, parameter("w2", {18, 18, 3, 3}), parameter("b2", {18}), same);
  const Value sum = b.apply(ScalarOp::relu, {b.apply(ScalarOp::add, {one, two})});
  const Value flat = b.reshape(sum, {Index::var("batch"), 18 * 81});
  const Value scores = matmul(b, flat, parameter("w3", {18 * 81, 7}));
  graph.results = {{"probabilities", softmax(b, scores, {1})}, {"features", flat}};
  return graph;
}

// More parts than the text of one function has.
Graph many_parts() {
  Graph graph("parts");
  graph.add_symbol({"batch", 0, 3, 1, 2});
  Builder b(graph);
  std::vector<Value> parts;
  for (int n = 0; n < 20; ++n) {
    const Value x = b.input("x" + std::to_string(n), DType::f32, {Index::var("batch"), 1 + n % 9});
    parts.insert(parts.end(), {x, b.apply(n % 2 ? ScalarOp::relu : ScalarOp::exp, {x})});
  }
  graph.results = {{"y", b.concat(parts, 1)}};
  return graph;
}

// Graph text and its side file, as a user would have them.
std::string write_model(const Named& named, const fs::path& folder) {
  const std::string file = (folder / "model.txt").string();
  if (named.text != nullptr) {
    std::ofstream(file) << named.text;
  } else {
    const Graph graph = named.make();
    std::ofstream(file) << print(graph);
    write_blobs(blobs_of(graph), file + ".blobs");
  }
  return file;
}

std::vector<std::string> levels_here() {
  std::vector<std::string> levels;
  for (const Target* target : all_targets()) {
    for (const TargetInfo& level : target->levels()) {
      if (target->host_supports(level)) {
        levels.push_back(level.level);
      } else {
        std::printf("level %s is skipped: this CPU lacks it\n", level.level.c_str());
      }
    }
  }
  return levels;
}

// A folder and a cache of its own for each test.
struct TestFolder {
  fs::path folder;
  CompileContext context;

  TestFolder() {
    std::string path = (fs::temp_directory_path() / "mintor-driver-test.XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder = path;
    context.options.cache_dir = path + "/cache";
    context.options.verify_passes = true;
  }
  ~TestFolder() { fs::remove_all(folder); }
};

struct Chain : testing::TestWithParam<Named>, TestFolder {};

std::vector<Tensor> expected(const Graph& graph, const Program& program,
                             const std::vector<Tensor>& inputs) {
  std::map<std::string, Tensor> named;
  for (size_t i = 0; i < inputs.size(); ++i) {
    named[program.buffers[program.entries[0].inputs[i]].name] = inputs[i];
  }
  return evaluate(graph, named).results;
}

void expect_same(const std::vector<Tensor>& got, const std::vector<Tensor>& wanted,
                 const std::string& who) {
  ASSERT_EQ(got.size(), wanted.size()) << who;
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_TRUE(same_bits(got[i], wanted[i])) << who << ", output " << i;
  }
}

std::map<std::string, Tensor> weights_of(const Program& program) {
  std::map<std::string, Tensor> weights;
  for (const Weight& weight : program.weights) weights[weight.value.sha256()] = weight.value;
  return weights;
}

TEST_P(Chain, BitsAreEqualEverywhere) {
  const std::string file = write_model(GetParam(), folder);
  const Graph graph = optimise(context, load_model(context, file));
  EXPECT_EQ(graph.numerics_hash.size(), 64u);
  for (const std::string& level : levels_here()) {
    const Program program = build_program(context, graph, {level});
    const std::vector<Tensor> inputs = seeded_inputs(program, program.entries[0], 7);
    const std::vector<Tensor> wanted = expected(graph, program, inputs);
    expect_same(interpret(program, inputs, 0), wanted, "interpreter at " + level);
    const std::string text = print(program);
    EXPECT_EQ(print(parse_program(text, weights_of(program))), text);
    for (const char* compiler : {"llvm", "system"}) {
      if (std::string(compiler) == "llvm" && llvm_library_path().empty()) continue;
      context.options.jit = compiler;
      for (const int threads : {1, 3}) {
        LoadOptions load;
        load.threads = threads;
        const std::string who =
            std::string(compiler) + " at " + level + " on " + std::to_string(threads);
        expect_same(jit(context, program, load)->run(inputs), wanted, who);
      }
    }
  }
  context.options.jit = "auto";
}

std::vector<Tensor> inputs_at(const Program& program, int64_t size) {
  std::vector<Tensor> inputs;
  for (const int32_t id : program.entries[0].inputs) {
    std::vector<int64_t> shape;
    for (const Index& extent : program.buffers[id].shape) {
      shape.push_back(extent.evaluate([=](std::string_view) { return size; }));
    }
    inputs.push_back(seeded_tensor(program.buffers[id].dtype, shape, static_cast<uint64_t>(id)));
  }
  return inputs;
}

// One context after another size, and none: sizes are expressions of the last binding.
TEST_P(Chain, EverySizeOfASymbolHasTheSameBits) {
  const Graph graph = optimise(context, load_model(context, write_model(GetParam(), folder)));
  for (const std::string& level : levels_here()) {
    const Program program = build_program(context, graph, {level});
    if (program.symbols.empty()) GTEST_SKIP() << "no symbols";
    const auto model = jit(context, program);
    for (const int64_t size : {3, 0, 1, 2}) {
      const std::vector<Tensor> inputs = inputs_at(program, size);
      const std::string who = level + " at size " + std::to_string(size);
      const std::vector<Tensor> wanted = expected(graph, program, inputs);
      expect_same(interpret(program, inputs, 0), wanted, "interpreter, " + who);
      expect_same(model->run(inputs), wanted, "jit, " + who);
    }
  }
}

size_t number_of(const Named& graph) {
  const std::string_view name = graph.name;
  return static_cast<size_t>(std::ranges::find(kGraphs, name, &Named::name) - kGraphs);
}

// By one compiler and the next graph's by the other; tests/models has networks by both.
TEST_P(Chain, ThePackageHasTheSameBits) {
  const std::string file = write_model(GetParam(), folder);
  const Graph graph = optimise(context, load_model(context, file));
  const Program program = build_program(context, graph, levels_here());
  const std::vector<Tensor> inputs = seeded_inputs(program, program.entries[0], 7);
  const std::vector<Tensor> wanted = expected(graph, program, inputs);
  const std::string directory = (folder / "package").string();
  write_program_package(context, program, {}, directory);
  BuildOptions build;
  build.compiler = number_of(GetParam()) % 2 == 0 ? "gcc" : "clang-16";
  build.extra_flags = {"-Wall", "-Wextra", "-Werror"};
  ASSERT_NO_THROW(build_package(directory, build));
  for (const TargetInfo& level : program.levels) {
    LoadOptions load;
    load.level = level.level;
    expect_same(open_package(directory, load)->run(inputs), wanted,
                build.compiler + " at " + level.level);
  }
}

// One condition after the other, with nothing that is split between them: all threads have to see
// each before the next is read.
TEST(Branches, ThreadsTakeTheSameOnes) {
  TestFolder test;
  const std::string text =
      "graph choices {\n x = input f32[300, 300]\n a = input bool[]\n b = input bool[]\n"
      " c = input bool[]\n y = if f32[300, 300] (a, x, b, c) {\n graph then {\n"
      " x = input f32[300, 300]\n b = input bool[]\n c = input bool[]\n"
      " y = if f32[300, 300] (b, x, c) {\n graph then {\n x = input f32[300, 300]\n"
      " c = input bool[]\n y = if f32[300, 300] (c, x) {\n"
      " graph then {\n x = input f32[300, 300]\n y = tanh f32[300, 300] (x)\n results y }\n"
      " graph else {\n x = input f32[300, 300]\n y = exp f32[300, 300] (x)\n results y }\n }\n"
      " results y }\n graph else {\n x = input f32[300, 300]\n c = input bool[]\n"
      " y = neg f32[300, 300] (x)\n results y }\n }\n results y }\n"
      " graph else {\n x = input f32[300, 300]\n b = input bool[]\n c = input bool[]\n"
      " y = relu f32[300, 300] (x)\n results y }\n }\n results y }";
  const Graph graph = optimise(test.context, parse_graph(text));
  const Program program = build_program(test.context, graph, {"v3"});
  LoadOptions load;
  load.threads = 3;
  const auto model = jit(test.context, program, load);
  const Tensor x = noise({300, 300}, 1);
  const auto flag = [](int bit) { return Tensor::scalar(Scalar::of_int(DType::boolean, bit & 1)); };
  std::vector<std::vector<Tensor>> wanted;
  for (int bits = 0; bits < 8; ++bits)
    wanted.push_back(expected(graph, program, {x, flag(bits), flag(bits >> 1), flag(bits >> 2)}));
  for (int run = 0; run < 4000; ++run) {
    const int bits = run * 5 % 8;
    ASSERT_TRUE(same_bits(model->run({x, flag(bits), flag(bits >> 1), flag(bits >> 2)})[0],
                          wanted[bits][0]))
        << "run " << run;
  }
}

TEST_P(Chain, EqualInputsGiveEqualText) {
  const std::string file = write_model(GetParam(), folder);
  std::string first;
  for (int i = 0; i < 2; ++i) {
    CompileContext fresh(context.options);
    const Graph graph = optimise(fresh, load_model(fresh, file));
    std::string all;
    const Program program = build_program(fresh, graph, {"v3", "v4"});
    for (const EmittedSource& source : emit_source(program)) {
      all += source.file + "\n" + source.text;
    }
    if (i == 0) first = all;
    EXPECT_EQ(all, first);
  }
}

INSTANTIATE_TEST_SUITE_P(Graphs, Chain, testing::ValuesIn(kGraphs),
                         [](const auto& info) { return std::string(info.param.name); });

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const CompileError& error) {
    return error.what();
  }
  return "no error";
}

void expect_message(const std::string& message, const std::string& part) {
  EXPECT_NE(message.find(part), std::string::npos) << message;
}

struct Errors : testing::Test, TestFolder {
  std::string model(const std::string& text) {
    const std::string file = (folder / "model.txt").string();
    std::ofstream(file) << text;
    return file;
  }
  Program program(const std::string& text) {
    return build_program(context, optimise(context, load_model(context, model(text))),
                         {"reference"});
  }
};

TEST_F(Errors, OfLoading) {
  expect_message(message_of([&] { load_model(context, "/nowhere/model.onnx"); }),
                 "'/nowhere/model.onnx' cannot be opened");
  expect_message(message_of([&] { load_model(context, folder.string()); }), "is a folder");
  context.options.shapes = {"x=1x3"};
  expect_message(message_of([&] { load_model(context, model(kGraphs[1].text)); }),
                 "--shape is 'x=1x3' for a graph's text");
}

TEST_F(Errors, OfSizesThatNothingBinds) {
  expect_message(message_of([&] {
                   program(
                       "graph g (n: 0..4) {\n  x = input f32[2*n]\n"
                       "  r = relu f32[2*n] (x)\n  results r\n}\n");
                 }),
                 "no input has the size 'n'");
  expect_message(message_of([&] {
                   emit_source(
                       program("graph g (n: 0..4) {\n  a = input f32[n]\n"
                               "  x = input f32[2*n]\n  r = relu f32[2*n] (x)\n"
                               "  results r\n}\n"));
                 }),
                 "input 'x' has the size 2*n");
}

TEST_F(Errors, OfCasesThatDoNotFit) {
  const Program dense = program(kGraphs[1].text);
  Case given;
  given.inputs = {{"x", noise({2, 20}, 1)}, {"yy", noise({20, 37}, 2)}};
  const auto write = [&] {
    write_program_package(context, dense, {given}, (folder / "package").string());
  };
  expect_message(message_of(write), "there is no input 'yy'");
  given.inputs.erase("yy");
  expect_message(message_of(write), "input 'y' is missing");
}

}  // namespace
}  // namespace mintor
