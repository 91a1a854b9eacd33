// SPDX-License-Identifier: Apache-2.0
// The folder of compiled libraries and of records that lead to them: private, bounded, safe with
// several processes. Takes keys and finished files or bytes; gives what was stored, and only when
// it is as it was stored. Keeps true: the folder is ours alone (mode 0700, our user) or it is
// refused; an entry appears whole (written beside, renamed) with its SHA-256 behind its last byte;
// the oldest go soon after it is full.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace mintor {

class Cache {
 public:
  // option: --cache-dir; else $MINTOR_CACHE_DIR, $XDG_CACHE_HOME/mintor, ~/.cache/mintor.
  static std::string folder_of(const std::string& option);
  // Makes the folder where there is none.
  explicit Cache(const std::string& option, int64_t limit_bytes = int64_t{1} << 30);

  const std::string& folder() const { return folder_; }
  // The library of that key, or "" when there is none that is intact; a damaged one is removed.
  std::string find(const std::string& key) const;
  // A new private folder in the cache for a compile; the caller removes it.
  std::string make_work_folder() const;
  // Seals the file, moves it to its key, makes room. Gives its path.
  std::string store(const std::string& key, const std::string& file) const;
  // Bytes under a name: a key, and `.program`, `.kernel` or `.object` for what they are.
  std::optional<std::string> find_record(const std::string& name) const;
  void store_record(const std::string& name, std::string_view bytes) const;
  void store_records(const std::map<std::string, std::string>& bytes_by_name) const;

 private:
  std::string write_record(const std::string& name, std::string_view bytes) const;
  std::optional<std::string> read_entry(const std::string& path) const;
  void make_room(const std::string& keep, size_t stored) const;

  std::string folder_;
  int64_t limit_bytes_;
};

// Removes a folder made by make_work_folder when it goes out of scope.
class WorkFolder {
 public:
  explicit WorkFolder(std::string path) : path_(std::move(path)) {}
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace mintor
