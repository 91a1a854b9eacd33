// SPDX-License-Identifier: Apache-2.0
// Tokens that the user's code may not have. Takes the unit's text; gives errors as clang prints
// them. Keeps true: no file is opened and no macro is expanded here.
#include <clang/Basic/LangStandard.h>
#include <clang/Lex/Lexer.h>
#include <llvm/TargetParser/Triple.h>

#include <vector>

#include "compiler/jit/llvm/check_code.h"

namespace mintor::jit {
namespace {

constexpr llvm::StringLiteral kStart = "#line 1 \"source\"\n";

std::string problem_of(const clang::Token& token, bool after_bracket) {
  if (token.is(clang::tok::hash)) return "user code has no preprocessor directives";
  if (token.is(clang::tok::l_square) && after_bracket) return "user code has no attributes";
  if (token.isNot(clang::tok::raw_identifier)) return "";
  const llvm::StringRef name = token.getRawIdentifier();
  if (name == "asm") return "user code has no assembly";
  const bool reserved = name.starts_with("_") || name.contains("__") || name.starts_with("MT_");
  return reserved ? "the name '" + name.str() + "' is the compiler's" : "";
}

}  // namespace

std::string refuse_tokens(llvm::StringRef unit) {
  const size_t start = unit.find(kStart);
  if (start == llvm::StringRef::npos) return "";
  const char* begin = unit.data() + start + kStart.size();
  clang::LangOptions options;
  std::vector<std::string> includes;
  clang::LangOptions::setLangDefaults(options, clang::Language::CXX, llvm::Triple(), includes,
                                      clang::LangStandard::lang_cxx17);
  clang::Lexer lexer(clang::SourceLocation(), options, begin, begin, unit.end());
  clang::Token token;
  bool after_bracket = false;
  for (;;) {
    const bool last = lexer.LexFromRawLexer(token);
    if (const std::string problem = problem_of(token, after_bracket); !problem.empty()) {
      const llvm::StringRef before(
          begin, static_cast<size_t>(lexer.getBufferLocation() - begin) - token.getLength());
      const size_t line_start =
          before.rfind('\n') == llvm::StringRef::npos ? 0 : before.rfind('\n') + 1;
      return "source:" + std::to_string(before.count('\n') + 1) + ":" +
             std::to_string(before.size() - line_start + 1) + ": error: " + problem + "\n";
    }
    after_bracket = token.is(clang::tok::l_square);
    if (last || token.is(clang::tok::eof)) return "";
  }
}

}  // namespace mintor::jit
