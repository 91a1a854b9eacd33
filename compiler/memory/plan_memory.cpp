// SPDX-License-Identifier: Apache-2.0
// Liveness, in-place reuse and arena placement, entry by entry. Takes a Program; sets its offsets.
// Keeps true: a chain of in-place buffers is one slot, live from its first write to its last read.
#include "compiler/memory/plan_memory.h"

#include <algorithm>
#include <set>

#include "compiler/loop/stack.h"
#include "compiler/memory/arena.h"
#include "compiler/memory/in_place.h"
#include "compiler/memory/place_updates.h"
#include "compiler/memory/symbol_values.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

struct EntryPlanner {
  CompileContext& context;
  Program& program;
  Entry& entry;
  std::map<int32_t, Lifetime> live;
  std::map<int32_t, int32_t> slot_head;      // buffer -> the first of those whose bytes it takes
  int reused = 0;

  int32_t head(int32_t buffer) const {
    const auto found = slot_head.find(buffer);
    return found == slot_head.end() ? buffer : found->second;
  }

  // The roots that a launch is given, and how often.
  std::map<int32_t, int> uses(const Launch& launch) const {
    std::map<int32_t, int> counts;
    for (const int32_t arg : launch.args) ++counts[root_of(program, arg)];
    return counts;
  }

  bool is_part(int32_t buffer) const {
    for (; program.buffers[buffer].view_of >= 0; buffer = program.buffers[buffer].view_of)
      if (program.buffers[buffer].part) return true;
    return false;
  }

  bool both_in_arena(const Launch& launch, size_t output, size_t input) const {
    return live.contains(root_of(program, launch.args[output])) &&
           live.contains(root_of(program, launch.args[input]));
  }

  Refusal refuse(const Launch& launch, int number, size_t output, size_t input) const {
    const int32_t to = root_of(program, launch.args[output]);
    const int32_t from = root_of(program, launch.args[input]);
    if (is_part(launch.args[output]) || is_part(launch.args[input])) return {"it is a part"};
    if (live.at(to).first != number) return {"the output holds a value already"};
    if (live.at(from).last != number) return {"the input is read later"};
    const auto counts = uses(launch);
    if (counts.at(to) > 1 || counts.at(from) > 1) return {"it is passed twice"};
    if (!(program.buffers[to].exact_bytes() == program.buffers[from].exact_bytes())) {
      return {"sizes differ"};
    }
    for (const Kernel& kernel : program.kernels[find_kernel(program, launch.kernel)].levels) {
      if (Refusal refusal = refuse_in_place(kernel, output, input)) return refusal;
    }
    return {};
  }

  void reuse_in(Launch& launch, int number) {
    const Kernel& kernel = program.kernels[find_kernel(program, launch.kernel)].levels[0];
    std::set<size_t> taken;
    for (size_t output = 0; output < launch.args.size(); ++output) {
      if (!kernel.params[output].written) continue;
      for (size_t input = 0; input < launch.args.size(); ++input) {
        if (kernel.params[input].written || taken.contains(input)) continue;
        if (!both_in_arena(launch, output, input)) continue;
        const Refusal refusal = refuse(launch, number, output, input);
        if (refusal) {
          context.explain("in place: " + launch.kernel + ": " + kernel.params[output].name +
                          " on " + kernel.params[input].name + ": " + refusal.reason);
          continue;
        }
        taken.insert(input);
        launch.in_place.push_back({static_cast<int32_t>(output), static_cast<int32_t>(input)});
        slot_head[root_of(program, launch.args[output])] =
            head(root_of(program, launch.args[input]));
        ++reused;
        break;
      }
    }
  }

  ArenaPlan run() {
    live = lifetimes(program, entry, Place::arena);
    visit_moments(
        entry.steps,
        [&](Launch& launch, int moment) {
          std::erase_if(launch.in_place, [&](const InPlace& pair) {
            return live.contains(root_of(program, launch.args[pair.output]));
          });
          reuse_in(launch, moment);
        },
        [](int32_t, int) {}, [](int, int) {});
    std::map<int32_t, size_t> slot_of;
    std::vector<Slot> slots;
    for (const auto& [buffer, lifetime] : live) {
      const auto [at, is_new] = slot_of.try_emplace(head(buffer), slots.size());
      if (is_new) slots.push_back({lifetime, program.buffers[buffer].exact_bytes(), 0});
      Lifetime& whole = slots[at->second].lifetime;
      whole.first = std::min(whole.first, lifetime.first);
      whole.last = std::max(whole.last, lifetime.last);
    }
    ArenaPlan plan = place(slots);
    for (const auto& [buffer, lifetime] : live) {
      program.buffers[buffer].offset = slots[slot_of.at(head(buffer))].offset;
    }
    return plan;
  }

  void report(const ArenaPlan& plan, const SymbolValues& hints) {
    int64_t bound = 0, sum = 0;
    for (const Section& section : plan.sections) {
      bound += value_at(section.unit, hints) * section.least;
    }
    for (const auto& [buffer, lifetime] : live) {
      sum += value_at(program.buffers[buffer].exact_bytes(), hints);
    }
    const int64_t scratch = scratch_bytes(program, entry);
    if (live.empty() && scratch == 0) return;
    program.report.push_back(
        entry.name + ": arena " + std::to_string(value_at(plan.bytes, hints)) +
        " B, lower bound " + std::to_string(bound) + " B, without reuse " + std::to_string(sum) +
        " B, " + std::to_string(live.size()) + " buffers, " + std::to_string(reused) +
        " in place" +
        (scratch > 0 ? ", scratch " + std::to_string(scratch) + " B a thread" : ""));
  }
};

// Packed buffers live as long as the model: one behind the other.
void place_packed(Program& program) {
  Index end = 0;
  for (Buffer& buffer : program.buffers) {
    if (buffer.view_of >= 0 || buffer.place != Place::packed) continue;
    check(buffer.bytes().is_const(), "plan_memory", "packed sizes are constant");
    buffer.offset = end;
    end = end + buffer.bytes();
  }
  program.packed_bytes = end;
}

// Memory of each dynamic size of an entry, which is given when its symbol is bound. Outputs stay to
// the end.
void place_dynamic(Program& program, const Entry& entry) {
  const int end =
      visit_moments(entry.steps, [](const Launch&, int) {}, [](int32_t, int) {}, [](int, int) {});
  auto live = lifetimes(program, entry, Place::dynamic);
  for (const int32_t output : entry.outputs)
    if (program.buffers[output].place == Place::dynamic) live[output].last = end;
  for (size_t d = 0; d < program.dynamic.size(); ++d) {
    std::vector<Slot> slots;
    std::vector<int32_t> buffers;
    for (const auto& [buffer, lifetime] : live) {
      if (program.buffers[buffer].slot != static_cast<int32_t>(d)) continue;
      slots.push_back({lifetime, program.buffers[buffer].exact_bytes(), 0});
      buffers.push_back(buffer);
    }
    if (slots.empty()) continue;
    program.dynamic[d].bytes = place(slots).bytes;
    for (size_t s = 0; s < slots.size(); ++s) program.buffers[buffers[s]].offset = slots[s].offset;
  }
}

}  // namespace

void place_states(Program& program) {
  int64_t end = 0;
  for (const State& state : program.states) {
    Buffer& buffer = program.buffers[state.buffer];
    check(buffer.bytes().is_const(), "plan_memory", "sizes of states are constant");
    buffer.offset = end;
    end += buffer.bytes().value();
  }
  program.state_bytes = end;
}

void plan_memory(CompileContext& context, Program& program) {
  for (Entry& entry : program.entries) place_updates(context, program, entry);
  place_states(program);
  place_packed(program);
  std::vector<EntryPlanner> planners{{context, program, program.prepare, {}, {}, 0}};
  for (Entry& entry : program.entries) planners.push_back({context, program, entry, {}, {}, 0});
  std::vector<ArenaPlan> plans;
  for (EntryPlanner& planner : planners) {
    plans.push_back(planner.run());
    planner.entry.arena_bytes = plans.back().bytes;
  }
  check(program.prepare.arena_bytes.is_const(), "plan_memory", "sizes in prepare are constant");
  for (const Entry& entry : program.entries) place_dynamic(program, entry);
  program.report.clear();
  const SymbolValues hints = hint_values(program);
  for (size_t p = 0; p < planners.size(); ++p) planners[p].report(plans[p], hints);
  for (const std::string& line : program.report) context.explain("memory: " + line);
  verify_memory(program);
}

}  // namespace mintor
