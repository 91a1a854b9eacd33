// SPDX-License-Identifier: Apache-2.0
// Cases of a package: given, or seeded and run. Takes a Program; gives inputs and outputs by
// position. Keeps true: a case has every input and output of its entry, with its dtype and fixed
// sizes, and nothing else.
#include "compiler/driver/package_cases.h"

#include <algorithm>
#include <cmath>

#include "compiler/codegen/target.h"
#include "compiler/ir/seeded.h"
#include "compiler/memory/symbol_values.h"
#include "compiler/support/error.h"
#include "compiler/support/nearest.h"

namespace mintor {
namespace {

constexpr uint64_t kSeed = 20260101;
constexpr uint64_t kSmallIntegers = 10;  // integers that are indices stay inside most tables
constexpr size_t kMostIntegers = 32;     // of a model's own that are tried

// "f32[batch, 4]", of a buffer or of an array.
template <class Extents>
std::string described(DType dtype, const Extents& extents) {
  std::string text;
  for (const auto& extent : extents) text += (text.empty() ? "" : ", ") + Index(extent).str();
  return std::string(name_of(dtype)) + "[" + text + "]";
}

void check_type(const Buffer& buffer, const Tensor& value, const std::string& what) {
  bool fits = value.dtype == buffer.dtype && value.shape.size() == buffer.shape.size();
  for (size_t d = 0; fits && d < buffer.shape.size(); ++d) {
    fits = !buffer.shape[d].is_const() || buffer.shape[d].value() == value.shape[d];
  }
  if (fits) return;
  throw CompileError("case", what + " '" + port_name(buffer) + "' is " +
                                 described(buffer.dtype, buffer.shape) + ", the case has " +
                                 described(value.dtype, value.shape));
}

std::vector<NamedTensor> by_position(const Program& program, const std::vector<int32_t>& ids,
                                     const std::map<std::string, Tensor>& given,
                                     const std::string& what) {
  std::vector<std::string_view> names;
  for (const int32_t id : ids) names.push_back(port_name(program.buffers[id]));
  for (const auto& [name, value] : given) {
    if (std::ranges::find(names, name) != names.end()) continue;
    throw CompileError("case", "there is no " + what + " '" + name + "'", "",
                       did_you_mean(name, names));
  }
  std::vector<NamedTensor> result;
  for (const int32_t id : ids) {
    const Buffer& buffer = program.buffers[id];
    const auto found = given.find(port_name(buffer));
    if (found == given.end()) {
      throw CompileError("case", what + " '" + port_name(buffer) + "' is missing", "",
                         "a case has every input and every output, by name");
    }
    Tensor value = found->second;
    // .npy files have no bf16: a case may hold its bits.
    if (buffer.dtype == DType::bf16 && value.dtype == DType::u16) value.dtype = DType::bf16;
    check_type(buffer, value, what);
    result.push_back({port_name(buffer), std::move(value)});
  }
  return result;
}

// The best level that this machine runs, of those that have the evaluator's bits if there is one;
// levels.size() when it runs none.
size_t best_level(const Options& options, const Program& program) {
  size_t best = program.levels.size();
  for (size_t level = program.levels.size(); level-- > 0;) {
    const TargetInfo& info = program.levels[level];
    if (!target_of(info).host_supports(info)) continue;
    if (keeps_bits(options, info)) return level;
    if (best == program.levels.size()) best = level;
  }
  return best;
}

// What a level may differ by that rounds in its own way.
void allow_own_rounding(VerifyCase& item) {
  double largest = 0;
  for (const NamedTensor& output : item.outputs)
    for (int64_t i = 0; is_float(output.value.dtype) && i < output.value.count(); ++i)
      if (const double v = std::abs(output.value.at(i).f); v > largest) largest = v;
  item.rtol = kOwnRounding;
  item.atol = kOwnRounding * largest;
}

std::vector<NamedTensor> with_names(const Program& program, const std::vector<int32_t>& ids,
                                    const std::vector<Tensor>& values) {
  std::vector<NamedTensor> named;
  for (size_t i = 0; i < ids.size(); ++i)
    named.push_back({port_name(program.buffers[ids[i]]), values[i]});
  return named;
}

// Integers that kernels hold and seeds do not make, the first few: a model may choose by one (a
// sample rate of 16000).
std::vector<int64_t> integers_in(const Program& program) {
  std::vector<int64_t> found;
  for (const LevelKernels& kernel : program.kernels)
    visit_exprs(kernel.levels.at(0).body, [&](const Expr& e) {
      const auto* constant = std::get_if<ConstantExpr>(&e->node);
      if (!constant || !is_int(e->dtype) || found.size() == kMostIntegers) return;
      const int64_t value = constant->value.i;
      if (value < static_cast<int64_t>(kSmallIntegers) || std::ranges::count(found, value) > 0)
        return;
      found.push_back(value);
    });
  return found;
}

struct SeededRun {
  std::vector<Tensor> inputs, outputs;
  std::string refusal = "";  // not empty: every run ended, the first one so
};

// Seeded inputs that a run takes. Where small integers choose what ends it, single integers are
// those that the model holds.
SeededRun seeded_run(LoadedModel& model, const Program& program, size_t e) {
  SeededRun made{seeded_inputs(program, program.entries[e], kSeed), {}};
  const auto runs = [&] {
    try {
      model.context().reset();
      made.outputs = model.context().run(made.inputs, static_cast<int32_t>(e));
      made.refusal.clear();
    } catch (const CompileError& error) {
      if (made.refusal.empty()) made.refusal = error.problem();
    }
    return made.refusal.empty();
  };
  if (runs()) return made;
  for (const int64_t number : integers_in(program)) {
    for (Tensor& input : made.inputs)
      if (is_int(input.dtype) && input.shape.empty())
        input = Tensor::scalar(Scalar::of_int(input.dtype, number));
    if (runs()) break;
  }
  return made;
}

// Of each entry one, from the states of a new context.
std::vector<VerifyCase> seeded_cases(CompileContext& context, const Program& program) {
  const size_t level = best_level(context.options, program);
  if (level == program.levels.size()) {
    context.warn(
        "this machine runs none of the levels: the package has no case to verify with, "
        "and `make verify` fails; --case in.npz,out.npz brings one");
    return {};
  }
  const auto model = jit(context, with_level(program, level));
  std::vector<VerifyCase> cases;
  for (size_t e = 0; e < program.entries.size(); ++e) {
    const Entry& entry = program.entries[e];
    const auto [inputs, outputs, refusal] = seeded_run(*model, program, e);
    if (!refusal.empty()) {
      context.warn("the package has no case to verify '" + entry.name +
                   "' with, seeded inputs are refused: " + refusal +
                   "; --case in.npz,out.npz brings one");
      continue;
    }
    cases.push_back({with_names(program, entry.inputs, inputs),
                     with_names(program, entry.outputs, outputs), 0, 0, e});
    const auto keeps = [&](const TargetInfo& info) { return keeps_bits(context.options, info); };
    if (!std::ranges::all_of(program.levels, keeps)) allow_own_rounding(cases.back());
  }
  return cases;
}

}  // namespace

std::vector<Tensor> seeded_inputs(const Program& program, const Entry& entry, uint64_t seed) {
  const auto sizes = hint_values(program);
  std::vector<Tensor> inputs;
  for (const int32_t id : entry.inputs) {
    const Buffer& buffer = program.buffers[id];
    std::vector<int64_t> shape;
    for (const Index& extent : buffer.shape) {
      shape.push_back(
          extent.evaluate([&](std::string_view n) { return sizes.at(std::string(n)); }));
    }
    inputs.push_back(
        seeded_tensor(buffer.dtype, shape, seed++, SeededFloats::plain, kSmallIntegers));
  }
  return inputs;
}

std::vector<Case> cases_from_here(CompileContext& context, const Program& program,
                                  std::span<const Graph> entries) {
  if (best_level(context.options, program) < program.levels.size()) return {};
  const Program here = build_program(context, entries, {"native"});
  std::vector<Case> cases;
  for (const VerifyCase& seeded : seeded_cases(context, here)) {
    Case item{{}, {}, seeded.rtol, seeded.atol, here.entries[seeded.entry].name};
    for (const auto& [name, value] : seeded.inputs) item.inputs[name] = value;
    for (const auto& [name, value] : seeded.outputs) item.outputs[name] = value;
    cases.push_back(std::move(item));
  }
  return cases;
}

Program with_level(const Program& program, size_t level) {
  Program one = program;
  one.levels = {program.levels.at(level)};
  for (LevelKernels& kernel : one.kernels) kernel.levels = {Kernel(kernel.levels.at(level))};
  const auto keep_level = [&](Launch& launch) { launch.tasks = {Index(launch.tasks.at(level))}; };
  visit_launches(one.prepare.steps, keep_level);
  for (Entry& entry : one.entries) visit_launches(entry.steps, keep_level);
  return one;
}

std::vector<VerifyCase> package_cases(CompileContext& context, const Program& program,
                                      const std::vector<Case>& given) {
  if (given.empty()) return seeded_cases(context, program);
  std::vector<VerifyCase> cases;
  for (const Case& item : given) {
    const size_t at = item.entry.empty() ? 0 : find_entry(program, item.entry);
    const Entry& entry = program.entries[at];
    cases.push_back({by_position(program, entry.inputs, item.inputs, "input"),
                     by_position(program, entry.outputs, item.outputs, "output"), item.rtol,
                     item.atol, at});
  }
  return cases;
}

}  // namespace mintor
