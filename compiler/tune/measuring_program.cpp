// SPDX-License-Identifier: Apache-2.0
// Takes kernels and values of their symbols; gives a buffer for each parameter of each, flat and of
// constant size, and an entry that launches it. Keeps true: equal kernels are stored once, so that
// they are compiled once.
#include "compiler/tune/measuring_program.h"

#include "compiler/memory/plan_memory.h"
#include "compiler/program/canonical.h"
#include "compiler/program/legal_names.h"
#include "compiler/program/program_draft.h"

namespace mintor {
namespace {

constexpr int64_t kAlignment = 64;  // of buffers in the arena

class MeasuringProgram {
 public:
  MeasuringProgram(const TargetInfo& level, const std::map<std::string, int64_t>& symbols,
                   int64_t work)
      : symbols_(symbols), work_(work) {
    program.name = "model";
    program.levels = {level};
  }

  void add(Kernel kernel) {
    const std::string number = std::to_string(program.entries.size());
    std::map<std::string, Index> values;
    Launch launch;
    for (const SymbolParam& symbol : kernel.symbols) {
      const auto known = symbols_.find(symbol.name);
      const Index value = known == symbols_.end() ? std::max<int64_t>(1, symbol.lo) : known->second;
      values[symbol.name] = value;
      launch.symbols.push_back(value);
    }
    launch.tasks = {tasks_of(kernel).substitute(values)};
    launch.work = work_;
    Entry entry{"candidate_" + number, {}, {}, {}, {}, 0};
    for (Param& param : kernel.params) {
      std::vector<int32_t>& ports = param.written ? entry.outputs : entry.inputs;
      Index count = 1;
      for (const Index& extent : param.shape) count = count * extent.substitute(values);
      Buffer buffer;
      buffer.name = param.name + "_" + number;
      buffer.dtype = param.dtype;
      buffer.shape = {count};
      buffer.place = param.written ? Place::output : Place::input;
      buffer.slot = static_cast<int32_t>(ports.size());
      const auto id = static_cast<int32_t>(program.buffers.size());
      program.buffers.push_back(std::move(buffer));
      ports.push_back(id);
      launch.args.push_back(id);
      param.alignment = kAlignment;
    }
    kernel = with_legal_names(kernel);
    const auto [known, is_new] = kernels_.emplace(canonical_text(kernel), "kernel_" + number);
    launch.kernel = kernel.name = known->second;
    if (is_new) program.kernels.push_back({kernel.name, {std::move(kernel)}});
    entry.steps.push_back({std::move(launch)});
    program.entries.push_back(std::move(entry));
  }

  Program program;

 private:
  const std::map<std::string, int64_t>& symbols_;
  int64_t work_;
  std::map<std::string, std::string> kernels_;  // canonical texts -> names
};

}  // namespace

Program measuring_program(CompileContext& context, const std::vector<Kernel>& kernels,
                          const TargetInfo& level, const std::map<std::string, int64_t>& symbols,
                          int64_t work) {
  MeasuringProgram made(level, symbols, work);
  for (const Kernel& kernel : kernels) made.add(kernel);
  plan_memory(context, made.program);
  return std::move(made.program);
}

}  // namespace mintor
