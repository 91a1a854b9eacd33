// SPDX-License-Identifier: Apache-2.0
// Where an element lies in a dense row-major array. Takes an index and an extent per dimension;
// gives the position counted in elements.
#pragma once

#include <vector>

#include "compiler/support/index.h"

namespace mintor {

inline Index flat_index(const std::vector<Index>& at, const std::vector<Index>& shape) {
  Index flat = 0;
  for (size_t d = 0; d < at.size(); ++d) flat = flat * shape[d] + at[d];
  return flat;
}

}  // namespace mintor
