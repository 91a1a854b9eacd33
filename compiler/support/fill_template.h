// SPDX-License-Identifier: Apache-2.0
// Text with @KEY@ markers. Takes the text and values by key; gives the text with each known marker
// replaced. Keeps true: one pass, values are not searched for further markers; what looks like a
// marker and is none stays.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mintor {

std::string fill_template(std::string_view text,
                          const std::vector<std::pair<std::string, std::string>>& values);

}  // namespace mintor
