// SPDX-License-Identifier: Apache-2.0
// manifest.json, written and read. Takes PackageContents, or a folder that may be hostile; gives
// the text, or a checked Manifest. Keeps true: a manifest that is read names no file outside its
// folder, and its package name and unit flags cannot inject anything into a command.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "compiler/package/folder.h"
#include "compiler/package/package.h"
#include "compiler/package/package_text.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

using Json = nlohmann::ordered_json;

Json tensors_json(const std::vector<PackageTensor>& tensors) {
  Json out = Json::array();
  for (const PackageTensor& tensor : tensors) {
    out.push_back({{"name", tensor.name},
                   {"dtype", name_of(tensor.dtype)},
                   {"shape", tensor.shape},
                   {"doc", tensor.doc}});
  }
  return out;
}

Json case_files(const char* role, size_t index, const std::vector<PackageTensor>& tensors,
                const std::vector<NamedTensor>& values) {
  Json out = Json::object();
  for (const NamedTensor& value : values) {
    out[value.name] = fmt::format("verify/case{}/{}", index,
                                  case_file(role, position_of(tensors, value.name), value.name));
  }
  return out;
}

Json entries_json(const std::vector<PackageEntry>& entries) {
  Json out = Json::array();
  for (const PackageEntry& entry : entries) {
    out.push_back({{"name", entry.name},
                   {"inputs", tensors_json(entry.inputs)},
                   {"outputs", tensors_json(entry.outputs)},
                   {"conditions", entry.conditions}});
  }
  return out;
}

Json cases_json(const PackageContents& contents) {
  Json out = Json::array();
  for (size_t i = 0; i < contents.cases.size(); ++i) {
    const VerifyCase& one = contents.cases[i];
    const PackageEntry& entry = contents.entries.at(one.entry);
    out.push_back({{"folder", fmt::format("verify/case{}", i)},
                   {"entry", entry.name},
                   {"rtol", one.rtol},
                   {"atol", one.atol},
                   {"inputs", case_files("in", i, entry.inputs, one.inputs)},
                   {"outputs", case_files("out", i, entry.outputs, one.outputs)}});
  }
  return out;
}

[[noreturn]] void bad(const std::string& directory, const std::string& what) {
  throw CompileError("package", "'" + directory + "/manifest.json' " + what, "",
                     "compile the model again");
}

// A relative path of plain parts.
bool is_inside(const std::string& path) {
  if (path.empty() || path[0] == '/' || path.find('\0') != std::string::npos) return false;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return true;
}

// What a level may ask of a compiler: a CPU, with extensions, and the width of vectors. All else,
// known or not yet, may name a file or a program, or undo the numerics flags before it.
bool is_level_flag(std::string_view flag) {
  static constexpr std::string_view kChoices[] = {
      "-march=", "-mcpu=", "-mtune=", "-mprefer-vector-width=", "-mavx512"};
  for (const std::string_view choice : kChoices) {
    if (!flag.starts_with(choice) || flag.size() == choice.size()) continue;
    return flag.find_first_not_of(
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
               "-_+.",
               choice.size()) == std::string_view::npos;
  }
  return false;
}

std::vector<PackageTensor> read_tensors(const Json& json, const std::string& directory) {
  std::vector<PackageTensor> out;
  for (const Json& item : json) {
    const auto dtype = parse_dtype(item.at("dtype").get<std::string>());
    if (!dtype) bad(directory, "names a dtype that is none");
    out.push_back({item.at("name"), *dtype, item.at("shape"), item.at("doc")});
  }
  return out;
}

// A manifest without entries is of a package that has one.
std::vector<PackageEntry> read_entries(const Json& json, const std::string& directory) {
  if (!json.contains("entries"))
    return {{"forward", read_tensors(json.at("inputs"), directory),
             read_tensors(json.at("outputs"), directory)}};
  std::vector<PackageEntry> out;
  for (const Json& item : json.at("entries")) {
    out.push_back({item.at("name"), read_tensors(item.at("inputs"), directory),
                   read_tensors(item.at("outputs"), directory), item.at("conditions")});
  }
  if (out.empty()) bad(directory, "has no entry");
  return out;
}

std::string inside(const std::string& path, const std::string& directory) {
  if (!is_inside(path)) bad(directory, "names '" + path + "', which is not inside the package");
  return path;
}

std::vector<ManifestCase> read_cases(const Json& json, const std::string& directory,
                                     const std::vector<PackageEntry>& entries) {
  std::vector<ManifestCase> out;
  for (const Json& item : json) {
    ManifestCase one;
    one.folder = inside(item.at("folder"), directory);
    one.entry = item.value("entry", entries[0].name);
    if (std::ranges::find(entries, one.entry, &PackageEntry::name) == entries.end())
      bad(directory, "has a case of '" + one.entry + "', which is no entry");
    one.rtol = item.at("rtol");
    one.atol = item.at("atol");
    for (const auto& [name, file] : item.at("inputs").items()) {
      one.inputs.emplace_back(name, inside(file, directory));
    }
    for (const auto& [name, file] : item.at("outputs").items()) {
      one.outputs.emplace_back(name, inside(file, directory));
    }
    out.push_back(std::move(one));
  }
  return out;
}

std::vector<ManifestUnit> read_units(const Json& json, const std::string& directory) {
  std::vector<ManifestUnit> out;
  for (const Json& item : json) {
    ManifestUnit unit{inside(item.at("file"), directory), item.at("flags")};
    for (const std::string& flag : unit.flags) {
      if (is_level_flag(flag)) continue;
      bad(directory, "has the compiler flag '" + flag +
                         "', which chooses neither a CPU nor the width of vectors");
    }
    out.push_back(std::move(unit));
  }
  return out;
}

Manifest parse_manifest(const Json& json, const std::string& directory) {
  Manifest out;
  if (json.at("format") != "mintor-package") bad(directory, "is not that of a package");
  out.format_version = json.at("format_version");
  if (out.format_version > kPackageFormatVersion) {
    bad(directory, fmt::format("has format version {}, this program reads up to {}",
                               out.format_version, kPackageFormatVersion));
  }
  out.name = json.at("name");
  if (package_name_from(out.name) != out.name) bad(directory, "has a name that is no identifier");
  out.numerics_hash = json.at("numerics_hash");
  out.schedule_hash = json.at("schedule_hash");
  out.compiler_version = json.at("compiler_version");
  out.target = json.at("target");
  out.machine = json.value("machine", "");
  if (out.machine.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos)
    bad(directory, "names '" + out.machine + "', which is no machine");
  out.levels = json.at("levels");
  out.kernels = json.at("kernels");
  out.units = read_units(json.at("units"), directory);
  out.entries = read_entries(json, directory);
  out.cases = read_cases(json.at("cases"), directory, out.entries);
  out.weights_bytes = json.at("weights_bytes");
  out.embedded_weights = json.value("embedded_weights", false);
  for (const auto& [path, hash] : json.at("files").items()) {
    out.files[inside(path, directory)] = hash;
  }
  out.sources = json.at("sources").get<std::map<std::string, std::string>>();
  out.options = json.at("options").get<std::map<std::string, std::string>>();
  return out;
}

}  // namespace

std::string manifest_text(const PackageContents& contents,
                          const std::map<std::string, std::string>& files) {
  Json units = Json::array(), symbols = Json::array();
  for (const PackageUnit& unit : contents.units) {
    check(std::ranges::all_of(unit.flags, is_level_flag), "manifest",
          "a level has a flag that no reader of the package would take");
    units.push_back({{"file", "src/" + unit.file}, {"flags", unit.flags}});
  }
  for (const PackageSymbol& symbol : contents.symbols) {
    symbols.push_back(
        {{"name", symbol.name}, {"lo", symbol.lo}, {"hi", symbol.hi}, {"divisor", symbol.divisor}});
    if (!symbol.value.empty()) symbols.back()["value"] = symbol.value;
  }
  const Json json = {{"format", "mintor-package"},
                     {"format_version", kPackageFormatVersion},
                     {"name", contents.name},
                     {"compiler_version", contents.compiler_version},
                     {"target", contents.target},
                     {"machine", contents.machine},
                     {"levels", contents.levels},
                     {"numerics_hash", contents.numerics_hash},
                     {"schedule_hash", contents.schedule_hash},
                     {"sources", contents.sources},
                     {"options", contents.options},
                     {"inputs", tensors_json(contents.entries[0].inputs)},
                     {"outputs", tensors_json(contents.entries[0].outputs)},
                     {"symbols", symbols},
                     {"conditions", contents.entries[0].conditions},
                     {"entries", entries_json(contents.entries)},
                     {"kernels", contents.kernels},
                     {"weights_bytes", contents.weights_bytes},
                     {"embedded_weights", contents.embed_weights},
                     {"units", units},
                     {"cases", cases_json(contents)},
                     {"files", files}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

bool is_package(const std::string& directory) {
  struct stat status;
  if (stat((directory + "/manifest.json").c_str(), &status) != 0) return false;
  try {
    const Json json = Json::parse(read_whole_file(directory + "/manifest.json"));
    return json.is_object() && json.value("format", "") == "mintor-package";
  } catch (const Json::exception&) {
    return false;
  }
}

Manifest read_manifest(const std::string& directory) {
  struct stat status;
  if (stat((directory + "/manifest.json").c_str(), &status) != 0) {
    throw CompileError("package", "'" + directory + "' is no package: it has no manifest.json", "",
                       "write one with `mintor compile MODEL -o " + directory + "`");
  }
  const std::string text = read_whole_file(directory + "/manifest.json");
  try {
    Manifest out = parse_manifest(Json::parse(text), directory);
    out.text = text;
    return out;
  } catch (const Json::exception& error) {
    bad(directory, std::string("cannot be used: ") + error.what());
  }
}

std::vector<std::string> damaged_files(const std::string& directory) {
  std::vector<std::string> out;
  for (const auto& [path, hash] : read_manifest(directory).files) {
    const std::string whole = directory + "/" + path;
    struct stat status;
    if (stat(whole.c_str(), &status) != 0 || sha256_of_file(whole) != hash) out.push_back(path);
  }
  return out;
}

}  // namespace mintor
