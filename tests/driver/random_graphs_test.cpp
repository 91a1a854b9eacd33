// SPDX-License-Identifier: Apache-2.0
// Random graphs through the whole chain: the graph as built, as optimised, its Program in the
// interpreter and in the JIT, at every level that this machine runs, bits equal. Prints the seed
// and the shortest graph of that seed that fails. MINTOR_FUZZ_SEEDS=first..last runs others.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "compiler/codegen/target.h"
#include "compiler/driver/driver.h"
#include "compiler/driver/package_cases.h"
#include "compiler/graph/pipeline.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/sizes.h"
#include "compiler/ir/seeded.h"
#include "compiler/ir/text.h"
#include "compiler/jit/llvm_library.h"
#include "tests/driver/random_graphs.h"

namespace mintor {
namespace {

constexpr int kSteps = 14;

struct Cache {
  std::string folder;
  Cache() {
    folder = (std::filesystem::temp_directory_path() / "mintor-random-test.XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no temporary folder");
  }
  ~Cache() { std::filesystem::remove_all(folder); }
};

std::map<std::string, Tensor> inputs_for(const Graph& graph, int64_t size) {
  std::map<std::string, Tensor> inputs;
  uint64_t seed = 5;
  for (const Node* node : inputs_of(graph)) {
    std::vector<int64_t> shape;
    for (const Index& e : node->results[0].shape)
      shape.push_back(e.evaluate([&](std::string_view) { return size; }));
    inputs[node->as<InputAttr>().name] =
        seeded_tensor(node->results[0].dtype, shape, seed++, SeededFloats::hard, 5);
  }
  return inputs;
}

// What differs first, or "".
std::string difference(const std::vector<Tensor>& got, const std::vector<Tensor>& want,
                       const std::string& who) {
  for (size_t i = 0; i < want.size(); ++i)
    if (!same_bits(got[i], want[i])) return who + ": result " + std::to_string(i) + " differs";
  return "";
}

// Whether a run of this size is one that the graph's broadcasts take.
bool fits(const Graph& graph, int64_t size) {
  SizeValues values{{"n", size}};
  compute_sizes(graph.symbols(), values);
  return !broken_condition(graph.conditions(), values);
}

// None, one, odd and even; above a chunk of 8192 where that is quick.
std::vector<int64_t> sizes_of(const Graph& graph, bool thin) {
  const Symbol* n = graph.find_symbol("n");
  if (n == nullptr) return {5};
  std::vector<int64_t> sizes{5, 1, 20, thin ? 8195 : 37};
  if (n->lo == 0) sizes.push_back(0);
  if (!graph.conditions().empty()) sizes.insert(sizes.end(), {2, 3, 4});  // what else is met
  std::erase_if(sizes, [&](int64_t size) { return !fits(graph, size); });
  return sizes;
}

std::string check_program(CompileContext& context, const Graph& original, const Graph& optimised,
                          const std::string& level, bool thin) {
  const Program program = build_program(context, optimised, {level});
  const auto model = jit(context, program);
  for (const int64_t size : sizes_of(original, thin)) {
    const auto named = inputs_for(original, size);
    const std::vector<Tensor> want = evaluate(original, named).results;
    const std::string at = " at size " + std::to_string(size) + ", level " + level;
    if (auto wrong = difference(evaluate(optimised, named).results, want, "passes" + at);
        !wrong.empty())
      return wrong;
    std::vector<Tensor> inputs;
    for (const int32_t id : program.entries[0].inputs)
      inputs.push_back(named.at(program.buffers[id].name));
    if (auto wrong = difference(interpret(program, inputs, 0), want, "interpreter" + at);
        !wrong.empty())
      return wrong;
    if (auto wrong = difference(model->run(inputs), want, "JIT" + at); !wrong.empty()) return wrong;
  }
  return "";
}

std::string check_graph(uint64_t seed, int steps, const std::string& cache) {
  CompileContext context;
  context.options.cache_dir = cache;
  context.options.verify_passes = true;
  if (llvm_library_path().empty()) context.options.jit = "system";  // by choice: nothing to warn of
  const Graph original = random_graph(seed, steps);
  try {
    const Graph optimised = optimise(context, random_graph(seed, steps));
    for (const Target* target : all_targets())
      for (const TargetInfo& level : target->levels())
        if (target->host_supports(level))
          if (auto wrong = check_program(context, original, optimised, level.level, is_thin(seed));
              !wrong.empty())
            return wrong;
  } catch (const std::exception& error) {
    return error.what();
  }
  return context.warnings.empty() ? "" : context.warnings.front();
}

std::pair<uint64_t, uint64_t> seeds() {
  const char* given = std::getenv("MINTOR_FUZZ_SEEDS");
  if (given == nullptr) return {1, 24};
  char* rest = nullptr;
  const uint64_t first = std::strtoull(given, &rest, 10);
  return {first, *rest == '.' ? std::strtoull(rest + 2, nullptr, 10) : first};
}

TEST(RandomGraphs, HaveTheSameBitsEverywhere) {
  const Cache cache;
  const auto [first, last] = seeds();
  for (uint64_t seed = first; seed <= last; ++seed) {
    std::string wrong = check_graph(seed, kSteps, cache.folder);
    if (wrong.empty()) continue;
    int steps = 0;
    while (steps < kSteps && check_graph(seed, steps, cache.folder).empty()) ++steps;
    ADD_FAILURE() << "seed " << seed << ", " << steps << " steps: "
                  << check_graph(seed, steps, cache.folder) << "\n"
                  << print(random_graph(seed, steps));
  }
}

}  // namespace
}  // namespace mintor
