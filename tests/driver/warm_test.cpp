// SPDX-License-Identifier: Apache-2.0
// Programs found by their structure: what hits, what misses, and that a hit is never stale. Takes a
// graph as text with its seeds, names and numbers filled in; gives pass or fail. Keeps true: each
// test has its own cache; a hit is told by no pass having run.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "compiler/codegen/target.h"
#include "compiler/driver/driver.h"
#include "compiler/driver/program_record.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/seeded.h"
#include "compiler/ir/text.h"
#include "compiler/support/build_id.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

namespace fs = std::filesystem;

// Two layers, a constant that is a weight of its own, one that stands in the text, and a sum.
struct Variant {
  std::string name = "layers", scope = "first", scale = "0.5";
  int w1 = 1, b1 = 2, b2 = 3, table = 4;
  bool b_is_given = false;  // b2 := the values of b1

  std::string text() const {
    return "graph " + name + R"( (batch: 0..9 ~ 5) {
  x = input f32[batch, 20]
  w1 = parameter f32[20, 33] random )" +
           std::to_string(w1) + R"(
  b1 = parameter f32[33] random )" +
           std::to_string(b1) + R"(
  b2 = parameter f32[33] random )" +
           std::to_string(b_is_given ? b1 : b2) + R"(
  table = constant f32[33] random )" +
           std::to_string(table) + R"(
  half = constant f32[] )" +
           scale + R"(
  z = contract f32[batch, 33] (x, w1) m = batch, n = 33, k = 20 | x[m, k] y[k, n] @ )" +
           scope + R"(
  c1 = broadcast f32[batch, 33] (b1) dims = [1]
  s1 = add f32[batch, 33] (z, c1) @ )" +
           scope + R"(
  r = relu f32[batch, 33] (s1)
  c2 = broadcast f32[batch, 33] (b2) dims = [1]
  s2 = mul f32[batch, 33] (r, c2)
  c3 = broadcast f32[batch, 33] (table) dims = [1]
  s3 = add f32[batch, 33] (s2, c3)
  h = broadcast f32[batch, 33] (half) dims = []
  y = mul f32[batch, 33] (s3, h)
  results y
})";
  }
  Graph graph() const { return parse_graph(text()); }
};

// Another level than the scalar one; "reference" again where there is none.
std::string vector_level() { return find_level("native").level; }

struct Warm : testing::Test {
  fs::path folder;
  Options options;

  Warm() {
    std::string path = (fs::temp_directory_path() / "mintor-warm-test.XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder = path;
    options.cache_dir = path + "/cache";
  }
  ~Warm() override { fs::remove_all(folder); }

  struct Opened {
    std::unique_ptr<LoadedModel> model;
    bool found = false;
  };
  Opened open(const Variant& variant, const std::vector<std::string>& levels = {"reference"},
              int threads = 1) const {
    CompileContext context(options);
    Graph graph = variant.graph();
    LoadOptions load;
    load.threads = threads;
    Opened opened{jit(context, graph, levels, load), false};
    opened.found = context.pass_times.empty();
    EXPECT_EQ(graph.numerics_hash.empty(), opened.found);
    return opened;
  }

  // Whether the cache knew it; in any case it gives what the evaluator gives.
  bool is_found(const Variant& variant, const std::vector<std::string>& levels = {"reference"},
                int threads = 1) const {
    const Opened opened = open(variant, levels, threads);
    const Tensor x = seeded_tensor(DType::f32, {4, 20}, 1);
    Options plain = options;
    plain.disable_pass.clear();
    CompileContext context(plain);
    const Graph optimised = optimise(context, variant.graph());
    const Tensor wanted = evaluate(optimised, {{"x", x}}).results[0];
    EXPECT_TRUE(same_bits(opened.model->run(std::vector<Tensor>{x})[0], wanted));
    EXPECT_EQ(opened.model->info().name, variant.name);
    return opened.found;
  }

  std::vector<fs::path> entries(const std::string& extension) const {
    std::vector<fs::path> found;
    for (const auto& item : fs::directory_iterator(options.cache_dir))
      if (item.path().extension() == extension) found.push_back(item.path());
    return found;
  }
};

TEST_F(Warm, ThisBuildHasAnIdentity) { EXPECT_GE(build_id().size(), 16u) << build_id(); }

TEST_F(Warm, OtherWeightsAndNamesHit) {
  EXPECT_FALSE(is_found({}));
  EXPECT_TRUE(is_found({}));
  EXPECT_TRUE(is_found({.w1 = 7, .b1 = 8, .b2 = 9}));
  EXPECT_TRUE(is_found({.name = "other"}));
  EXPECT_EQ(entries(".so").size(), 1u);
  EXPECT_EQ(entries(".program").size(), 1u);
}

TEST_F(Warm, AChangedConstantMisses) {
  EXPECT_FALSE(is_found({}));
  EXPECT_FALSE(is_found({.scale = "0.25"}));
  EXPECT_FALSE(is_found({.table = 5}));
  EXPECT_TRUE(is_found({.table = 5}));
}

// Equal parameters share one place in memory: that they are is part of the key, both ways.
TEST_F(Warm, ParametersThatBecomeEqualMiss) {
  EXPECT_FALSE(is_found({}));
  EXPECT_FALSE(is_found({.b_is_given = true}));
  EXPECT_TRUE(is_found({.b1 = 6, .b_is_given = true}));
  EXPECT_TRUE(is_found({.b1 = 6}));
}

// A parameter and a constant of equal bytes have places of their own: constants are in the key by
// their bytes, parameters are not.
TEST_F(Warm, AParameterThatEqualsAConstantHits) {
  EXPECT_FALSE(is_found({.b2 = 4, .table = 4}));
  EXPECT_TRUE(is_found({.b2 = 5, .table = 4}));
}

TEST_F(Warm, LevelsAndOptionsMissThreadsHit) {
  EXPECT_FALSE(is_found({}));
  EXPECT_FALSE(is_found({}, {vector_level()}));
  EXPECT_TRUE(is_found({}, {"reference"}, 2));
  options.numerics = "strict";
  EXPECT_FALSE(is_found({}));
  options.numerics = "default";
  options.disable_pass = {"pack_operands"};
  EXPECT_FALSE(is_found({}));
  EXPECT_TRUE(is_found({}));
  options.disable_pass.clear();
  EXPECT_FALSE(is_found({.scope = "second"}));  // kernels are named after scopes
  EXPECT_TRUE(is_found({}));
}

TEST_F(Warm, WhoWantsToSeeThePassesRunsThem) {
  is_found({});
  for (bool Options::* option : {&Options::explain, &Options::verify_passes}) {
    options.*option = true;
    EXPECT_FALSE(is_found({}));
    options.*option = false;
  }
  EXPECT_TRUE(is_found({}));
}

TEST_F(Warm, TheOtherCompilerMisses) {
  is_found({});
  options.jit = "system";
  CompileContext system(options);
  options.jit = "auto";
  CompileContext usual(options);
  const Graph graph = Variant{}.graph();
  const bool llvm_is_here = program_key(usual, {&graph, 1}, {"reference"}) !=
                            program_key(system, {&graph, 1}, {"reference"});
  if (!llvm_is_here) GTEST_SKIP() << "built without LLVM: the system's compiler is the usual one";
  options.jit = "system";
  EXPECT_FALSE(is_found({}));
  EXPECT_TRUE(is_found({}));
}

TEST_F(Warm, DamagedAndMissingEntriesAreMadeAgain) {
  is_found({});
  fs::remove(entries(".so")[0]);
  EXPECT_FALSE(is_found({}));
  EXPECT_TRUE(is_found({}));
  fs::resize_file(entries(".program")[0], 40);
  EXPECT_FALSE(is_found({}));
  std::fstream(entries(".program")[0]).seekp(60).put('\x5a');
  EXPECT_FALSE(is_found({}));
  EXPECT_TRUE(is_found({}));
}

// Nothing that plans or emits reads the value of a parameter, apart from which of them are equal.
TEST_F(Warm, ValuesDecideNothing) {
  std::string texts[2];
  for (const int seed : {0, 1}) {
    CompileContext context(options);
    const Graph graph =
        optimise(context, Variant{.w1 = 1 + 10 * seed, .b1 = 2 + 10 * seed}.graph());
    Program program = build_program(context, graph, {"v3", "v4"});
    EXPECT_EQ(program.numerics_hash, graph.numerics_hash);
    program.numerics_hash.clear();
    for (Weight& weight : program.weights)
      weight.value = Tensor::zeros(weight.value.dtype, weight.value.shape);
    texts[seed] = print(program);
  }
  EXPECT_EQ(texts[0], texts[1]);
}

TEST_F(Warm, AnOptimisedGraphIsFoundToo) {
  for (const bool found : {false, true}) {
    CompileContext context(options);
    Graph graph = optimise(context, Variant{}.graph());
    CompileContext second(options);
    second.progress = [&](const std::string& stage, int64_t, int64_t) {
      EXPECT_FALSE(found) << stage;
    };
    const auto model = jit(second, graph, {"reference"});
    EXPECT_TRUE(second.pass_times.empty());
    const Tensor x = seeded_tensor(DType::f32, {4, 20}, 1);
    EXPECT_TRUE(
        same_bits(model->run(std::vector<Tensor>{x})[0], evaluate(graph, {{"x", x}}).results[0]));
  }
}

TEST_F(Warm, RecordsComeBackWhole) {
  CompileContext context(options);
  const Graph graph = optimise(context, Variant{}.graph());
  const ProgramRecord record = record_of(build_program(context, graph, {"reference"}), "key");
  const std::string bytes = to_bytes(record);
  const auto back = record_from(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(to_bytes(*back), bytes);
  EXPECT_EQ(back->weights.size(), record.weights.size());
  for (size_t size = 0; size < bytes.size(); ++size) {
    const auto part = record_from(bytes.substr(0, size));
    EXPECT_TRUE(!part || part->weights.size() < record.weights.size());  // cut between two pieces
  }
}

constexpr char kDense[] = R"(graph dense {
  x = input f32[40, 300]
  w = parameter f32[300, 64] random 1
  b = parameter f32[64] random 2
  z = contract f32[40, 64] (x, w) m = 40, n = 64, k = 300 | x[m, k] y[k, n]
  c = broadcast f32[40, 64] (b) dims = [1]
  r = add f32[40, 64] (z, c)
  results r
})";

// What was packed is not kept beside what was made of it; where parameters can be set, it is.
TEST_F(Warm, WeightsThatOnlyPreparationReadsAreGivenBack) {
  for (const bool settable : {false, true}) {
    Options own = options;
    own.settable_parameters = settable;
    CompileContext context(own);
    const Program program = build_program(context, optimise(context, parse_graph(kDense)), {"v4"});
    const auto back = record_from(to_bytes(record_of(program, "key")));
    ASSERT_TRUE(back);
    WeightsBlock block = weights_block(program);
    block.release_prepared();
    ASSERT_EQ(back->weights.size(), 2u);
    for (size_t n = 0; n < 2; ++n) {
      const ProgramRecord::Piece& piece = back->weights[n];
      const Tensor& value = program.weights[n].value;
      EXPECT_EQ(piece.only_prepared, !settable && piece.parameter == "w");
      const auto* lies = reinterpret_cast<const float*>(block.bytes().data + piece.offset);
      int64_t kept = 0;
      for (int64_t i = 0; i < value.count(); ++i) kept += lies[i] == value.as<float>()[i];
      if (piece.only_prepared)
        EXPECT_LT(kept, value.count() / 4);  // at its ends, parts of pages
      else
        EXPECT_EQ(kept, value.count());
    }
  }
}

TEST_F(Warm, OpensNoCompiler) {
  EXPECT_FALSE(is_found({}));
  const pid_t child = fork();
  if (child == 0) {  // exec, so that nothing is inherited
    setenv("MINTOR_TEST_CACHE", options.cache_dir.c_str(), 1);
    execl("/proc/self/exe", "warm", "--gtest_filter=WarmChild.*", nullptr);
    _exit(9);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(WarmChild, FindsTheProgram) {
  const char* cache = std::getenv("MINTOR_TEST_CACHE");
  if (cache == nullptr) GTEST_SKIP() << "started by Warm.OpensNoCompiler";
  CompileContext context;
  context.options.cache_dir = cache;
  Graph graph = Variant{}.graph();
  const auto model = jit(context, graph, {"reference"});
  EXPECT_TRUE(context.pass_times.empty());
  std::ifstream file("/proc/self/maps");
  const std::string maps{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(maps.find("libLLVM"), std::string::npos);
  EXPECT_EQ(maps.find("libclang"), std::string::npos);
}

}  // namespace
}  // namespace mintor
