// SPDX-License-Identifier: Apache-2.0
// The check of the user's code (codegen/emit_code.h): a clang action on a unit of unit_to_check.
// Takes the unit; reports errors at the user's line and column, the help as a note. What is not
// known to be harmless is refused: statements and expressions that are not on the list, calls of
// functions that are not, and indices that are not known to be inside.
// Keeps true: a unit that passes reads and writes elements of its views and its own variables
// alone, and divides by nothing that may be 0.
#pragma once

#include <clang/Frontend/FrontendAction.h>
#include <llvm/ADT/StringRef.h>

#include <memory>
#include <string>

namespace mintor::jit {

std::unique_ptr<clang::FrontendAction> check_code_action();
// Before anything is read: directives, and names that are the compiler's. Gives errors, or "".
std::string refuse_tokens(llvm::StringRef unit);

}  // namespace mintor::jit
