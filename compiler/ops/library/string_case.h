// SPDX-License-Identifier: Apache-2.0
// Letters that have another case: first, first + step, .. last, and what is added to each. Code
// points below 2^16 whose other case is one code point of as many bytes in UTF-8 (Unicode 14).
#pragma once

#include <cstdint>
#include <span>

namespace mintor::ops {

struct CaseRange {
  int32_t first, last, step, delta;
};
std::span<const CaseRange> case_ranges(bool upper);

}  // namespace mintor::ops
