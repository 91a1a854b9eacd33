// SPDX-License-Identifier: Apache-2.0
// Applying, printing and replaying schedule steps.
// Keeps true: a refused step leaves the kernel as it was; an applied one is recorded, so that
// replay() makes it again.
#include "compiler/loop/step.h"

#include "compiler/loop/step_support.h"
#include "compiler/support/lexer.h"
#include "compiler/support/nearest.h"

namespace mintor {

const Step* find_step(std::string_view name) {
  for (const Step* step : all_steps())
    if (name == step->name) return step;
  return nullptr;
}

namespace {

size_t count_of(const Step& step) {
  size_t count = 0;
  for (const StepParam& param : step.params) count += param.kind != StepParamKind::none;
  return count;
}

const StepParam& param_of(const Step& step, size_t arg) {
  return step.params[std::min(arg, count_of(step) - 1)];
}

// Why the arguments are not as many, or a number where a name is due or a name where a number is:
// nothing that depends on a kernel.
Refusal misfit(const Step& step, const std::vector<StepArg>& args) {
  const size_t count = count_of(step);
  const bool more = step.params[count - 1].kind == StepParamKind::more;
  if (more ? args.size() + 1 < count : args.size() != count)
    return {"it takes (" + signature(step) + "), not " + std::to_string(args.size()) +
            " arguments"};
  for (size_t n = 0; n < args.size(); ++n) {
    const StepParam& param = param_of(step, n);
    const bool number = param.kind == StepParamKind::number;
    if (number != std::holds_alternative<int64_t>(args[n]))
      return {"the " + std::string(param.name) + " '" + print(args[n]) + "' is no " +
              (number ? "number" : "name")};
  }
  return {};
}

// Why the names are not those of loops that are there, and of what is not there yet.
Refusal missing(const Kernel& kernel, const Step& step, const std::vector<StepArg>& args) {
  for (size_t n = 0; n < args.size(); ++n) {
    const StepParamKind kind = param_of(step, n).kind;
    if (kind == StepParamKind::number || kind == StepParamKind::name) continue;
    const auto& name = std::get<std::string>(args[n]);
    if (kind == StepParamKind::fresh) {
      if (Refusal r = expect_fresh(kernel, name)) return r;
    } else if (!find_loop(kernel.body, name)) {
      return {"there is no loop '" + name + "'"};
    }
  }
  return {};
}

Refusal apply(Kernel& kernel, const Step& step, const std::vector<StepArg>& args) {
  if (Refusal refusal = missing(kernel, step, args)) return refusal;
  Kernel changed = kernel;
  try {
    if (Refusal refusal = step.apply(changed, StepArgs(args))) return refusal;
  } catch (const CompileError& e) {  // of Index: an overflow, a divisor that becomes 0
    return {std::string("what it would write is no integer expression: ") + e.what()};
  }
  changed.schedule.push_back({step.name, args});
  kernel = std::move(changed);
  return {};
}

}  // namespace

Refusal apply_step(Kernel& kernel, std::string_view name, const std::vector<StepArg>& args) {
  const Step* step = find_step(name);
  if (!step) {
    std::vector<std::string_view> names;
    for (const Step* s : all_steps()) names.push_back(s->name);
    throw CompileError("schedule", "there is no step '" + std::string(name) + "'", "",
                       did_you_mean(name, names));
  }
  if (Refusal refusal = misfit(*step, args)) return refusal;
  return apply(kernel, *step, args);
}

Refusal apply_own_step(Kernel& kernel, std::string_view name, const std::vector<StepArg>& args) {
  const Step* step = find_step(name);
  const Refusal wrong = step ? misfit(*step, args) : Refusal{"there is no such step"};
  if (wrong)
    throw InternalError("schedule", print(StepCall{std::string(name), args}) + ": " + wrong.reason);
  return apply(kernel, *step, args);
}

void must_step(Kernel& kernel, std::string_view name, const std::vector<StepArg>& args) {
  if (Refusal refusal = apply_own_step(kernel, name, args))
    throw InternalError(
        "schedule", print(StepCall{std::string(name), args}) + " was refused: " + refusal.reason,
        print(kernel));
}

std::string print(const StepArg& arg) {
  const auto* number = std::get_if<int64_t>(&arg);
  return number ? std::to_string(*number) : std::get<std::string>(arg);
}

std::string signature(const Step& step) {
  std::string text;
  for (const StepParam& param : step.params)
    if (param.kind != StepParamKind::none)
      text += (text.empty() ? "" : ", ") + std::string(param.name);
  return text;
}

std::string print(const StepCall& call) {
  std::string args;
  for (const StepArg& a : call.args) args += (args.empty() ? "" : ", ") + print(a);
  return call.name + "(" + args + ")";
}

StepCall parse_step(Lexer& lexer) {
  StepCall call;
  call.name = lexer.name("a step");
  lexer.expect("(");
  if (!lexer.at(")")) {
    do {
      if (lexer.peek().kind == Token::Kind::name)
        call.args.emplace_back(std::string(lexer.name("an argument")));
      else
        call.args.emplace_back(lexer.integer("an argument"));
    } while (lexer.accept(","));
  }
  lexer.expect(")");
  return call;
}

StepCall parse_step(std::string_view text) {
  Lexer lexer(text, "schedule step");
  StepCall call = parse_step(lexer);
  if (!lexer.at_end()) lexer.fail("text after the step");
  return call;
}

void replay(Kernel& kernel, std::span<const StepCall> schedule) {
  for (const StepCall& call : schedule) must_step(kernel, call.name, call.args);
}

}  // namespace mintor
