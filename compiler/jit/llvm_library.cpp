// SPDX-License-Identifier: Apache-2.0
// Finds, opens and calls libmintor_jit. Takes units; gives objects. Keeps true: the library is
// opened once per process and stays; with MINTOR_JIT=process each unit is compiled in a forked
// child, so that a crash of the compiler is a message.
#include "compiler/jit/llvm_library.h"

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "compiler/jit/backend.h"
#include "compiler/jit/jit.h"
#include "compiler/jit/llvm/abi.h"
#include "compiler/jit/process.h"
#include "compiler/support/error.h"
#include "compiler/support/parallel.h"
#include "compiler/support/shared_library.h"

namespace mintor {
namespace {

namespace fs = std::filesystem;

struct Library {
  MintorJitCompile compile = nullptr;
  MintorJitFormat format = nullptr;
  MintorJitPlugin plugin = nullptr;
  std::string problem;
};

// Where this code lies: the executable or the Python module.
fs::path own_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&llvm_library_path), &info) == 0) return {};
  std::error_code error;
  fs::path path = fs::canonical(info.dli_fname, error);
  if (error) path = fs::canonical("/proc/self/exe", error);
  return path.parent_path();
}

Library open_library() {
  Library library;
  const std::string path = llvm_library_path();
  if (path.empty()) {
    library.problem = "libmintor_jit is not installed";
    return library;
  }
  void* handle = open_shared_library(path, library.problem);
  if (handle == nullptr) return library;
  library.compile = reinterpret_cast<MintorJitCompile>(dlsym(handle, MINTOR_JIT_COMPILE));
  library.format = reinterpret_cast<MintorJitFormat>(dlsym(handle, MINTOR_JIT_FORMAT));
  library.plugin = reinterpret_cast<MintorJitPlugin>(dlsym(handle, MINTOR_JIT_PLUGIN));
  if (!library.compile || !library.format || !library.plugin)
    library.problem = path + " is of another version";
  return library;
}

const Library& library() {
  static const Library kLibrary = open_library();
  return kLibrary;
}

void append(void* text, const char* bytes, size_t size) {
  static_cast<std::string*>(text)->append(bytes, size);
}

MintorJitFile as_file(const SourceFile& file) {
  return {file.file.c_str(), file.text.data(), file.text.size()};
}

struct Emitted {
  int status = 2;
  std::string output, diagnostics;
};

// LLVM opens them once and keeps them: what is wrong with one is the user's to know.
void open_plugins(const PassPlugins& plugins) {
  for (const std::string& path : plugins.paths()) {
    std::string problem = elf_problem(path);
    if (problem.empty() && library().plugin(path.c_str(), append, &problem) == 0) continue;
    throw CompileError("jit", "'" + path + "' is no LLVM pass plug-in: " + problem, "",
                       "build one with llvmGetPassPluginInfo against LLVM 19, as "
                       "docs/llvm_passes.md shows");
  }
}

Emitted emit_here(const ProgramSource& source, size_t unit, const std::string& stage,
                  const PassPlugins& plugins = PassPlugins({})) {
  Emitted emitted;
  std::vector<MintorJitFile> headers;
  for (const SourceFile& header : source.headers) headers.push_back(as_file(header));
  std::vector<std::string> flags = jit_flags();
  const std::vector<std::string>& own = source.units[unit].flags;
  flags.insert(flags.end(), own.begin(), own.end());
  for (const std::string& path : plugins.paths()) flags.push_back("-fpass-plugin=" + path);
  std::vector<const char*> words;
  for (const std::string& flag : flags) words.push_back(flag.c_str());
  MintorJitJob job{headers.data(),
                   headers.size(),
                   as_file(source.units[unit]),
                   words.data(),
                   words.size(),
                   stage.c_str(),
                   append,
                   append,
                   &emitted.output,
                   &emitted.diagnostics};
  emitted.status = library().compile(&job);
  return emitted;
}

// A child that crashes takes nothing with it; its output comes back through a file.
Emitted emit_in_child(const ProgramSource& source, size_t unit, const std::string& stage,
                      const std::string& file, const PassPlugins& plugins) {
  const CommandResult result = run_forked([&](std::string& output) {
    const Emitted emitted = emit_here(source, unit, stage, plugins);
    std::ofstream(file, std::ios::binary) << emitted.output;
    output = emitted.diagnostics;
    return emitted.status;
  });
  Emitted emitted;
  emitted.status = result.status;
  emitted.diagnostics = result.output;
  std::ifstream in(file, std::ios::binary);
  emitted.output.assign(std::istreambuf_iterator<char>(in), {});
  return emitted;
}

std::string checked(const Emitted& emitted, const std::string& file, const PassPlugins& plugins) {
  if (emitted.status == 0) return emitted.output;
  const std::string how = emitted.status == 1 ? "does not compile" : "crashes the compiler";
  if (!plugins.paths().empty()) {
    throw CompileError("jit",
                       file + " " + how + " with passes of plug-ins:\n" + emitted.diagnostics, "",
                       "leave out --llvm-pass-plugin to see whether they are at fault");
  }
  throw JitFailure(file + " " + how + ":\n" + emitted.diagnostics);
}

bool in_child() {
  const char* mode = std::getenv("MINTOR_JIT");
  return mode != nullptr && std::strcmp(mode, "process") == 0;
}

// GNU ld joins a few objects in 3 ms; lld takes 20, for it loads LLVM once more.
std::vector<std::string> linker() {
  const std::vector<std::string> linkers = {"ld", "/usr/lib/llvm-19/bin/ld.lld", "ld.lld-19",
                                            "ld.lld"};
  if (const std::string path = find_executable(linkers); !path.empty()) return {path};
  const std::vector<std::string> drivers = {"cc", "gcc", "clang"};
  if (const std::string path = find_executable(drivers); !path.empty()) {
    return {path, "-nostartfiles", "-nostdlib"};
  }
  throw CompileError("jit", "there is no linker (ld.lld, ld or cc) on PATH", "", "install lld-19");
}

// The libm of this process: what the kernels call resolves to it whoever loads them.
std::string math_library() {
  Dl_info info{};
  float (*function)(float) = &floorf;
  if (dladdr(reinterpret_cast<void*>(function), &info) == 0 || info.dli_fname == nullptr) return "";
  const std::string path = info.dli_fname;
  return path.find("libm.so") == std::string::npos ? "" : path;
}

class LlvmBackend : public JitBackend {
 public:
  LlvmBackend(std::string path, PassPlugins plugins)
      : path_(std::move(path)), plugins_(std::move(plugins)) {}

  std::string fingerprint() const override {
    struct stat info{};
    stat(path_.c_str(), &info);
    return "llvm " + std::to_string(info.st_size) + " " + std::to_string(info.st_mtime) +
           plugins_.fingerprint();
  }

  void compile(const ProgramSource& source, const std::string& folder) override {
    if (!library().problem.empty()) throw CompileError("jit", library().problem);
    open_plugins(plugins_);
    for_each_parallel(source.units.size(), [&](size_t i) {
      const std::string path = object_path(folder, source.units[i]);
      const Emitted emitted = in_child()
                                  ? emit_in_child(source, i, "obj", path + ".child", plugins_)
                                  : emit_here(source, i, "obj", plugins_);
      std::ofstream out(path, std::ios::binary);
      out << checked(emitted, source.units[i].file, plugins_);
      out.flush();
      if (!out) throw CompileError("jit", "'" + path + "' cannot be written");
    });
  }

  void link(const std::vector<std::string>& objects, const std::string& file) override {
    std::vector<std::string> command = linker();
    // Objects may have kernels that this program does not call.
    command.push_back(command.size() > 1 ? "-Wl,--gc-sections" : "--gc-sections");
    command.insert(command.end(), {"-shared", "-o", file});
    command.insert(command.end(), objects.begin(), objects.end());
    if (const std::string math = math_library(); !math.empty()) command.push_back(math);
    const CommandResult result = run_command(command);
    if (result.status == 0) return;
    throw JitFailure(command[0] + " ended with " + std::to_string(result.status) + "\n" +
                     result.output);
  }

 private:
  std::string path_;
  PassPlugins plugins_;
};

}  // namespace

std::string llvm_library_path() {
  constexpr char kName[] = "libmintor_jit.so";
  if (const char* set = std::getenv("MINTOR_JIT_LIBRARY"); set && *set) {
    return access(set, R_OK) == 0 ? set : "";
  }
  const fs::path here = own_folder();
  // Beside the module or the program, in an installed tree, in a build tree.
  for (const char* folder : {"", "lib", "../lib", "../lib/mintor", "../../lib", "../mintor.libs"}) {
    const fs::path path = here / folder / kName;
    if (access(path.c_str(), R_OK) == 0) return path.lexically_normal().string();
  }
  return "";
}

std::string llvm_emit(const ProgramSource& source, size_t unit, const std::string& stage,
                      const PassPlugins& plugins) {
  if (!library().problem.empty()) {
    throw CompileError("emit", "the stage '" + stage + "' needs LLVM: " + library().problem, "",
                       "build with -DMINTOR_LLVM=ON");
  }
  open_plugins(plugins);
  try {
    return checked(emit_here(source, unit, stage, plugins), source.units[unit].file, plugins);
  } catch (const JitFailure& failure) {
    throw InternalError("emit", failure.what());
  }
}

std::string llvm_check(const ProgramSource& source) {
  if (!library().problem.empty()) {
    throw CompileError("code",
                       "user code is checked by clang before it is compiled: " + library().problem,
                       "", "build with -DMINTOR_LLVM=ON");
  }
  const Emitted emitted = emit_here(source, 0, "check");
  if (emitted.status == 0) return "";
  return emitted.diagnostics.empty() ? "error: clang crashes on it" : emitted.diagnostics;
}

std::string llvm_format(const std::string& file, const std::string& text) {
  if (!library().problem.empty()) return text;
  std::string formatted;
  const MintorJitFile given{file.c_str(), text.data(), text.size()};
  return library().format(&given, append, &formatted) == 0 ? formatted : text;
}

std::unique_ptr<JitBackend> llvm_backend(PassPlugins plugins) {
  const std::string path = llvm_library_path();
  if (path.empty()) return nullptr;
  return std::make_unique<LlvmBackend>(path, std::move(plugins));
}

}  // namespace mintor
