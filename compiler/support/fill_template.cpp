// SPDX-License-Identifier: Apache-2.0
// Markers replaced from left to right. Takes and gives what the header says.
// Keeps true: linear in the text, and in the number of values for each marker.
#include "compiler/support/fill_template.h"

#include <algorithm>

namespace mintor {

std::string fill_template(std::string_view text,
                          const std::vector<std::pair<std::string, std::string>>& values) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = text.find('@', at);
    const size_t end = begin == std::string_view::npos ? begin : text.find('@', begin + 1);
    if (end == std::string_view::npos) {
      out += text.substr(at);
      break;
    }
    const std::string_view key = text.substr(begin + 1, end - begin - 1);
    const auto found = std::find_if(values.begin(), values.end(),
                                    [&](const auto& value) { return value.first == key; });
    out += text.substr(at, begin - at);
    if (found == values.end()) {
      out += '@';
      at = begin + 1;
    } else {
      out += found->second;
      at = end + 1;
    }
  }
  return out;
}

}  // namespace mintor
