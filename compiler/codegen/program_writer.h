// SPDX-License-Identifier: Apache-2.0
// Text with indentation, and the integer expressions of a Program as C.
// Takes lines and Index expressions; gives text. Keeps true: a symbol is spelled as the local
// variable that `symbol_locals` declares, a name that C accepts and that nothing else here uses.
#pragma once

#include <string>
#include <vector>

#include "compiler/program/program.h"

namespace mintor {

class ProgramWriter {
 public:
  explicit ProgramWriter(const Program& program);

  void line(const std::string& text = "");
  void open(const std::string& text) { line(text), ++indent_; }
  void close(const std::string& text = "}") { --indent_, line(text); }
  void open_again() { ++indent_; }  // behind `} else {`
  void label(const std::string& text) { --indent_, line(text), ++indent_; }
  std::string take() { return std::move(text_); }

  std::string c(const Index& e) const;
  // "n[3]": where a symbol lies, or where a loop counts, behind the symbols; and an expression of
  // those, which sees what was stored a line before.
  std::string slot(const std::string& name) const;
  std::string in_slots(const Index& e) const;
  // `const int64_t batch = FROM[0];` for the symbols and counters that the expressions mention.
  void symbol_locals(const std::vector<Index>& expressions, const std::string& from,
                     const std::string& type = "int64_t");

 private:
  std::string add_local(const std::string& name);

  std::vector<std::string> names_;  // of symbols, then counters
  std::map<std::string, Index> spelled_;
  std::vector<std::string> locals_;  // by name
  Ranges ranges_;
  std::string text_;
  int indent_ = 0;
};

std::string c_string(std::string_view text);        // quoted and escaped

}  // namespace mintor
