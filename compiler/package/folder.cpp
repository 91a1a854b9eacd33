// SPDX-License-Identifier: Apache-2.0
// Writing a folder beside its place and renaming it. Takes and gives what folder.h says; keeps
// true that an older folder stays until the new one is whole.
#include "compiler/package/folder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "compiler/support/error.h"
#include "compiler/support/sha256.h"

namespace mintor {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_file(const std::string& path, const char* what) {
  throw CompileError("package", std::string(what) + " '" + path + "': " + strerror(errno));
}

using File = std::unique_ptr<FILE, int (*)(FILE*)>;

File open_file(const std::string& path, const char* mode) {
  File file(fopen(path.c_str(), mode), fclose);
  if (!file) fail_file(path, "cannot open");
  return file;
}

std::string plain(const std::string& directory) {
  if (directory.empty()) throw CompileError("package", "the name of the folder is empty");
  std::string path = fs::path(directory).lexically_normal().string();
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (path == "." || path == ".." || path == "/") {
    throw CompileError("package", "'" + directory + "' cannot be the folder of a package");
  }
  return path;
}

}  // namespace

FolderWriter::FolderWriter(const std::string& directory) : directory_(plain(directory)) {
  temporary_ = directory_ + ".tmp-" + std::to_string(getpid());
  std::error_code error;
  const fs::path parent = fs::path(directory_).parent_path();
  if (!parent.empty()) fs::create_directories(parent, error);
  if (error || !fs::create_directory(temporary_, error)) {
    throw CompileError("package", "cannot make folder '" + temporary_ + "': " +
                                      (error ? error.message() : "it is there already"));
  }
}

FolderWriter::~FolderWriter() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

void FolderWriter::add(const std::string& path, std::string_view text) {
  add_streamed(path, [&](const Append& append) {
    append(std::as_bytes(std::span(text.data(), text.size())));
  });
}

void FolderWriter::add_streamed(const std::string& path,
                                const std::function<void(const Append&)>& fill) {
  const std::string whole = temporary_ + "/" + path;
  std::error_code error;
  fs::create_directories(fs::path(whole).parent_path(), error);
  File file = open_file(whole, "wb");
  Sha256 hash;
  fill([&](std::span<const std::byte> bytes) {
    if (fwrite(bytes.data(), 1, bytes.size(), file.get()) != bytes.size()) {
      fail_file(whole, "cannot write");
    }
    hash.update(bytes);
  });
  if (fclose(file.release()) != 0) fail_file(whole, "cannot write");
  files_[path] = hash.hex();
}

void FolderWriter::commit() {
  std::error_code error;
  const std::string old = directory_ + ".old-" + std::to_string(getpid());
  const bool replaces = fs::exists(directory_);
  if (replaces) fs::rename(directory_, old, error);
  if (!error) fs::rename(temporary_, directory_, error);
  if (error) {
    std::error_code ignored;
    if (replaces && !fs::exists(directory_)) fs::rename(old, directory_, ignored);
    throw CompileError("package", "cannot move '" + temporary_ + "' to '" + directory_ +
                                      "': " + error.message());
  }
  temporary_.clear();
  if (replaces) fs::remove_all(old, error);
}

std::string read_whole_file(const std::string& path) {
  File file = open_file(path, "rb");
  std::string text;
  std::vector<char> buffer(1 << 16);
  while (const size_t bytes = fread(buffer.data(), 1, buffer.size(), file.get())) {
    text.append(buffer.data(), bytes);
  }
  if (ferror(file.get())) fail_file(path, "cannot read");
  return text;
}

std::string sha256_of_file(const std::string& path) {
  File file = open_file(path, "rb");
  Sha256 hash;
  std::vector<std::byte> buffer(1 << 20);
  while (const size_t bytes = fread(buffer.data(), 1, buffer.size(), file.get())) {
    hash.update(std::span(buffer.data(), bytes));
  }
  if (ferror(file.get())) fail_file(path, "cannot read");
  return hash.hex();
}

}  // namespace mintor
