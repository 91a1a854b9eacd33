// SPDX-License-Identifier: Apache-2.0
// Package names: the table of those that are taken, and a legal one from any text. Keeps true:
// package_name_from is idempotent.
#include "compiler/package/names.h"

#include "compiler/package/package.h"
#include "compiler/support/identifier.h"

namespace mintor {
namespace {

struct Reserved {
  std::string_view why;
  std::string_view names;      // apart by spaces, one before the first and behind the last
};

constexpr Reserved kReserved[] = {
    // `-L build -l<name>` would find ours for what gcc and clang link by themselves or we ask for.
    {"a system library is called so",
     " anl asan atomic bsd c c_nonshared clang_rt crypt dl gcc gcc_eh gcc_s gomp itm ld lsan m "
     "mvec nsl omp pthread pthread_nonshared quadmath resolv rt ssp ssp_nonshared stdc supc "
     "thread_db tsan ubsan unwind util "},
    // CMake's own (policy CMP0037), words of target_link_libraries, and ours.
    {"the build has a target or a keyword of this name",
     " ALL_BUILD INSTALL PACKAGE RUN_TESTS ZERO_CHECK all clean debug edit_cache general help "
     "install list_install_components optimized package package_source preinstall rebuild_cache "
     "test verify "},
    // include/ comes before the system's folders: #include <math.h> would find include/math.h.
    {"a header of this name is included by the package or by its users",
     " alloca assert complex ctype dlfcn elf endian errno fcntl features fenv float inttypes "
     "iso646 limits locale malloc math mintor_abi mintor_program mintor_size npy pthread sched "
     "setjmp signal stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn "
     "string strings tgmath threads time uchar unistd wchar wctype "},
    // sem_open, mq_close...: exported, they would take the place of the C library's.
    {"the C library has functions of this prefix", " iconv mq sem shm "},
    {"some compilers define a macro of this name", " i386 linux unix "},
    {"the compiler itself uses it", " mintor_package "},
};

}  // namespace

std::string reserved_name(std::string_view name) {
  const std::string word = " " + std::string(name) + " ";
  for (const Reserved& group : kReserved) {
    if (group.names.find(word) != std::string_view::npos) return std::string(group.why);
  }
  return "";
}

std::string package_name_from(std::string_view text) {
  std::string name = identifier(text.substr(0, 64));
  if (name.empty() || is_digit(name[0])) name = "m_" + name;
  // Names with a leading underscore belong to the C library.
  if (name[0] == '_') name = "m" + name;
  if (!reserved_name(name).empty()) name += "_model";
  return name.substr(0, 64);
}

}  // namespace mintor
