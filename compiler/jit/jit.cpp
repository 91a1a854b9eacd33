// SPDX-License-Identifier: Apache-2.0
// Cache, compile, link, open. Takes emitted source; gives the Program in it. Keeps true: the key
// covers everything that decides the library's bytes: texts, flags and the compiler.
#include "compiler/jit/jit.h"

#include <dlfcn.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <span>

#include "compiler/jit/backend.h"
#include "compiler/jit/cache.h"

#include "compiler/jit/kernel_objects.h"
#include "compiler/jit/llvm_library.h"
#include "compiler/support/embedded.h"
#include "compiler/support/error.h"
#include "compiler/support/key.h"
#include "compiler/support/parallel.h"
#include "compiler/support/shared_library.h"

namespace mintor {
namespace {

// The one thing that the library exports: where the generated table lies. Behind the text that
// defines it: a file of its own would take as long as that one.
constexpr char kEntry[] =
    R"(
extern "C" __attribute__((visibility("default"))) const void* mintor_jit_program(void);
extern "C" const void* mintor_jit_program(void) { return &MT_PACKAGE::program; }
)";

std::unique_ptr<JitBackend> choose_backend(const CompileContext& context) {
  const std::string& wish = context.options.jit;
  const std::vector<std::string>& plugins = context.options.llvm_pass_plugin;
  if (!plugins.empty() && wish == "system") {
    throw CompileError("jit", "--llvm-pass-plugin is for the in-process compiler", "",
                       "leave out --jit system");
  }
  if (wish != "system") {
    if (auto backend = llvm_backend(PassPlugins(plugins))) return backend;
    if (wish == "llvm" || !plugins.empty()) {
      throw CompileError("jit", "libmintor_jit is not installed", "",
                         plugins.empty()
                             ? "build with -DMINTOR_LLVM=ON, or use --jit system"
                             : "build with -DMINTOR_LLVM=ON: --llvm-pass-plugin needs it");
    }
  }
  if (auto backend = system_backend()) return backend;
  throw CompileError("jit", "there is neither libmintor_jit nor a C++ compiler on PATH", "",
                     "install g++ or clang, or build with -DMINTOR_LLVM=ON");
}

// Nobody asked for the system's compiler; it is taken because the other one is not there.
void warn_of_fallback(CompileContext& context) {
  if (context.options.jit != "auto" || !llvm_library_path().empty()) return;
  const std::string warning =
      "jit: libmintor_jit is not installed: the system's compiler takes its place, and some "
      "kernels are slower than those of clang (`mintor doctor`)";
  if (std::ranges::find(context.warnings, warning) == context.warnings.end()) context.warn(warning);
}

std::string fingerprint_of(const JitBackend& backend) {
  std::string text = "mintor " MINTOR_VERSION ", " + backend.fingerprint();
  for (const std::string& flag : jit_flags()) text += " " + flag;
  return text;
}

void add_files(Key& key, std::span<const SourceFile> files) {
  key.add(static_cast<int64_t>(files.size()));
  for (const SourceFile& file : files) {
    key.add(file.file);
    key.add(file.text);
    key.add(file.flags);
  }
}

std::string key_of(const ProgramSource& source, const JitBackend& backend) {
  Key key;
  key.add(fingerprint_of(backend));
  add_files(key, source.headers);
  add_files(key, source.units);
  return key.hex();
}

// What the code of a shared kernel depends on beside its text. The first header, kernels.h, is the
// program's own.
std::string surroundings_of(const ProgramSource& source, const JitBackend& backend) {
  Key key;
  key.add(fingerprint_of(backend));
  add_files(key, std::span(source.headers).subspan(1));
  return key.hex();
}

// All units in one text, so that the failure can be replayed by hand.
std::string write_repro(const ProgramSource& source, const Cache& cache, const std::string& key) {
  const std::string path = cache.folder() + "/repro-" + key.substr(0, 16) + ".txt";
  std::ofstream out(path, std::ios::binary);
  for (const auto* files : {&source.headers, &source.units}) {
    for (const SourceFile& file : *files) {
      out << "==== " << file.file;
      for (const std::string& flag : file.flags) out << " " << flag;
      out << "\n" << file.text << "\n";
    }
  }
  return path;
}

// Without a program when the file is gone: other processes remove what is old, or all of it.
JitCode open_library(const std::string& path) {
  std::string problem;
  void* handle = open_shared_library(path, problem);
  if (handle == nullptr && access(path.c_str(), F_OK) != 0) return {};
  if (handle == nullptr) {
    throw CompileError("jit", "the compiled library cannot be opened: " + problem, "",
                       "give another folder, on a disk that programs may be run from: --cache-dir "
                       "or MINTOR_CACHE_DIR");
  }
  JitCode code;
  code.library = path;
  code.code = std::shared_ptr<void>(handle, [](void* library) { dlclose(library); });
  auto* entry = reinterpret_cast<const void* (*)()>(dlsym(handle, "mintor_jit_program"));
  if (entry == nullptr) throw InternalError("jit", "'" + path + "' has no program");
  code.program = entry();
  return code;
}

ProgramSource with_runtime_headers(ProgramSource source) {
  for (const char* file : {"mintor_abi.h", "mintor_program.h", "mintor_size.h"}) {
    const std::string text(embedded_text(std::string("runtime/include/") + file));
    source.headers.push_back({file, text, {}});
  }
  return source;
}

// Units to objects in the work folder, those and others to a library in the cache.
JitCode make_library(JitBackend& backend, const Cache& cache, const WorkFolder& work,
                     const std::string& key, const ProgramSource& source,
                     std::vector<std::string> objects) {
  const std::string library = work.path() + "/library.so";
  try {
    backend.compile(source, work.path());
    for (const SourceFile& unit : source.units) objects.push_back(object_path(work.path(), unit));
    backend.link(objects, library);
  } catch (const JitFailure& failure) {
    throw InternalError("jit", failure.what() + ("\nsources: " + write_repro(source, cache, key)));
  }
#ifdef __GLIBC__
  malloc_trim(0);  // what clang has freed, some 16 MB, is of no use to those who run the model
#endif
  // Opened before it is stored: from then on, other processes may remove it.
  JitCode code = open_library(library);
  check(code.program != nullptr, "jit", "the linked library is not there");
  code.key = key;
  code.library = cache.store(key, library);
  code.compiled = true;
  return code;
}

}  // namespace

std::vector<std::string> jit_flags() {
  return {"-std=c++17",
          "-O2",
          "-fPIC",
          "-fvisibility=hidden",
          "-ffp-contract=off",
          "-fno-math-errno",
          "-fno-trapping-math",
          "-fno-exceptions",
          "-fno-rtti",
          "-fno-threadsafe-statics",
          "-fno-asynchronous-unwind-tables",
          "-ffunction-sections",
          "-w"};
}

std::string jit_fingerprint(const CompileContext& context) {
  return fingerprint_of(*choose_backend(context));
}

JitCode jit_open(const CompileContext& context, const std::string& key) {
  const std::string path = Cache(context.options.cache_dir).find(key);
  JitCode code = path.empty() ? JitCode{} : open_library(path);
  code.key = key;
  return code;
}

JitCode jit_compile(CompileContext& context, const ProgramSource& given) {
  ProgramSource source = with_runtime_headers(given);
  source.units.front().text += kEntry;
  const std::unique_ptr<JitBackend> backend = choose_backend(context);
  warn_of_fallback(context);
  const Cache cache(context.options.cache_dir);
  const std::string key = key_of(source, *backend);
  if (JitCode code = jit_open(context, key); code.program != nullptr) return code;

  const WorkFolder work(cache.make_work_folder());
  return make_library(*backend, cache, work, key, source, {});
}

JitCode jit_compile(CompileContext& context, const SharedProgram& program) {
  ProgramSource source = with_runtime_headers({{program.program}, program.headers});
  source.units.front().text += kEntry;
  const std::unique_ptr<JitBackend> backend = choose_backend(context);
  warn_of_fallback(context);
  const Cache cache(context.options.cache_dir);
  // The program's text names its kernels, and a name is the hash of what it stands for.
  Key whole;
  whole.add(key_of(source, *backend));
  for (const TargetInfo& level : program.levels) whole.add(level.compile_flags);
  const std::string key = whole.hex();
  if (JitCode code = jit_open(context, key); code.program != nullptr) return code;

  const KernelObjects kernels(cache, program, surroundings_of(source, *backend));
  for (SourceFile& unit : kernels.units()) source.units.push_back(std::move(unit));
  const WorkFolder work(cache.make_work_folder());
  JitCode code = make_library(*backend, cache, work, key, source, kernels.write(work.path()));
  kernels.remember(work.path());
  code.compiled_kernels = kernels.missing();
  return code;
}

std::string emit_stage(const CompileContext& context, const ProgramSource& given, size_t unit,
                       const std::string& stage) {
  const ProgramSource source = with_runtime_headers(given);
  check(unit < source.units.size(), "emit_stage", "there is no such unit");
  return llvm_emit(source, unit, stage, PassPlugins(context.options.llvm_pass_plugin));
}

std::string format_source(const std::string& file, const std::string& text) {
  return llvm_format(file, text);
}

}  // namespace mintor
