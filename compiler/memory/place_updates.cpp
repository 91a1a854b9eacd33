// SPDX-License-Identifier: Apache-2.0
// Takes an entry; asks for each copy at its end that fills a state whether the launch that makes
// the value may write the state itself. Keeps true: launches in branches and loops do not, they may
// run more than once or never.
#include "compiler/memory/place_updates.h"

#include <algorithm>

#include "compiler/memory/in_place.h"
#include "compiler/memory/liveness.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

struct Updates {
  Program& program;
  HostSteps& steps;

  const Kernel& kernel_of(const Launch& launch, size_t level) const {
    return program.kernels[find_kernel(program, launch.kernel)].levels[level];
  }

  bool is_written(const Launch& launch, size_t arg) const {
    return kernel_of(launch, 0).params[arg].written;
  }

  // The copy into a state that a step is: its source and the state.
  std::optional<std::pair<int32_t, int32_t>> as_copy(const HostStep& step) const {
    const auto* launch = std::get_if<Launch>(&step.node);
    if (launch == nullptr || launch->args.size() != 2) return std::nullopt;
    const int32_t from = root_of(program, launch->args[0]), to = root_of(program, launch->args[1]);
    const bool fills = program.buffers[to].place == Place::state && is_written(*launch, 1) &&
                       !is_written(*launch, 0) && kernel_of(*launch, 0).computes == "y = x";
    if (!fills || program.buffers[from].place != Place::arena) return std::nullopt;
    return std::pair(from, to);
  }

  bool touches(const HostSteps& list, int32_t root) const {
    bool found = false;
    const auto look = [&](int32_t buffer, int) { found |= root_of(program, buffer) == root; };
    visit_moments(
        list,
        [&](const Launch& launch, int) {
          for (const int32_t arg : launch.args) look(arg, 0);
        },
        look, [](int, int) {});
    return found;
  }

  bool step_touches(const HostStep& step, int32_t root) const { return touches({step}, root); }

  // Whether a run may end there by what it finds out: states are then to be what they were.
  static bool may_end(const HostSteps& list) {
    return std::ranges::any_of(list, [](const HostStep& step) {
      if (const auto* branch = std::get_if<Branch>(&step.node))
        return may_end(branch->yes) || may_end(branch->no);
      if (const auto* loop = std::get_if<Loop>(&step.node)) return may_end(loop->steps);
      return !std::holds_alternative<Launch>(step.node);  // Bind, Check
    });
  }

  // The step that makes the value, if it is a launch that writes all of it, once.
  std::optional<size_t> maker_of(int32_t root) const {
    for (size_t s = 0; s < steps.size(); ++s) {
      if (!step_touches(steps[s], root)) continue;
      return std::holds_alternative<Launch>(steps[s].node) ? std::optional(s) : std::nullopt;
    }
    return std::nullopt;
  }

  Refusal refuse(size_t copy, int32_t value, int32_t state) const {
    const auto maker = maker_of(value);
    if (!maker) return {"the value is made in a branch or a loop"};
    for (size_t s = *maker + 1; s < copy; ++s) {
      if (step_touches(steps[s], state)) return {"the old value is read later"};
      if (may_end({steps[s]})) return {"a size that is found out later may end the run"};
    }
    const Launch& launch = std::get<Launch>(steps[*maker].node);
    std::vector<size_t> outputs, inputs;
    for (size_t a = 0; a < launch.args.size(); ++a) {
      const int32_t root = root_of(program, launch.args[a]);
      if (root == value) outputs.push_back(a);
      if (root == state) inputs.push_back(a);
    }
    if (outputs.size() != 1 || !is_written(launch, outputs[0])) return {"it is passed twice"};
    if (inputs.empty()) return {};
    if (inputs.size() > 1) return {"the old value is passed twice"};
    for (size_t level = 0; level < program.levels.size(); ++level)
      if (Refusal refusal = refuse_in_place(kernel_of(launch, level), outputs[0], inputs[0]))
        return refusal;
    return {};
  }

  // Says of the launch that it overwrites what it reads.
  void move(int32_t value, int32_t state) {
    Launch& launch = std::get<Launch>(steps[*maker_of(value)].node);
    for (size_t out = 0; out < launch.args.size(); ++out)
      for (size_t in = 0; in < launch.args.size(); ++in)
        if (root_of(program, launch.args[out]) == value &&
            root_of(program, launch.args[in]) == state)
          launch.in_place.push_back({static_cast<int32_t>(out), static_cast<int32_t>(in)});
    Buffer& buffer = program.buffers[value];
    buffer.place = Place::state;
    buffer.view_of = state;
  }
};

}  // namespace

void place_updates(CompileContext& context, Program& program, Entry& entry) {
  Updates updates{program, entry.steps};
  for (size_t s = updates.steps.size(); s-- > 0;) {
    const auto copy = updates.as_copy(updates.steps[s]);
    if (!copy) continue;
    const std::string name = program.buffers[copy->second].name;
    if (const Refusal refusal = updates.refuse(s, copy->first, copy->second)) {
      context.explain("update of " + name + ": copied: " + refusal.reason);
      continue;
    }
    updates.move(copy->first, copy->second);
    updates.steps.erase(updates.steps.begin() + static_cast<int64_t>(s));
    context.explain("update of " + name + ": written in place");
  }
}

}  // namespace mintor
