// SPDX-License-Identifier: Apache-2.0
// Takes lines and expressions; gives indented C++ text. Keeps true: no state but the text so far;
// two symbols never share a local variable.
#include "compiler/codegen/program_writer.h"

#include <algorithm>

#include "compiler/support/identifier.h"

namespace mintor {

ProgramWriter::ProgramWriter(const Program& program) {
  for (const Symbol& symbol : program.symbols) {
    Range range{Index(symbol.lo), std::nullopt, symbol.divisor};
    if (symbol.hi >= 0) range.hi = Index(symbol.hi);
    ranges_.set(add_local(symbol.name), range);
  }
  for (const std::string& counter : program.counters)
    ranges_.set(add_local(counter), {Index(0), std::nullopt, 1});
}

std::string ProgramWriter::add_local(const std::string& name) {
  std::string local = "n_" + identifier(name);
  const std::string base = local;
  for (size_t number = names_.size(); std::ranges::find(locals_, local) != locals_.end();
       ++number) {
    local = base + "_" + std::to_string(number);
  }
  names_.push_back(name);
  locals_.push_back(local);
  spelled_[name] = Index::var(local);
  return local;
}

std::string ProgramWriter::in_slots(const Index& e) const {
  std::map<std::string, Index> slots;
  for (const std::string& name : e.vars()) slots[name] = Index::var(slot(name));
  return e.substitute(slots).c_str({});
}

std::string ProgramWriter::slot(const std::string& name) const {
  const auto found = std::ranges::find(names_, name);
  return "n[" + std::to_string(found - names_.begin()) + "]";
}

void ProgramWriter::line(const std::string& text) {
  if (!text.empty()) text_.append(2 * indent_, ' ').append(text);
  text_ += '\n';
}

std::string ProgramWriter::c(const Index& e) const {
  return e.substitute(spelled_).c_str(ranges_);
}

void ProgramWriter::symbol_locals(const std::vector<Index>& expressions, const std::string& from,
                                  const std::string& type) {
  for (size_t i = 0; i < names_.size(); ++i) {
    const bool used =
        std::ranges::any_of(expressions, [&](const Index& e) { return e.mentions(names_[i]); });
    if (!used) continue;
    line("const " + type + " " + locals_[i] + " = " + from + "[" + std::to_string(i) + "];");
  }
}

std::string c_string(std::string_view text) {
  static constexpr char kDigits[] = "01234567";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 32 || byte >= 127 || c == '?') {      // three octal digits end by themselves
      out += '\\';
      out += kDigits[byte >> 6];
      out += kDigits[byte >> 3 & 7];
      out += kDigits[byte & 7];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace mintor
