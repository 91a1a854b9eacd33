// SPDX-License-Identifier: Apache-2.0
// What the parts of a built library take. Takes the library and the package's manifest; gives bytes
// of code by level, and of what all levels share. Keeps true: sizes are those of the functions that
// the linker kept, whichever build made the library; a library that was stripped, or is none, has
// no sizes.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "compiler/package/package.h"

namespace mintor {

inline constexpr const char* kSharedCode = "shared";  // the program and the runtime

// By level ("v3"), and kSharedCode.
std::map<std::string, int64_t> code_sizes(const std::string& library, const Manifest& manifest);

}  // namespace mintor
