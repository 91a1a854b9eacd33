// SPDX-License-Identifier: Apache-2.0
// The nearest known name to one that is unknown, for error messages.
// Takes the name and the candidates; gives the closest by edit distance, or nothing when none is
// close enough to be a likely misspelling. Keeps true: ties go to the first candidate.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace mintor {

// "" when no candidate is within `most` edits; by default a third of the name's length, at least 2.
std::string_view nearest(std::string_view name, std::span<const std::string_view> candidates,
                         size_t most = 0);
// "did you mean 'x'?", or a list of the candidates when none is near.
std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates);

}  // namespace mintor
