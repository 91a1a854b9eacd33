// SPDX-License-Identifier: Apache-2.0
// One unit through clang, in memory. Takes a job of abi.h; gives an object, assembly or LLVM IR.
// Keeps true: files are read from the job, and from the system for the C headers that program.cpp
// names; nothing is written or printed; a crash is caught where LLVM's crash recovery can.
#include <clang/Basic/DiagnosticOptions.h>
#include <clang/Basic/Version.h>
#include <clang/CodeGen/CodeGenAction.h>
#include <clang/Frontend/CompilerInstance.h>
#include <clang/Frontend/TextDiagnosticPrinter.h>
#include <clang/Frontend/Utils.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/Support/CrashRecoveryContext.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/VirtualFileSystem.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Support/xxhash.h>

#include <unistd.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "compiler/jit/llvm/abi.h"
#include "compiler/jit/llvm/check_code.h"
#include "compiler/jit/llvm/emit.h"
#include "compiler/jit/llvm/preamble.h"

namespace {

constexpr char kFolder[] = "/mintor-source/";  // in memory only
constexpr unsigned kStackBytes = 16u << 20;

using FileSystem = llvm::IntrusiveRefCntPtr<llvm::vfs::FileSystem>;

void start_llvm() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    llvm::InitializeNativeTargetAsmParser();
    llvm::CrashRecoveryContext::Enable();
  });
}

FileSystem file_system(const MintorJitJob& job) {
  llvm::IntrusiveRefCntPtr<llvm::vfs::InMemoryFileSystem> memory(new llvm::vfs::InMemoryFileSystem);
  const auto add = [&](const MintorJitFile& file) {
    // A file is known by its size and its time: another text, another time.
    const auto time =
        static_cast<time_t>(llvm::xxh3_64bits(llvm::StringRef(file.text, file.size)) >> 32);
    memory->addFile(kFolder + std::string(file.name), time,
                    llvm::MemoryBuffer::getMemBufferCopy({file.text, file.size}));
  };
  for (size_t i = 0; i < job.header_count; ++i) add(job.headers[i]);
  add(job.unit);
  llvm::IntrusiveRefCntPtr<llvm::vfs::OverlayFileSystem> overlay(
      new llvm::vfs::OverlayFileSystem(llvm::vfs::getRealFileSystem()));
  overlay->pushOverlay(memory);
  return overlay;
}

std::string resource_folder() {
  for (const char* prefix : {MINTOR_LLVM_PREFIX "/lib", "/usr/lib"}) {
    const std::string path = std::string(prefix) + "/clang/" CLANG_VERSION_MAJOR_STRING;
    if (access((path + "/include/stddef.h").c_str(), R_OK) == 0) return path;
  }
  return "";
}

std::vector<std::string> arguments(const MintorJitJob& job) {
  std::vector<std::string> words{"clang++", "-resource-dir", resource_folder()};
  for (size_t i = 0; i < job.flag_count; ++i) words.push_back(job.flags[i]);
  // clang's own stdint.h serves where the C library's headers are not installed.
  if (access("/usr/include/stdint.h", R_OK) != 0) words.push_back("-ffreestanding");
  words.insert(words.end(),
               {"-nostdinc++", "-c", "-x", "c++", kFolder + std::string(job.unit.name)});
  return words;
}

std::unique_ptr<clang::FrontendAction> action_of(llvm::StringRef stage) {
  if (stage == "obj") return std::make_unique<clang::EmitObjAction>();
  if (stage == "asm") return std::make_unique<clang::EmitAssemblyAction>();
  if (stage == "llvm-ir") return std::make_unique<clang::EmitLLVMAction>();
  if (stage == "check") return mintor::jit::check_code_action();
  return nullptr;
}

bool is_kernels(const MintorJitJob& job, const clang::CompilerInvocation& invocation) {
  return job.stage != llvm::StringRef("check") && invocation.getCodeGenOpts().OptimizationLevel > 1;
}

bool compile(const MintorJitJob& job, llvm::SmallVectorImpl<char>& output,
             std::string& diagnostics) {
  llvm::raw_string_ostream text(diagnostics);
  llvm::IntrusiveRefCntPtr<clang::DiagnosticOptions> options(new clang::DiagnosticOptions);
  if (llvm::StringRef(job.stage) == "check") {
    options->ShowCarets = false;
    options->ShowPresumedLoc = true;
    diagnostics = mintor::jit::refuse_tokens({job.unit.text, job.unit.size});
    if (!diagnostics.empty()) return false;
  }
  clang::TextDiagnosticPrinter printer(text, options.get());
  llvm::IntrusiveRefCntPtr<clang::DiagnosticsEngine> engine =
      clang::CompilerInstance::createDiagnostics(options.get(), &printer, false);

  FileSystem files = file_system(job);
  const std::vector<std::string> words = arguments(job);
  std::vector<const char*> argv;
  for (const std::string& word : words) argv.push_back(word.c_str());
  clang::CreateInvocationOptions invocation;
  invocation.Diags = engine;
  invocation.VFS = files;
  std::shared_ptr<clang::CompilerInvocation> parsed =
      clang::createInvocation(argv, std::move(invocation));
  if (!parsed) return false;
  parsed->getFrontendOpts().DisableFree = false;  // a driver leaves memory to the exit
  // Text says what is unrolled (MT_UNROLL) and what is a vector. Looking for more took 28 % of the
  // time of a training step's kernels (resnet18, half of them: 3.14 and 2.27 s, AMD EPYC, clang 19,
  // 2026-11-29, the machine in use by others) and made no model of tests/perf/train.py faster.
  parsed->getCodeGenOpts().UnrollLoops = false;
  parsed->getCodeGenOpts().VectorizeSLP = false;

  // Kernels begin with the prelude of their level; other text has headers of its own.
  const std::unique_ptr<llvm::MemoryBuffer> text_of_unit =
      llvm::MemoryBuffer::getMemBuffer({job.unit.text, job.unit.size}, "", false);
  std::shared_ptr<const clang::PrecompiledPreamble> preamble;
  if (is_kernels(job, *parsed))
    preamble = mintor::jit::begin_behind_includes(
        *parsed, llvm::join(words.begin(), words.end() - 1, " "), text_of_unit.get(), files);

  clang::CompilerInstance instance;
  instance.setInvocation(std::move(parsed));
  instance.createDiagnostics(&printer, false);
  instance.createFileManager(files);
  instance.setVerboseOutputStream(llvm::nulls());
  instance.setOutputStream(std::make_unique<llvm::raw_svector_ostream>(output));
  const std::unique_ptr<clang::FrontendAction> action = action_of(job.stage);
  if (!action) {
    text << "there is no stage '" << job.stage << "'";
    return false;
  }
  // -O1 is for what only calls kernels (abi.h).
  if (instance.getCodeGenOpts().OptimizationLevel == 1)
    return mintor::jit::emit_quickly(instance, job.stage, output);
  return instance.ExecuteAction(*action) && !instance.getDiagnostics().hasErrorOccurred();
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int mintor_jit_compile_v1(
    const MintorJitJob* job) {
  start_llvm();
  llvm::SmallVector<char, 0> output;
  std::string diagnostics;
  bool done = false;
  llvm::CrashRecoveryContext recovery;
  const bool survived =
      recovery.RunSafelyOnThread([&] { done = compile(*job, output, diagnostics); }, kStackBytes);
  job->diagnostics(job->diagnostics_data, diagnostics.data(), diagnostics.size());
  if (!survived) return 2;
  if (!done) return 1;
  job->output(job->output_data, output.data(), output.size());
  return 0;
}
