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

class Lexer;

// What a step takes. A loop is there and a fresh name is not when the step is applied; the rest of
// what a name must be is the step's to ask. `more`: any number of loops.
enum class StepParamKind : uint8_t { none, loop, name, fresh, number, more };
struct StepParam {
  const char* name = "";
  StepParamKind kind = StepParamKind::none;
};

// Arguments of the kinds that the step's parameters say.
class StepArgs {
 public:
  explicit StepArgs(std::span<const StepArg> args) : args_(args) {}
  size_t size() const { return args_.size(); }
  const std::string& name(size_t n) const { return std::get<std::string>(args_[n]); }
  int64_t number(size_t n) const { return std::get<int64_t>(args_[n]); }

 private:
  std::span<const StepArg> args_;
};

struct Step {
  const char* name;  // = the file name
  StepParam params[3];
  const char* summary;                              // one line for --help and docs
  Refusal (*apply)(Kernel& kernel, StepArgs args);  // on refusal the kernel is unchanged
};

std::span<const Step* const> all_steps();  // generated from the folder
const Step* find_step(std::string_view name);
// Applies a step and records it in kernel.schedule. Unknown step: CompileError with the nearest
// name.
Refusal apply_step(Kernel& kernel, std::string_view name, const std::vector<StepArg>& args);
// The same, for a call that the compiler writes itself: no such step, or arguments of other kinds
// or another number than it takes, are an InternalError; what it refuses of this kernel it refuses.
Refusal apply_own_step(Kernel& kernel, std::string_view name, const std::vector<StepArg>& args);
// The same, for a step that must succeed: InternalError with the refusal and the kernel's text
// otherwise.
void must_step(Kernel& kernel, std::string_view name, const std::vector<StepArg>& args);
std::string print(const StepArg& arg);
std::string print(const StepCall& call);  // split(m, 14)
std::string signature(const Step& step);  // "axis, factor"
StepCall parse_step(std::string_view text);
StepCall parse_step(Lexer& lexer);  // as part of a text
// Replays steps on a kernel as it was before them.
void replay(Kernel& kernel, std::span<const StepCall> schedule);

}  // namespace mintor
