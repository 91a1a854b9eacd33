// SPDX-License-Identifier: Apache-2.0
// Looks at all launches of a kernel. Takes and gives what buffer_facts.h says. Keeps true: two
// arguments may share bytes only as views of one buffer, or where an output takes the place of an
// input; the caller's inputs and outputs overlap no other (docs/runtime_abi.md), but inputs may
// overlap inputs, which nobody writes.
#include "compiler/codegen/buffer_facts.h"

#include <algorithm>
#include <vector>

#include "compiler/loop/stack.h"

namespace mintor {
namespace {

constexpr int64_t kScratchAlignment = 64;

// By parameter: no launch gives another one that shares bytes with it.
std::vector<bool> buffers_apart(const Program& program, const LevelKernels& kernel) {
  std::vector<bool> apart(kernel.levels[0].params.size(), true);
  const auto look = [&](const Launch& launch) {
    if (launch.kernel != kernel.name) return;
    std::vector<int32_t> roots;
    for (const int32_t buffer : launch.args) roots.push_back(root_of(program, buffer));
    for (size_t i = 0; i < roots.size(); ++i)
      if (std::ranges::count(roots, roots[i]) > 1) apart[i] = false;
    for (const InPlace& pair : launch.in_place) apart[pair.output] = apart[pair.input] = false;
  };
  visit_launches(program.prepare.steps, look);
  for (const Entry& entry : program.entries) visit_launches(entry.steps, look);
  return apart;
}

}  // namespace

std::string stated_facts(const Program& program, size_t kernel, size_t level) {
  const LevelKernels& kernels = program.kernels[kernel];
  const std::vector<bool> apart = buffers_apart(program, kernels);
  std::string text;
  const auto add = [&](int64_t alignment, bool alone) {
    text += (text.empty() ? " align " : ", align ") + std::to_string(alignment) +
            (alone ? " noalias" : "");
  };
  const std::vector<Param>& params = kernels.levels[level].params;
  for (size_t i = 0; i < params.size(); ++i) add(params[i].alignment, apart[i]);
  if (has_scratch(kernels.levels[level])) add(kScratchAlignment, true);
  return "__attribute__((annotate(\"mintor.buffers" + text + "\")))";
}

}  // namespace mintor
