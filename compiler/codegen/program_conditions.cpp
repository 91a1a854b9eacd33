// SPDX-License-Identifier: Apache-2.0
// `derive` and `check_conditions` of program.cpp (program_conditions.h). The wording of what is
// broken is that of compiler/ir/sizes.h, put together by the runtime.
#include "compiler/codegen/program_conditions.h"

#include <algorithm>

#include "compiler/codegen/program_phases.h"
#include "compiler/ir/sizes.h"

namespace mintor {

std::string staged(const std::string& function, int32_t stage) {
  return stage == 0 ? function : function + "_" + std::to_string(stage);
}

std::vector<Condition> conditions_of(const Program& program, int32_t stage) {
  std::vector<Condition> found;
  for (const Condition& c : program.entries[0].conditions)
    if (std::max(stage_of(program, c.left), stage_of(program, c.right)) == stage)
      found.push_back(c);
  return found;
}

namespace {

std::string text_or_null(const std::string& text) {
  return text.empty() ? "nullptr" : c_string(text);
}

// In order: a symbol is computed from those before it.
void write_derive(ProgramWriter& out, const Program& program) {
  out.open("static void derive(int64_t* symbols) {");
  for (size_t i = 0; i < program.symbols.size(); ++i) {
    const Symbol& symbol = program.symbols[i];
    if (!symbol.value) continue;
    out.open("{  // " + symbol.name);
    out.symbol_locals({*symbol.value}, "symbols");
    out.line("symbols[" + std::to_string(i) + "] = " + out.c(*symbol.value) + ";");
    out.close();
  }
  out.close();
  out.line();
}

// What else must be so for a condition of unequal sides to be broken.
std::string without_alternative(Condition::Form form) {
  switch (form) {
    case Condition::Form::equal:
      return "";
    case Condition::Form::left_or_one:
      return " && left.value != 1";
    case Condition::Form::either_or_one:
      return " && left.value != 1 && right.value != 1";
    case Condition::Form::left_or_positive:
      return " && left.value < 1";
  }
  return "";
}

void write_condition(ProgramWriter& out, const Condition& c) {
  out.open("{");
  out.line("const Size left = " + out.c(c.left) + ", right = " + out.c(c.right) + ";");
  out.open("if (left.value != right.value" + without_alternative(c.form) + ") {");
  out.line("return {" + c_string(c.left.str()) + ", left.value,");
  out.line("        " + (c.right.is_const() ? "nullptr" : c_string(c.right.str())) +
           ", right.value, " + c_string(alternative_text(c)) + ",");
  out.line("        " + text_or_null(c.because) + "};");
  out.close();
  out.close();
}

void write_check(ProgramWriter& out, const std::string& name,
                 const std::vector<Condition>& conditions) {
  if (conditions.empty()) return;
  std::vector<Index> sides;
  for (const Condition& c : conditions) sides.insert(sides.end(), {c.left, c.right});
  out.open("static SizeCondition " + name + "(const int64_t* symbols) {");
  out.symbol_locals(sides, "symbols", "Size");
  for (const Condition& c : conditions) write_condition(out, c);
  out.line("return {nullptr, 0, nullptr, 0, nullptr, nullptr};");
  out.close();
  out.line();
}

}  // namespace

std::string check_name(const Entry& entry, size_t phase) {
  return entry.name + "_check_" + std::to_string(phase);
}

bool needs_derive(const Program& program) {
  return std::ranges::any_of(program.symbols, [](const Symbol& s) { return s.value.has_value(); });
}

void write_conditions(ProgramWriter& out, const Program& program) {
  if (needs_derive(program)) write_derive(out, program);
  for (int32_t stage = 0; stage <= static_cast<int32_t>(program.dynamic.size()); ++stage)
    write_check(out, staged("check_conditions", stage), conditions_of(program, stage));
  const std::vector<Phase> phases = phases_of(program.entries[0]);
  for (size_t p = 0; p < phases.size(); ++p)
    if (phases[p].check != nullptr)
      write_check(out, check_name(program.entries[0], p), {phases[p].check->condition});
}

}  // namespace mintor
