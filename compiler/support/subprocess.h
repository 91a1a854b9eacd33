// SPDX-License-Identifier: Apache-2.0
// Starts compilers and linkers, several at a time, and keeps what they print.
// Takes argument vectors (no shell reads them); gives exit status and output of each, in the order
// given. Keeps true: never more than `jobs` at once; no child outlives the call; children inherit
// no open file but an empty standard input.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace mintor {

struct CommandResult {
  int status = -1;      // exit status; 127: not found; 128 + n: ended by signal n
  std::string output;   // stdout and stderr together
};

// Called as commands end, by one thread at a time.
using CommandsDone = std::function<void(int64_t done, int64_t total)>;

// jobs <= 0: one per core. `directory`: where they run, empty: here.
std::vector<CommandResult> run_commands(std::span<const std::vector<std::string>> commands,
                                        int jobs = 0, const std::string& directory = "",
                                        const CommandsDone& on_done = {});
CommandResult run_command(const std::vector<std::string>& command,
                          const std::string& directory = "");

// The first of the names (or paths) that can be executed, as found in PATH; "" when none.
std::string find_executable(std::span<const std::string> names);

}  // namespace mintor
