// SPDX-License-Identifier: Apache-2.0
// The slow interpreter of a Program. Takes an entry, its inputs by position and the level whose
// kernels run; gives the outputs. It lays buffers out exactly where the memory plan says, in one
// block of bytes per place, so that a wrong plan shows as a wrong value or as the read of an
// undefined element. Keeps true: sizes of inputs are checked against the symbols that they bind,
// and those against the program's conditions.
#include "compiler/loop/interpret.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "compiler/ir/sizes.h"
#include "compiler/program/canonical.h"
#include "compiler/program/program.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

struct Blocks {
  const Program& program;
  const Entry& entry;
  std::map<std::string, int64_t> symbols;
  std::vector<std::byte> packed, arena, state;
  std::vector<bool> packed_defined, arena_defined;    // per byte
  std::map<int32_t, std::vector<std::byte>> outside;  // inputs, outputs, weights by root
  std::vector<std::vector<std::byte>> dynamic;        // by Program::dynamic
  std::vector<std::vector<bool>> dynamic_defined;

  int64_t value(const Index& e) const {
    return e.evaluate([&](std::string_view name) {
      const auto found = symbols.find(std::string(name));
      if (found == symbols.end()) {
        throw InternalError("interpret program", "symbol '" + std::string(name) + "' is unbound");
      }
      return found->second;
    });
  }

  int64_t element_count(const Buffer& buffer) const {
    int64_t count = 1;
    for (const Index& extent : buffer.shape) {
      const int64_t size = value(extent);
      if (size < 0)
        throw CompileError("run", "'" + buffer.name + "' has a size of " + std::to_string(size));
      count *= size;
    }
    return count;
  }

  // Where a buffer lies: its block, and the bytes from which and to which it does.
  struct Span {
    std::vector<std::byte>* block = nullptr;
    std::vector<bool>* defined = nullptr;  // per byte; null: all are
    int64_t begin = 0, bytes = 0;
  };

  Span span_of(int32_t id) {
    const Buffer& buffer = program.buffers[id];
    const int32_t root = root_of(program, id);
    const Buffer& home = program.buffers[root];
    Span span{nullptr, nullptr, value(offset_in_root(program, id)),
              element_count(buffer) * size_of(buffer.dtype)};
    const auto in = [&](std::vector<std::byte>& block, std::vector<bool>& defined) {
      span.block = &block;
      span.defined = &defined;
      span.begin += value(home.offset);
    };
    if (home.place == Place::packed) {
      in(packed, packed_defined);
    } else if (home.place == Place::arena) {
      in(arena, arena_defined);
    } else if (home.place == Place::state) {
      span.block = &state;
      span.begin += value(home.offset);
    } else if (home.place == Place::dynamic) {
      in(dynamic.at(home.slot), dynamic_defined.at(home.slot));
    } else {  // a block of its own
      span.block = &outside[root];
      span.block->resize(static_cast<size_t>(element_count(home) * size_of(home.dtype)));
    }
    check(span.begin >= 0 && span.begin + span.bytes <= static_cast<int64_t>(span.block->size()),
          "interpret program", "a buffer lies outside its block");
    return span;
  }

  Memory load(int32_t id, bool fresh) {
    const Span span = span_of(id);
    const DType dtype = program.buffers[id].dtype;
    const int64_t width = size_of(dtype), count = span.bytes / width;
    const auto begin = span.block->begin() + span.begin;
    Memory memory{dtype, {begin, begin + span.bytes}, {}};
    if (span.defined != nullptr) {
      memory.defined.resize(static_cast<size_t>(count));
      for (int64_t i = 0; i < count; ++i)
        memory.defined[i] = (*span.defined)[span.begin + i * width];
    }
    if (fresh) memory.defined.assign(static_cast<size_t>(count), false);
    return memory;
  }

  void store(int32_t id, const Memory& memory) {
    const Span span = span_of(id);
    std::copy(memory.bytes.begin(), memory.bytes.end(), span.block->begin() + span.begin);
    if (span.defined == nullptr) return;
    const int64_t width = size_of(memory.dtype);
    for (size_t i = 0; i < memory.bytes.size(); ++i)
      (*span.defined)[span.begin + i] = memory.defined.empty() || memory.defined[i / width];
  }

  Tensor tensor(int32_t id) {
    const Buffer& buffer = program.buffers[id];
    std::vector<int64_t> shape;
    for (const Index& extent : buffer.shape) shape.push_back(value(extent));
    return Tensor::copy_of(buffer.dtype, shape, load(id, false).bytes.data());
  }

  bool chosen(int32_t condition) {
    const Memory memory = load(condition, false);
    check(memory.defined.empty() || memory.defined[0], "interpret program",
          "a condition is read before it is written");
    return memory.bytes[0] != std::byte{0};
  }

  void run(const HostSteps& steps, size_t level) {
    for (const HostStep& step : steps) {
      if (const auto* launch = std::get_if<Launch>(&step.node)) {
        run(*launch, level);
      } else if (const auto* branch = std::get_if<Branch>(&step.node)) {
        run(chosen(branch->condition) ? branch->yes : branch->no, level);
      } else if (const auto* loop = std::get_if<Loop>(&step.node)) {
        run(*loop, level);
      } else if (const auto* bind = std::get_if<Bind>(&step.node)) {
        run(*bind);
      } else if (const auto* check = std::get_if<Check>(&step.node)) {
        if (const auto broken = broken_condition({&check->condition, 1}, symbols))
          throw CompileError("run", *broken);
      }
    }
  }

  void run(const Bind& bind) {
    const Memory memory = load(bind.value, false);
    int64_t number = 0;
    std::memcpy(&number, memory.bytes.data(), sizeof(number));
    const Symbol& symbol = *std::ranges::find(program.symbols, bind.symbol, &Symbol::name);
    if (number < symbol.lo || (symbol.hi >= 0 && number > symbol.hi))
      throw CompileError("run", "'" + symbol.name + "' is " + std::to_string(number));
    const bool again = symbols.contains(bind.symbol) && symbols.at(bind.symbol) == number;
    symbols[bind.symbol] = number;
    const auto size = std::ranges::find(program.dynamic, bind.symbol, &DynamicSize::symbol);
    const auto stage = static_cast<int32_t>(size - program.dynamic.begin()) + 1;
    compute_sizes(program.symbols, symbols);
    if (const auto broken = broken_condition(entry.conditions, symbols))
      throw CompileError("run", *broken);
    const size_t bytes = static_cast<size_t>(value(size->bytes));
    if (again && bytes == dynamic.at(stage - 1).size()) return;  // a loop comes back to it
    dynamic.at(stage - 1).assign(bytes, std::byte{0xff});
    dynamic_defined.at(stage - 1).assign(bytes, false);
  }

  void run(const Loop& loop, size_t level) {
    const int64_t trip = value(loop.trip);
    int64_t& counter = symbols[loop.counter];
    for (counter = 0; counter < trip; ++counter) {
      if (loop.condition >= 0 && !chosen(loop.condition)) break;
      run(loop.steps, level);
    }
  }

  void run(const Launch& launch, size_t level) {
    Kernel kernel = program.kernels[find_kernel(program, launch.kernel)].levels[level];
    const std::vector<Param> params = kernel.params;
    std::set<size_t> taken_over;  // inputs whose bytes are those of an output
    for (const InPlace& pair : launch.in_place) {
      taken_over.insert(static_cast<size_t>(pair.input));
      kernel = rename(kernel, {{params[pair.input].name, params[pair.output].name}});
    }
    for (size_t i = params.size(); i-- > 0;) {
      if (taken_over.contains(i)) kernel.params.erase(kernel.params.begin() + static_cast<long>(i));
    }
    std::map<std::string, Memory> buffers;
    std::map<std::string, int64_t> values;
    for (size_t i = 0; i < launch.symbols.size(); ++i) {
      values[kernel.symbols[i].name] = value(launch.symbols[i]);
    }
    const auto is_fresh = [&](size_t arg) {
      return params[arg].written && std::ranges::none_of(launch.in_place, [&](const InPlace& pair) {
               return static_cast<size_t>(pair.output) == arg;
             });
    };
    for (size_t i = 0; i < launch.args.size(); ++i) {
      if (!taken_over.contains(i)) buffers[params[i].name] = load(launch.args[i], is_fresh(i));
    }
    interpret(kernel, buffers, values);
    for (size_t i = 0; i < launch.args.size(); ++i) {
      if (params[i].written) store(launch.args[i], buffers[params[i].name]);
    }
  }
};

void bind_symbols(Blocks& blocks, const std::vector<Tensor>& inputs) {
  const Program& program = blocks.program;
  const Entry& entry = blocks.entry;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Buffer& buffer = program.buffers[entry.inputs[i]];
    if (inputs[i].dtype != buffer.dtype || inputs[i].shape.size() != buffer.shape.size()) {
      throw CompileError("run", "input '" + buffer.name + "' has another dtype or rank");
    }
    for (size_t d = 0; d < buffer.shape.size(); ++d) {
      const auto name = buffer.shape[d].as_var();
      if (name && !blocks.symbols.contains(*name)) blocks.symbols[*name] = inputs[i].shape[d];
    }
  }
  compute_sizes(program.symbols, blocks.symbols);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Buffer& buffer = program.buffers[entry.inputs[i]];
    for (size_t d = 0; d < buffer.shape.size(); ++d) {
      const int64_t wanted = blocks.value(buffer.shape[d]);
      if (inputs[i].shape[d] == wanted) continue;
      throw CompileError("run", "input '" + buffer.name + "' has " +
                                    std::to_string(inputs[i].shape[d]) + " in dimension " +
                                    std::to_string(d) + ", not " + std::to_string(wanted));
    }
    blocks.outside[entry.inputs[i]].assign(inputs[i].data, inputs[i].data + inputs[i].bytes());
  }
  if (const auto broken = broken_condition(entry.conditions, blocks.symbols)) {
    throw CompileError("run", *broken);
  }
}

void fill_states(Blocks& blocks, const std::vector<Tensor>* given) {
  blocks.state.resize(static_cast<size_t>(blocks.program.state_bytes));
  for (size_t s = 0; s < blocks.program.states.size(); ++s) {
    const State& state = blocks.program.states[s];
    const Memory initial = blocks.load(state.initial, false);
    const bool known = given != nullptr && !given->empty();
    const std::byte* from = known ? (*given)[s].data : initial.bytes.data();
    std::copy(from, from + initial.bytes.size(),
              blocks.state.begin() + blocks.value(blocks.program.buffers[state.buffer].offset));
  }
}

}  // namespace

std::vector<Tensor> interpret(const Program& program, const std::vector<Tensor>& inputs,
                              size_t level, std::vector<Tensor>* state) {
  return interpret(program, program.entries.at(0), inputs, level, state);
}

std::vector<Tensor> interpret(const Program& program, const Entry& entry,
                              const std::vector<Tensor>& inputs, size_t level,
                              std::vector<Tensor>* state) {
  if (inputs.size() != entry.inputs.size()) {
    throw CompileError("run", std::to_string(inputs.size()) +
                                  " inputs were given, the program has " +
                                  std::to_string(entry.inputs.size()));
  }
  Blocks blocks{program, entry, {}, {}, {}, {}, {}, {}, {}, {}, {}};
  blocks.dynamic.resize(program.dynamic.size());
  blocks.dynamic_defined.resize(program.dynamic.size());
  for (const Weight& weight : program.weights) {
    blocks.outside[weight.buffer].assign(weight.value.data,
                                         weight.value.data + weight.value.bytes());
  }
  fill_states(blocks, state);
  blocks.packed.resize(program.packed_bytes.value());
  blocks.packed_defined.assign(blocks.packed.size(), false);
  blocks.arena.resize(program.prepare.arena_bytes.value());
  blocks.arena_defined.assign(blocks.arena.size(), false);
  blocks.run(program.prepare.steps, level);

  bind_symbols(blocks, inputs);
  blocks.arena.assign(blocks.value(entry.arena_bytes), std::byte{0xff});
  blocks.arena_defined.assign(blocks.arena.size(), false);
  blocks.run(entry.steps, level);

  if (state != nullptr) {
    state->clear();
    for (const State& one : program.states) state->push_back(blocks.tensor(one.buffer));
  }
  std::vector<Tensor> outputs;
  for (const int32_t id : entry.outputs) outputs.push_back(blocks.tensor(id));
  return outputs;
}

}  // namespace mintor
