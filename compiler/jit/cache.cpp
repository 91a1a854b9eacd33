// SPDX-License-Identifier: Apache-2.0
// The cache on disk. Takes and gives paths; throws CompileError where the folder cannot be used.
// Keeps true: what a loader ignores behind an ELF file's end (magic, SHA-256) is the seal.
#include "compiler/jit/cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <vector>

#include "compiler/support/error.h"
#include "compiler/support/sha256.h"

namespace mintor {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "MINTOR-SEAL-1:";
constexpr size_t kSealBytes = 14 + 64;
// A small compile takes 25 ms of processor time, and 195 more where each of its three stores looks
// at 30,000 entries (AMD EPYC, 2026-11-29, machine in use by others): one store in so many looks,
// and each of more than this part of the limit.
constexpr size_t kStoresBetweenLooks = 64;
constexpr time_t kAbandonedSeconds = 3600;  // what is unfinished that long, nobody finishes
constexpr std::string_view kLibrary = ".so", kUnfinished = "work.";
constexpr std::string_view kEntries[] = {kLibrary, ".program", ".kernel", ".object"};

std::string default_folder() {
  if (const char* set = std::getenv("MINTOR_CACHE_DIR"); set && *set) return set;
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg && *xdg == '/') {
    return std::string(xdg) + "/mintor";
  }
  if (const char* home = std::getenv("HOME"); home && *home == '/') {
    return std::string(home) + "/.cache/mintor";
  }
  return fs::temp_directory_path().string() + "/mintor-" + std::to_string(geteuid());
}

[[noreturn]] void refuse(const std::string& folder, const std::string& why) {
  throw CompileError("cache", "'" + folder + "' " + why, "",
                     "give another folder: --cache-dir or MINTOR_CACHE_DIR");
}

bool read_file(const std::string& path, std::string& bytes) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return false;
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return false;
  bytes.resize(size);
  file.read(bytes.data(), static_cast<std::streamsize>(size));
  return file.gcount() == static_cast<std::streamsize>(size);
}

std::string seal_of(std::string_view bytes) { return std::string(kMagic) + sha256_hex(bytes); }

bool is_sealed(const std::string& bytes) {
  if (bytes.size() < kSealBytes) return false;
  const std::string_view all(bytes);
  const std::string_view body = all.substr(0, all.size() - kSealBytes);
  const std::string_view seal = all.substr(body.size());
  return seal == seal_of(body);
}

}  // namespace

std::string Cache::folder_of(const std::string& option) {
  return option.empty() ? default_folder() : option;
}

Cache::Cache(const std::string& option, int64_t limit_bytes)
    : folder_(folder_of(option)), limit_bytes_(limit_bytes) {
  std::error_code error;
  const fs::path parent = fs::path(folder_).parent_path();
  if (!parent.empty()) fs::create_directories(parent, error);
  if (mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) {
    refuse(folder_, std::string("cannot be made: ") + std::strerror(errno));
  }
  struct stat info;
  if (lstat(folder_.c_str(), &info) != 0) refuse(folder_, std::strerror(errno));
  if (!S_ISDIR(info.st_mode)) refuse(folder_, "is no folder");
  if (info.st_uid != geteuid()) refuse(folder_, "belongs to another user");
  if ((info.st_mode & 077) == 0) return;
  if (fs::is_empty(folder_, error)) {  // made for us with a wider mask
    if (chmod(folder_.c_str(), 0700) == 0) return;
  }
  if ((info.st_mode & 022) != 0) refuse(folder_, "can be written by other users");
}

// With its seal. A damaged one, and what is no file of ours, is removed.
std::optional<std::string> Cache::read_entry(const std::string& path) const {
  std::string bytes;
  struct stat info;
  if (lstat(path.c_str(), &info) != 0) return std::nullopt;
  const bool ours = S_ISREG(info.st_mode) && info.st_uid == geteuid();
  if (!ours || !read_file(path, bytes) || !is_sealed(bytes)) {
    unlink(path.c_str());
    return std::nullopt;
  }
  utimensat(AT_FDCWD, path.c_str(), nullptr, 0);  // used now: the oldest are removed first
  return bytes;
}

std::string Cache::find(const std::string& key) const {
  const std::string path = folder_ + "/" + key + std::string(kLibrary);
  return read_entry(path) ? path : "";
}

std::optional<std::string> Cache::find_record(const std::string& name) const {
  std::optional<std::string> bytes = read_entry(folder_ + "/" + name);
  if (bytes) bytes->resize(bytes->size() - kSealBytes);
  return bytes;
}

void Cache::store_record(const std::string& name, std::string_view bytes) const {
  make_room(write_record(name, bytes), bytes.size());
}

void Cache::store_records(const std::map<std::string, std::string>& bytes_by_name) const {
  std::string last;
  size_t stored = 0;
  for (const auto& [name, bytes] : bytes_by_name) {
    last = write_record(name, bytes);
    stored += bytes.size();
  }
  make_room(last, stored);
}

std::string Cache::write_record(const std::string& name, std::string_view bytes) const {
  std::string unfinished = folder_ + "/" + std::string(kUnfinished) + "XXXXXX";
  const int file = mkstemp(unfinished.data());
  if (file < 0) refuse(folder_, std::string("cannot be used: ") + std::strerror(errno));
  close(file);
  std::ofstream out(unfinished, std::ios::binary | std::ios::trunc);
  out << bytes << seal_of(bytes);
  out.close();
  const std::string path = folder_ + "/" + name;
  const bool whole = out.good() && std::rename(unfinished.c_str(), path.c_str()) == 0;
  if (!whole) unlink(unfinished.c_str());
  if (!whole) refuse(folder_, "is full");
  return path;
}

std::string Cache::make_work_folder() const {
  std::string path = folder_ + "/" + std::string(kUnfinished) + "XXXXXX";
  if (!mkdtemp(path.data()))
    refuse(folder_, std::string("cannot be used: ") + std::strerror(errno));
  return path;
}

std::string Cache::store(const std::string& key, const std::string& file) const {
  std::string bytes;
  if (!read_file(file, bytes)) throw InternalError("cache", "the linked library cannot be read");
  {
    std::ofstream out(file, std::ios::binary | std::ios::app);
    out << seal_of(bytes);
    out.flush();
    if (!out) refuse(folder_, "is full");
  }
  const std::string path = folder_ + "/" + key + std::string(kLibrary);
  if (std::rename(file.c_str(), path.c_str()) != 0) refuse(folder_, std::strerror(errno));
  make_room(path, bytes.size());
  return path;
}

void Cache::make_room(const std::string& keep, size_t stored) const {
  // Names are hashes, so that processes take turns without knowing of each other.
  const size_t turn = std::hash<std::string>{}(fs::path(keep).filename().string());
  const bool large = stored > static_cast<size_t>(limit_bytes_) / kStoresBetweenLooks;
  if (turn % kStoresBetweenLooks != 0 && !large) return;
  struct Entry {
    timespec used;
    int64_t bytes;
    std::string path;
  };
  std::vector<Entry> entries;
  int64_t total = 0;
  std::error_code error;
  for (const fs::directory_entry& item : fs::directory_iterator(folder_, error)) {
    struct stat info;
    const std::string path = item.path().string();
    if (lstat(path.c_str(), &info) != 0) continue;
    if (item.path().filename().string().starts_with(kUnfinished)) {
      if (info.st_mtime + kAbandonedSeconds < time(nullptr)) fs::remove_all(item.path(), error);
      continue;
    }
    const std::string extension = item.path().extension().string();
    const bool ours = std::ranges::find(kEntries, extension) != std::end(kEntries);
    if (!S_ISREG(info.st_mode) || !ours) continue;
    entries.push_back({info.st_mtim, info.st_size, path});
    total += info.st_size;
  }
  std::ranges::sort(entries, [](const Entry& a, const Entry& b) {
    if (a.used.tv_sec != b.used.tv_sec) return a.used.tv_sec < b.used.tv_sec;
    return a.used.tv_nsec < b.used.tv_nsec;
  });
  for (const Entry& entry : entries) {
    if (total <= limit_bytes_) return;
    if (entry.path == keep) continue;
    if (unlink(entry.path.c_str()) == 0) total -= entry.bytes;
  }
}

WorkFolder::~WorkFolder() {
  std::error_code error;
  fs::remove_all(path_, error);
}

}  // namespace mintor
