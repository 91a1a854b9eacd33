// SPDX-License-Identifier: Apache-2.0
// Look-up of one embedded file. The table itself is generated, see cmake/mintor_embed.cmake.
// Takes a path from the repository root; gives the text; keeps no state.
#include "compiler/support/embedded.h"

#include <algorithm>
#include <string>

#include "compiler/support/error.h"

namespace mintor {

std::string_view embedded_text(std::string_view path) {
  const auto files = embedded_files();
  const auto found = std::ranges::find(files, path, &EmbeddedFile::path);
  if (found == files.end()) {
    throw InternalError("embedded_text", "'" + std::string(path) + "' was not embedded");
  }
  return found->text;
}

}  // namespace mintor
