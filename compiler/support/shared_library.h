// SPDX-License-Identifier: Apache-2.0
// The one place where libraries are opened. Takes a path; gives dlopen's handle. Keeps true: a file
// that was cut short is an error. The loader would map what its headers promise, and touching a
// page behind the end of a file is a SIGBUS.
#pragma once

#include <string>

namespace mintor {

// RTLD_NOW | RTLD_LOCAL. Null with `problem` set: no such file, no ELF library, cut short, or what
// dlerror says.
void* open_shared_library(const std::string& path, std::string& problem);

// "" when every segment and section of the ELF file lies inside it, else what is wrong.
std::string elf_problem(const std::string& path);

}  // namespace mintor
