// SPDX-License-Identifier: Apache-2.0
// Package files in the form that people read. Takes C or C++ text; gives it formatted.
// Keeps true: cosmetic only; text that the formatter cannot read stays as it is.
#include <clang/Format/Format.h>
#include <llvm/Support/CrashRecoveryContext.h>

#include <string>

#include "compiler/jit/llvm/abi.h"

namespace {

bool format(const MintorJitFile& file, std::string& formatted) {
  const llvm::StringRef text(file.text, file.size);
  clang::format::FormatStyle style =
      clang::format::getGoogleStyle(clang::format::FormatStyle::LK_Cpp);
  style.ColumnLimit = 100;
  style.SortIncludes = clang::format::FormatStyle::SI_Never;   // the prelude comes first
  style.AllowShortFunctionsOnASingleLine = clang::format::FormatStyle::SFS_Inline;
  style.ReflowComments = false;
  const std::vector<clang::tooling::Range> all{
      clang::tooling::Range(0, static_cast<unsigned>(text.size()))};
  auto changed = clang::tooling::applyAllReplacements(
      text, clang::format::reformat(style, text, all, file.name));
  if (!changed) {
    llvm::consumeError(changed.takeError());
    return false;
  }
  formatted = std::move(*changed);
  return true;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int mintor_jit_format_v1(
    const MintorJitFile* file, MintorJitSink output, void* data) {
  std::string formatted;
  bool done = false;
  llvm::CrashRecoveryContext recovery;
  if (!recovery.RunSafely([&] { done = format(*file, formatted); }) || !done) return 1;
  output(data, formatted.data(), formatted.size());
  return 0;
}
