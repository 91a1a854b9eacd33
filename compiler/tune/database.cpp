// SPDX-License-Identifier: Apache-2.0
// Takes files line by line; gives records. Keeps true: what is appended goes out in one write, so
// that two that tune into one file do not mix their lines.
#include "compiler/tune/database.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "compiler/support/error.h"
#include "compiler/tune/machine.h"

namespace mintor {

Database::Database(CompileContext& context, std::string path) : path_(std::move(path)) {
  std::error_code error;
  if (!std::filesystem::exists(path_, error)) return;
  std::ifstream file(path_, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  if (!file || std::filesystem::is_directory(path_, error))
    throw CompileError("db", "'" + path_ + "' cannot be read");
  std::string line;
  int64_t number = 0;
  while (std::getline(bytes, line)) {
    ++number;
    whole_ = !bytes.eof();
    if (line.empty()) continue;
    if (const auto record = record_of_line(line))
      keep(*record);
    else
      context.warn(path_ + ": line " + std::to_string(number) +
                   " is no tuning record, passed over");
  }
}

std::string Database::refusal(const TuningRecord& record) {
  if (record.version != kTuningVersion)
    return "the record is of version " + std::to_string(record.version) +
           ", this compiler reads version " + std::to_string(kTuningVersion);
  if (record.cpu != cpu_name())
    return "it was measured on '" + record.cpu + "', this is '" + cpu_name() + "'";
  return "";
}

// A record of another machine does not take the place of one of this.
void Database::keep(const TuningRecord& record) {
  const auto [known, is_new] = records_.emplace(std::pair(record.kernel, record.level), record);
  if (!is_new && (refusal(record).empty() || !refusal(known->second).empty()))
    known->second = record;
}

const TuningRecord* Database::find(const std::string& kernel, const std::string& level) const {
  const auto found = records_.find({kernel, level});
  return found == records_.end() ? nullptr : &found->second;
}

size_t Database::usable() const {
  return static_cast<size_t>(std::ranges::count_if(
      records_, [](const auto& item) { return refusal(item.second).empty(); }));
}

void Database::append(const TuningRecord& record) {
  const std::string line = (whole_ ? "" : "\n") + to_line(record) + "\n";
  const int file = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  const bool written =
      file >= 0 && ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  const int problem = errno;
  if (file >= 0) ::close(file);
  if (!written)
    throw CompileError("db", "'" + path_ + "' cannot be written: " + std::strerror(problem));
  whole_ = true;
  keep(record);
}

Measured measured_in(CompileContext& context, const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    throw CompileError("db", "there is no file '" + path + "'", "",
                       "`mintor tune MODEL --db " + path + "` writes one");
  const auto database = std::make_shared<const Database>(context, path);
  if (database->size() > 0 && database->usable() == 0)
    context.warn(path + ": no record is of use on this CPU, '" + cpu_name() +
                 "'; --explain says why");
  return [database](const Kernel& plain, const TargetInfo& level) -> std::optional<Recorded> {
    const TuningRecord* record = database->find(kernel_key(plain), level.level);
    if (!record) return std::nullopt;
    return Recorded{record->candidate, Database::refusal(*record)};
  };
}

}  // namespace mintor
