// SPDX-License-Identifier: Apache-2.0
// The rules of a Program's structure. Takes a Program; throws InternalError naming rule and item.
// Keeps true: after it, every id is in range, each launch fits its kernel at every level, values
// are written before they are read, inputs and weights are never written, packed only in `prepare`.
#include <algorithm>
#include <set>

#include "compiler/ir/sizes.h"
#include "compiler/program/program.h"
#include "compiler/support/error.h"
#include "compiler/support/identifier.h"
#include "compiler/support/index_poly.h"

namespace mintor {
namespace {

[[noreturn]] void broken(const std::string& item, const std::string& rule) {
  throw InternalError("verify program", item + ": " + rule);
}

// Where a part ends is checked by the interpreter.
void verify_view(const Program& program, const Buffer& buffer, const std::string& item) {
  const Buffer& of = program.buffers[buffer.view_of];
  const bool same_bytes = count_of(of.shape) == count_of(buffer.shape) && buffer.offset.is_const(0);
  if (size_of(of.dtype) != size_of(buffer.dtype) || (!buffer.part && !same_bytes))
    broken(item, "a view has the bytes of '" + of.name + "'");
  if (buffer.offset.is_const() && buffer.offset.value() < 0)
    broken(item, "it starts before '" + of.name + "'");
  for (const IndexTerm& term : buffer.offset.poly().terms)
    if (term.coefficient % size_of(buffer.dtype) != 0) broken(item, "it starts inside an element");
}

void verify_buffers(const Program& program) {
  std::set<std::string> names;
  for (size_t i = 0; i < program.buffers.size(); ++i) {
    const Buffer& buffer = program.buffers[i];
    const std::string item = "buffer '" + buffer.name + "'";
    if (!names.insert(buffer.name).second) broken(item, "the name is used twice");
    if (buffer.view_of < 0) continue;
    if (buffer.view_of >= static_cast<int32_t>(i)) broken(item, "a view follows what it views");
    verify_view(program, buffer, item);
  }
  const auto verify_slots = [&](const std::vector<int32_t>& ids, Place place) {
    for (size_t slot = 0; slot < ids.size(); ++slot) {
      const Buffer& buffer = program.buffers.at(ids[slot]);
      if (place == Place::output && buffer.place == Place::dynamic && buffer.view_of < 0) continue;
      if (buffer.view_of >= 0 || buffer.place != place ||
          buffer.slot != static_cast<int32_t>(slot)) {
        broken("buffer '" + buffer.name + "'", "its place is not that of its position");
      }
    }
  };
  for (const Entry& entry : program.entries) {
    verify_slots(entry.inputs, Place::input);
    verify_slots(entry.outputs, Place::output);
  }
}

void verify_weights(const Program& program) {
  for (const Weight& weight : program.weights) {
    const Buffer& buffer = program.buffers.at(weight.buffer);
    const std::string item = "weight '" + buffer.name + "'";
    if (buffer.place != Place::weights || buffer.view_of >= 0) broken(item, "not in weights");
    if (!buffer.offset.is_const() || buffer.offset.value() % 64 != 0) {
      broken(item, "its offset is no constant multiple of 64");
    }
    if (!(count_of(buffer.shape) == Index(weight.value.count())) ||
        size_of(buffer.dtype) != size_of(weight.value.dtype)) {
      broken(item, "its value has another size than its buffer");
    }
    if (buffer.offset.value() + weight.value.bytes() > program.weights_bytes) {
      broken(item, "it lies outside the weights");
    }
  }
}

// Values of the kernel's symbols are put into its shapes, which must then be those of the buffers.
void verify_param(const Program& program, const Launch& launch, const Kernel& kernel, size_t i) {
  const Param& param = kernel.params[i];
  const Buffer& buffer = program.buffers.at(launch.args[i]);
  const std::string item = "launch of " + launch.kernel + ", '" + param.name + "'";
  if (param.dtype != buffer.dtype) broken(item, "dtype differs from buffer '" + buffer.name + "'");
  std::map<std::string, Index> values;
  for (size_t s = 0; s < kernel.symbols.size(); ++s) {
    values[kernel.symbols[s].name] = launch.symbols[s];
  }
  if (!(count_of(param.shape).substitute(values) == count_of(buffer.shape))) {
    broken(item, "size " + count_of(param.shape).substitute(values).str() + " is not " +
                     count_of(buffer.shape).str() + " of buffer '" + buffer.name + "'");
  }
  if (alignment_of(program, launch.args[i]) % param.alignment != 0) {
    broken(item, "wants more alignment than buffer '" + buffer.name + "' has");
  }
}

// Sizes are computed from what stands before them, conditions are about sizes that there are.
void verify_symbols(const Program& program) {
  std::set<std::string> known;
  const auto verify_size = [&](const Index& size, const std::string& item) {
    for (const std::string& name : size.vars()) {
      if (!known.contains(name)) broken(item, "'" + name + "' is no symbol before it");
    }
  };
  for (const Symbol& symbol : program.symbols) {
    if (symbol.value) verify_size(*symbol.value, "symbol '" + symbol.name + "'");
    if (!known.insert(symbol.name).second) broken("symbol '" + symbol.name + "'", "is there twice");
  }
  for (const Entry& entry : program.entries) {
    for (const Condition& condition : entry.conditions) {
      const std::string item = "condition " + to_string(condition);
      verify_size(condition.left, item);
      verify_size(condition.right, item);
    }
  }
}

struct Writes {
  std::set<int32_t> done;       // roots that hold a value
};

void verify_launch(const Program& program, const Launch& launch, bool prepare, Writes& writes) {
  const LevelKernels& kernels = program.kernels[find_kernel(program, launch.kernel)];
  const std::string item = "launch of " + launch.kernel;
  if (launch.tasks.size() != program.levels.size()) broken(item, "tasks are not one per level");
  for (const Kernel& kernel : kernels.levels) {
    if (kernel.params.size() != launch.args.size()) broken(item, "argument count");
    if (kernel.symbols.size() != launch.symbols.size()) broken(item, "symbol count");
    for (size_t i = 0; i < launch.args.size(); ++i) verify_param(program, launch, kernel, i);
  }
  const Kernel& kernel = kernels.levels.at(0);
  for (size_t i = 0; i < launch.args.size(); ++i) {
    const int32_t root = root_of(program, launch.args[i]);
    if (!kernel.params[i].written && !writes.done.contains(root)) {
      broken(item, "reads '" + program.buffers[root].name + "' before it is written");
    }
    const Place place = program.buffers[root].place;
    if (prepare && (place <= Place::output || place == Place::state))
      broken(item, "prepare sees no inputs, outputs and states");
  }
  for (size_t i = 0; i < launch.args.size(); ++i) {
    if (!kernel.params[i].written) continue;
    const int32_t root = root_of(program, launch.args[i]);
    const Place place = program.buffers[root].place;
    if (place == Place::input || place == Place::weights) broken(item, "writes what is read-only");
    if (place == Place::packed && !prepare) broken(item, "writes packed data outside prepare");
    writes.done.insert(root);
  }
  for (const InPlace& pair : launch.in_place) {
    const auto count = static_cast<int32_t>(launch.args.size());
    if (pair.output < 0 || pair.input < 0 || pair.output >= count || pair.input >= count ||
        !kernel.params[pair.output].written || kernel.params[pair.input].written) {
      broken(item, "in_place does not name an output and an input");
    }
  }
}

void verify_condition(const Program& program, int32_t id, const Writes& writes) {
  const Buffer& buffer = program.buffers.at(id);
  const std::string item = "condition '" + buffer.name + "'";
  if (buffer.dtype != DType::boolean || !buffer.shape.empty()) broken(item, "is no bool[]");
  if (!writes.done.contains(root_of(program, id))) broken(item, "is read before it is written");
}

void verify_states(const Program& program) {
  std::set<int32_t> seen;
  for (const State& state : program.states) {
    const Buffer& buffer = program.buffers.at(state.buffer);
    const Buffer& initial = program.buffers.at(state.initial);
    const std::string item = "state '" + buffer.name + "'";
    if (buffer.place != Place::state || buffer.view_of >= 0) broken(item, "lies elsewhere");
    if (initial.place != Place::weights) broken(item, "does not start with a weight");
    if (initial.dtype != buffer.dtype || !(count_of(initial.shape) == count_of(buffer.shape)))
      broken(item, "its first value has another type");
    if (!seen.insert(state.buffer).second) broken(item, "is there twice");
    if (state.of >= static_cast<int32_t>(program.states.size())) broken(item, "belongs to nothing");
  }
}

// What is set by name changes nothing else.
void verify_fixed(const Program& program) {
  std::set<std::string> names;
  std::set<int32_t> others;
  for (const State& state : program.states) {
    names.insert(port_name(program.buffers[state.buffer]));
    others.insert(root_of(program, state.initial));
  }
  for (const FixedParameter& fixed : program.fixed) {
    const std::string item = "parameter '" + fixed.name + "'";
    const int32_t root = root_of(program, fixed.buffer);
    if (root != fixed.buffer || program.buffers.at(root).place != Place::weights)
      broken(item, "is no weight of its own");
    if (!names.insert(fixed.name).second) broken(item, "is there twice");
    if (!others.insert(root).second) broken(item, "shares its place");
  }
}

void verify_bind(const Program& program, const Bind& bind, const Writes& writes) {
  const Buffer& buffer = program.buffers.at(bind.value);
  const std::string item = "bind of '" + bind.symbol + "'";
  if (buffer.dtype != DType::i64 || !buffer.shape.empty()) broken(item, "takes an i64[]");
  if (!writes.done.contains(root_of(program, bind.value))) broken(item, "is read before written");
  if (std::ranges::find(program.dynamic, bind.symbol, &DynamicSize::symbol) ==
      program.dynamic.end())
    broken(item, "is no dynamic size");
}

// What lies in the arena has its size before anything runs; the rest lies with what decides it.
void verify_stage(const Program& program, const Buffer& buffer) {
  int32_t stage = 0;
  for (const Index& extent : buffer.shape) stage = std::max(stage, stage_of(program, extent));
  const bool is_dynamic = buffer.place == Place::dynamic;
  if (buffer.view_of < 0 && is_dynamic != (stage > 0))
    broken("buffer '" + buffer.name + "'", "its size is known at another time");
  if (buffer.view_of < 0 && is_dynamic && buffer.slot + 1 != stage)
    broken("buffer '" + buffer.name + "'", "it lies with another dynamic size");
}

void verify_steps(const Program& program, const HostSteps& steps, bool prepare, Writes& writes,
                  size_t depth = 0) {
  for (const HostStep& step : steps) {
    if (const auto* launch = std::get_if<Launch>(&step.node)) {
      verify_launch(program, *launch, prepare, writes);
    } else if (const auto* branch = std::get_if<Branch>(&step.node)) {
      if (prepare) broken("prepare", "has no branches");
      verify_condition(program, branch->condition, writes);
      Writes other = writes;
      verify_steps(program, branch->yes, prepare, writes, depth + 1);
      verify_steps(program, branch->no, prepare, other, depth + 1);
      std::erase_if(writes.done, [&](int32_t root) { return !other.done.contains(root); });
    } else if (const auto* bind = std::get_if<Bind>(&step.node)) {
      if (prepare) broken("prepare", "binds nothing");
      verify_bind(program, *bind, writes);
    } else if (std::holds_alternative<Check>(step.node)) {
      if (prepare) broken("prepare", "checks nothing");
    } else if (const auto* loop = std::get_if<Loop>(&step.node)) {
      if (prepare) broken("prepare", "has no loops");
      if (depth >= program.counters.size() || program.counters[depth] != loop->counter)
        broken("loop " + loop->counter, "its counter is not that of its depth");
      if (loop->condition >= 0) verify_condition(program, loop->condition, writes);
      verify_steps(program, loop->steps, prepare, writes, depth + 1);
    }
  }
}

// An identifier, for it is one in C, and unique.
void verify_names(const Program& program) {
  if (program.entries.empty()) broken("program", "has no entry");
  std::set<std::string> names{program.prepare.name};
  for (const Entry& entry : program.entries) {
    const std::string item = "entry '" + entry.name + "'";
    if (!is_identifier(entry.name)) broken(item, "its name is no identifier");
    if (!names.insert(entry.name).second) broken(item, "is there twice");
  }
}

// An entry sees what `prepare` left and its own inputs.
void verify_entry(const Program& program, const Entry& entry, Writes writes) {
  writes.done.insert(entry.inputs.begin(), entry.inputs.end());
  verify_steps(program, entry.steps, false, writes);
  for (const int32_t output : entry.outputs) {
    if (!writes.done.contains(output))
      broken("output '" + program.buffers[output].name + "'", "is never written");
  }
}

}  // namespace

void verify(const Program& program) {
  verify_names(program);
  verify_symbols(program);
  verify_buffers(program);
  verify_weights(program);
  for (const LevelKernels& kernel : program.kernels) {
    if (kernel.levels.size() != program.levels.size()) {
      broken("kernel " + kernel.name, "does not have one version per level");
    }
    for (const Kernel& level : kernel.levels) verify(level);
  }
  for (const Buffer& buffer : program.buffers) verify_stage(program, buffer);
  verify_states(program);
  verify_fixed(program);
  Writes prepared;
  for (size_t i = 0; i < program.buffers.size(); ++i) {
    const Place place = program.buffers[i].place;
    if (program.buffers[i].view_of < 0 && (place == Place::weights || place == Place::state))
      prepared.done.insert(static_cast<int32_t>(i));
  }
  verify_steps(program, program.prepare.steps, true, prepared);
  std::erase_if(prepared.done, [&](int32_t root) {  // its arena is given back
    return program.buffers[root].place == Place::arena;
  });
  for (const Entry& entry : program.entries) verify_entry(program, entry, prepared);
}

}  // namespace mintor
