// SPDX-License-Identifier: Apache-2.0
// Child processes without a shell. Takes a program and its arguments; gives its exit status and
// what it wrote to its error stream. Keeps true: arguments are passed as they are; the child is
// waited for.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace mintor {

struct ProcessResult {
  int status = -1;         // exit status; 128 + signal when it was killed; -1: it did not start
  std::string output;      // error stream and standard output, the first 64 KiB
};

ProcessResult run_process(const std::vector<std::string>& arguments);
// The same for a function in a forked child; what it returns is the output.
ProcessResult run_forked(const std::function<int(std::string& output)>& work);
// Full path of a program on $PATH, or "".
std::string find_program(const std::string& name);

}  // namespace mintor
