// SPDX-License-Identifier: Apache-2.0
// Names that are taken where a name is to stand: by a language, by text that we write around it, by
// the system. Takes a name and the place; gives why it is taken there. Keeps true: one list a
// place; whoever makes names asks here and says itself what it does about it.
#pragma once

#include <cstdint>
#include <string_view>

namespace mintor {

enum class NameIn : uint8_t {
  index_text,   // a symbol: it stands beside variables of index maps, in expressions
  axes,         // a symbol that a frontend names: beside the axes of library operators too
  emitted_cpp,  // a function, parameter or variable of emitted C++
  package,      // lib<name>.so, include/<name>.h, a CMake target, the prefix of C functions
};

// "" where the name is free.
std::string_view why_reserved(NameIn place, std::string_view name);
// Whether emitted C++ may not begin a name so: the compiler's names, and ours.
bool has_reserved_prefix(std::string_view name);

}  // namespace mintor
