// SPDX-License-Identifier: Apache-2.0
// What travels through a compile: its options, and what it has to say. First parameter of
// everything that may decide or report; there is no global state.
// Takes options; gives explanations (--explain), notes and pass times to whoever asked for the
// compile, who prints them or not. Keeps true: nothing here changes what is compiled.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "compiler/support/options.h"

namespace mintor {

struct PassTime {
  std::string pass;
  int64_t nanoseconds = 0;
  bool changed = false;
};

struct CompileContext {
  Options options;
  std::vector<std::string> explanations;      // one decision each, in order; kept when --explain
  std::vector<std::string> warnings;          // what the user should know in any case
  std::vector<PassTime> pass_times;
  std::vector<std::string> source_files;      // paths that the model was read from, for records
  // Called as work goes on ("fusing", 3, 120), by whoever compiles; may be empty.
  std::function<void(const std::string& stage, int64_t done, int64_t total)> progress;
  // Receives the text of --dump-changed; may be empty.
  std::function<void(const std::string& pass, const std::string& text)> dump;

  CompileContext() = default;
  explicit CompileContext(Options chosen) : options(std::move(chosen)) {}

  void explain(std::string decision) {
    if (options.explain) explanations.push_back(std::move(decision));
  }
  void warn(std::string warning) { warnings.push_back(std::move(warning)); }
};

}  // namespace mintor
