// SPDX-License-Identifier: Apache-2.0
// The texts of the two error classes. Takes the parts, gives what() as error.h words it.
// Keeps true: a part without content leaves no empty line; nothing is printed here.
#include "compiler/support/error.h"

namespace mintor {
namespace {

std::string user_text(const std::string& op, const std::string& problem, const std::string& place,
                      const std::string& help) {
  std::string text = "error: ";
  if (!op.empty()) text += op + ": ";
  text += problem;
  if (!place.empty()) text += "\n  at " + place;
  if (!help.empty()) text += "\n  help: " + help;
  return text;
}

}  // namespace

CompileError::CompileError(std::string op, std::string problem, std::string place, std::string help)
    : std::runtime_error(user_text(op, problem, place, help)),
      op_(std::move(op)),
      problem_(std::move(problem)) {}

InternalError::InternalError(std::string where, std::string what, std::string repro)
    : std::runtime_error("internal error: " + where + ": " + what), repro_(std::move(repro)) {}

void check(bool condition, const char* where, const char* what) {
  if (!condition) throw InternalError(where, what);
}

}  // namespace mintor
