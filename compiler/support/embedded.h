// SPDX-License-Identifier: Apache-2.0
// Text files that travel inside the compiler: prelude headers, scalar_math.h and the runtime's
// sources, which every package and every JIT unit is made from. Takes nothing; gives the bytes as
// they lie in the repository when the compiler was built (cmake/mintor_embed.cmake makes the
// table). Keeps true: paths are relative to the repository root, ordered and unique.
#pragma once

#include <span>
#include <string_view>

namespace mintor {

struct EmbeddedFile {
  std::string_view path;  // "targets/<t>/prelude/vector_math.h"
  std::string_view text;
};

std::span<const EmbeddedFile> embedded_files();

// The text of one file; throws InternalError when it was not embedded.
std::string_view embedded_text(std::string_view path);

}  // namespace mintor
