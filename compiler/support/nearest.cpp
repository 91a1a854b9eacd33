// SPDX-License-Identifier: Apache-2.0
// Edit distance (insert, delete, replace; one row of the table at a time).
// Takes short names; gives the nearest candidate; quadratic in the length, which is short.
#include "compiler/support/nearest.h"

#include <algorithm>
#include <vector>

namespace mintor {
namespace {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view name, std::span<const std::string_view> candidates,
                         size_t most) {
  size_t best = (most != 0 ? most : std::max<size_t>(2, name.size() / 3)) + 1;
  std::string_view found;
  for (const std::string_view candidate : candidates) {
    const size_t distance = edit_distance(name, candidate);
    if (distance < best) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates) {
  const std::string_view near = nearest(name, candidates);
  if (!near.empty()) return "did you mean '" + std::string(near) + "'?";
  if (candidates.empty()) return "";
  std::string list = "known: ";
  for (size_t i = 0; i < candidates.size(); ++i) {
    list += (i == 0 ? "" : ", ") + std::string(candidates[i]);
  }
  return list;
}

}  // namespace mintor
