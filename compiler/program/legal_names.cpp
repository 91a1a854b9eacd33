// SPDX-License-Identifier: Apache-2.0
// Takes names, or a kernel; gives names that C++ takes. Keeps true: nothing but names changes, and
// a legal name stays.
#include "compiler/program/legal_names.h"

#include <map>
#include <set>

#include "compiler/program/canonical.h"
#include "compiler/support/identifier.h"
#include "compiler/support/reserved_names.h"

namespace mintor {

std::string legal_name(std::string_view name) {
  std::string out = identifier(name);
  if (out.empty() || is_digit(out[0])) out = "k_" + out;
  if (has_reserved_prefix(out)) out = "k" + out;
  if (!why_reserved(NameIn::emitted_cpp, out).empty()) out += '_';
  return out;
}

Kernel with_legal_names(const Kernel& kernel) {
  std::set<std::string> names = names_in(kernel);
  for (const Param& param : kernel.params) names.insert(param.name);
  for (const SymbolParam& symbol : kernel.symbols) names.insert(symbol.name);
  std::map<std::string, std::string> renames;
  std::set<std::string> taken = names;
  for (const std::string& name : names) {
    if (name == kLane) continue;  // bound by the statement, never a name in emitted text
    const std::string legal = legal_name(name);
    if (legal != name) renames[name] = unique_name(legal, taken);
  }
  return renames.empty() ? kernel : rename(kernel, renames);
}

}  // namespace mintor
