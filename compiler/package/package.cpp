// SPDX-License-Identifier: Apache-2.0
// Writes a package folder. Takes PackageContents; gives the folder. Keeps true: everything is
// checked before anything is written; weights are streamed, never copied as a whole.
#include "compiler/package/package.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "compiler/package/folder.h"
#include "compiler/package/package_text.h"
#include "compiler/support/embedded.h"
#include "compiler/support/error.h"
#include "compiler/support/identifier.h"
#include "compiler/support/reserved_names.h"
#include "compiler/support/sha256.h"

namespace mintor {
namespace {

void check_name(const std::string& name) {
  const std::string legal = package_name_from(name);
  if (legal == name) return;
  const std::string why(why_reserved(NameIn::package, name));
  throw CompileError("package", "'" + name + "' cannot be the name of a package", "",
                     why.empty() ? "take a C identifier of at most 64 letters, like '" + legal + "'"
                                 : why + "; take another, like '" + legal + "'");
}

void check_entries(const PackageContents& contents) {
  check(!contents.entries.empty(), "write_package", "a package has at least one entry");
  for (const PackageEntry& entry : contents.entries)
    check(is_identifier(entry.name), "write_package", "the name of an entry is no identifier");
}

void check_place(const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::exists(directory, error)) return;
  if (fs::is_directory(directory, error) && fs::is_empty(directory, error)) return;
  if (is_package(directory)) return;
  throw CompileError("package", "'" + directory + "' exists and is no package", "",
                     "give another folder with -o, or remove it");
}

// Code reaches what a library holds by 32-bit distances.
constexpr int64_t kMostEmbedded = int64_t{2000} << 20;

void check_weights(const PackageContents& contents) {
  if (contents.embed_weights && contents.weights_bytes > kMostEmbedded) {
    throw CompileError(
        "package",
        std::to_string(contents.weights_bytes) + " bytes of weights are too many for a library", "",
        "leave out --embed-weights");
  }
  int64_t end = 0;
  for (const WeightPiece& piece : contents.weights) {
    check(piece.offset % 64 == 0 && piece.offset >= end, "write_package",
          "weights are not in ascending order of 64-byte offsets");
    end = piece.offset + static_cast<int64_t>(piece.bytes.size());
  }
  check(end <= contents.weights_bytes, "write_package", "weights end after weights_bytes");
}

// A file of a case is read back with the element type and rank that the model declares.
void check_cases(const PackageContents& contents) {
  const auto check_all = [&](const std::vector<PackageTensor>& tensors,
                             const std::vector<NamedTensor>& values) {
    for (const NamedTensor& value : values) {
      const PackageTensor& tensor = tensors[position_of(tensors, value.name)];
      if (value.value.dtype == tensor.dtype && value.value.shape.size() == tensor.shape.size()) {
        continue;
      }
      throw CompileError("package", "a case has '" + value.name + "' with another dtype or rank " +
                                        "than the model");
    }
  };
  for (const VerifyCase& one : contents.cases) {
    const PackageEntry& entry = contents.entries.at(one.entry);
    check_all(entry.inputs, one.inputs);
    check_all(entry.outputs, one.outputs);
    if (one.inputs.size() == entry.inputs.size() && one.outputs.size() == entry.outputs.size())
      continue;
    throw CompileError("package", "a case has " + std::to_string(one.inputs.size()) +
                                      " inputs and " + std::to_string(one.outputs.size()) +
                                      " outputs, the model " + std::to_string(entry.inputs.size()) +
                                      " and " + std::to_string(entry.outputs.size()));
  }
}

// Payload with zeros in the gaps.
void stream_weights(std::span<const WeightPiece> pieces, int64_t weights_bytes,
                    const FolderWriter::Append& append) {
  static constexpr std::array<std::byte, 4096> kZeros{};
  int64_t at = 0;
  const auto pad_to = [&](int64_t end) {
    for (; at < end; at += std::min<int64_t>(end - at, kZeros.size())) {
      append(
          std::span(kZeros).first(static_cast<size_t>(std::min<int64_t>(end - at, kZeros.size()))));
    }
  };
  for (const WeightPiece& piece : pieces) {
    pad_to(piece.offset);
    append(piece.bytes);
    at += static_cast<int64_t>(piece.bytes.size());
  }
  pad_to(weights_bytes);
}

int hex_value(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

// "MINTORW1", bytes of the payload, its SHA-256, zeros: what the runtime checks when it opens.
std::array<std::byte, 64> weights_trailer(int64_t weights_bytes, const std::string& hash) {
  std::array<std::byte, 64> trailer{};
  const std::string_view magic = "MINTORW1";
  for (size_t i = 0; i < 8; ++i) {
    trailer[i] = static_cast<std::byte>(magic[i]);
    trailer[8 + i] = static_cast<std::byte>(weights_bytes >> (8 * i) & 0xff);
  }
  for (size_t i = 0; i < 32; ++i) {
    trailer[16 + i] =
        static_cast<std::byte>(hex_value(hash[2 * i]) * 16 + hex_value(hash[2 * i + 1]));
  }
  return trailer;
}

void add_weights(FolderWriter& folder, const PackageContents& contents) {
  folder.add_streamed("weights/weights.bin", [&](const FolderWriter::Append& append) {
    Sha256 hash;
    stream_weights(contents.weights, contents.weights_bytes, [&](std::span<const std::byte> bytes) {
      hash.update(bytes);
      append(bytes);
    });
    const std::string hex = hash.hex();
    check(contents.weights_sha256.empty() || contents.weights_sha256 == hex, "write_package",
          "the weights are not those that program.cpp was made for");
    append(weights_trailer(contents.weights_bytes, hex));
  });
}

void add_runtime(FolderWriter& folder) {
  for (const EmbeddedFile& file : embedded_files()) {
    if (!file.path.starts_with("runtime/")) continue;
    const std::string name(file.path.substr(file.path.rfind('/') + 1));
    folder.add((name == "mintor_abi.h" ? "include/" : "runtime/") + name, file.text);
  }
}

void add_cases(FolderWriter& folder, const PackageContents& contents) {
  const auto add = [&](const char* role, size_t index, const std::vector<PackageTensor>& tensors,
                       const std::vector<NamedTensor>& values) {
    for (const NamedTensor& value : values) {
      const size_t at = position_of(tensors, value.name);
      const std::string path =
          "verify/case" + std::to_string(index) + "/" + case_file(role, at, value.name);
      folder.add_streamed(path, [&](const FolderWriter::Append& append) {
        const std::string header = npy_header(value.value);
        append(std::as_bytes(std::span(header.data(), header.size())));
        append(std::span(value.value.data, static_cast<size_t>(value.value.bytes())));
      });
    }
  };
  for (size_t i = 0; i < contents.cases.size(); ++i) {
    const VerifyCase& one = contents.cases[i];
    const PackageEntry& entry = contents.entries.at(one.entry);
    add("in", i, entry.inputs, one.inputs);
    add("out", i, entry.outputs, one.outputs);
  }
  folder.add("verify/cases.txt", cases_text(contents));
}

}  // namespace

std::span<const char* const> package_compile_flags() {
  static constexpr const char* kFlags[] = {"-std=c++17",          "-fPIC",
                                           "-fvisibility=hidden", "-fno-exceptions",
                                           "-fno-rtti",           "-fno-threadsafe-statics",
                                           "-ffunction-sections"};
  return kFlags;
}

bool is_small(const PackageOptions& options) { return options.contains("size"); }

std::span<const char* const> package_optimisation(const PackageOptions& options) {
  static constexpr const char* kFast[] = {"-O2"};
  // Nothing is thrown through a package, so nobody unwinds it.
  static constexpr const char* kSmall[] = {"-Os", "-fno-asynchronous-unwind-tables",
                                           "-fno-unwind-tables"};
  if (is_small(options)) return kSmall;
  return kFast;
}

std::span<const char* const> package_link_flags(const PackageOptions& options) {
  static constexpr const char* kSmall[] = {"-s", "-Wl,--gc-sections"};
  if (is_small(options)) return kSmall;
  return {};
}

std::string weights_sha256(std::span<const WeightPiece> pieces, int64_t weights_bytes) {
  Sha256 hash;
  stream_weights(pieces, weights_bytes,
                 [&](std::span<const std::byte> bytes) { hash.update(bytes); });
  return hash.hex();
}

void write_package(const PackageContents& given, const std::string& directory) {
  check_name(given.name);
  check_entries(given);
  check_place(directory);
  check_weights(given);
  check_cases(given);
  PackageContents contents = given;
  if (contents.embed_weights) contents.units.push_back(weights_unit(contents));
  FolderWriter folder(directory);
  folder.add("include/" + contents.name + ".h", header_text(contents));
  folder.add("include/" + contents.name + ".hpp", filled_template(contents, "header.hpp.in"));
  folder.add("include/mintor.hpp", filled_template(contents, "mintor.hpp"));
  for (const PackageUnit& unit : contents.units) folder.add("src/" + unit.file, unit.text);
  for (const PackageHeader& header : contents.headers) {
    folder.add("src/" + header.file, header.text);
  }
  folder.add("src/exports.map", "{ global: " + contents.name + "_*; local: *; };\n");
  add_runtime(folder);
  add_weights(folder, contents);
  folder.add("example/main.c", filled_template(contents, "main.c"));
  folder.add("example/npy.h", filled_template(contents, "npy.h.in"));
  folder.add("verify/verify.c", filled_template(contents, "verify.c"));
  add_cases(folder, contents);
  folder.add("Makefile", makefile_text(contents));
  folder.add("CMakeLists.txt", cmake_text(contents));
  folder.add("cmake/config.cmake.in", filled_template(contents, "config.cmake.in"));
  folder.add("cmake/package.pc.in", filled_template(contents, "package.pc.in"));
  folder.add("README.md", readme_text(contents));
  if (!contents.report.empty()) folder.add("report.html", contents.report);
  folder.add("manifest.json", manifest_text(contents, folder.files()));
  folder.commit();
}

}  // namespace mintor
