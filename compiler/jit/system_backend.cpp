// SPDX-License-Identifier: Apache-2.0
// The system's C++ compiler as a child process. Takes units; gives objects and a shared library.
// Keeps true: sources and headers lie in the private folder only; no shell is involved.
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "compiler/jit/backend.h"
#include "compiler/jit/jit.h"
#include "compiler/support/error.h"
#include "compiler/support/parallel.h"
#include "compiler/support/subprocess.h"

namespace mintor {
namespace {

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.flush();
  if (!file) throw CompileError("jit", "'" + path + "' cannot be written");
}

class SystemBackend : public JitBackend {
 public:
  explicit SystemBackend(std::string compiler) : compiler_(std::move(compiler)) {}

  std::string fingerprint() const override {
    struct stat info {};
    stat(compiler_.c_str(), &info);
    return "system " + compiler_ + " " + std::to_string(info.st_size) + " " +
           std::to_string(info.st_mtime);
  }

  void compile(const ProgramSource& source, const std::string& folder) override {
    for (const SourceFile& header : source.headers) {
      write_file(folder + "/" + header.file, header.text);
    }
    for (const SourceFile& unit : source.units) write_file(folder + "/" + unit.file, unit.text);
    for_each_parallel(source.units.size(), [&](size_t i) {
      const SourceFile& unit = source.units[i];
      std::vector<std::string> command{compiler_};
      for (const std::string& flag : jit_flags()) command.push_back(flag);
      for (const std::string& flag : unit.flags) command.push_back(flag);
      command.insert(command.end(),
                     {"-c", folder + "/" + unit.file, "-o", object_path(folder, unit)});
      run(command, unit.file);
    });
  }

  void link(const std::vector<std::string>& objects, const std::string& library) override {
    std::vector<std::string> command{compiler_, "-shared", "-nostartfiles",
                                     "-Wl,--gc-sections", "-o", library};
    command.insert(command.end(), objects.begin(), objects.end());
    command.push_back("-lm");
    run(command, "linking");
  }

 private:
  static void run(const std::vector<std::string>& command, const std::string& what) {
    const CommandResult result = run_command(command);
    if (result.status == 0) return;
    std::string line;
    for (const std::string& word : command) line += (line.empty() ? "" : " ") + word;
    throw JitFailure(what + ": " + line + " ended with " + std::to_string(result.status) + "\n" +
                     result.output);
  }

  std::string compiler_;
};

}  // namespace

std::unique_ptr<JitBackend> system_backend() {
  const char* chosen = std::getenv("CXX");
  std::vector<std::string> names;
  if (chosen && *chosen) names.push_back(chosen);
  names.insert(names.end(), {"c++", "g++", "clang++", "clang++-19", "clang++-16"});
  const std::string path = find_executable(names);
  return path.empty() ? nullptr : std::make_unique<SystemBackend>(path);
}

}  // namespace mintor
