// SPDX-License-Identifier: Apache-2.0
// Takes lines and expressions; gives indented C++ text. Keeps true: no state but the text so far;
// two symbols never share a local variable.
#include "compiler/codegen/program_writer.h"

#include <algorithm>

#include "compiler/support/identifier.h"

namespace mintor {

ProgramWriter::ProgramWriter(const Program& program) : program_(program) {
  for (size_t i = 0; i < program.symbols.size(); ++i) {
    const Symbol& symbol = program.symbols[i];
    std::string local = "n_" + identifier(symbol.name);
    const std::string base = local;
    for (size_t number = i; std::ranges::find(locals_, local) != locals_.end(); ++number) {
      local = base + "_" + std::to_string(number);
    }
    locals_.push_back(local);
    spelled_[symbol.name] = Index::var(local);
    Range range{Index(symbol.lo), std::nullopt, symbol.divisor};
    if (symbol.hi >= 0) range.hi = Index(symbol.hi);
    ranges_.set(local, range);
  }
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
  for (size_t i = 0; i < program_.symbols.size(); ++i) {
    const bool used = std::ranges::any_of(expressions, [&](const Index& e) {
      return e.mentions(program_.symbols[i].name);
    });
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
