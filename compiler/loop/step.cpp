// SPDX-License-Identifier: Apache-2.0
// Applying, printing and replaying schedule steps.
// Keeps true: a refused step leaves the kernel as it was; an applied one is recorded, so that
// replay() makes it again.
#include "compiler/loop/step.h"

#include "compiler/support/lexer.h"
#include "compiler/support/nearest.h"

namespace mintor {

const Step* find_step(std::string_view name) {
  for (const Step* step : all_steps())
    if (name == step->name) return step;
  return nullptr;
}

Refusal apply_step(Kernel& kernel, std::string_view name, const std::vector<std::string>& args) {
  const Step* step = find_step(name);
  if (!step) {
    std::vector<std::string_view> names;
    for (const Step* s : all_steps()) names.push_back(s->name);
    throw CompileError("schedule", "there is no step '" + std::string(name) + "'", "",
                       did_you_mean(name, names));
  }
  Kernel changed = kernel;
  try {
    if (Refusal refusal = step->apply(changed, args)) return refusal;
  } catch (const CompileError& e) {  // of Index: an overflow, a divisor that becomes 0
    return {std::string("what it would write is no integer expression: ") + e.what()};
  }
  changed.schedule.push_back({std::string(name), args});
  kernel = std::move(changed);
  return {};
}

void must_step(Kernel& kernel, std::string_view name, const std::vector<std::string>& args) {
  if (Refusal refusal = apply_step(kernel, name, args))
    throw InternalError(
        "schedule", print(StepCall{std::string(name), args}) + " was refused: " + refusal.reason,
        print(kernel));
}

std::string print(const StepCall& call) {
  std::string args;
  for (const std::string& a : call.args) args += (args.empty() ? "" : ", ") + a;
  return call.name + "(" + args + ")";
}

StepCall parse_step(std::string_view text) {
  Lexer lexer(text, "schedule step");
  StepCall call;
  call.name = lexer.name("a step");
  lexer.expect("(");
  if (!lexer.at(")")) {
    do {
      const bool negative = lexer.accept("-");
      const auto kind = lexer.peek().kind;
      if (kind != Token::Kind::name && kind != Token::Kind::number)
        lexer.fail("expected an argument");
      call.args.push_back((negative ? "-" : "") + std::string(lexer.next().text));
    } while (lexer.accept(","));
  }
  lexer.expect(")");
  if (!lexer.at_end()) lexer.fail("text after the step");
  return call;
}

void replay(Kernel& kernel, std::span<const StepCall> schedule) {
  for (const StepCall& call : schedule) must_step(kernel, call.name, call.args);
}

}  // namespace mintor
