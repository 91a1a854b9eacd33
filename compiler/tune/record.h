// SPDX-License-Identifier: Apache-2.0
// One tuning record: which candidate of a kernel was the fastest, on which CPU, and by how much.
// Takes a record or a line; gives the other: one JSON object a line, so that files merge by
// concatenation. Keeps true: a kernel is named by what it is before it is scheduled, up to names;
// a record says nothing about the model that it was measured for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "compiler/loop/ir.h"

namespace mintor {

// Grows when candidates or keys mean something else than before.
inline constexpr int64_t kTuningVersion = 1;

struct TuningRecord {
  int64_t version = kTuningVersion;
  std::string level, cpu;      // what it was measured on
  int64_t threads = 1;         // that ran it
  std::string kernel;          // kernel_key
  std::string candidate;       // as in Choices; the default where nothing was faster
  double seconds = 0;          // of one run
  double default_seconds = 0;  // of the default, measured by turns with it
  bool operator==(const TuningRecord&) const = default;
};

std::string to_line(const TuningRecord& record);                    // without a line feed
std::optional<TuningRecord> record_of_line(std::string_view line);  // nothing: it is none
std::string kernel_key(const Kernel& plain);                        // hex

}  // namespace mintor
