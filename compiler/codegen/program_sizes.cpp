// SPDX-License-Identifier: Apache-2.0
// Takes a Program; gives the functions of sizes that the runtime calls. Keeps true: outputs that
// the caller gives no memory for lie behind the planned arena, in order; whatever integer
// expression the text computes from symbols is covered by the check.
#include "compiler/codegen/program_sizes.h"

#include <algorithm>

#include "compiler/codegen/program_conditions.h"
#include "compiler/codegen/program_phases.h"
#include "compiler/program/branch_sizes.h"
#include "compiler/support/index_poly.h"

namespace mintor {
namespace {

// static int64_t NAME(const int64_t* symbols, int32_t output) { switch (output) ... }
void switch_function(ProgramWriter& out, const std::string& name, const std::string& parameters,
                     const std::string& on,
                     const std::vector<std::pair<std::string, Index>>& cases) {
  std::vector<Index> values;
  for (const auto& [label, value] : cases) values.push_back(value);
  out.open("static int64_t " + name + "(const int64_t* symbols, " + parameters + ") {");
  out.line("(void)symbols;");
  out.symbol_locals(values, "symbols");
  out.open("switch (" + on + ") {");
  for (const auto& [label, value] : cases) {
    if (value.is_const(0)) continue;
    out.line("case " + label + ": return " + out.c(value) + ";");
  }
  out.line("default: return 0;");
  out.close();
  out.close();
  out.line();
}

using Kind = Index::Atom::Kind;
constexpr double kNoBound = 1e300;
// Well below 2^63, so that the rounding of doubles does not matter.
constexpr double kSafe = 4e18;

double magnitude(const Index& e, const Program& program);

double magnitude(const Index::Atom& atom, const Program& program) {
  if (atom.kind == Kind::variable) {
    const auto symbol = std::ranges::find(program.symbols, atom.name, &Symbol::name);
    if (symbol == program.symbols.end()) return kNoBound;
    if (symbol->hi < 0) return symbol->value ? magnitude(*symbol->value, program) : kNoBound;
    return static_cast<double>(std::max<int64_t>(symbol->hi, 1));
  }
  const double a = magnitude(atom.a, program), b = magnitude(atom.b, program);
  const bool divides = atom.kind == Kind::floordiv || atom.kind == Kind::mod;
  if (divides && !(atom.b.is_const() && atom.b.value() > 0)) return kNoBound;
  return std::max(a, b);
}

// What no number on the way to e exceeds, whatever the symbols are in their ranges.
double magnitude(const Index& e, const Program& program) {
  double sum = 0;
  for (const IndexTerm& term : e.poly().terms) {
    double product = std::abs(static_cast<double>(term.coefficient));
    for (const AtomRef& factor : term.factors) product *= magnitude(*factor, program);
    sum += product;
  }
  return std::min(sum, kNoBound);
}

struct SizeCheck {
  Index size;
  std::string tensor;  // "nullptr", or a C string
  int64_t dim;
  bool in_branch;  // which sees to it that it is not below 0
};

struct Checks {
  const Program& program;
  const Entry& entry;
  Ranges ranges;
  int32_t stage;
  std::vector<Index> checked;  // by branches, to be at least 0
  std::vector<SizeCheck> list;

  Checks(const Program& given, const Entry& of, int32_t wanted)
      : program(given), entry(of), ranges(ranges_of(given)), stage(wanted) {
    visit_steps(entry.steps, [&](const HostStep& step) {
      const auto* check = std::get_if<Check>(&step.node);
      if (check != nullptr && is_size_check(*check)) checked.push_back(check->condition.left);
    });
  }

  void add(const Index& size, const std::string& tensor, int64_t dim, bool in_branch) {
    if (size.is_const() || size.as_var()) return;
    in_branch = in_branch && std::ranges::find(checked, size) != checked.end();
    if (always_fits(program, size) && (in_branch || ranges.proves_nonnegative(size))) return;
    if (stage_of(program, size) != stage) return;
    const auto known = std::ranges::find(list, size, &SizeCheck::size);
    if (known == list.end())
      list.push_back({size, tensor, dim, in_branch});
    else
      known->in_branch = known->in_branch && in_branch;
  }

  // Dimensions first: a product of two negative ones is no size.
  void add_buffers() {
    const std::set<int32_t> buffers = buffers_of(program, entry);
    for (const int32_t id : buffers) {
      const Buffer& buffer = program.buffers[id];
      for (size_t d = 0; d < buffer.shape.size(); ++d) {
        add(buffer.shape[d], c_string(buffer.name), static_cast<int64_t>(d), buffer.in_branch);
      }
    }
    for (const int32_t id : buffers) {
      const Buffer& buffer = program.buffers[id];
      add(buffer.exact_bytes(), c_string(buffer.name), -1, false);
    }
  }

  void add_rest() {
    const auto whole = [&](const Index& e) { add(e, "nullptr", -1, false); };
    Index end = entry.arena_bytes;
    for (const int32_t id : entry.outputs) {
      if (program.buffers[id].place != Place::output) continue;
      whole(end);
      end = end + program.buffers[id].bytes();
    }
    whole(end);
    // A part lies in its whole.
    for (const int32_t id : buffers_of(program, entry))
      if (program.buffers[id].view_of < 0) whole(program.buffers[id].offset);
    add_steps(entry.steps, false);
  }

  void add_steps(const HostSteps& steps, bool in_branch) {
    const auto whole = [&](const Index& e) { add(e, "nullptr", -1, in_branch); };
    for (const HostStep& step : steps) {
      if (const auto* launch = std::get_if<Launch>(&step.node)) {
        std::ranges::for_each(launch->symbols, whole);
        std::ranges::for_each(launch->tasks, whole);
      } else if (const auto* branch = std::get_if<Branch>(&step.node)) {
        add_steps(branch->yes, true);
        add_steps(branch->no, true);
      } else if (const auto* loop = std::get_if<Loop>(&step.node)) {
        whole(loop->trip);
        add_steps(loop->steps, in_branch);
      }
    }
  }
};

std::vector<SizeCheck> checks_of(const Program& program, const Entry& entry, int32_t stage) {
  Checks checks(program, entry, stage);
  checks.add_buffers();
  checks.add_rest();
  return std::move(checks.list);
}

}  // namespace

bool always_fits(const Program& program, const Index& e) { return magnitude(e, program) <= kSafe; }

bool needs_check(const Program& program, const Entry& entry, int32_t stage) {
  return !checks_of(program, entry, stage).empty();
}

bool has_dynamic(const Program& program, const Entry& entry) {
  return stages_of(program, entry).size() > 1;
}

namespace {

void write_checks(ProgramWriter& out, const std::vector<SizeCheck>& checks,
                  const std::string& name) {
  if (checks.empty()) return;
  std::vector<Index> sizes;
  for (const SizeCheck& check : checks) sizes.push_back(check.size);
  out.open("static SizeFault " + name + "(const int64_t* symbols) {");
  out.symbol_locals(sizes, "symbols", "Size");
  for (const SizeCheck& check : checks) {
    out.line("if (const Size s = " + out.c(check.size) + "; !s." +
             (check.in_branch ? "fits" : "good()") + ") return fault(s, " + check.tensor + ", " +
             std::to_string(check.dim) + ");");
  }
  out.line("return {SizeFault::none, nullptr, 0, 0};");
  out.close();
  out.line();
}

// The memory of each dynamic size, and which outputs lie there.
void write_dynamic(ProgramWriter& out, const Program& program, const Entry& entry,
                   const std::vector<std::pair<std::string, Index>>& homes) {
  if (!has_dynamic(program, entry)) return;
  for (const int32_t stage : stages_of(program, entry)) {
    if (stage == 0) continue;
    const Index& bytes = program.dynamic[static_cast<size_t>(stage) - 1].bytes;
    out.open("static int64_t " + staged("dynamic_bytes", stage) + "(const int64_t* symbols) {");
    out.line("(void)symbols;");
    out.symbol_locals({bytes}, "symbols");
    out.line("return " + out.c(bytes) + ";");
    out.close();
    out.line();
  }
  out.open("static int32_t output_dynamic(int32_t output) {");
  out.open("switch (output) {");
  for (const auto& [output, home] : homes)
    out.line("case " + output + ": return " + (home - 1).str() + ";");
  out.line("default: return -1;");
  out.close();
  out.close();
  out.line();
}

}  // namespace

void write_size_check(ProgramWriter& out, const Program& program, const Entry& entry) {
  for (const int32_t stage : stages_of(program, entry))
    write_checks(out, checks_of(program, entry, stage), staged("check_sizes", stage));
}

void write_arena_bytes(ProgramWriter& out, const Program& program, const Entry& entry) {
  Index end = entry.arena_bytes;
  for (const int32_t id : entry.outputs)
    if (program.buffers[id].place == Place::output) end = end + program.buffers[id].bytes();
  out.open("static int64_t arena_bytes(const int64_t* symbols) {");
  out.line("(void)symbols;");
  out.symbol_locals({end}, "symbols");
  out.line("return " + out.c(end) + ";");
  out.close();
  out.line();
}

void write_output_functions(ProgramWriter& out, const Program& program, const Entry& entry) {
  std::vector<std::pair<std::string, Index>> dims, bytes, offsets, homes;
  Index end = entry.arena_bytes;
  for (size_t o = 0; o < entry.outputs.size(); ++o) {
    const Buffer& buffer = program.buffers[entry.outputs[o]];
    Index total = size_of(buffer.dtype);
    for (size_t d = 0; d < buffer.shape.size(); ++d) {
      total = total * buffer.shape[d];
      dims.emplace_back(std::to_string(o) + " * MT_MAX_RANK + " + std::to_string(d),
                        buffer.shape[d]);
    }
    bytes.emplace_back(std::to_string(o), total);
    if (buffer.place == Place::dynamic) {
      offsets.emplace_back(std::to_string(o), buffer.offset);
      homes.emplace_back(std::to_string(o), buffer.slot + 1);
      continue;
    }
    offsets.emplace_back(std::to_string(o), end);
    end = end + buffer.bytes();
  }
  switch_function(out, "output_bytes", "int32_t output", "output", bytes);
  switch_function(out, "output_dim", "int32_t output, int32_t dim", "output * MT_MAX_RANK + dim",
                  dims);
  switch_function(out, "output_offset", "int32_t output", "output", offsets);
  write_dynamic(out, program, entry, homes);
}

}  // namespace mintor
