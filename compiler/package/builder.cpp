// SPDX-License-Identifier: Apache-2.0
// Runs the system compiler over the units of a package. Takes and gives what builder.h says.
// Keeps true: the flags are those of templates/makefile.in; objects and library are made in a
// folder of their own in build/, so that several threads and processes may build one package.
#include "compiler/package/builder.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "compiler/package/package.h"
#include "compiler/support/error.h"
#include "compiler/support/machine.h"
#include "compiler/support/subprocess.h"

namespace mintor {
namespace {

namespace fs = std::filesystem;

// "/usr/bin/g++-12" -> "/usr/bin/gcc-12": the C driver compiles C++ too, and links without the
// C++ library.
std::string c_driver(const std::string& compiler) {
  const size_t slash = compiler.rfind('/');
  const size_t begin = slash == std::string::npos ? 0 : slash + 1;
  const std::string folder = compiler.substr(0, begin), file = compiler.substr(begin);
  if (const size_t at = file.find("clang++"); at != std::string::npos) {
    return folder + file.substr(0, at) + "clang" + file.substr(at + 7);
  }
  if (const size_t at = file.find("g++"); at != std::string::npos) {
    return folder + file.substr(0, at) + "gcc" + file.substr(at + 3);
  }
  return file == "c++" ? folder + "cc" : compiler;
}

// `machine`: what the package is for, "": this one.
std::string choose_compiler(const std::string& wanted, const std::string& machine) {
  const bool foreign = !machine.empty() && machine != host_machine();
  const std::string cross = machine + "-linux-gnu-gcc";
  std::vector<std::string> names;
  if (!wanted.empty()) {
    names = {c_driver(wanted)};
  } else {
    const char* environment = getenv("CC");
    names = {environment ? c_driver(environment) : ""};
    names.insert(names.end(), {"cc", "gcc", "clang"});
    if (foreign) names.resize(1), names.push_back(cross);
  }
  const std::string found = find_executable(names);
  if (!found.empty()) return found;
  throw CompileError(
      "build",
      wanted.empty() ? "no C compiler was found" : "compiler '" + wanted + "' was not found", "",
      foreign ? "the package is for " + machine + ": install " + cross + " (Debian: g++-" +
                    machine + "-linux-gnu), or set CC"
              : "install gcc >= 12 or clang >= 16, or set CC");
}

struct Unit {
  std::string source, object;
  std::vector<std::string> flags;
};

// Removed with all that is in it when the build is over.
struct BuildFolder {
  std::string path;   // from the package's folder

  explicit BuildFolder(const std::string& directory) : directory_(directory) {
    std::error_code error;
    fs::create_directories(directory + "/build", error);
    std::string whole = directory + "/build/work.XXXXXX";
    if (error || mkdtemp(whole.data()) == nullptr) {
      throw CompileError("build", "cannot make '" + directory + "/build': " +
                                      (error ? error.message() : std::string(strerror(errno))));
    }
    path = whole.substr(directory.size() + 1);
  }
  ~BuildFolder() {
    std::error_code ignored;
    fs::remove_all(directory_ + "/" + path, ignored);
  }
  BuildFolder(const BuildFolder&) = delete;
  BuildFolder& operator=(const BuildFolder&) = delete;

 private:
  std::string directory_;
};

std::vector<Unit> find_units(const Manifest& manifest, const std::string& folder) {
  std::vector<Unit> units;
  const auto add = [&](const std::string& file, const std::vector<std::string>& flags) {
    std::string object = file.substr(0, file.rfind('.')) + ".o";
    std::replace(object.begin(), object.end(), '/', '_');
    units.push_back({file, folder + "/" + object, flags});
  };
  // Kernels first: they take longest.
  std::vector<ManifestUnit> sources = manifest.units;
  std::reverse(sources.begin(), sources.end());
  for (const ManifestUnit& unit : sources) add(unit.file, unit.flags);
  for (const auto& [path, hash] : manifest.files) {
    if (path.starts_with("runtime/") && path.ends_with(".cpp")) add(path, {});
  }
  return units;
}

std::vector<std::string> compile_command(const std::string& compiler, const Manifest& manifest,
                                         const Unit& unit, const BuildOptions& options) {
  std::vector<std::string> command = {compiler};
  for (const char* flag : package_optimisation(manifest.options)) command.push_back(flag);
  for (const char* flag : package_compile_flags()) command.push_back(flag);
  for (const std::string& flag : options.extra_flags) command.push_back(flag);
  for (const char* flag : {"-fno-fast-math", "-ffp-contract=off", "-fno-math-errno",
                           "-fno-trapping-math", "-Iinclude", "-Iruntime", "-Isrc"}) {
    command.push_back(flag);
  }
  command.push_back("-DMT_NAME=" + manifest.name);
  command.insert(command.end(), unit.flags.begin(), unit.flags.end());
  command.insert(command.end(), {"-c", unit.source, "-o", unit.object});
  return command;
}

void check_result(const CommandResult& result, const std::string& what,
                  const std::string& compiler) {
  if (result.status == 0) return;
  std::string output = result.output.substr(0, 8000);
  if (output.empty()) output = "exit status " + std::to_string(result.status);
  throw CompileError("build", "'" + compiler + "' failed on " + what + ":\n" + output, "",
                     "gcc >= 12 or clang >= 16 is needed");
}

}  // namespace

std::string find_package_library(const std::string& directory, const std::string& name) {
  for (const char* folder : {"/build/", "/"}) {
    const std::string path = directory + folder + "lib" + name + ".so";
    if (access(path.c_str(), R_OK) == 0) return path;
  }
  return "";
}

std::string build_package(const std::string& directory, const BuildOptions& options) {
  const Manifest manifest = read_manifest(directory);
  const std::string compiler = choose_compiler(options.compiler, manifest.machine);
  const BuildFolder folder(directory);
  const std::vector<Unit> units = find_units(manifest, folder.path);
  std::vector<std::vector<std::string>> commands;
  for (const Unit& unit : units) {
    commands.push_back(compile_command(compiler, manifest, unit, options));
  }
  const std::vector<CommandResult> results =
      run_commands(commands, options.jobs, directory, options.progress);
  for (size_t i = 0; i < units.size(); ++i) check_result(results[i], units[i].source, compiler);

  const std::string library = "build/lib" + manifest.name + ".so";
  const std::string made = folder.path + "/library.so";
  std::vector<std::string> link = {compiler, "-shared", "-Wl,--version-script=src/exports.map",
                                   "-Wl,-soname,lib" + manifest.name + ".so", "-o", made};
  for (const Unit& unit : units) link.push_back(unit.object);
  for (const char* flag : package_link_flags(manifest.options)) link.push_back(flag);
  link.insert(link.end(), options.extra_flags.begin(), options.extra_flags.end());
  link.insert(link.end(), {"-lm", "-lpthread", "-ldl"});
  check_result(run_command(link, directory), library, compiler);
  std::error_code error;
  fs::rename(directory + "/" + made, directory + "/" + library, error);
  if (error) throw CompileError("build", "cannot write '" + library + "': " + error.message());
  return directory + "/" + library;
}

}  // namespace mintor
