// SPDX-License-Identifier: Apache-2.0
// Strategies: how the kernel of a contract is scheduled. An ordered list; the first that does not
// refuse wins, by the cheapest of its candidates or the one that was measured to be the fastest. A
// candidate starts from the generic loops of lower() and applies steps, so it cannot change bits.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compiler/graph/fusion.h"
#include "compiler/loop/ir.h"
#include "compiler/support/error.h"
#include "compiler/support/target_info.h"

namespace mintor {

struct Contraction {
  const Graph& graph;
  const Group& group;
  const Node& node;  // the contract
  const TargetInfo& target;
};

// One way of a strategy to schedule a contract. Its text says the parameters that its steps are
// made from, without names of axes, loops or values: it means the same for each contract whose
// plain kernel is the same up to names.
struct Candidate {
  std::string text;  // unique in the strategy's list
  double cost = 0;   // estimated time, to be compared with those of the same list
  // Schedules a plain kernel, says why in `because`; on refusal the kernel may be left half done
  // (the caller copies). Valid as long as what the Contraction refers to.
  std::function<Refusal(Kernel& kernel, std::string& because)> apply;
};

struct Strategy {
  const char* name;  // = the file name
  // What could be done with the contract, in any order; or the reason why nothing. The cheapest is
  // what is done where nothing was measured.
  Refusal (*candidates)(const Contraction& contraction, std::vector<Candidate>& candidates);
  bool takes_stages = false;  // kernels of several contracts (Group::stages)
};

// The list of a strategy that has one way, which needs the kernel to say whether it can.
template <Refusal (*apply)(const Contraction&, Kernel&, std::string&)>
Refusal only_way(const Contraction& c, std::vector<Candidate>& candidates) {
  candidates.push_back(
      {"only", 0, [c](Kernel& kernel, std::string& because) { return apply(c, kernel, because); }});
  return {};
}

std::span<const Strategy* const>
strategies_in_order();  // contraction/strategies.cpp: by hand, a reason per line

// What may be done with a contract: the candidates of the first strategy that takes it, named
// behind it, the cheapest first; and the kernel by that one, before loop passes.
struct Choices {
  const Strategy* strategy = nullptr;  // none: all that would take it are disabled
  std::vector<Candidate> candidates;
  Kernel kernel;
  std::string because;
  std::vector<std::string> refused;  // strategies before it, with their reasons
};
Choices choices_of(const CompileContext& context, const Contraction& contraction,
                   const Kernel& plain);

// By one of them, after loop passes; nothing where it refuses.
std::optional<Kernel> scheduled_as(CompileContext& context, const Candidate& candidate,
                                   const Kernel& plain);

// What measurements say of a plain kernel at a level: the text of a candidate as Choices has it, or
// why the record is of no use here. Asked before anything is scheduled; a candidate that is not in
// the list is refused, and the default taken. It may be asked by several threads at a time.
struct Recorded {
  std::string candidate;
  std::string refused = {};
};
using Measured =
    std::function<std::optional<Recorded>(const Kernel& plain, const TargetInfo& level)>;

void schedule_contraction(CompileContext& context, const Contraction& contraction, Kernel& kernel,
                          const Measured& measured = {});
// The plain kernel of any group, for a level: by the strategies where the group has a contract, as
// row blocks, windows and vectors of loops (schedule_default) where it has none.
void schedule(CompileContext& context, const Graph& graph, const Group& group,
              const TargetInfo& level, Kernel& kernel, const Measured& measured = {});

}  // namespace mintor
