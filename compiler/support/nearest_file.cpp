// SPDX-License-Identifier: Apache-2.0
// Names of the folder that a path leads to, by edit distance. Takes and gives what the header says.
// Keeps true: of equally near names the first by the alphabet is meant.
#include "compiler/support/nearest_file.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "compiler/support/nearest.h"

namespace mintor {
namespace {

constexpr size_t kMostNames = 4096;

std::vector<std::string> names_beside(const std::filesystem::path& path) {
  std::vector<std::string> names;
  std::error_code error;
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator() && names.size() < kMostNames;
       entry.increment(error))
    names.push_back(entry->path().filename().string());
  std::ranges::sort(names);
  return names;
}

}  // namespace

std::string did_you_mean_file(const std::string& path, const std::string& otherwise) {
  const std::filesystem::path missing(path);
  const std::vector<std::string> names = names_beside(missing);
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const std::string_view near = nearest(missing.filename().string(), candidates);
  if (near.empty()) return otherwise;
  return "did you mean '" + std::filesystem::path(missing).replace_filename(near).string() + "'?";
}

}  // namespace mintor
