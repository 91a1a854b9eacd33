// SPDX-License-Identifier: Apache-2.0
// Builds a written package with the system compiler, several files at a time, without make.
// Takes the folder and a compiler; gives the path of build/lib<name>.so in it. Keeps true: the
// flags are those of the package's own Makefile; a library is replaced only by a whole one, whoever
// else builds the package at the same time.
#pragma once

#include <string>
#include <vector>

#include "compiler/support/subprocess.h"

namespace mintor {

struct BuildOptions {
  std::string compiler;                    // gcc, clang, with or without ++, name or path;
                                           // empty: $CC, else the first of cc, gcc, clang, or
                                           // <machine>-linux-gnu-gcc for another machine
  std::vector<std::string> extra_flags;    // for compiling and linking: {"-fsanitize=address"}
  int jobs = 0;                            // 0: one per core
  CommandsDone progress = {};              // of files compiled
};

// Throws CompileError with what the compiler printed when a unit does not compile or link.
std::string build_package(const std::string& directory, const BuildOptions& options = {});

// Where build_package, make and CMake put the library, if it is there; else "".
std::string find_package_library(const std::string& directory, const std::string& name);

}  // namespace mintor
