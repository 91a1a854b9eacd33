// SPDX-License-Identifier: Apache-2.0
// What both compilers of the JIT share.
// Takes units; gives the names of their objects. Keeps true: one name a unit.
#include "compiler/jit/backend.h"

namespace mintor {

std::string object_path(const std::string& folder, const SourceFile& unit) {
  return folder + "/" + unit.file + ".o";
}

}  // namespace mintor
