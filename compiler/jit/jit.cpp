// SPDX-License-Identifier: Apache-2.0
// Cache, compile, link, open. Takes emitted source; gives the Program in it. Keeps true: the key
// covers everything that decides the library's bytes: texts, flags and the compiler.
#include "compiler/jit/jit.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "compiler/jit/backend.h"
#include "compiler/jit/cache.h"
#include "compiler/jit/llvm_library.h"
#include "compiler/support/embedded.h"
#include "compiler/support/error.h"
#include "compiler/support/parallel.h"
#include "compiler/support/sha256.h"
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
  if (wish != "system") {
    if (auto backend = llvm_backend()) return backend;
    if (wish == "llvm") {
      throw CompileError("jit", "libmintor_jit is not installed", "",
                         "build with -DMINTOR_LLVM=ON, or use --jit system");
    }
  }
  if (auto backend = system_backend()) return backend;
  throw CompileError("jit", "there is neither libmintor_jit nor a C++ compiler on PATH", "",
                     "install g++ or clang, or build with -DMINTOR_LLVM=ON");
}

void feed(Sha256& hash, std::string_view part) {
  hash.update(std::to_string(part.size()) + ":");
  hash.update(part);
}

std::string fingerprint_of(const JitBackend& backend) {
  std::string text = "mintor " MINTOR_VERSION ", " + backend.fingerprint();
  for (const std::string& flag : jit_flags()) text += " " + flag;
  return text;
}

std::string key_of(const ProgramSource& source, const JitBackend& backend) {
  Sha256 hash;
  feed(hash, fingerprint_of(backend));
  for (const auto* files : {&source.headers, &source.units}) {
    feed(hash, std::to_string(files->size()));
    for (const SourceFile& file : *files) {
      feed(hash, file.file);
      feed(hash, file.text);
      feed(hash, std::to_string(file.flags.size()));
      for (const std::string& flag : file.flags) feed(hash, flag);
    }
  }
  return hash.hex();
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

}  // namespace

std::vector<std::string> jit_flags() {
  return {"-std=c++17", "-O2", "-fPIC", "-fvisibility=hidden", "-ffp-contract=off",
          "-fno-math-errno", "-fno-trapping-math", "-fno-exceptions", "-fno-rtti",
          "-fno-threadsafe-statics", "-fno-asynchronous-unwind-tables", "-w"};
}

int jit_kernel_units() { return compile_threads(); }

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
  const Cache cache(context.options.cache_dir);
  const std::string key = key_of(source, *backend);
  if (JitCode code = jit_open(context, key); code.program != nullptr) return code;

  const WorkFolder work(cache.make_work_folder());
  const std::string library = work.path() + "/library.so";
  try {
    backend->compile(source, work.path());
    std::vector<std::string> objects;
    for (const SourceFile& unit : source.units) objects.push_back(object_path(work.path(), unit));
    backend->link(objects, library);
  } catch (const JitFailure& failure) {
    throw InternalError("jit", failure.what() + ("\nsources: " + write_repro(source, cache, key)));
  }
  // Opened before it is stored: from then on, other processes may remove it.
  JitCode code = open_library(library);
  check(code.program != nullptr, "jit", "the linked library is not there");
  code.key = key;
  code.library = cache.store(key, library);
  code.compiled = true;
  return code;
}

std::string emit_stage(const ProgramSource& given, size_t unit, const std::string& stage) {
  const ProgramSource source = with_runtime_headers(given);
  check(unit < source.units.size(), "emit_stage", "there is no such unit");
  return llvm_emit(source, unit, stage);
}

std::string format_source(const std::string& file, const std::string& text) {
  return llvm_format(file, text);
}

}  // namespace mintor
