// SPDX-License-Identifier: Apache-2.0
// Names that a package may not have. A package's name becomes lib<name>.so, include/<name>.h, a
// CMake target and the prefix of C functions: in each of these places some names are taken.
#pragma once

#include <string>
#include <string_view>

namespace mintor {

// Why it is taken; "" where it is free.
std::string reserved_name(std::string_view name);

}  // namespace mintor
