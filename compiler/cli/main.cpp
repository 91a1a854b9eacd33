// SPDX-License-Identifier: Apache-2.0
// The `mintor` program. Takes the command line; gives its exit code. Everything is in
// run_command_line, where tests reach it too. Keeps true: the Python that `verify --against`
// starts is the one of the virtual environment whose bin folder holds this command.
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "compiler/cli/command.h"
#include "compiler/support/subprocess.h"

int main(int argc, char** argv) {
  const std::string name = argc > 0 ? argv[0] : "";
  const std::string command = mintor::find_executable({&name, 1});
  const size_t slash = command.rfind('/');
  if (slash != std::string::npos) {
    const std::string python = command.substr(0, slash) + "/python";
    if (access(python.c_str(), X_OK) == 0) setenv("MINTOR_PYTHON", python.c_str(), 0);
  }
  return mintor::run_command_line(argc, argv);
}
