// SPDX-License-Identifier: Apache-2.0
// A Program while it is made: named buffers, weights that share places, kernels that are stored
// once, launches. Takes what the planner of each graph asks for (plan.cpp); gives the Program.
// Keeps true: buffers have unique names; a kernel that equals another up to names is stored once;
// a launch's kernel has the alignment of the buffers that it is given.
#pragma once

#include <map>
#include <set>

#include "compiler/program/plan.h"

namespace mintor {

class ProgramDraft {
 public:
  ProgramDraft(std::vector<TargetInfo> levels, Parameters parameters);

  Program program;

  // What is added from here on belongs to this entry: inputs, outputs, conditions.
  void begin_entry(std::string name, const Graph& graph);
  Entry& entry() { return program.entries.back(); }
  int32_t add_input(const Node& input);
  int32_t add_output(const Result& result);
  int32_t add_buffer(std::string name, const Type& type, Place place, int32_t slot = 0);
  int32_t add_view(std::string name, const Type& type, int32_t of);
  int32_t add_part(std::string name, const Type& type, int32_t of, Index offset);
  // Of a parameter or constant. Equal constants share one place, and so do equal parameters that
  // are not settable, and first values of states.
  int32_t weight_of(const Value& value, const std::string& name);
  // Those that the program has not. Asked for all graphs and regions before anything else.
  void add_symbols(const Graph& graph);
  // The states of a graph are states from here on: weight_of gives their buffers.
  void add_states(const Graph& graph);
  int32_t state_of(const std::string& parameter) const;  // a buffer
  bool has_state(const std::string& parameter) const { return states_.contains(parameter); }
  // A symbol that is bound as the program runs; asked for all before any buffer is made.
  void add_dynamic(const std::string& symbol);
  // The symbol for what a carried value's size is between iterations, which becomes `symbol` after
  // the loop: a new one where it is asked for first.
  const std::string& kept_size(const std::string& symbol);
  // The counter of loops at a depth.
  const std::string& counter(size_t depth);

  void launch(const LevelsOfKernel& kernels, std::vector<int32_t> args, const Index& work,
              std::vector<std::string> scopes, HostSteps& steps);
  // The outputs of the launch of `prepare` that makes the same of the same inputs, in whatever
  // entry it was asked for first; empty: there is none yet, and the caller fills it.
  std::vector<int32_t>& prepared(const LevelsOfKernel& kernels, const std::vector<int32_t>& inputs);
  // What `prepare` works with is read by an entry.
  void keep(int32_t buffer);
  // Between flat buffers of one size.
  void copy(int32_t from, int32_t to, HostSteps& steps);
  // A size into an i64[].
  void store_number(const Index& number, int32_t to, HostSteps& steps);

  Program finish();

 private:
  int32_t shared_weight(const Value& value, const std::string& name);
  int32_t fixed_parameter(const Value& value, const std::string& name);
  void check_bound(const Launch& launch) const;
  void launch_own(Kernel kernel, std::vector<int32_t> args, std::vector<Index> symbols,
                  const Index& work, HostSteps& steps);
  std::string stored(const Launch& launch, std::vector<Kernel> levels);
  void place_weights();
  void keep_used_symbols();

  Parameters parameters_;
  std::map<std::string, std::string> kept_sizes_;
  std::map<std::string, int32_t> states_;       // by parameter
  std::map<std::string, std::string> kernels_;  // canonical texts of all levels -> name
  std::map<std::pair<const void*, std::vector<int64_t>>, std::string> shared_;  // by alignment
  // By kernels, and where the inputs lie.
  std::map<std::pair<const void*, std::vector<std::pair<int32_t, Index>>>, std::vector<int32_t>>
      prepared_;
  std::set<std::string> names_, kernel_names_;
};

// The trip count of a kernel's parallel loop, 1 when it has none. InternalError unless the loop
// starts at 0 and holds every store to a parameter.
Index tasks_of(const Kernel& kernel);

}  // namespace mintor
