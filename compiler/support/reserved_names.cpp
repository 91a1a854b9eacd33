// SPDX-License-Identifier: Apache-2.0
// See reserved_names.h. Keeps true: words stand apart by spaces, one before the first and one
// behind the last.
#include "compiler/support/reserved_names.h"

#include <algorithm>
#include <string>

#include "compiler/support/identifier.h"

namespace mintor {
namespace {

bool is_among(std::string_view words, std::string_view name) {
  return words.find(" " + std::string(name) + " ") != std::string_view::npos;
}

bool all_digits(std::string_view text) { return std::ranges::all_of(text, is_digit); }

// Index maps call their positions i0, i1, ... and what they load l0, l1, ...
std::string_view in_index_text(std::string_view name) {
  if (is_among(" max min ", name)) return "expressions have a function of this name";
  if (name.size() > 1 && (name[0] == 'i' || name[0] == 'l') && all_digits(name.substr(1)))
    return "index maps have a variable of this name";
  return "";
}

// Contractions call their axes m, n, k0, ..., and einsum e_ and a letter.
std::string_view beside_axes(std::string_view name) {
  const bool letter = !name.empty() && name[0] >= 'a' && name[0] <= 'z';
  if ((letter && all_digits(name.substr(1))) || (name.size() == 3 && name.starts_with("e_")))
    return "contractions have axes of this name";
  return in_index_text(name);
}

// Keywords of C++17 (and C's), then what emitted text and program.cpp use themselves.
constexpr std::string_view kCpp =
    " Args Kernels Level Program Share alignas alignof and and_eq asm auto bitand bitor bool "
    "break case catch ceil ceilf char char16_t char32_t char8_t class co_await co_return "
    "co_yield compl concept const const_cast consteval constexpr constinit continue decltype "
    "default delete do double dynamic_cast else enum explicit export extern false float floor "
    "floorf fma fmaf for friend goto if inline int int16_t int32_t int64_t int8_t lane long "
    "main memcpy memset mutable namespace new noexcept not not_eq nullptr operator or or_eq "
    "private protected public register reinterpret_cast requires restrict return rint rintf "
    "round roundf scratch share short signed size_t sizeof sqrt sqrtf static static_assert "
    "static_cast struct switch template this thread_local throw tile_begin tile_end true trunc "
    "truncf try typedef typeid typename uint16_t uint32_t uint64_t uint8_t union unix unsigned "
    "using virtual void volatile wchar_t while xor xor_eq ";

std::string_view in_cpp(std::string_view name) {
  if (is_among(kCpp, name)) return "C++, libm or the text around it knows this name";
  return has_reserved_prefix(name) ? "names that begin so are the compiler's, or ours" : "";
}

struct Reserved {
  std::string_view why;
  std::string_view names;  // apart by spaces, one before the first and behind the last
};

constexpr Reserved kPackage[] = {
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

std::string_view in_package(std::string_view name) {
  for (const Reserved& group : kPackage)
    if (is_among(group.names, name)) return group.why;
  return "";
}

}  // namespace

bool has_reserved_prefix(std::string_view name) {
  return name.starts_with("__") || name.starts_with("mt_") || name.starts_with("MT_");
}

std::string_view why_reserved(NameIn place, std::string_view name) {
  switch (place) {
    case NameIn::index_text:
      return in_index_text(name);
    case NameIn::axes:
      return beside_axes(name);
    case NameIn::emitted_cpp:
      return in_cpp(name);
    case NameIn::package:
      return in_package(name);
  }
  return "";
}

}  // namespace mintor
