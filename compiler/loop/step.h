// SPDX-License-Identifier: Apache-2.0
// Schedule steps: checked, bit-preserving rewrites of a Kernel. One file each in loop/steps/,
// collected by name. A step refuses (with the condition that would lift it) or succeeds; it never
// makes an illegal kernel.
#pragma once

#include <span>
#include <string>

#include "compiler/loop/ir.h"
#include "compiler/support/error.h"

namespace mintor {

struct Step {
  const char* name;       // = the file name
  const char* signature;  // "axis, factor"
  const char* summary;    // one line for --help and docs
  Refusal (*apply)(Kernel& kernel,
                   std::span<const std::string> args);  // on refusal the kernel is unchanged
};

std::span<const Step* const> all_steps();  // generated from the folder
const Step* find_step(std::string_view name);
// Applies a step and records it in kernel.schedule. Unknown step: CompileError with the nearest
// name.
Refusal apply_step(Kernel& kernel, std::string_view name, const std::vector<std::string>& args);
// The same, for a step that must succeed: InternalError with the refusal and the kernel's text
// otherwise.
void must_step(Kernel& kernel, std::string_view name, const std::vector<std::string>& args);
std::string print(const StepCall& call);  // split(m, 14)
StepCall parse_step(std::string_view text);
// Replays steps on a kernel as it was before them.
void replay(Kernel& kernel, std::span<const StepCall> schedule);

}  // namespace mintor
