// SPDX-License-Identifier: Apache-2.0
// Models of several entries that share parameters: what one updates the others see. Takes graphs as
// text; the evaluator with the parameters of the run before is the oracle, bits equal.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "compiler/driver/driver.h"
#include "compiler/graph/join_entries.h"
#include "compiler/graph/rewrite.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/seeded.h"
#include "compiler/ir/text.h"
#include "compiler/package/builder.h"
#include "compiler/package/package.h"
#include "tests/driver/random_graphs.h"
#include "tests/driver/with_parameters.h"
#include "tests/golden/same_bits.h"

namespace mintor {
namespace {

namespace fs = std::filesystem;

// `u` is never updated, and packed once for two entries; `w` is a state of all. The batch of
// `train_step` is another size than that of the others; `grads` gives a result the name of a
// parameter, `apply` an input.
constexpr const char* kModel = R"(graph forward (batch: 1..8 ~ 3) {
  x = input f32[batch, 4]
  w = parameter f32[4, 24] random 1
  u = parameter f32[24, 24] random 5
  p = contract f32[batch, 24] (x, w) m = batch, n = 24, k = 4 | x[m, k] y[k, n]
  r = relu f32[batch, 24] (p)
  q = contract f32[batch, 24] (r, u) m = batch, n = 24, k = 24 | x[m, k] y[k, n]
  results q
}
graph train_step (batch: 1..32 ~ 5) {
  x = input f32[batch, 4]
  y = input f32[batch, 24]
  w = parameter f32[4, 24] random 1
  u = parameter f32[24, 24] random 5
  n = parameter i64[] 0
  p = contract f32[batch, 24] (x, w) m = batch, n = 24, k = 4 | x[m, k] y[k, n]
  q = contract f32[batch, 24] (p, u) m = batch, n = 24, k = 24 | x[m, k] y[k, n]
  e = sub f32[batch, 24] (p, y)
  g = contract f32[4, 24] (x, e) m = 4, n = 24, k = batch | x[k, m] y[k, n]
  c = constant f32[] 0.125
  b = broadcast f32[4, 24] (c) dims = []
  s = mul f32[4, 24] (g, b)
  w2 = sub f32[4, 24] (w, s)
  one = constant i64[] 1
  n2 = add i64[] (n, one)
  results q, count = n2
  updates w := w2, n := n2
}
graph grads (batch: 1..8 ~ 3) {
  x = input f32[batch, 4]
  y = input f32[batch, 24]
  w = parameter f32[4, 24] random 1
  p = contract f32[batch, 24] (x, w) m = batch, n = 24, k = 4 | x[m, k] y[k, n]
  e = sub f32[batch, 24] (p, y)
  g = contract f32[4, 24] (x, e) m = 4, n = 24, k = batch | x[k, m] y[k, n]
  results w = g
}
graph apply {
  g = input "w" f32[4, 24]
  w = parameter f32[4, 24] random 1
  w2 = sub f32[4, 24] (w, g)
  results updated = w2
  updates w := w2
}
)";

// A run of an entry, with the size of its batch where it has one.
struct Call {
  std::string entry;
  int64_t batch;
};

std::map<std::string, Tensor> inputs_of_call(const Graph& graph, const Call& call, uint64_t seed) {
  std::map<std::string, Tensor> inputs;
  for (const Node* node : inputs_of(graph)) {
    std::vector<int64_t> shape;
    for (const Index& e : node->results[0].shape)
      shape.push_back(e.evaluate([&](std::string_view) { return call.batch; }));
    inputs[node->as<InputAttr>().name] = seeded_tensor(DType::f32, shape, seed++);
  }
  return inputs;
}

struct Entries : testing::Test {
  fs::path folder;
  CompileContext context;
  std::vector<Graph> graphs = parse_graphs(kModel);
  Program program;

  Entries() {
    std::string path = (fs::temp_directory_path() / "mintor-entries-test.XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder = path;
    context.options.cache_dir = path + "/cache";
    context.options.verify_passes = true;
    optimise(context, graphs);
    program = build_program(context, graphs, {"reference", "v3"});
  }
  ~Entries() override { fs::remove_all(folder); }

  const Graph& graph_of(const std::string& entry) const {
    return *std::ranges::find(graphs, entry, &Graph::name);
  }

  std::vector<Tensor> in_order(const std::string& entry,
                               const std::map<std::string, Tensor>& named) const {
    std::vector<Tensor> inputs;
    for (const int32_t id : program.entries[find_entry(program, entry)].inputs)
      inputs.push_back(named.at(port_name(program.buffers[id])));
    return inputs;
  }

  // By the name of the parameter, in order of the program's states.
  std::vector<Tensor> states_of(const std::map<std::string, Tensor>& parameters) const {
    std::vector<Tensor> states;
    for (const State& state : program.states)
      states.push_back(parameters.at(port_name(program.buffers[state.buffer])));
    return states;
  }

  std::map<std::string, Tensor> first_values() const {
    std::map<std::string, Tensor> values;
    for (const Graph& graph : graphs)
      for (const auto& node : graph.nodes())
        if (node->kind == Kind::parameter)
          values[node->as<ParameterAttr>().name] = node->as<ParameterAttr>().value;
    return values;
  }

  std::unique_ptr<LoadedModel> package_by(const std::string& compiler, int threads) {
    const std::string directory = (folder / compiler).string();
    if (!fs::exists(directory)) {
      write_program_package(context, program, {}, directory);
      BuildOptions build;
      build.compiler = compiler;
      build_package(directory, build);
    }
    LoadOptions load;
    load.threads = threads;
    return open_package(directory, load);
  }
};

void expect_same(const std::vector<Tensor>& got, const std::vector<Tensor>& wanted,
                 const std::string& who) {
  ASSERT_EQ(got.size(), wanted.size()) << who;
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_TRUE(same_bits(got[i], wanted[i])) << who << ", " << i;
}

TEST_F(Entries, SeeWhatTheOthersUpdate) {
  std::vector<std::pair<std::string, std::unique_ptr<LoadedModel>>> models;
  for (const int threads : {1, 3}) {
    LoadOptions load;
    load.threads = threads;
    const std::string with = " with " + std::to_string(threads) + " threads";
    models.emplace_back("jit" + with, jit(context, program, load));
    for (const std::string compiler : {"gcc", "clang-16"})
      models.emplace_back("package by " + compiler + with, package_by(compiler, threads));
  }
  std::vector<Graph> loaded = parse_graphs(kModel);
  models.emplace_back("jit of graphs", jit(context, loaded, {"reference", "v3"}));
  std::map<std::string, Tensor> parameters = first_values();
  std::vector<Tensor> interpreted;
  const std::vector<Call> calls = {{"forward", 3},     {"train_step", 5}, {"forward", 3},
                                   {"grads", 2},       {"apply", 1},      {"forward", 8},
                                   {"train_step", 32}, {"train_step", 7}, {"grads", 1}};
  uint64_t seed = 1;
  for (const Call& call : calls) {
    const Graph& graph = graph_of(call.entry);
    const auto inputs = inputs_of_call(graph, call, seed += 10);
    const Evaluation wanted = evaluate(with_parameters(graph, parameters), inputs);
    for (size_t u = 0; u < graph.updates.size(); ++u)
      parameters[graph.updates[u].parameter] = wanted.updates[u];
    const std::string at = ", " + call.entry + " of " + std::to_string(call.batch);
    const Entry& entry = program.entries[find_entry(program, call.entry)];
    const std::vector<Tensor> given = in_order(call.entry, inputs);
    const std::vector<Tensor> states = states_of(parameters);
    expect_same(interpret(program, entry, given, 0, &interpreted), wanted.results,
                "interpreter" + at);
    expect_same(interpreted, states, "states of the interpreter" + at);
    for (const auto& [who, model] : models) {
      expect_same(model->run(call.entry, given), wanted.results, who + at);
      expect_same(model->context().states(), states, "states of " + who + at);
    }
  }
}

TEST_F(Entries, ShareWhatIsPackedAndNameWhatTheyHave) {
  const auto model = jit(context, program);
  const mt_model_info& info = model->info();
  ASSERT_EQ(info.entry_count, 4);
  std::vector<std::string> names, states;
  for (int32_t i = 0; i < info.entry_count; ++i) names.emplace_back(info.entries[i].name);
  for (int32_t i = 0; i < info.state_count; ++i) states.emplace_back(info.states[i].name);
  EXPECT_EQ(names, (std::vector<std::string>{"forward", "train_step", "grads", "apply"}));
  EXPECT_EQ(states, (std::vector<std::string>{"w", "n"}));
  EXPECT_STREQ(info.entries[2].outputs[0].name, "w");
  EXPECT_STREQ(info.entries[3].inputs[0].name, "w");
  EXPECT_EQ(info.input_count, 1);
  // The batch of `grads` is that of `forward`; of another range, another size.
  ASSERT_EQ(info.symbol_count, 2);
  EXPECT_STREQ(info.entries[2].inputs[0].symbol[0], "batch");
  EXPECT_STREQ(info.entries[1].inputs[0].symbol[0], "batch_");
  // One copy of `u` in 16-lane panels, and none of `w`.
  EXPECT_EQ(info.packed_bytes, 2 * 24 * 16 * 4);
  EXPECT_EQ(program.prepare.steps.size(), 1u);
}

TEST_F(Entries, ContextsAreIndependentAndReset) {
  const auto model = jit(context, program);
  const auto other = model->new_context();
  const auto forward = inputs_of_call(graph_of("forward"), {"forward", 3}, 7);
  const auto step = inputs_of_call(graph_of("train_step"), {"train_step", 4}, 8);
  const std::vector<Tensor> x = in_order("forward", forward);
  const std::vector<Tensor> before = other->run(x);
  model->run("train_step", in_order("train_step", step));
  expect_same(other->run(x), before, "another context");
  EXPECT_FALSE(same_bits(model->run(x)[0], before[0]));
  const Tensor trained = model->context().parameter("w");
  other->set_parameter("w", trained);
  expect_same(other->run(x), model->run(x), "a parameter that was set");
  model->context().reset();
  expect_same(model->run(x), before, "after a reset");
}

TEST_F(Entries, PrintAndParseBack) {
  std::string text;
  for (const Graph& graph : graphs) text += print(graph);
  Blobs blobs;
  for (const Graph& graph : graphs) blobs.merge(blobs_of(graph));
  const std::vector<Graph> again = parse_graphs(text, blobs);
  std::string printed;
  for (const Graph& graph : again) printed += print(graph);
  EXPECT_EQ(printed, text);
  EXPECT_EQ(graph_of("forward").states, std::vector<std::string>{"w"});
  EXPECT_TRUE(graph_of("apply").states.empty());  // it updates w itself
  std::map<std::string, Tensor> bytes;
  for (const Weight& weight : program.weights) bytes[weight.value.sha256()] = weight.value;
  EXPECT_EQ(print(parse_program(print(program), bytes)), print(program));
}

TEST_F(Entries, PackagesVerifyEachEntry) {
  package_by("gcc", 1);
  const std::string directory = (folder / "gcc").string();
  const Manifest manifest = read_manifest(directory);
  ASSERT_EQ(manifest.entries.size(), 4u);
  ASSERT_EQ(manifest.cases.size(), 4u);
  EXPECT_EQ(manifest.cases[1].entry, "train_step");
  EXPECT_EQ(manifest.entries[1].inputs[1].name, "y");
  const std::string verify =
      "make -s -C " + directory + " CC=gcc CXX=g++ all verify > /dev/null 2>&1";
  EXPECT_EQ(std::system(verify.c_str()), 0);
  const std::string example =
      "cd " + directory + " && build/example --entry train_step --repeat 2 > out.txt";
  EXPECT_EQ(std::system(example.c_str()), 0);
}

// Both bind a size as they run, by the same name.
constexpr const char* kCounting = R"(graph count (n: 1..40 ~ 5) {
  x = input f32[n]
  k = input i64[]
  w = parameter f32[] 2
  m = bind i64[] (k) symbol m 0..7
  i = iota f32[m, 3] dim 0
  b = broadcast f32[m, 3] (w) dims = []
  y = mul f32[m, 3] (i, b)
  s = reduce f32[] (x) add dims = [0] identity -0
  results y, s
}
graph grow (n: 1..40 ~ 5) {
  x = input f32[n]
  k = input i64[]
  w = parameter f32[] 2
  s = reduce f32[] (x) add dims = [0] identity -0
  m = bind i64[] (k) symbol m 0..9
  i = iota f32[2*m, n] dim 0
  b = broadcast f32[2*m, n] (w) dims = []
  y = add f32[2*m, n] (i, b)
  w2 = add f32[] (w, s)
  results y
  updates w := w2
})";

std::map<std::string, Tensor> counting_inputs(int64_t n, int64_t k) {
  return {{"x", seeded_tensor(DType::f32, {n}, 3)}, {"k", Tensor::copy_of(DType::i64, {}, &k)}};
}

TEST_F(Entries, BindSizesOfTheirOwnAsTheyRun) {
  std::vector<Graph> counting = parse_graphs(kCounting);
  optimise(context, counting);
  program = build_program(context, counting, {"reference"});
  const auto model = jit(context, program);
  std::map<std::string, Tensor> parameters;
  std::vector<Tensor> interpreted;
  const std::vector<std::array<int64_t, 3>> calls = {{0, 5, 7},  {1, 4, 9}, {0, 40, 2},
                                                     {1, 40, 0}, {1, 1, 3}, {0, 1, 0}};
  for (const auto& [e, n, k] : calls) {
    const Graph& graph = counting[static_cast<size_t>(e)];
    const auto inputs = counting_inputs(n, k);
    const Evaluation wanted = evaluate(with_parameters(graph, parameters), inputs);
    if (e == 1) parameters["w"] = wanted.updates[0];
    const Entry& entry = program.entries[static_cast<size_t>(e)];
    const std::vector<Tensor> given = in_order(entry.name, inputs);
    const std::string at = entry.name + " of " + std::to_string(n) + ", " + std::to_string(k);
    expect_same(interpret(program, entry, given, 0, &interpreted), wanted.results, at);
    expect_same(model->run(entry.name, given), wanted.results, "jit, " + at);
  }
}

TEST_F(Entries, ReportTheirOwnKernels) {
  std::vector<std::string> kernels;
  LoadOptions load;
  load.profile = [](void* data, const char* kernel, int64_t, int64_t) {
    static_cast<std::vector<std::string>*>(data)->push_back(kernel);
  };
  load.profile_data = &kernels;
  const auto model = jit(context, program, load);
  for (int32_t e = 0; e < model->info().entry_count; ++e) {
    const mt_entry_info& entry = model->info().entries[e];
    const auto inputs = inputs_of_call(graph_of(entry.name), {entry.name, 2}, 3);
    kernels.clear();
    model->run(entry.name, in_order(entry.name, inputs));
    EXPECT_EQ(kernels, std::vector<std::string>(entry.kernels, entry.kernels + entry.kernel_count));
  }
}

std::string why_not(const std::string& text) {
  std::vector<Graph> graphs = parse_graphs(text);
  try {
    join_entries(graphs);
  } catch (const CompileError& error) {
    return error.problem();
  }
  return "";
}

std::string entry_of(const std::string& name, const std::string& parameter) {
  return "graph " + name + " {\n  w = parameter " + parameter +
         "\n  y = input f32[2]\n  results w, y\n}\n";
}

TEST(EntryErrors, SayWhatDiffers) {
  const std::string first = entry_of("forward", "f32[2] {1, 2}");
  EXPECT_EQ(why_not(first + entry_of("other", "f32[2] {1, 2}")), "");
  EXPECT_EQ(why_not(first + entry_of("other", "f32[3] {1, 2, 3}")),
            "the parameter 'w' is f32[2] in 'forward' and f32[3] in 'other'");
  EXPECT_EQ(why_not(first + entry_of("other", "f64[2] {1, 2}")),
            "the parameter 'w' is f32[2] in 'forward' and f64[2] in 'other'");
  EXPECT_EQ(why_not(first + entry_of("other", "f32[2] {1, 3}")),
            "the parameter 'w' has other values in 'other' than in 'forward'");
  EXPECT_EQ(why_not(first + first), "two entries are called 'forward'");
  EXPECT_EQ(why_not(first + entry_of("prepare", "f32[2] {1, 2}")),
            "an entry cannot be called 'prepare'");
  EXPECT_EQ(why_not(first + entry_of("\"a b\"", "f32[2] {1, 2}")), "'a b' is no name of an entry");
}

TEST_F(Entries, UnknownNamesAreNamed) {
  const auto model = jit(context, program);
  const auto message = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const CompileError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message([&] { model->run("train_stop", std::vector<Tensor>{}); }),
            "error: run: 'train_stop' is not an entry of 'model'\n  help: did you mean "
            "'train_step'?");
  EXPECT_EQ(message([&] { model->run("apply", std::vector<Tensor>{}); }),
            "error: run: 0 inputs were given, 'apply' takes 1");
  EXPECT_EQ(message([&] { model->context().parameter("u"); }),
            "error: parameter: parameter 'u': there is none of this name that runs update");
  EXPECT_EQ(
      message([&] { model->context().set_parameter("w", seeded_tensor(DType::f32, {4, 15}, 1)); }),
      "error: parameter: parameter 'w': dimension 1 is 15, expected 24");
  EXPECT_EQ(message([&] { model->context().run(nullptr, nullptr, 4); }),
            "error: run: run: entry 4, there are 4");
}

// The results of a random graph, each asked of one of three entries.
std::vector<Graph> split(uint64_t seed, int steps) {
  std::vector<Graph> parts;
  for (size_t part = 0; part < 3; ++part) {
    Graph whole = random_graph(seed, steps);
    std::vector<Result> kept;
    for (size_t r = part; r < whole.results.size(); r += 3) kept.push_back(whole.results[r]);
    if (kept.empty()) continue;
    whole.results = kept;
    parts.push_back(rewrite(whole, nullptr));
    parts.back().set_name("part" + std::to_string(part));
  }
  return parts;
}

TEST_F(Entries, RandomGraphsInPartsHaveTheBitsOfTheWhole) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    constexpr int kSteps = 14;
    const Graph whole = random_graph(seed, kSteps);
    std::map<std::string, Tensor> inputs;
    uint64_t next = 5;
    for (const Node* node : inputs_of(whole)) {
      std::vector<int64_t> shape;
      for (const Index& e : node->results[0].shape)
        shape.push_back(e.evaluate([](std::string_view) { return 5; }));
      inputs[node->as<InputAttr>().name] =
          seeded_tensor(node->results[0].dtype, shape, next++, SeededFloats::hard, 5);
    }
    const std::vector<Tensor> wanted = evaluate(whole, inputs).results;
    std::vector<Graph> parts = split(seed, kSteps);
    optimise(context, parts);
    const Program several = build_program(context, parts, {"v3"});
    const auto model = jit(context, several);
    for (size_t e = 0; e < several.entries.size(); ++e) {
      const Entry& entry = several.entries[e];
      std::vector<Tensor> given, results;
      for (const int32_t id : entry.inputs)
        given.push_back(inputs.at(port_name(several.buffers[id])));
      for (const Result& result : parts[e].results) {
        const auto at = std::ranges::find(whole.results, result.name, &Result::name);
        results.push_back(wanted[static_cast<size_t>(at - whole.results.begin())]);
      }
      expect_same(interpret(several, entry, given, 0), results, "interpreter, " + entry.name);
      expect_same(model->context().run(given, static_cast<int32_t>(e)), results,
                  "jit, " + entry.name);
    }
  }
}

}  // namespace
}  // namespace mintor
