// SPDX-License-Identifier: Apache-2.0
// Starts another program and collects what it prints.
// Takes an argument vector (no shell in between); gives its exit status and its output.
// Keeps true: nothing of the arguments is interpreted, and the child's input is empty.
#pragma once

#include <string>
#include <vector>

namespace mintor {

struct ProcessResult {
  int status = -1;     // exit status; 127 when the program was not found; 128 + n: killed by n
  std::string output;  // stdout and, when asked, stderr
};

enum class ChildErrors { join, pass_through };

ProcessResult run_process(const std::vector<std::string>& arguments,
                          ChildErrors errors = ChildErrors::join);
// The first of the names that PATH has, as a path; "" when it has none.
std::string find_program(const std::vector<std::string>& names);

}  // namespace mintor
