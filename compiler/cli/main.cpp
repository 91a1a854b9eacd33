// SPDX-License-Identifier: Apache-2.0
// The `mintor` program. Takes the command line; gives its exit code.
// Everything is in run_command_line, where tests reach it too.
#include "compiler/cli/command.h"

int main(int argc, char** argv) { return mintor::run_command_line(argc, argv); }
