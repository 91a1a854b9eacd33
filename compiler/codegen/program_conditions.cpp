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

std::vector<int32_t> stages_of(const Program& program, const Entry& entry) {
  std::vector<int32_t> stages{0};
  for (size_t d = 0; d < program.dynamic.size(); ++d)
    if (binds(entry, program.dynamic[d].symbol)) stages.push_back(static_cast<int32_t>(d) + 1);
  return stages;
}

std::vector<Condition> conditions_of(const Program& program, const Entry& entry, int32_t stage) {
  std::vector<Condition> found;
  for (const Condition& c : entry.conditions)
    if (std::max(stage_of(program, c.left), stage_of(program, c.right)) == stage)
      found.push_back(c);
  return found;
}

namespace {

std::string text_or_null(const std::string& text) {
  return text.empty() ? "nullptr" : c_string(text);
}

// In order: a symbol is computed from those before it.
void write_derive(ProgramWriter& out, const Program& program, const Entry& entry) {
  const std::set<std::string> known = symbols_of(program, entry);
  out.open("static void derive(int64_t* symbols) {");
  for (size_t i = 0; i < program.symbols.size(); ++i) {
    const Symbol& symbol = program.symbols[i];
    if (!symbol.value || !known.contains(symbol.name)) continue;
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
  const std::string left = is_never(c) ? "nullptr" : c_string(c.left.str()),
                    right = c.right.is_const() ? "nullptr" : c_string(c.right.str());
  out.line("return {" + left + ", left.value,");
  out.line("        " + right + ", right.value, " + c_string(alternative_text(c)) + ",");
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
  out.line("(void)symbols;");
  out.symbol_locals(sides, "symbols", "Size");
  for (const Condition& c : conditions) write_condition(out, c);
  out.line("return {nullptr, 0, nullptr, 0, nullptr, nullptr};");
  out.close();
  out.line();
}

}  // namespace

std::string check_name(size_t phase) { return "check_" + std::to_string(phase); }

bool needs_derive(const Program& program, const Entry& entry) {
  const std::set<std::string> known = symbols_of(program, entry);
  return std::ranges::any_of(program.symbols,
                             [&](const Symbol& s) { return s.value && known.contains(s.name); });
}

void write_conditions(ProgramWriter& out, const Program& program, const Entry& entry) {
  if (needs_derive(program, entry)) write_derive(out, program, entry);
  for (const int32_t stage : stages_of(program, entry))
    write_check(out, staged("check_conditions", stage), conditions_of(program, entry, stage));
  const std::vector<Phase> phases = phases_of(entry);
  for (size_t p = 0; p < phases.size(); ++p)
    if (phases[p].check != nullptr) write_check(out, check_name(p), {phases[p].check->condition});
}

}  // namespace mintor
