// SPDX-License-Identifier: Apache-2.0
// The name of a package. Takes any text; gives a name that is taken in none of the places where it
// is to stand. Keeps true: package_name_from is idempotent.
#include "compiler/package/package.h"
#include "compiler/support/identifier.h"
#include "compiler/support/reserved_names.h"

namespace mintor {

std::string package_name_from(std::string_view text) {
  std::string name = identifier(text.substr(0, 64));
  if (name.empty() || is_digit(name[0])) name = "m_" + name;
  // Names with a leading underscore belong to the C library.
  if (name[0] == '_') name = "m" + name;
  if (!why_reserved(NameIn::package, name).empty()) name += "_model";
  return name.substr(0, 64);
}

}  // namespace mintor
