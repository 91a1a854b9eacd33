// SPDX-License-Identifier: Apache-2.0
// mintor inspect: what a package says of itself. Takes DIR; gives the manifest (sources, options,
// targets, plan, hashes), the sizes of its files and, of a library that was built, what the code of
// each level takes, as text or --json.
// Keeps true: it reads the folder and runs nothing of it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "compiler/cli/command.h"
#include "compiler/package/builder.h"
#include "compiler/package/code_sizes.h"
#include "compiler/package/package.h"

namespace mintor {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

struct Arguments {
  std::string directory;
  bool json = false;
};

// Empty where there is none.
Json library_of(const std::string& directory, const Manifest& manifest) {
  const std::string library = find_package_library(directory, manifest.name);
  if (library.empty()) return Json::object();
  return {{"file", fs::relative(library, directory).string()},
          {"bytes", fs::file_size(library)},
          {"code", code_sizes(library, manifest)}};
}

Json files_of(const std::string& directory) {
  std::vector<std::pair<std::string, uintmax_t>> found;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file() && !entry.is_symlink()) {
      found.emplace_back(fs::relative(entry.path(), directory).string(), entry.file_size());
    }
  }
  std::ranges::sort(found);
  Json files = Json::object();
  for (const auto& [name, bytes] : found) files[name] = bytes;
  return files;
}

void print_tree(const Json& value, const std::string& name, int indent) {
  if (value.is_object()) {
    std::printf("%*s%s\n", indent, "", name.c_str());
    for (const auto& [key, item] : value.items()) print_tree(item, key, indent + 2);
  } else if (value.is_array() && !value.empty() && value[0].is_structured()) {
    for (const Json& item : value) print_tree(item, name, indent);
  } else {
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    std::printf("%*s%-*s %s\n", indent, "", 28 - indent, name.c_str(), text.c_str());
  }
}

RunCommand declare(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("DIR", arguments->directory, "a package")->required();
  app.add_flag("--json", arguments->json, "the same for machines");
  return [arguments] {
    // Checked as every reader of packages checks it: fields, names inside the folder, version.
    const Manifest checked = read_manifest(arguments->directory);
    const Json manifest = Json::parse(checked.text);
    const Json files = files_of(arguments->directory);
    const Json library = library_of(arguments->directory, checked);
    if (arguments->json) {
      std::puts(
          Json{{"manifest", manifest}, {"files", files}, {"library", library}}.dump(2).c_str());
    } else {
      print_tree(manifest, "manifest", 0);
      print_tree(files, "files (bytes)", 0);
      if (!library.empty()) print_tree(library, "library (bytes)", 0);
    }
    return 0;
  };
}

}  // namespace

extern const Command cmd_inspect = {
    "inspect", "what a package holds: its manifest, its files, the code of each level",
    "  mintor inspect build/resnet18\n"
    "  mintor inspect build/resnet18 --json\n",
    declare};

}  // namespace mintor
