// SPDX-License-Identifier: Apache-2.0
// Takes a Program; gives the tables that the runtime reads. Keeps true: what the ABI has no room
// for (rank, number of symbols) is an error that names it.
#include "compiler/codegen/program_tables.h"

#include <algorithm>
#include <set>

#include "compiler/codegen/program_conditions.h"
#include "compiler/codegen/program_phases.h"
#include "compiler/codegen/program_serves.h"
#include "compiler/codegen/program_sizes.h"
#include "compiler/codegen/target.h"
#include "compiler/memory/symbol_values.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

constexpr size_t kMaxRank = 8;      // MT_MAX_RANK of the ABI
constexpr size_t kMaxSymbols = 16;  // MT_MAX_SYMBOLS
constexpr size_t kMaxSizes = 128;   // of mintor_program.h

std::string mt_dtype(DType dtype) {
  std::string text = "MT_";
  for (const char c : name_of(dtype)) text += static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return text;
}

// A size that only an output can have is -1 without a name.
std::string tensor_row(const Program& program, int32_t id, const std::string& name) {
  const Buffer& buffer = program.buffers[id];
  if (buffer.shape.size() > kMaxRank) {
    throw CompileError(
        "package",
        "'" + buffer.name + "' has " + std::to_string(buffer.shape.size()) + " dimensions", "",
        "inputs and outputs have at most 8");
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
  return "{" + c_string(name) + ", " + mt_dtype(buffer.dtype) + ", " + rank + ", {" + sizes +
         "}, {" + (any_name ? names : "") + "}},";
}

void tensor_table(ProgramWriter& out, const Program& program, const std::vector<int32_t>& ids,
                  const std::string& name) {
  if (ids.empty()) return;
  out.open("static const mt_tensor_info " + name + "[] = {");
  for (const int32_t id : ids) out.line(tensor_row(program, id, port_name(program.buffers[id])));
  out.close("};");
}

// The runtime takes at most that many from inputs, and binds at most that many in all.
void check_symbol_count(const Program& program) {
  std::string names;
  size_t early = 0;
  for (const Symbol& symbol : program.symbols) {
    if (stage_of(program, Index::var(symbol.name)) > 0) continue;
    ++early;
    names += (names.empty() ? "" : ", ") + symbol.name;
  }
  if (early > kMaxSymbols) {
    throw CompileError(
        "package", "the model has " + std::to_string(early) + " unknown sizes: " + names, "",
        "at most " + std::to_string(kMaxSymbols) + " are possible; give some of them with --shape");
  }
  if (program.symbols.size() <= kMaxSizes) return;
  throw CompileError(
      "package",
      "the model has " + std::to_string(program.symbols.size() - early) +
          " sizes that a run finds out, with " + std::to_string(early) + " of its inputs",
      "", "at most " + std::to_string(kMaxSizes) + " are possible; give some of them with --shape");
}

// What `run` computes with is what it can read off the inputs.
void check_symbols_are_bound(const Program& program, const Entry& entry) {
  std::set<std::string> bound;
  for (const int32_t id : entry.inputs) {
    for (const Index& extent : program.buffers[id].shape) {
      if (const auto symbol = extent.as_var()) bound.insert(*symbol);
    }
  }
  for (const Symbol& symbol : program.symbols) {
    if (symbol.value || stage_of(program, Index::var(symbol.name)) > 0) bound.insert(symbol.name);
  }
  for (const int32_t id : buffers_of(program, entry)) {
    const Buffer& buffer = program.buffers[id];
    for (const Index& extent : buffer.shape) {
      for (const std::string& symbol : extent.vars()) {
        if (bound.contains(symbol)) continue;
        throw CompileError("package",
                           "'" + buffer.name + "' has the size " + extent.str() +
                               ", and no input has the size " + symbol,
                           "", "give it with --shape");
      }
    }
  }
}

void symbol_tables(ProgramWriter& out, const Program& program) {
  if (program.symbols.empty()) return;
  check_symbol_count(program);
  for (const Entry& entry : program.entries) check_symbols_are_bound(program, entry);
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

void name_table(ProgramWriter& out, const Entry& entry) {
  std::vector<std::string> names;
  for (const Phase& phase : phases_of(entry)) names.push_back(phase.name);
  if (names.empty()) return;
  out.open("static const char* const kNames[] = {");
  for (const std::string& kernel : names) out.line(c_string(kernel) + ",");
  out.close("};");
}

std::string table_or_null(bool there, const std::string& name) { return there ? name : "nullptr"; }

size_t position_of(const Program& program, const std::string& symbol) {
  return static_cast<size_t>(std::ranges::find(program.symbols, symbol, &Symbol::name) -
                             program.symbols.begin());
}

std::string bytes_of(const Buffer& buffer) {
  Index bytes = size_of(buffer.dtype);
  for (const Index& extent : buffer.shape) bytes = bytes * extent;
  return bytes.str();
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
    out.line("{" + buffer.offset.str() + ", " + initial.str() + ", " + bytes_of(buffer) + "},");
  }
  out.close("};");
  out.open("static const mt_state_info kStateRoles[] = {");
  for (const State& state : program.states) {
    const char* role = state.role == StateRole::value       ? "MT_STATE_VALUE"
                       : state.role == StateRole::optimizer ? "MT_STATE_OPTIMIZER"
                                                            : "MT_STATE_GRADIENT";
    out.line(std::string("{") + role + ", " + std::to_string(state.of) + "},");
  }
  out.close("};");
}

void fixed_tables(ProgramWriter& out, const Program& program) {
  if (program.fixed.empty()) return;
  out.open("static const mt_tensor_info kFixedInfos[] = {");
  for (const FixedParameter& fixed : program.fixed)
    out.line(tensor_row(program, fixed.buffer, fixed.name));
  out.close("};");
  out.open("static const FixedParameter kFixed[] = {");
  for (const FixedParameter& fixed : program.fixed) {
    const Buffer& buffer = program.buffers[fixed.buffer];
    out.line("{" + buffer.offset.str() + ", " + bytes_of(buffer) + "},");
  }
  out.close("};");
}

const Entry& binder_of(const Program& program, const std::string& symbol) {
  const auto found = std::ranges::find_if(program.entries,
                                          [&](const Entry& entry) { return binds(entry, symbol); });
  if (found == program.entries.end())
    throw InternalError("program", "no entry binds '" + symbol + "'");
  return *found;
}

void dynamic_table(ProgramWriter& out, const Program& program) {
  if (program.dynamic.empty()) return;
  out.open("static const DynamicSize kDynamic[] = {");
  for (size_t d = 0; d < program.dynamic.size(); ++d) {
    const std::string& symbol = program.dynamic[d].symbol;
    const Entry& entry = binder_of(program, symbol);
    const auto stage = static_cast<int32_t>(d) + 1;
    const auto member = [&](const char* function) {
      return entry_namespace(entry) + "::" + staged(function, stage);
    };
    out.line(
        "{" + std::to_string(position_of(program, symbol)) + ", " + member("dynamic_bytes") + ", " +
        table_or_null(needs_check(program, entry, stage), member("check_sizes")) + ", " +
        table_or_null(!conditions_of(program, entry, stage).empty(), member("check_conditions")) +
        "},");
  }
  out.close("};");
}

std::string count(size_t n) { return std::to_string(n); }

// Bit i: the entry has symbol i, one of the first 32.
std::string symbol_mask(const Program& program, const Entry& entry) {
  uint32_t mask = 0;
  for (const std::string& symbol : symbols_of(program, entry))
    if (const size_t at = position_of(program, symbol); at < 32) mask |= uint32_t{1} << at;
  return std::to_string(mask) + "u";
}

// An Entry of the runtime, without the braces.
std::string entry_row(const Program& program, const Entry& entry) {
  const std::string in = entry_namespace(entry) + "::";
  const size_t phases = phases_of(entry).size();
  const bool any = phases > 0, outer = &entry != &program.prepare;
  std::string row = table_or_null(any, in + "run") + ", " + count(phases);
  const auto add = [&](bool there, const char* member) {
    row += ", " + table_or_null(there, in + member);
  };
  add(any, "kNames");
  add(any, "tasks");
  add(has_order(entry), "next");
  row += ", " + symbol_mask(program, entry);
  add(true, "arena_bytes");
  row += ", " + std::to_string(scratch_bytes(program, entry));
  add(outer, "output_bytes");
  add(outer, "output_dim");
  add(outer, "output_offset");
  add(outer && needs_derive(program, entry), "derive");
  add(outer && needs_check(program, entry, 0), "check_sizes");
  add(outer && !conditions_of(program, entry, 0).empty(), "check_conditions");
  add(outer && has_dynamic(program, entry), "output_dynamic");
  const size_t writes = outer ? writes_of(program, entry).size() : 0;
  add(outer && any && !program.states.empty(), "kServes");
  add(writes > 0, "kWrites");
  return row + ", " + count(writes);
}

std::string tensors_or_null(const Entry& entry, const std::vector<int32_t>& ids,
                            const std::string& name) {
  return table_or_null(!ids.empty(), entry_namespace(entry) + "::" + name);
}

void entry_tables(ProgramWriter& out, const Program& program) {
  out.open("static const mt_entry_info kEntryInfos[] = {");
  for (const Entry& entry : program.entries) {
    const size_t phases = phases_of(entry).size();
    out.line("{" + c_string(entry.name) + ", " + count(entry.inputs.size()) + ", " +
             count(entry.outputs.size()) + ", " + count(phases) + ", " +
             tensors_or_null(entry, entry.inputs, "kInputs") + ", " +
             tensors_or_null(entry, entry.outputs, "kOutputs") + ", " +
             table_or_null(phases > 0, entry_namespace(entry) + "::kNames") + "},");
  }
  out.close("};");
  out.open("static const Entry kEntries[] = {");
  for (const Entry& entry : program.entries) out.line("{" + entry_row(program, entry) + "},");
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

std::string entry_namespace(const Entry& entry) { return "entry_" + entry.name; }

void write_tables(ProgramWriter& out, const Program& program) {
  symbol_tables(out, program);
  out.open("static const Level kLevels[] = {");
  for (const TargetInfo& level : program.levels) {
    out.line("{" + c_string(level.level) + ", " + target_of(level).supported(level) + ", &" +
             table_name(level) + "},");
  }
  out.close("};");
  out.line();
}

void write_entry_tables(ProgramWriter& out, const Program& program, const Entry& entry) {
  tensor_table(out, program, entry.inputs, "kInputs");
  tensor_table(out, program, entry.outputs, "kOutputs");
  name_table(out, entry);
  if (&entry != &program.prepare) write_serves(out, program, entry);
  out.line();
}

void write_program_constant(ProgramWriter& out, const Program& program,
                            const std::string& weights_sha256, const std::string& weights) {
  std::string levels;
  for (const TargetInfo& level : program.levels)
    levels += (levels.empty() ? "" : ",") + level.level;
  const Entry& first = program.entries.at(0);
  const size_t phases = phases_of(first).size();
  dynamic_table(out, program);
  state_tables(out, program);
  fixed_tables(out, program);
  entry_tables(out, program);
  out.open("const Program program = {");
  out.line("{" + c_string(program.name) + ", " + c_string(program.numerics_hash) + ", " +
           c_string(levels) + ", nullptr, " + count(first.inputs.size()) + ", " +
           count(first.outputs.size()) + ", " + count(program.symbols.size()) + ", " +
           count(phases) + ",");
  out.line(
      " " + tensors_or_null(first, first.inputs, "kInputs") + ", " +
      tensors_or_null(first, first.outputs, "kOutputs") + ", " +
      table_or_null(!program.symbols.empty(), "kSymbols") + ", " +
      table_or_null(phases > 0, entry_namespace(first) + "::kNames") + ", " +
      std::to_string(program.weights_bytes) + ", " + program.packed_bytes.str() + ", " +
      count(program.states.size()) + ", " + table_or_null(!program.states.empty(), "kStateInfos") +
      ", " + count(program.entries.size()) + ", kEntryInfos, " +
      table_or_null(!program.states.empty(), "kStateRoles") + ", " + count(program.fixed.size()) +
      ", " + table_or_null(!program.fixed.empty(), "kFixedInfos") + "},");
  out.line("kLevels,");
  out.line(count(program.levels.size()) + ",");
  out.line("{" + entry_row(program, program.prepare) + "},");
  out.line("kEntries,");
  out.line(c_string(weights_sha256) + ",");
  const auto early = std::ranges::count_if(program.symbols, [&](const Symbol& symbol) {
    return stage_of(program, Index::var(symbol.name)) == 0;
  });
  out.line(table_or_null(!program.dynamic.empty(), "kDynamic") + ", " +
           count(program.dynamic.size()) + ", " + std::to_string(early) + ",");
  out.line(table_or_null(!program.states.empty(), "kStates") + ", " +
           std::to_string(program.state_bytes) + ",");
  out.line(table_or_null(!program.fixed.empty(), "kFixed") + ",");
  out.line(weights + ",");
  out.close("};");
}

}  // namespace mintor
