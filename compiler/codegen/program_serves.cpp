// SPDX-License-Identifier: Apache-2.0
// Takes an entry; walks its steps from the last to the first. A buffer serves what those serve that
// read it later; a step serves what the buffers serve that it writes. A write ends nothing, so that
// a buffer of several writers needs no thought. Keeps true: as the header says.
#include "compiler/codegen/program_serves.h"

#include <algorithm>
#include <map>

#include "compiler/codegen/program_phases.h"

namespace mintor {
namespace {

const Kernel& kernel_of(const Program& program, const Launch& launch) {
  return program.kernels[find_kernel(program, launch.kernel)].levels[0];
}

// The roots of all that a step reads or writes.
std::set<int32_t> roots_of(const Program& program, const HostStep& step) {
  Entry alone;
  alone.steps = {step};
  std::set<int32_t> roots;
  for (const int32_t buffer : buffers_of(program, alone)) roots.insert(root_of(program, buffer));
  return roots;
}

}  // namespace

std::vector<std::set<int32_t>> serves_of(const Program& program, const Entry& entry) {
  const auto anything = static_cast<int32_t>(program.states.size());
  std::map<int32_t, std::set<int32_t>> served;  // by root
  for (const int32_t output : entry.outputs) served[root_of(program, output)] = {anything};
  for (int32_t s = 0; s < anything; ++s) served[program.states[s].buffer].insert(s);
  std::vector<std::set<int32_t>> phases;
  for (size_t n = entry.steps.size(); n-- > 0;) {
    const HostStep& step = entry.steps[n];
    std::set<int32_t> serves;
    if (const auto* launch = std::get_if<Launch>(&step.node)) {
      const Kernel& kernel = kernel_of(program, *launch);
      for (size_t a = 0; a < launch->args.size(); ++a) {
        const std::set<int32_t>& of = served[root_of(program, launch->args[a])];
        if (kernel.params[a].written) serves.insert(of.begin(), of.end());
      }
    } else {
      serves = {anything};
    }
    for (const int32_t root : roots_of(program, step))
      served[root].insert(serves.begin(), serves.end());
    phases.insert(phases.end(), phases_of(step).size(), serves);
  }
  std::ranges::reverse(phases);
  return phases;
}

std::vector<std::pair<int32_t, int32_t>> writes_of(const Program& program, const Entry& entry) {
  std::vector<std::pair<int32_t, int32_t>> writes;
  const std::vector<Phase> phases = phases_of(entry);
  for (size_t p = 0; p < phases.size(); ++p) {
    const Launch* launch = phases[p].launch;
    if (launch == nullptr) continue;
    const Kernel& kernel = kernel_of(program, *launch);
    for (size_t a = 0; a < launch->args.size(); ++a) {
      const int32_t root = root_of(program, launch->args[a]);
      const auto state = std::ranges::find(program.states, root, &State::buffer);
      if (kernel.params[a].written && state != program.states.end())
        writes.emplace_back(p, state - program.states.begin());
    }
  }
  return writes;
}

void write_serves(ProgramWriter& out, const Program& program, const Entry& entry) {
  const std::vector<std::set<int32_t>> serves = serves_of(program, entry);
  if (program.states.empty() || serves.empty()) return;
  const auto anything = static_cast<int32_t>(program.states.size());
  out.open("static const uint32_t kServes[] = {");
  for (const std::set<int32_t>& phase : serves) {
    std::vector<uint32_t> words(program.states.size() / 32 + 1);
    // The states do not matter any more.
    const std::set<int32_t> bits = phase.contains(anything) ? std::set{anything} : phase;
    for (const int32_t bit : bits) words[static_cast<size_t>(bit) / 32] |= uint32_t{1} << bit % 32;
    std::string row;
    for (const uint32_t word : words) row += (row.empty() ? "" : " ") + std::to_string(word) + "u,";
    out.line(row);
  }
  out.close("};");
  const auto writes = writes_of(program, entry);
  if (writes.empty()) return;
  out.open("static const StateWrite kWrites[] = {");
  for (const auto& [phase, state] : writes)
    out.line("{" + std::to_string(phase) + ", " + std::to_string(state) + "},");
  out.close("};");
}

}  // namespace mintor
