// SPDX-License-Identifier: Apache-2.0
// Files of tuning records. Takes a path; gives what is known of a kernel on this CPU, or why a
// record of it is of no use here. Keeps true: the last record of a kernel counts, so a file may be
// appended to and files concatenated; a line that is no record (a write that was cut off) is passed
// over with a warning.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "compiler/contraction/strategy.h"
#include "compiler/support/context.h"
#include "compiler/tune/record.h"

namespace mintor {

class Database {
 public:
  // A file that is not there is empty; CompileError where it cannot be read.
  Database(CompileContext& context, std::string path);

  const std::string& path() const { return path_; }
  size_t size() const { return records_.size(); }
  // The last record of a kernel for a level, one of this CPU and version if there is any.
  const TuningRecord* find(const std::string& kernel, const std::string& level) const;
  // Keeps a record, and writes it behind the file as one whole line.
  void append(const TuningRecord& record);
  // Why a record says nothing about this machine; "" where it does.
  static std::string refusal(const TuningRecord& record);
  // How many are of use here.
  size_t usable() const;

 private:
  void keep(const TuningRecord& record);

  std::string path_;
  bool whole_ = true;  // the file ends with a line feed
  std::map<std::pair<std::string, std::string>, TuningRecord> records_;  // by kernel and level
};

// For a compile: CompileError where the file is not there, a warning where nothing in it is of use.
Measured measured_in(CompileContext& context, const std::string& path);

}  // namespace mintor
