// SPDX-License-Identifier: Apache-2.0
// Text form of a Program. Takes a Program; gives text that parse_program reads back exactly. Bytes
// of weights are named by their SHA-256 and live in a side file (Blobs of compiler/ir/text.h).
//   symbol batch 1..32 % 1 ~ 8
//   buffer "h" = arena f32[batch, 214] at 0
//   state "m" from "m_initial" optimizer of "w"        fixed "b" in "b"
//   buffer "v" = view "h" f32[214*batch]     buffer "p" = part "h" f32[214] at 856*step
//   entry forward ("x") -> ("r") arena [856*batch] needs left_or_one [rows, batch] "'/Add'" {
//     relu("h", "r"; batch) tasks [batch] work [214*batch] in_place 1 <- 0 @ "dense"
//     if "c" { ... } else { ... }     loop step in batch while "go" { ... }     bind n "count"
//   }
//   kernel relu { ... one kernel text per level, each closed by a line `---` ... }
#include <string>

#include "compiler/program/program.h"
#include "compiler/support/lexer.h"

namespace mintor {
namespace {

std::string quoted_list(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) out += (out.size() > 1 ? ", " : "") + quoted(item);
  return out + "]";
}

std::string joined(const std::vector<Index>& items) {
  std::string out;
  for (const Index& item : items) out += (out.empty() ? "" : ", ") + item.str();
  return out;
}

std::string level_line(const TargetInfo& level) {
  return "  level " + quoted(level.level) + " " + quoted(level.target) + " " +
         "vector " + std::to_string(level.vector_bytes) + " registers " +
         std::to_string(level.vector_registers) + " l1 " + std::to_string(level.l1_bytes) +
         " l2 " + std::to_string(level.l2_bytes) + " features " + quoted_list(level.features) +
         " flags " + quoted_list(level.compile_flags) + "\n";
}

std::string symbol_line(const Symbol& symbol) {
  return "  symbol " + symbol.name + " " + std::to_string(symbol.lo) + ".." +
         std::to_string(symbol.hi) + " % " + std::to_string(symbol.divisor) + " ~ " +
         std::to_string(symbol.hint) + (symbol.value ? " = " + symbol.value->str() : "") + "\n";
}

std::string_view name_of(Condition::Form form) {
  switch (form) {
    case Condition::Form::equal: return "equal";
    case Condition::Form::left_or_one: return "left_or_one";
    case Condition::Form::either_or_one: return "either_or_one";
    case Condition::Form::left_or_positive: return "left_or_positive";
  }
  return "";
}

std::string condition_text(const Condition& c) {
  return std::string(name_of(c.form)) + " [" + c.left.str() + ", " + c.right.str() + "] " +
         quoted(c.because);
}

bool has_slot(Place place) { return place <= Place::output || place == Place::dynamic; }

std::string buffer_line(const Program& program, const Buffer& buffer) {
  std::string line = "  buffer " + quoted(buffer.name) + " = ";
  if (buffer.view_of >= 0) {
    line += (buffer.part ? "part " : "view ") + quoted(program.buffers.at(buffer.view_of).name);
  } else {
    line += name_of(buffer.place);
    if (has_slot(buffer.place)) line += " " + std::to_string(buffer.slot);
  }
  line += " " + std::string(mintor::name_of(buffer.dtype)) + "[" + joined(buffer.shape) + "]";
  const bool has_offset = buffer.view_of < 0 ? buffer.place > Place::output : buffer.part;
  if (has_offset) line += " at " + buffer.offset.str();
  if (!buffer.port.empty()) line += " as " + quoted(buffer.port);
  if (buffer.in_branch) line += " in_branch";
  return line + "\n";
}

std::string names(const Program& program, const std::vector<int32_t>& ids) {
  std::string out;
  for (const int32_t id : ids) {
    out += (out.empty() ? "" : ", ") + quoted(program.buffers.at(id).name);
  }
  return out;
}

std::string launch_line(const Program& program, const Launch& launch) {
  std::string line = launch.kernel + "(" + names(program, launch.args) + ";";
  if (!launch.symbols.empty()) line += " " + joined(launch.symbols);
  line += ") tasks [" + joined(launch.tasks) + "]";
  if (!launch.work.is_const(0)) line += " work [" + launch.work.str() + "]";
  for (const InPlace& pair : launch.in_place) {
    line += " in_place " + std::to_string(pair.output) + " <- " + std::to_string(pair.input);
  }
  for (size_t s = 0; s < launch.scopes.size(); ++s)
    line += (s == 0 ? " @ " : ", ") + quoted(launch.scopes[s]);
  return line + "\n";
}

std::string steps_text(const Program& program, const HostSteps& steps, const std::string& indent) {
  const std::string inner = indent + "  ";
  const auto name = [&](int32_t buffer) { return quoted(program.buffers.at(buffer).name); };
  std::string text;
  for (const HostStep& step : steps) {
    text += indent;
    if (const auto* launch = std::get_if<Launch>(&step.node)) {
      text += launch_line(program, *launch);
    } else if (const auto* branch = std::get_if<Branch>(&step.node)) {
      text += "if " + name(branch->condition) + " {\n" + steps_text(program, branch->yes, inner) +
              indent + "} else {\n" + steps_text(program, branch->no, inner) + indent + "}\n";
    } else if (const auto* loop = std::get_if<Loop>(&step.node)) {
      text += "loop " + loop->counter + " in " + loop->trip.str();
      if (loop->condition >= 0) text += " while " + name(loop->condition);
      text += " {\n" + steps_text(program, loop->steps, inner) + indent + "}\n";
    } else if (const auto* bind = std::get_if<Bind>(&step.node)) {
      text += "bind " + bind->symbol + " " + name(bind->value) + "\n";
    } else if (const auto* check = std::get_if<Check>(&step.node)) {
      text += "needs " + condition_text(check->condition) + "\n";
    }
  }
  return text;
}

std::string entry_text(const Program& program, const Entry& entry) {
  std::string text = "  entry " + entry.name + " (" + names(program, entry.inputs) + ") -> (" +
                     names(program, entry.outputs) + ") arena [" + entry.arena_bytes.str() + "]";
  for (const Condition& condition : entry.conditions)
    text += "\n    needs " + condition_text(condition);
  return text + " {\n" + steps_text(program, entry.steps, "    ") + "  }\n";
}

std::string role_text(const Program& program, const State& state) {
  if (state.role == StateRole::value && state.of < 0) return "";
  const char* role = state.role == StateRole::value       ? " value"
                     : state.role == StateRole::optimizer ? " optimizer"
                                                          : " gradient";
  if (state.of < 0) return role;
  return std::string(role) + " of " +
         quoted(program.buffers.at(program.states.at(state.of).buffer).name);
}

std::string tensor_type(const Tensor& tensor) {
  std::string text = std::string(name_of(tensor.dtype)) + "[";
  for (size_t d = 0; d < tensor.shape.size(); ++d) {
    text += (d ? ", " : "") + std::to_string(tensor.shape[d]);
  }
  return text + "]";
}

}  // namespace

std::string_view name_of(Place place) {
  switch (place) {
    case Place::input:
      return "input";
    case Place::output:
      return "output";
    case Place::weights:
      return "weights";
    case Place::packed:
      return "packed";
    case Place::arena:
      return "arena";
    case Place::dynamic:
      return "dynamic";
    case Place::state:
      return "state";
  }
  return "";
}

std::string print(const Program& program) {
  std::string text = "program " + quoted(program.name) + " {\n";
  text += "  numerics " + quoted(program.numerics_hash) + "\n";
  for (const TargetInfo& level : program.levels) text += level_line(level);
  for (const Symbol& symbol : program.symbols) text += symbol_line(symbol);
  for (const Buffer& buffer : program.buffers) text += buffer_line(program, buffer);
  for (const Weight& weight : program.weights) {
    text += "  weight " + quoted(weight.parameter) + " in " +
            quoted(program.buffers.at(weight.buffer).name) + " " + tensor_type(weight.value) +
            " sha256 " + weight.value.sha256() + "\n";
  }
  for (const State& state : program.states)
    text += "  state " + quoted(program.buffers.at(state.buffer).name) + " from " +
            quoted(program.buffers.at(state.initial).name) + role_text(program, state) + "\n";
  for (const FixedParameter& fixed : program.fixed)
    text += "  fixed " + quoted(fixed.name) + " in " +
            quoted(program.buffers.at(fixed.buffer).name) + "\n";
  text += "  sizes weights " + std::to_string(program.weights_bytes) +
          (program.states.empty() ? "" : " state " + std::to_string(program.state_bytes)) +
          " packed [" + program.packed_bytes.str() + "]\n";
  for (const DynamicSize& size : program.dynamic)
    text += "  dynamic " + size.symbol + " [" + size.bytes.str() + "]\n";
  if (!program.counters.empty()) text += "  counters " + quoted_list(program.counters) + "\n";
  for (const std::string& line : program.report) text += "  report " + quoted(line) + "\n";
  text += entry_text(program, program.prepare);
  for (const Entry& entry : program.entries) text += entry_text(program, entry);
  for (const LevelKernels& kernel : program.kernels) {
    text += "  kernel " + kernel.name + " {\n";
    for (const Kernel& level : kernel.levels) {
      const std::string body = print(level);
      text += body;
      if (body.empty() || body.back() != '\n') text += '\n';
      text += "---\n";
    }
    text += "  }\n";
  }
  return text + "}\n";
}

}  // namespace mintor
