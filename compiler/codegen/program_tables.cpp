// SPDX-License-Identifier: Apache-2.0
// Takes a Program; gives the tables that the runtime reads. Keeps true: outputs that the caller
// gives no memory for lie behind the planned arena, in order.
#include "compiler/codegen/program_tables.h"

#include "compiler/codegen/target.h"
#include "compiler/memory/plan_memory.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

constexpr size_t kMaxRank = 8;                      // MT_MAX_RANK of the ABI
constexpr int64_t kReserveLimit = int64_t{1} << 30; // a context is sized for the bounds up to this

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

int64_t arena_at(const Program& program, const std::map<std::string, int64_t>& values) {
  Index total = program.arena_bytes;
  for (const int32_t id : program.outputs) total = total + program.buffers[id].bytes();
  return total.evaluate([&](std::string_view name) { return values.at(std::string(name)); });
}

// The upper bounds where all are known and the arena stays small: then no run allocates.
std::map<std::string, int64_t> reserve_values(const Program& program) {
  const std::map<std::string, int64_t> hints = hint_values(program.symbols);
  std::map<std::string, int64_t> bounds;
  for (const Symbol& symbol : program.symbols) {
    if (symbol.hi < 0 || symbol.hi > INT32_MAX) return hints;
    bounds[symbol.name] = symbol.hi;
  }
  try {
    return arena_at(program, bounds) <= kReserveLimit ? bounds : hints;
  } catch (const CompileError&) {    // the product of the bounds has no 64 bits
    return hints;
  }
}

void symbol_tables(ProgramWriter& out, const Program& program) {
  if (program.symbols.empty()) return;
  out.open("static const mt_symbol_info kSymbols[] = {");
  for (const Symbol& symbol : program.symbols) {
    out.line("{" + c_string(symbol.name) + ", " + std::to_string(symbol.lo) + ", " +
             std::to_string(symbol.hi) + "},");
  }
  out.close("};");
  const auto values = reserve_values(program);
  std::string hints;
  for (const Symbol& symbol : program.symbols) {
    hints += (hints.empty() ? "" : ", ") + std::to_string(values.at(symbol.name));
  }
  out.line("static const int64_t kHints[] = {" + hints + "};");
}

void name_table(ProgramWriter& out, const Entry& entry, const std::string& name) {
  std::vector<std::string> names;
  for (const Region& region : entry.regions) {
    for (const Launch& launch : region.launches) names.push_back(launch.kernel);
  }
  if (names.empty()) return;
  out.open("static const char* const " + name + "[] = {");
  for (const std::string& kernel : names) out.line(c_string(kernel) + ",");
  out.close("};");
}

size_t launch_count(const Entry& entry) {
  size_t count = 0;
  for (const Region& region : entry.regions) count += region.launches.size();
  return count;
}

std::string table_or_null(bool there, const char* name) { return there ? name : "nullptr"; }

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

}  // namespace

std::string table_name(const TargetInfo& level) {
  std::string name = "kernels_" + level.level;
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name;
}

void write_tables(ProgramWriter& out, const Program& program) {
  tensor_table(out, program, program.inputs, "kInputs");
  tensor_table(out, program, program.outputs, "kOutputs");
  symbol_tables(out, program);
  name_table(out, program.prepare, "kPrepareNames");
  name_table(out, program.forward, "kForwardNames");
  out.open("static const Level kLevels[] = {");
  for (const TargetInfo& level : program.levels) {
    out.line("{" + c_string(level.level) + ", " + target_of(level).supported(level) + ", &" +
             table_name(level) + "},");
  }
  out.close("};");
  out.line();
}

void write_size_functions(ProgramWriter& out, const Program& program) {
  std::vector<std::pair<std::string, Index>> dims, bytes, offsets;
  Index end = program.arena_bytes;
  for (size_t o = 0; o < program.outputs.size(); ++o) {
    const Buffer& buffer = program.buffers[program.outputs[o]];
    Index total = size_of(buffer.dtype);
    for (size_t d = 0; d < buffer.shape.size(); ++d) {
      total = total * buffer.shape[d];
      dims.emplace_back(std::to_string(o) + " * MT_MAX_RANK + " + std::to_string(d),
                        buffer.shape[d]);
    }
    bytes.emplace_back(std::to_string(o), total);
    offsets.emplace_back(std::to_string(o), end);
    end = end + buffer.bytes();
  }
  out.open("static int64_t arena_bytes(const int64_t* symbols) {");
  out.line("(void)symbols;");
  out.symbol_locals({end}, "symbols");
  out.line("return " + out.c(end) + ";");
  out.close();
  out.line();
  switch_function(out, "output_bytes", "int32_t output", "output", bytes);
  switch_function(out, "output_dim", "int32_t output, int32_t dim", "output * MT_MAX_RANK + dim",
                  dims);
  switch_function(out, "output_offset", "int32_t output", "output", offsets);
}

void write_program_constant(ProgramWriter& out, const Program& program,
                            const std::string& weights_sha256) {
  std::string levels;
  for (const TargetInfo& level : program.levels)
    levels += (levels.empty() ? "" : ",") + level.level;
  const auto count = [](size_t n) { return std::to_string(n); };
  const size_t prepare = launch_count(program.prepare), forward = launch_count(program.forward);
  const auto entry = [&](const char* name, size_t launches, const char* names) {
    if (launches == 0) return std::string("{nullptr, 0, nullptr, nullptr},");
    return std::string("{") + name + ", " + count(launches) + ", " + names + ", " + name +
           "_tasks},";
  };
  out.open("const Program program = {");
  out.line("{" + c_string(program.name) + ", " + c_string(program.numerics_hash) + ", " +
           c_string(levels) + ", nullptr, " + count(program.inputs.size()) + ", " +
           count(program.outputs.size()) + ", " + count(program.symbols.size()) + ", " +
           count(forward) + ",");
  out.line(" " + table_or_null(!program.inputs.empty(), "kInputs") + ", " +
           table_or_null(!program.outputs.empty(), "kOutputs") + ", " +
           table_or_null(!program.symbols.empty(), "kSymbols") + ", " +
           table_or_null(forward > 0, "kForwardNames") + ", " + count(program.weights_bytes) +
           ", " + program.packed_bytes.str() + "},");
  out.line("kLevels,");
  out.line(count(program.levels.size()) + ",");
  out.line(entry("prepare", prepare, "kPrepareNames"));
  out.line(entry("forward", forward, "kForwardNames"));
  for (const char* function : {"arena_bytes", "output_bytes", "output_dim", "output_offset"}) {
    out.line(std::string(function) + ",");
  }
  out.line(table_or_null(!program.symbols.empty(), "kHints") + ",");
  out.line("nullptr,");
  out.line(c_string(weights_sha256) + ",");
  out.line(count(program.prepare_arena_bytes) + ",");
  out.close("};");
}

}  // namespace mintor
