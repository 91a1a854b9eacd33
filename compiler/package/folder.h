// SPDX-License-Identifier: Apache-2.0
// A folder that appears whole or not at all. Takes files one by one; gives them, renamed to the
// wanted place by commit(). Keeps true: until commit() everything lies in a folder beside it, which
// the destructor removes; the SHA-256 of every file is known afterwards.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace mintor {

class FolderWriter {
 public:
  // `directory` is where it goes in the end. Throws CompileError when nothing can be written there.
  explicit FolderWriter(const std::string& directory);
  ~FolderWriter();
  FolderWriter(const FolderWriter&) = delete;
  FolderWriter& operator=(const FolderWriter&) = delete;

  void add(const std::string& path, std::string_view text);
  // `fill` is given a function that appends bytes.
  using Append = std::function<void(std::span<const std::byte>)>;
  void add_streamed(const std::string& path, const std::function<void(const Append&)>& fill);
  // Path from the folder -> SHA-256.
  const std::map<std::string, std::string>& files() const { return files_; }
  void commit();

 private:
  std::string directory_, temporary_;
  std::map<std::string, std::string> files_;
};

// The bytes of a file; CompileError when it cannot be read.
std::string read_whole_file(const std::string& path);
std::string sha256_of_file(const std::string& path);

}  // namespace mintor
