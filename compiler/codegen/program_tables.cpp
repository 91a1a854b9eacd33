// SPDX-License-Identifier: Apache-2.0
// Takes a Program; gives the tables that the runtime reads. Keeps true: what the ABI has no room
// for (rank, number of symbols) is an error that names it.
#include "compiler/codegen/program_tables.h"

#include <algorithm>
#include <set>

#include "compiler/codegen/program_conditions.h"
#include "compiler/codegen/program_phases.h"
#include "compiler/codegen/program_sizes.h"
#include "compiler/codegen/target.h"
#include "compiler/memory/symbol_values.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

constexpr size_t kMaxRank = 8;          // MT_MAX_RANK of the ABI
constexpr size_t kMaxSymbols = 16;      // MT_MAX_SYMBOLS

std::string mt_dtype(DType dtype) {
  std::string text = "MT_";
  for (const char c : name_of(dtype)) text += static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return text;
}

// A size that only an output can have is -1 without a name.
std::string tensor_row(const Program& program, int32_t id) {
  const Buffer& buffer = program.buffers[id];
  if (buffer.shape.size() > kMaxRank) {
    throw CompileError("package", "'" + buffer.name + "' has " +
                                      std::to_string(buffer.shape.size()) + " dimensions",
                       "", "inputs and outputs have at most 8");
  }
  std::string sizes, names;
  bool any_name = false;
  for (const Index& extent : buffer.shape) {
    const auto symbol = extent.as_var();
    if (!sizes.empty()) sizes += ", ", names += ", ";
    sizes += extent.is_const() ? std::to_string(extent.value()) : "-1";
    names += symbol ? c_string(*symbol) : "nullptr";
    any_name = any_name || symbol;
    if (!symbol && !extent.is_const() && buffer.place == Place::input) {
      throw CompileError("package", "input '" + buffer.name + "' has the size " + extent.str(), "",
                         "give this size of the input a name of its own");
    }
  }
  const std::string rank = std::to_string(buffer.shape.size());
  return "{" + c_string(port_name(buffer)) + ", " + mt_dtype(buffer.dtype) + ", " + rank + ", {" +
         sizes + "}, {" + (any_name ? names : "") + "}},";
}

void tensor_table(ProgramWriter& out, const Program& program, const std::vector<int32_t>& ids,
                  const std::string& name) {
  if (ids.empty()) return;
  out.open("static const mt_tensor_info " + name + "[] = {");
  for (const int32_t id : ids) out.line(tensor_row(program, id));
  out.close("};");
}

// The runtime binds at most that many.
void check_symbol_count(const Program& program) {
  if (program.symbols.size() <= kMaxSymbols) return;
  std::string names;
  for (const Symbol& symbol : program.symbols) names += (names.empty() ? "" : ", ") + symbol.name;
  throw CompileError("package",
                     "the model has " + std::to_string(program.symbols.size()) +
                         " unknown sizes: " + names,
                     "", "at most " + std::to_string(kMaxSymbols) +
                             " are possible; give some of them with --shape");
}

// What `run` computes with is what it can read off the inputs.
void check_symbols_are_bound(const Program& program) {
  std::set<std::string> bound;
  for (const int32_t id : program.entries[0].inputs) {
    for (const Index& extent : program.buffers[id].shape) {
      if (const auto symbol = extent.as_var()) bound.insert(*symbol);
    }
  }
  for (const Symbol& symbol : program.symbols) {
    if (symbol.value || stage_of(program, Index::var(symbol.name)) > 0) bound.insert(symbol.name);
  }
  for (const Buffer& buffer : program.buffers) {
    for (const Index& extent : buffer.shape) {
      for (const std::string& symbol : extent.vars()) {
        if (bound.contains(symbol)) continue;
        throw CompileError("package", "'" + buffer.name + "' has the size " + extent.str() +
                                          ", and no input has the size " + symbol,
                           "", "give it with --shape");
      }
    }
  }
}

void symbol_tables(ProgramWriter& out, const Program& program) {
  if (program.symbols.empty()) return;
  check_symbol_count(program);
  check_symbols_are_bound(program);
  const SymbolValues hints = hint_values(program);
  out.open("static const mt_symbol_info kSymbols[] = {");
  for (const Symbol& symbol : program.symbols) {
    std::string row = "{" + c_string(symbol.name);
    for (const int64_t value : {symbol.lo, symbol.hi, symbol.divisor, hints.at(symbol.name)}) {
      row += ", " + std::to_string(value);
    }
    out.line(row + "},");
  }
  out.close("};");
}

void name_table(ProgramWriter& out, const Entry& entry, const std::string& name) {
  std::vector<std::string> names;
  for (const Phase& phase : phases_of(entry)) names.push_back(phase.name);
  if (names.empty()) return;
  out.open("static const char* const " + name + "[] = {");
  for (const std::string& kernel : names) out.line(c_string(kernel) + ",");
  out.close("};");
}

std::string table_or_null(bool there, const std::string& name) { return there ? name : "nullptr"; }

size_t position_of(const Program& program, const std::string& symbol) {
  return static_cast<size_t>(std::ranges::find(program.symbols, symbol, &Symbol::name) -
                             program.symbols.begin());
}

void state_tables(ProgramWriter& out, const Program& program) {
  if (program.states.empty()) return;
  std::vector<int32_t> buffers;
  for (const State& state : program.states) buffers.push_back(state.buffer);
  tensor_table(out, program, buffers, "kStateInfos");
  out.open("static const State kStates[] = {");
  for (const State& state : program.states) {
    const Buffer& buffer = program.buffers[state.buffer];
    const Index initial = program.buffers[root_of(program, state.initial)].offset;
    Index bytes = size_of(buffer.dtype);
    for (const Index& extent : buffer.shape) bytes = bytes * extent;
    out.line("{" + buffer.offset.str() + ", " + initial.str() + ", " + bytes.str() + "},");
  }
  out.close("};");
}

void dynamic_table(ProgramWriter& out, const Program& program) {
  if (program.dynamic.empty()) return;
  out.open("static const DynamicSize kDynamic[] = {");
  for (size_t d = 0; d < program.dynamic.size(); ++d) {
    const auto stage = static_cast<int32_t>(d) + 1;
    out.line(
        "{" + std::to_string(position_of(program, program.dynamic[d].symbol)) + ", " +
        staged("dynamic_bytes", stage) + ", " +
        table_or_null(needs_check(program, stage), staged("check_sizes", stage)) + ", " +
        table_or_null(!conditions_of(program, stage).empty(), staged("check_conditions", stage)) +
        "},");
  }
  out.close("};");
}

}  // namespace

std::string table_name(const TargetInfo& level) {
  std::string name = "kernels_" + level.level;
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name;
}

void write_tables(ProgramWriter& out, const Program& program) {
  tensor_table(out, program, program.entries[0].inputs, "kInputs");
  tensor_table(out, program, program.entries[0].outputs, "kOutputs");
  symbol_tables(out, program);
  name_table(out, program.prepare, "kPrepareNames");
  name_table(out, program.entries[0], "kForwardNames");
  out.open("static const Level kLevels[] = {");
  for (const TargetInfo& level : program.levels) {
    out.line("{" + c_string(level.level) + ", " + target_of(level).supported(level) + ", &" +
             table_name(level) + "},");
  }
  out.close("};");
  out.line();
}

void write_program_constant(ProgramWriter& out, const Program& program,
                            const std::string& weights_sha256) {
  std::string levels;
  for (const TargetInfo& level : program.levels)
    levels += (levels.empty() ? "" : ",") + level.level;
  const auto count = [](size_t n) { return std::to_string(n); };
  const size_t forward = phases_of(program.entries[0]).size();
  const auto entry = [&](const std::string& name, const Entry& of, const char* names) {
    const size_t phases = phases_of(of).size();
    if (phases == 0) return std::string("{nullptr, 0, nullptr, nullptr, nullptr},");
    return "{" + name + ", " + count(phases) + ", " + names + ", " + name + "_tasks, " +
           (has_order(of) ? name + "_next" : "nullptr") + "},";
  };
  dynamic_table(out, program);
  state_tables(out, program);
  out.open("const Program program = {");
  out.line("{" + c_string(program.name) + ", " + c_string(program.numerics_hash) + ", " +
           c_string(levels) + ", nullptr, " + count(program.entries[0].inputs.size()) + ", " +
           count(program.entries[0].outputs.size()) + ", " + count(program.symbols.size()) + ", " +
           count(forward) + ",");
  out.line(" " + table_or_null(!program.entries[0].inputs.empty(), "kInputs") + ", " +
           table_or_null(!program.entries[0].outputs.empty(), "kOutputs") + ", " +
           table_or_null(!program.symbols.empty(), "kSymbols") + ", " +
           table_or_null(forward > 0, "kForwardNames") + ", " + count(program.weights_bytes) +
           ", " + program.packed_bytes.str() + ", " + count(program.states.size()) + ", " +
           table_or_null(!program.states.empty(), "kStateInfos") + "},");
  out.line("kLevels,");
  out.line(count(program.levels.size()) + ",");
  out.line(entry("prepare", program.prepare, "kPrepareNames"));
  out.line(entry("forward", program.entries[0], "kForwardNames"));
  for (const char* function : {"arena_bytes", "output_bytes", "output_dim", "output_offset"}) {
    out.line(std::string(function) + ",");
  }
  out.line(table_or_null(needs_derive(program), "derive") + ",");
  out.line(c_string(weights_sha256) + ",");
  out.line(count(program.prepare.arena_bytes.value()) + ",");
  out.line(table_or_null(needs_check(program, 0), "check_sizes") + ",");
  out.line(table_or_null(!conditions_of(program, 0).empty(), "check_conditions") + ",");
  const auto early = std::ranges::count_if(program.symbols, [&](const Symbol& symbol) {
    return stage_of(program, Index::var(symbol.name)) == 0;
  });
  const bool dynamic = !program.dynamic.empty();
  out.line(table_or_null(dynamic, "kDynamic") + ", " + count(program.dynamic.size()) + ", " +
           std::to_string(early) + ", " + table_or_null(dynamic, "output_dynamic") + ",");
  const bool states = !program.states.empty();
  out.line(table_or_null(states, "kStates") + ", " + count(program.state_bytes) + ",");
  out.close("};");
}

}  // namespace mintor
