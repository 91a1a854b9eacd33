// SPDX-License-Identifier: Apache-2.0
// Takes buffers, weights, kernels and launches one by one; gives them as one Program.
// Keeps true: a parameter and a constant share no place: which parameters are equal is asked before
// anything is planned (equal_parameters).
#include "compiler/program/program_draft.h"

#include <algorithm>
#include <functional>
#include <set>

#include "compiler/ir/sizes.h"
#include "compiler/loop/stack.h"
#include "compiler/program/canonical.h"
#include "compiler/program/legal_names.h"
#include "compiler/program/weights.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

const Tensor& tensor_of(const Value& value) {
  if (value.node->kind == Kind::parameter) return value.node->as<ParameterAttr>().value;
  return value.node->as<ConstantAttr>().value;
}

// y[i] = x[i] over n elements, in blocks that threads share.
Kernel copy_kernel(DType dtype) {
  constexpr int64_t kBlock = 4096;
  Kernel kernel;
  kernel.name = "copy_" + std::string(name_of(dtype));
  kernel.computes = "y = x";
  const Index n = Index::var("n"), block = Index::var("block"), i = Index::var("i");
  kernel.params = {{"x", dtype, {n}, false, size_of(dtype)},
                   {"y", dtype, {n}, true, size_of(dtype)}};
  kernel.symbols = {{"n", 0, -1, 1}};
  kernel.because = {"a result that is also an input, a weight or another result is copied"};
  Stmt store = k::store("y", {i}, k::load("x", dtype, {i}));
  Stmt inner = k::loop("i", block * kBlock, min(n, (block + 1) * kBlock), store);
  kernel.body = k::loop("block", 0, ceildiv(n, kBlock), inner, LoopKind::parallel);
  return kernel;
}

// y = n
Kernel number_kernel() {
  Kernel kernel;
  kernel.name = "number";
  kernel.computes = "y = n";
  kernel.params = {{"y", DType::i64, {}, true, size_of(DType::i64)}};
  kernel.symbols = {{"n", 0, -1, 1}};
  kernel.because = {"the body of a loop reads the number of its iteration"};
  kernel.body = k::store("y", {}, k::index(Index::var("n")));
  return kernel;
}

// Where one level has scratch, so have the others.
void make_scratch_uniform(std::vector<Kernel>& levels) {
  if (std::ranges::none_of(levels, has_scratch)) return;
  for (Kernel& kernel : levels) {
    if (has_scratch(kernel)) continue;
    const Stmt spare = k::alloc(fresh_name(kernel, "spare"), DType::u8, {1}, Space::scratch);
    kernel.body = k::block({spare, kernel.body});
  }
}

// All levels of a kernel have one signature: where one has a parallel loop, the others get one of a
// single task.
void make_uniform(std::vector<Kernel>& levels) {
  make_scratch_uniform(levels);
  const auto has_parallel = [](const Kernel& kernel) {
    bool found = false;
    visit(kernel.body, [&](const Stmt& stmt) {
      const auto* loop = std::get_if<For>(&stmt->node);
      found = found || (loop != nullptr && loop->kind == LoopKind::parallel);
    });
    return found;
  };
  if (std::ranges::none_of(levels, has_parallel)) return;
  for (Kernel& kernel : levels) {
    if (has_parallel(kernel)) continue;
    kernel.body = k::loop(fresh_name(kernel, "task"), 0, 1, kernel.body, LoopKind::parallel);
  }
}

bool stores_to_param(const Kernel& kernel, const Stmt& stmt) {
  const auto is_param = [&](const std::string& name) {
    return std::ranges::any_of(kernel.params, [&](const Param& p) { return p.name == name; });
  };
  bool found = false;
  visit(stmt, [&](const Stmt& inner) {
    if (const auto* store = std::get_if<Store>(&inner->node)) {
      found = found || is_param(store->buffer);
    } else if (const auto* instr = std::get_if<Instr>(&inner->node)) {
      for (const InstrOperand& operand : instr->operands) {
        found = found || is_param(operand.buffer);
      }
    } else if (const auto* code = std::get_if<Code>(&inner->node)) {
      for (const CodeOperand& operand : code->outputs) found = found || is_param(operand.buffer);
    }
  });
  return found;
}

}  // namespace

Index tasks_of(const Kernel& kernel) {
  const auto as_parallel = [](const Stmt& stmt) -> const For* {
    const auto* loop = std::get_if<For>(&stmt->node);
    return loop != nullptr && loop->kind == LoopKind::parallel ? loop : nullptr;
  };
  std::vector<Stmt> outer{kernel.body};
  if (const auto* block = std::get_if<Block>(&kernel.body->node)) outer = block->body;
  const For* parallel = nullptr;
  for (const Stmt& stmt : outer) {
    if (const For* loop = as_parallel(stmt)) parallel = loop;
  }
  if (parallel == nullptr) return 1;
  check(parallel->begin.is_const(0), "plan", "a parallel loop starts at 0");
  for (const Stmt& stmt : outer) {
    if (as_parallel(stmt) != parallel && stores_to_param(kernel, stmt)) {
      throw InternalError("plan", kernel.name + " stores outside its parallel loop", print(kernel));
    }
  }
  return parallel->end;
}

ProgramDraft::ProgramDraft(std::vector<TargetInfo> levels, Parameters parameters)
    : parameters_(parameters) {
  program.levels = std::move(levels);
}

void ProgramDraft::begin_entry(std::string name, const Graph& graph) {
  program.entries.push_back({std::move(name), {}, {}, {}, graph.conditions(), 0});
}

int32_t ProgramDraft::add_buffer(std::string name, const Type& type, Place place, int32_t slot) {
  Buffer buffer;
  buffer.name = name;
  for (int n = 2; !names_.insert(buffer.name).second; ++n) {
    buffer.name = name + "_" + std::to_string(n);
  }
  buffer.dtype = type.dtype;
  buffer.shape = type.shape;
  buffer.place = place;
  buffer.slot = slot;
  int32_t stage = 0;
  for (const Index& extent : type.shape) stage = std::max(stage, stage_of(program, extent));
  if (stage > 0 && (place == Place::arena || place == Place::output)) {
    buffer.place = Place::dynamic;
    buffer.slot = stage - 1;
  }
  program.buffers.push_back(std::move(buffer));
  return static_cast<int32_t>(program.buffers.size() - 1);
}

int32_t ProgramDraft::add_view(std::string name, const Type& type, int32_t of) {
  const Place place = program.buffers[of].place;
  const int32_t id = add_buffer(std::move(name), type, place);
  program.buffers[id].place = place;
  program.buffers[id].view_of = of;
  return id;
}

int32_t ProgramDraft::add_part(std::string name, const Type& type, int32_t of, Index offset) {
  const int32_t id = add_view(std::move(name), type, of);
  program.buffers[id].part = true;
  program.buffers[id].offset = std::move(offset);
  return id;
}

int32_t ProgramDraft::add_input(const Node& input) {
  const auto slot = static_cast<int32_t>(entry().inputs.size());
  const std::string& name = input.as<InputAttr>().name;
  const int32_t id = add_buffer(name, input.results[0], Place::input, slot);
  if (program.buffers[id].name != name) program.buffers[id].port = name;
  entry().inputs.push_back(id);
  return id;
}

int32_t ProgramDraft::add_output(const Result& result) {
  const auto slot = static_cast<int32_t>(entry().outputs.size());
  const int32_t id = add_buffer(result.name, result.value.type(), Place::output, slot);
  if (program.buffers[id].name != result.name) program.buffers[id].port = result.name;
  entry().outputs.push_back(id);
  return id;
}

int32_t ProgramDraft::weight_of(const Value& value, const std::string& name) {
  if (value.node->kind != Kind::parameter) return shared_weight(value, name);
  const auto state = states_.find(value.node->as<ParameterAttr>().name);
  if (state != states_.end()) return state->second;
  return parameters_ == Parameters::settable ? fixed_parameter(value, name)
                                             : shared_weight(value, name);
}

int32_t ProgramDraft::fixed_parameter(const Value& value, const std::string& name) {
  const auto& [parameter, tensor] = value.node->as<ParameterAttr>();
  const auto known = std::ranges::find(program.fixed, parameter, &FixedParameter::name);
  if (known != program.fixed.end()) return known->buffer;
  const int32_t id = add_buffer(name, value.type(), Place::weights);
  program.weights.push_back({parameter, tensor, id});
  program.fixed.push_back({parameter, id});
  return id;
}

int32_t ProgramDraft::shared_weight(const Value& value, const std::string& name) {
  const Tensor& tensor = tensor_of(value);
  const bool is_parameter = value.node->kind == Kind::parameter;
  const std::string parameter = is_parameter ? value.node->as<ParameterAttr>().name : "";
  for (const Weight& known : program.weights) {
    if (known.parameter.empty() == is_parameter) continue;
    if (std::ranges::find(program.fixed, known.buffer, &FixedParameter::buffer) !=
        program.fixed.end())
      continue;
    if (!same_weight(known.value, tensor)) continue;
    if (program.buffers[known.buffer].shape == value.shape()) return known.buffer;
    return add_view(name, value.type(), known.buffer);
  }
  const int32_t id = add_buffer(name, value.type(), Place::weights);
  program.weights.push_back({parameter, tensor, id});
  return id;
}

void ProgramDraft::add_symbols(const Graph& graph) {
  for (const Symbol& symbol : graph.symbols())
    if (std::ranges::find(program.symbols, symbol.name, &Symbol::name) == program.symbols.end())
      program.symbols.push_back(symbol);
}

void ProgramDraft::add_states(const Graph& graph) {
  for (const auto& node : graph.nodes()) {
    if (node->kind != Kind::parameter) continue;
    const std::string& name = node->as<ParameterAttr>().name;
    if (!is_state(graph, name) || states_.contains(name)) continue;
    const int32_t buffer = add_buffer(name, node->results[0], Place::state);
    if (program.buffers[buffer].name != name) program.buffers[buffer].port = name;
    const int32_t initial = shared_weight({node.get(), 0}, name + "_initial");
    states_[name] = buffer;
    program.states.push_back({buffer, initial});
  }
}

int32_t ProgramDraft::state_of(const std::string& parameter) const {
  const auto found = states_.find(parameter);
  if (found == states_.end())
    throw CompileError("program", "the graph updates '" + parameter + "', which is no parameter");
  return found->second;
}

void ProgramDraft::add_dynamic(const std::string& symbol) {
  if (std::ranges::find(program.dynamic, symbol, &DynamicSize::symbol) != program.dynamic.end())
    throw InternalError("plan", "the symbol '" + symbol + "' is bound twice");
  program.dynamic.push_back({symbol, 0});
}

const std::string& ProgramDraft::kept_size(const std::string& symbol) {
  const auto [known, is_new] = kept_sizes_.try_emplace(symbol);
  if (!is_new) return known->second;
  const auto of = std::ranges::find(program.symbols, symbol, &Symbol::name);
  check(of != program.symbols.end(), "plan", "a carried value has an unknown size");
  Symbol kept = *of;
  kept.lo = 0;
  kept.hi = -1;
  kept.name += "_kept";
  while (std::ranges::find(program.symbols, kept.name, &Symbol::name) != program.symbols.end())
    kept.name += "_";
  known->second = kept.name;
  program.symbols.push_back(std::move(kept));
  add_dynamic(known->second);
  return known->second;
}

const std::string& ProgramDraft::counter(size_t depth) {
  while (program.counters.size() <= depth) {
    const size_t number = program.counters.size() + 1;
    std::string name = number == 1 ? "step" : "step_" + std::to_string(number);
    while (std::ranges::find(program.symbols, name, &Symbol::name) != program.symbols.end())
      name += "_";
    program.counters.push_back(std::move(name));
  }
  return program.counters[depth];
}

// Groups that share kernels share the stored one too, where their buffers are aligned alike.
void ProgramDraft::launch(const LevelsOfKernel& kernels, std::vector<int32_t> args,
                          const Index& work, std::vector<std::string> scopes, HostSteps& steps) {
  Launch launch;
  launch.args = std::move(args);
  launch.work = work;
  launch.scopes = std::move(scopes);
  for (const SymbolParam& symbol : kernels->at(0).symbols) {
    launch.symbols.push_back(Index::var(symbol.name));
  }
  for (const Kernel& kernel : *kernels) launch.tasks.push_back(tasks_of(kernel));
  check_bound(launch);
  std::vector<int64_t> alignments;
  for (const int32_t id : launch.args) alignments.push_back(alignment_of(program, id));
  std::string& name = shared_[{kernels.get(), std::move(alignments)}];
  if (name.empty()) name = stored(launch, *kernels);
  launch.kernel = name;
  steps.push_back({std::move(launch)});
}

std::vector<int32_t>& ProgramDraft::prepared(const LevelsOfKernel& kernels,
                                             const std::vector<int32_t>& inputs) {
  std::vector<std::pair<int32_t, Index>> places;
  for (const int32_t id : inputs)
    places.emplace_back(root_of(program, id), offset_in_root(program, id));
  return prepared_[{kernels.get(), std::move(places)}];
}

void ProgramDraft::keep(int32_t buffer) {
  Buffer& root = program.buffers[root_of(program, buffer)];
  if (root.place == Place::arena) root.place = Place::packed;
}

void ProgramDraft::launch_own(Kernel kernel, std::vector<int32_t> args, std::vector<Index> symbols,
                              const Index& work, HostSteps& steps) {
  Launch launch;
  launch.args = std::move(args);
  launch.symbols = std::move(symbols);
  std::map<std::string, Index> values;
  for (size_t i = 0; i < launch.symbols.size(); ++i)
    values[kernel.symbols[i].name] = launch.symbols[i];
  launch.tasks.assign(program.levels.size(), tasks_of(kernel).substitute(values));
  launch.work = work;
  launch.kernel = stored(launch, std::vector<Kernel>(program.levels.size(), kernel));
  steps.push_back({std::move(launch)});
}

void ProgramDraft::copy(int32_t from, int32_t to, HostSteps& steps) {
  const Buffer& buffer = program.buffers[to];
  launch_own(copy_kernel(buffer.dtype), {from, to}, {buffer.shape.at(0)}, buffer.shape.at(0),
             steps);
}

void ProgramDraft::store_number(const Index& number, int32_t to, HostSteps& steps) {
  launch_own(number_kernel(), {to}, {number}, 0, steps);
}

void ProgramDraft::check_bound(const Launch& launch) const {
  for (const Index& symbol : launch.symbols) {
    const std::string name = *symbol.as_var();
    const auto known = std::ranges::find(program.symbols, name, &Symbol::name);
    if (known != program.symbols.end() && known->value) continue;
    if (stage_of(program, symbol) > 0) continue;
    const bool bound = std::ranges::any_of(program.entries.back().inputs, [&](int32_t id) {
      return std::ranges::find(program.buffers[id].shape, symbol) !=
             program.buffers[id].shape.end();
    });
    if (bound) continue;
    throw CompileError("program", "no input has the size '" + name + "'", "",
                       "give it with --shape");
  }
}

// The name of the kernel of the program that this one is.
std::string ProgramDraft::stored(const Launch& launch, std::vector<Kernel> levels) {
  std::string text;
  make_uniform(levels);
  for (Kernel& kernel : levels) {
    check(kernel.params.size() == launch.args.size(), "plan", "a kernel has other parameters");
    for (size_t i = 0; i < kernel.params.size(); ++i)
      kernel.params[i].alignment = alignment_of(program, launch.args[i]);
    kernel = with_legal_names(kernel);
    text += canonical_text(kernel) + "---\n";
  }
  const auto [known, is_new] = kernels_.emplace(std::move(text), legal_name(levels.at(0).name));
  if (is_new) {
    std::string name = known->second;
    for (int n = 2; !kernel_names_.insert(name).second; ++n) {
      name = known->second + "_" + std::to_string(n);
    }
    known->second = name;
    for (Kernel& kernel : levels) kernel.name = name;
    program.kernels.push_back({name, std::move(levels)});
  }
  return known->second;
}

void ProgramDraft::place_weights() {
  int64_t end = 0;
  for (const Weight& weight : program.weights) {
    program.buffers[weight.buffer].offset = end;
    end += (weight.value.bytes() + 63) / 64 * 64;
  }
  program.weights_bytes = end;
}

// A symbol that no size, condition or computed symbol mentions is bound by nothing. What inputs
// decide comes before what is known as the program runs.
void ProgramDraft::keep_used_symbols() {
  std::set<std::string> used;
  const auto use = [&](const Index& e) { used.merge(e.vars()); };
  for (const Buffer& buffer : program.buffers) std::ranges::for_each(buffer.shape, use);
  visit_indices(program.prepare.steps, use);
  for (const Entry& entry : program.entries) {
    for (const Condition& c : entry.conditions) use(c.left), use(c.right);
    visit_indices(entry.steps, use);
  }
  for (size_t i = program.symbols.size(); i-- > 0;) {
    const Symbol& symbol = program.symbols[i];
    if (symbol.value && used.contains(symbol.name)) use(*symbol.value);
  }
  std::erase_if(program.symbols, [&](const Symbol& symbol) { return !used.contains(symbol.name); });
  std::set<std::string> later;  // found out first: symbols are looked up in one another
  for (const Symbol& symbol : program.symbols)
    if (stage_of(program, Index::var(symbol.name)) > 0) later.insert(symbol.name);
  std::ranges::stable_partition(program.symbols,
                                [&](const Symbol& symbol) { return !later.contains(symbol.name); });
}

Program ProgramDraft::finish() {
  place_weights();
  keep_used_symbols();
  return std::move(program);
}

}  // namespace mintor
