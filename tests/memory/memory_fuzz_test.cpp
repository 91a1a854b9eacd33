// SPDX-License-Identifier: Apache-2.0
// Random Programs through the memory planner: its verifier, and the interpreter, which lays buffers
// out as planned, against values computed without any plan. A failure prints its seed.
#include <gtest/gtest.h>

#include <random>

#include "compiler/memory/plan_memory.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

// z[i] = 2 x[i] + y[i]; flip reads x backwards, so it must not lie where z is written.
Kernel kernel_of(bool flip) {
  const std::string name = flip ? "flip" : "add";
  const std::string x = flip ? "x[-i + n - 1]" : "x[i]";
  return parse_kernel("kernel " + name +
                      " (x: f32[n], y: f32[n], z: out f32[n]; n: 0..) {\n  for i in 0..n {\n"
                      "    z[i] = fma(" + x + ", f32(2), y[i])\n  }\n}\n");
}

struct Fuzz {
  std::mt19937 random;
  Program program;
  std::map<std::string, int64_t> symbols;
  std::vector<std::vector<float>> values;      // by buffer
  std::vector<int32_t> made;                   // buffers that hold a value
  std::map<int32_t, int> family;               // buffers of one size

  explicit Fuzz(unsigned seed) : random(seed) {
    const Index batch = Index::var("batch"), s = Index::var("s");
    sizes = {Index(40), Index(300), batch * 130, batch, batch * s, batch * s * 16 + 7, Index(1)};
    program.name = "fuzz";
    program.entries.push_back({"forward", {}, {}, {}, {}, 0});
    program.symbols = {{"batch", 0, 64, 1, 3}, {"s", 0, -1, 2, 4}};
    symbols = {{"batch", pick(6)}, {"s", 2 * pick(4)}};
    TargetInfo level;
    level.level = "plain";
    program.levels = {level};
    for (const bool flip : {false, true}) {
      const Kernel kernel = kernel_of(flip);
      program.kernels.push_back({kernel.name, {kernel}});
    }
  }

  std::vector<Index> sizes;
  int pick(int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); }

  int64_t count_of(int kind) {
    return sizes[kind].evaluate([&](std::string_view n) { return symbols.at(std::string(n)); });
  }

  int32_t add(int kind, Place place, int32_t slot) {
    Buffer buffer;
    buffer.name = "b" + std::to_string(program.buffers.size());
    buffer.shape = {sizes[kind]};
    buffer.place = place;
    buffer.slot = slot;
    program.buffers.push_back(buffer);
    const auto id = static_cast<int32_t>(program.buffers.size() - 1);
    values.emplace_back(count_of(kind));
    family[id] = kind;
    return id;
  }

  // Inputs first: one per symbol, so that it is bound, and one per size.
  void make_inputs() {
    for (const char* name : {"batch", "s"}) {
      Buffer buffer;
      buffer.name = name;
      buffer.shape = {Index::var(name)};
      buffer.place = Place::input;
      buffer.slot = static_cast<int32_t>(program.entries[0].inputs.size());
      program.entries[0].inputs.push_back(static_cast<int32_t>(program.buffers.size()));
      program.buffers.push_back(buffer);
      values.emplace_back(symbols.at(name));
    }
    for (size_t kind = 0; kind < sizes.size(); ++kind) {
      const auto slot = static_cast<int32_t>(program.entries[0].inputs.size());
      const int32_t id = add(static_cast<int>(kind), Place::input, slot);
      program.entries[0].inputs.push_back(id);
      for (float& v : values[id]) v = static_cast<float>(pick(2000) - 1000);
      made.push_back(id);
    }
  }

  int32_t same_size(int32_t as) {
    std::vector<int32_t> candidates;
    for (const int32_t id : made) {
      if (family.at(id) == family.at(as)) candidates.push_back(id);
    }
    // Recent values more often, so that old ones die.
    const int back = std::min<int>(static_cast<int>(candidates.size()), 3);
    return candidates[candidates.size() - 1 - pick(back)];
  }

  void make_launch(Place place) {
    const int32_t x = made[made.size() - 1 - pick(std::min<int>(static_cast<int>(made.size()), 9))];
    const int32_t y = same_size(x);
    const bool flip = pick(3) == 0;
    const auto slot = static_cast<int32_t>(program.entries[0].outputs.size());
    const int32_t z = add(family.at(x), place, slot);
    if (place == Place::output) program.entries[0].outputs.push_back(z);
    Launch launch;
    launch.kernel = flip ? "flip" : "add";
    launch.args = {x, y, z};
    launch.symbols = {sizes[family.at(x)]};
    launch.tasks = {1};
    program.entries[0].steps.push_back({launch});
    const size_t n = values[z].size();
    for (size_t i = 0; i < n; ++i) {
      values[z][i] = values[x][flip ? n - 1 - i : i] * 2 + values[y][i];
    }
    made.push_back(z);
  }
};

void run_seed(unsigned seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Fuzz fuzz(seed);
  fuzz.make_inputs();
  const int launches = 4 + fuzz.pick(12);
  for (int i = 0; i < launches; ++i) {
    fuzz.make_launch(fuzz.pick(6) == 0 ? Place::output : Place::arena);
  }
  fuzz.make_launch(Place::output);
  CompileContext context;
  ASSERT_NO_THROW(plan_memory(context, fuzz.program));
  ASSERT_NO_THROW(verify(fuzz.program));
  std::vector<Tensor> inputs;
  for (const int32_t id : fuzz.program.entries[0].inputs) {
    const std::vector<float>& v = fuzz.values[id];
    inputs.push_back(Tensor::copy_of(DType::f32, {static_cast<int64_t>(v.size())}, v.data()));
  }
  const std::vector<Tensor> outputs = interpret(fuzz.program, inputs, 0);
  for (size_t o = 0; o < outputs.size(); ++o) {
    const std::vector<float>& wanted = fuzz.values[fuzz.program.entries[0].outputs[o]];
    const Tensor tensor =
        Tensor::copy_of(DType::f32, {static_cast<int64_t>(wanted.size())}, wanted.data());
    EXPECT_TRUE(same_bits(outputs[o], tensor)) << "output " << o << "\n" << print(fuzz.program);
  }
}

TEST(MemoryFuzz, PlannedProgramsKeepTheirValues) {
  for (unsigned seed = 0; seed < 300 && !testing::Test::HasFailure(); ++seed) run_seed(seed);
}

}  // namespace
}  // namespace mintor
