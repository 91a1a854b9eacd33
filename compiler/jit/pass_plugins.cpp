// SPDX-License-Identifier: Apache-2.0
// Takes and gives what pass_plugins.h says. Keeps true: a path has a slash, so that the dynamic
// linker looks nowhere else.
#include "compiler/jit/pass_plugins.h"

#include <filesystem>
#include <fstream>

#include "compiler/support/error.h"
#include "compiler/support/sha256.h"

namespace mintor {

PassPlugins::PassPlugins(const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    std::error_code error;
    const std::filesystem::path path = std::filesystem::canonical(file, error);
    std::ifstream in(path, std::ios::binary);
    if (error || !std::filesystem::is_regular_file(path, error) || !in) {
      throw CompileError("jit", "there is no plug-in '" + file + "' that can be read", "",
                         "--llvm-pass-plugin takes the path of a shared library");
    }
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    paths_.push_back(path.string());
    fingerprint_ += " plug-in " + sha256_hex(bytes);
  }
}

}  // namespace mintor
