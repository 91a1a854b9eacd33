// SPDX-License-Identifier: Apache-2.0
// Takes and gives what preamble.h says. Parsing the prelude takes 18 ms of the 20 that are spent
// before a kernel is read. Keeps true: no code of clang runs under the lock, which a crash of it
// would leave locked; two threads may parse the same, once.
#include "compiler/jit/llvm/preamble.h"

#include <clang/Basic/Diagnostic.h>
#include <clang/Lex/PreprocessorOptions.h>
#include <clang/Serialization/PCHContainerOperations.h>

#include <mutex>
#include <utility>
#include <vector>

namespace mintor::jit {
namespace {

using Preamble = std::shared_ptr<const clang::PrecompiledPreamble>;

constexpr size_t kMost = 4;  // of a few MB each: levels, and user code beside kernels

struct Known {
  std::mutex mutex;
  std::vector<std::pair<std::string, Preamble>> by_flags;  // the last used last
};

// Never destroyed: LLVM's own statics may be gone before it at the end of the process.
Known& known() {
  static Known* const kKnown = new Known;
  return *kKnown;
}

std::vector<Preamble> candidates(const std::string& flags) {
  std::vector<Preamble> found;
  const std::lock_guard lock(known().mutex);
  for (const auto& [of, preamble] : known().by_flags)
    if (of == flags) found.push_back(preamble);
  return found;
}

void remember(const std::string& flags, const Preamble& preamble) {
  const std::lock_guard lock(known().mutex);
  auto& all = known().by_flags;
  if (all.size() == kMost) all.erase(all.begin());
  all.emplace_back(flags, preamble);
}

Preamble parse(const clang::CompilerInvocation& invocation, llvm::MemoryBuffer* main,
               clang::PreambleBounds bounds,
               const llvm::IntrusiveRefCntPtr<llvm::vfs::FileSystem>& files) {
  const llvm::IntrusiveRefCntPtr<clang::DiagnosticsEngine> silent(new clang::DiagnosticsEngine(
      new clang::DiagnosticIDs, new clang::DiagnosticOptions, new clang::IgnoringDiagConsumer));
  clang::PreambleCallbacks callbacks;
  auto made = clang::PrecompiledPreamble::Build(
      invocation, main, bounds, *silent, files, std::make_shared<clang::PCHContainerOperations>(),
      /*StoreInMemory=*/true, /*StoragePath=*/"", callbacks);
  return made ? std::make_shared<const clang::PrecompiledPreamble>(std::move(*made)) : nullptr;
}

}  // namespace

std::shared_ptr<const clang::PrecompiledPreamble> begin_behind_includes(
    clang::CompilerInvocation& invocation, const std::string& flags, llvm::MemoryBuffer* main,
    llvm::IntrusiveRefCntPtr<llvm::vfs::FileSystem>& files) {
  const clang::PreambleBounds bounds =
      clang::ComputePreambleBounds(invocation.getLangOpts(), *main, 0);
  if (bounds.Size == 0) return nullptr;
  invocation.getPreprocessorOpts().RetainRemappedFileBuffers = true;  // `main` is the caller's
  Preamble preamble;
  for (const Preamble& one : candidates(flags))
    if (one->CanReuse(invocation, *main, bounds, *files)) preamble = one;
  if (!preamble) {
    preamble = parse(invocation, main, bounds, files);
    if (!preamble) return nullptr;
    remember(flags, preamble);
  }
  preamble->AddImplicitPreamble(invocation, files, main);
  return preamble;
}

}  // namespace mintor::jit
