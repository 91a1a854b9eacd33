// SPDX-License-Identifier: Apache-2.0
// The Program: when and where. Buffers with places, and entries: trees of launches, branches and
// loops.
//
// A Program is decided once for all its levels; only the Kernel of a launch differs by level.
// `prepare` runs once and fills the packed buffers from the weights; each of the other entries runs
// per call, with inputs, outputs and working memory of its own. Weights, packed buffers, states and
// kernels are shared by all: what one entry writes to a state the next run of another reads.
// Launches of an entry are separated by barriers; an entry enters the thread pool once. Offsets and
// sizes are Index expressions over the symbols, offsets of views over the counters of loops too.
// Keeps true: no two buffers that are live at the same time overlap in the arena, views and
// in-place reuse excepted.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "compiler/ir/graph.h"
#include "compiler/loop/ir.h"
#include "compiler/support/context.h"
#include "compiler/support/target_info.h"

namespace mintor {

// state: of a context, kept from run to run. dynamic: memory for sizes that are known once a `Bind`
// has run; an output may lie there.
enum class Place : uint8_t { input, output, weights, packed, arena, dynamic, state };

struct Buffer {
  std::string name;             // unique in the program
  std::string port;             // what callers call an input or output, where it is not `name`
  DType dtype = DType::f32;
  Shape shape;
  Place place = Place::arena;
  int32_t slot = 0;  // input, output: position in its entry; dynamic: in Program::dynamic
  Index offset;      // weights, packed, arena, dynamic: bytes, a multiple of 64
  // Shares the bytes of another buffer: all of them, or as a part what it takes from `offset` on,
  // counted from where that one starts. Place and slot are those of its root.
  int32_t view_of = -1;
  bool part = false;
  bool in_branch = false;  // alone; where its steps begin they check that no size is below 0
  Index exact_bytes() const;  // 0 where a size of a branch that is not taken is below 0
  Index bytes() const;        // rounded up to 64
};

// An output of a launch that takes the bytes of an input that dies there; positions in
// Launch::args.
struct InPlace {
  int32_t output = 0, input = 0;
  bool operator==(const InPlace&) const = default;
};

struct Launch {
  std::string kernel;           // Program::kernels by name
  std::vector<int32_t> args;    // buffers, in order of the kernel's parameters
  std::vector<Index> symbols;   // values of the kernel's symbol parameters
  std::vector<Index> tasks;  // per level: trip count of the kernel's parallel loop (1: it has none)
  Index work = 0;  // scalar operations, about: what is split has to be worth it; 0: unknown
  std::vector<InPlace> in_place;
  std::vector<std::string> scopes = {};  // of what it computes, for readers; each once
};

struct HostStep;
using HostSteps = std::vector<HostStep>;

// One of two lists of steps, as a bool[] in memory says.
struct Branch {
  int32_t condition = 0;  // buffer
  HostSteps yes, no;
};

// The same steps for each number of the counter from 0 to trip - 1. With a condition, a bool[] that
// is read before each iteration, it ends when that is false. Afterwards the counter is the number
// of iterations that ran, until the next loop that has this counter. Loops of one depth share one.
struct Loop {
  std::string counter;
  Index trip;
  int32_t condition = -1;  // buffer, or none; may be a view that moves with the counter
  HostSteps steps;
};

// A symbol becomes what an i64[] in memory holds; what lies outside of its range ends the run.
struct Bind {
  std::string symbol;
  int32_t value = 0;  // buffer
};

// Ends the run where sizes that a branch or a body needs to be equal are not.
struct Check {
  Condition condition;
};

struct HostStep {
  std::variant<Launch, Branch, Loop, Bind, Check> node;
};
struct Entry {
  std::string name;  // an identifier, unique in the program
  HostSteps steps;
  std::vector<int32_t> inputs, outputs;  // buffer ids by position
  std::vector<Condition> conditions;     // on the values of symbols, checked when they are bound
  Index arena_bytes = 0;
};

// All steps of a list, those inside of branches and loops behind these: in the order of the text.
template <class List, class Function>
void visit_steps(List& steps, const Function& function) {
  for (auto& step : steps) {
    function(step);
    if (auto* branch = std::get_if<Branch>(&step.node)) {
      visit_steps(branch->yes, function);
      visit_steps(branch->no, function);
    } else if (auto* loop = std::get_if<Loop>(&step.node)) {
      visit_steps(loop->steps, function);
    }
  }
}

template <class List, class Function>
void visit_launches(List& steps, const Function& function) {
  visit_steps(steps, [&](auto& step) {
    if (auto* launch = std::get_if<Launch>(&step.node)) function(*launch);
  });
}

// All expressions of a list of steps over symbols and counters.
void visit_indices(const HostSteps& steps, const std::function<void(const Index&)>& visit);

struct LevelKernels {
  std::string name;
  std::vector<Kernel> levels;
};  // one Kernel per Program::levels

// A symbol that a Bind sets, and the memory for all that its value decides.
struct DynamicSize {
  std::string symbol;
  Index bytes;
};

// `parameter`: whose value it is, by its name; empty for a constant.
struct Weight { std::string parameter; Tensor value; int32_t buffer = 0; };

// What a state is for: a value of the model; what the optimizer keeps of one; the sum of its
// gradients. As mt_state_role of the ABI.
enum class StateRole : uint8_t { value, optimizer, gradient };

// A parameter that runs update: what a context starts with lies in the weights.
struct State {
  int32_t buffer = 0;
  int32_t initial = 0;  // buffer of the weights
  StateRole role = StateRole::value;
  int32_t of = -1;  // position of the state that it belongs to
};

// A parameter that no entry updates and that can be set by name: no other shares its place.
struct FixedParameter {
  std::string name;
  int32_t buffer = 0;
};

struct Program {
  std::string name;
  std::string numerics_hash;
  std::vector<Symbol> symbols;            // bound by inputs, in order, or computed from others
  std::vector<DynamicSize> dynamic;       // in the order of their Binds, entry by entry
  std::vector<std::string> counters;      // of loops, outermost first
  std::vector<Buffer> buffers;
  std::vector<Weight> weights;            // parameters and large constants
  std::vector<State> states;              // by the name of their parameters, in order of updates
  std::vector<FixedParameter> fixed;      // where parameters are settable
  std::vector<LevelKernels> kernels;
  std::vector<TargetInfo> levels;         // lowest first
  // The arena of `prepare`, of constant size, is given back after it. Of the others, at least one,
  // the first is what runs where none is named.
  Entry prepare{"prepare", {}, {}, {}, {}, 0};
  std::vector<Entry> entries;
  Index packed_bytes = 0;
  int64_t weights_bytes = 0, state_bytes = 0;
  std::vector<std::string> report;  // memory plan: peak, lower bound, what was reused; `--explain`
};

std::string_view name_of(Place place);              // as texts spell it
std::string print(const Program& program);          // kernels included, by level
Program parse_program(std::string_view text, const std::map<std::string, Tensor>& blobs);
// Structure: names, places, argument counts, dtypes, sizes, order. InternalError names the rule and
// the item. What may overlap in the arena is checked by verify_memory
// (compiler/memory/plan_memory.h).
void verify(const Program& program);

// Bytes of scratch that each part of an entry's launches may use, beside the arena.
int64_t scratch_bytes(const Program& program, const Entry& entry);
// What callers call an input or output: a model may have an input and an output of one name.
const std::string& port_name(const Buffer& buffer);
// The buffer whose bytes it shares, through all views.
int32_t root_of(const Program& program, int32_t buffer);
// Where a buffer starts, in bytes from the start of its root: 0 unless it is a part.
Index offset_in_root(const Program& program, int32_t buffer);
// What an entry reads and writes, its inputs and outputs included, and what that lies in.
std::set<int32_t> buffers_of(const Program& program, const Entry& entry);
// The symbols that sizes and steps of an entry mention, and those that these are computed from.
std::set<std::string> symbols_of(const Program& program, const Entry& entry);
// Whether it is the entry that sets a symbol of Program::dynamic.
bool binds(const Entry& entry, std::string_view symbol);
// How many of Program::dynamic have to be bound before an expression has a value.
int32_t stage_of(const Program& program, const Index& e);
Ranges ranges_of(const Program& program);  // of its symbols
// What its address is a multiple of: callers align to elements, we align roots to 64 bytes.
int64_t alignment_of(const Program& program, int32_t buffer);
// Position in Program::kernels; InternalError when there is none of that name.
size_t find_kernel(const Program& program, std::string_view name);

// Position in Program::entries; CompileError with the nearest name when there is none of that name.
size_t find_entry(const Program& program, std::string_view name);

// Runs `prepare` and an entry with the loop interpreter on the kernels of one level. `state`: what
// the states hold before and after, in order; empty: what they start with.
std::vector<Tensor> interpret(const Program& program, const Entry& entry,
                              const std::vector<Tensor>& inputs, size_t level,
                              std::vector<Tensor>* state = nullptr);
// The first entry.
std::vector<Tensor> interpret(const Program& program, const std::vector<Tensor>& inputs,
                              size_t level, std::vector<Tensor>* state = nullptr);

}  // namespace mintor
