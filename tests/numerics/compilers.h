// SPDX-License-Identifier: Apache-2.0
// The compilers and CPU levels that emitted text is promised for, as this machine has them.
// Takes a source of tests/numerics and flags; gives a shared library or an object file in a
// private folder. Keeps true: warnings are errors, flags are those of docs/numerics.md.
#pragma once

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

namespace mintor {

struct Level {
  const char* name;
  const char* flags;
  friend std::ostream& operator<<(std::ostream& out, const Level& l) { return out << l.name; }
};

inline constexpr Level kLevels[] = {
    {"reference", ""},
    {"v3", "-march=x86-64-v3"},
    {"v4", "-march=x86-64-v4 -mprefer-vector-width=512"},
    {"v4-vnni", "-march=x86-64-v4 -mavx512vnni -mprefer-vector-width=512"},
    {"v4-bf16",
     "-march=x86-64-v4 -mavx512vnni -mavx512bf16 "
     "-mprefer-vector-width=512"}};
inline const std::string kCompilers[] = {"g++", "clang++-16", "clang++-19"};

inline bool cpu_runs(const std::string& level) {
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                  __builtin_cpu_supports("bmi2");
  if (level == "reference") return true;
  if (level == "v3") return v3;
  if (level == "v4-bf16" && !__builtin_cpu_supports("avx512bf16")) return false;
  if ((level == "v4-vnni" || level == "v4-bf16") && !__builtin_cpu_supports("avx512vnni"))
    return false;
  return v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}

inline bool has_compiler(const std::string& name) {
  return std::system(("command -v " + name + " > /dev/null 2>&1").c_str()) == 0;
}

// A folder that goes away with the object.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "mintor_numerics_XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline std::string read_text(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// Empty, or what the compiler said.
inline std::string compile(const std::string& compiler, const Level& level,
                           const std::string& options, const std::string& source,
                           const std::string& output, const Folder& folder) {
  const std::string log = folder.file("log");
  const std::string command =
      compiler + " -std=c++17 -O2 " + level.flags +
      " -Wall -Wextra -Werror -ffp-contract=off -fno-math-errno -fno-trapping-math -fPIC " +
      options + " -I" MINTOR_SOURCE_DIR " " MINTOR_SOURCE_DIR "/tests/numerics/" + source + " -o " +
      output + " > " + log + " 2>&1";
  if (std::system(command.c_str()) == 0) return "";
  return command + "\n" + read_text(log);
}

}  // namespace mintor
