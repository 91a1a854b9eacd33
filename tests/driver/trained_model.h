// SPDX-License-Identifier: Apache-2.0
// A small model that trains, for tests of its parameters: two layers that train, two that do not.
// Takes nothing; gives its Graphs, its Program, and it loaded: JIT and package, one thread and
// three. Keeps true: what a state belongs to is as mt.export would say it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>

#include "compiler/driver/driver.h"
#include "compiler/ir/seeded.h"
#include "compiler/ir/text.h"
#include "compiler/package/builder.h"
#include "compiler/package/package.h"
#include "tests/golden/same_bits.h"

namespace mintor {

namespace fs = std::filesystem;

// `u` and `v` are equal, never updated, and packed by `prepare`; `m` is of `w`, and so is
// `grad.w`.
inline constexpr const char* kTrained = R"(graph forward (batch: 1..8 ~ 3) {
  x = input f32[batch, 4]
  w = parameter f32[4, 24] random 1
  u = parameter f32[24, 24] random 5
  v = parameter f32[24, 24] random 5
  h = parameter f32[24, 24] random 2
  p = contract f32[batch, 24] (x, w) m = batch, n = 24, k = 4 | x[m, k] y[k, n]
  a = contract f32[batch, 24] (p, u) m = batch, n = 24, k = 24 | x[m, k] y[k, n]
  b = contract f32[batch, 24] (a, v) m = batch, n = 24, k = 24 | x[m, k] y[k, n]
  q = contract f32[batch, 24] (b, h) m = batch, n = 24, k = 24 | x[m, k] y[k, n]
  results q
}
graph train_step (batch: 1..8 ~ 3) {
  x = input f32[batch, 4]
  y = input f32[batch, 24]
  w = parameter f32[4, 24] random 1
  u = parameter f32[24, 24] random 5
  v = parameter f32[24, 24] random 5
  h = parameter f32[24, 24] random 2
  m = parameter f32[4, 24] random 7
  n = parameter i64[] 0
  p = contract f32[batch, 24] (x, w) m = batch, n = 24, k = 4 | x[m, k] y[k, n]
  a = contract f32[batch, 24] (p, u) m = batch, n = 24, k = 24 | x[m, k] y[k, n]
  b = contract f32[batch, 24] (a, v) m = batch, n = 24, k = 24 | x[m, k] y[k, n]
  q = contract f32[batch, 24] (b, h) m = batch, n = 24, k = 24 | x[m, k] y[k, n]
  e = sub f32[batch, 24] (q, y)
  gh = contract f32[24, 24] (b, e) m = 24, n = 24, k = batch | x[k, m] y[k, n]
  d = contract f32[batch, 24] (e, h) m = batch, n = 24, k = 24 | x[m, k] y[n, k]
  gw = contract f32[4, 24] (x, d) m = 4, n = 24, k = batch | x[k, m] y[k, n]
  c = constant f32[] 0.001
  cw = broadcast f32[4, 24] (c) dims = []
  ch = broadcast f32[24, 24] (c) dims = []
  m2 = add f32[4, 24] (m, gw)
  sw = mul f32[4, 24] (m2, cw)
  sh = mul f32[24, 24] (gh, ch)
  w2 = sub f32[4, 24] (w, sw)
  h2 = sub f32[24, 24] (h, sh)
  one = constant i64[] 1
  n2 = add i64[] (n, one)
  results q, e
  updates w := w2, m := m2, h := h2, n := n2
}
graph grads (batch: 1..8 ~ 3) {
  x = input f32[batch, 4]
  y = input f32[batch, 24]
  w = parameter f32[4, 24] random 1
  h = parameter f32[24, 24] random 2
  sw = parameter "grad.w" f32[4, 24] random 3
  sh = parameter "grad.h" f32[24, 24] random 4
  q = contract f32[batch, 24] (x, w) m = batch, n = 24, k = 4 | x[m, k] y[k, n]
  e = sub f32[batch, 24] (q, y)
  gh = contract f32[24, 24] (q, e) m = 24, n = 24, k = batch | x[k, m] y[k, n]
  d = contract f32[batch, 24] (e, h) m = batch, n = 24, k = 24 | x[m, k] y[n, k]
  gw = contract f32[4, 24] (x, d) m = 4, n = 24, k = batch | x[k, m] y[k, n]
  sw2 = add f32[4, 24] (sw, gw)
  sh2 = add f32[24, 24] (sh, gh)
  results e
  updates "grad.w" := sw2, "grad.h" := sh2
}
)";

inline Tensor rows(int64_t count, int64_t width, uint64_t seed) {
  return seeded_tensor(DType::f32, {count, width}, seed);
}

inline std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const CompileError& error) {
    return error.what();
  }
  return "no error";
}

inline void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in: " << text;
}

struct TrainedParameters : testing::Test {
  fs::path folder;
  CompileContext context;
  std::vector<Graph> graphs = parse_graphs(kTrained);
  Program program;
  const std::vector<Tensor> x{rows(3, 4, 11)};
  const std::vector<Tensor> batch{rows(3, 4, 12), rows(3, 24, 13)};

  TrainedParameters() {
    std::string path = (fs::temp_directory_path() / "mintor-parameters-test.XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder = path;
    context.options.cache_dir = path + "/cache";
    context.options.verify_passes = true;
    context.options.settable_parameters = true;
    optimise(context, graphs);
    program = build_program(context, graphs, {"reference", "v3"});
    belongs("m", "w", StateRole::optimizer);
    belongs("grad.w", "w", StateRole::gradient);
    belongs("grad.h", "h", StateRole::gradient);
  }
  ~TrainedParameters() override { fs::remove_all(folder); }

  int32_t position(const std::string& name) const {
    for (size_t s = 0; s < program.states.size(); ++s)
      if (port_name(program.buffers[program.states[s].buffer]) == name)
        return static_cast<int32_t>(s);
    throw std::runtime_error("no state " + name);
  }
  void belongs(const std::string& name, const std::string& to, StateRole role) {
    program.states[position(name)].role = role;
    program.states[position(name)].of = position(to);
  }

  // JIT and package, one thread and three.
  std::vector<std::unique_ptr<LoadedModel>> models(const LoadOptions& given = {}) {
    const std::string directory = (folder / "net").string();
    if (!fs::exists(directory)) {
      write_program_package(context, program, {}, directory);
      build_package(directory, {});
    }
    std::vector<std::unique_ptr<LoadedModel>> all;
    for (const int threads : {1, 3}) {
      LoadOptions load = given;
      load.threads = threads;
      all.push_back(jit(context, program, load));
      all.push_back(open_package(directory, load));
    }
    return all;
  }

  std::map<std::string, Tensor> values_of(const ModelContext& of) const {
    std::map<std::string, Tensor> values;
    for (const char* name : {"w", "u", "v", "h", "m", "n", "grad.w", "grad.h"})
      values[name] = of.parameter(name);
    return values;
  }

  std::string file(const std::string& name) const { return (folder / name).string(); }
};

inline void expect_equal(const std::map<std::string, Tensor>& got,
                         const std::map<std::string, Tensor>& wanted, const std::string& where) {
  for (const auto& [name, value] : wanted)
    EXPECT_TRUE(same_bits(got.at(name), value)) << name << ", " << where;
}

}  // namespace mintor
