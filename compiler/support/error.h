// SPDX-License-Identifier: Apache-2.0
// The two error classes, and the refusal of a candidate.
// CompileError: the user can fix it. InternalError: our bug. Libraries throw these and never print,
// exit or abort.
#pragma once

#include <stdexcept>
#include <string>

namespace mintor {

// what(): "error: <op>: <what is wrong>\n  at <place>\n  help: <what to do>" (lines without content
// are left out).
class CompileError : public std::runtime_error {
 public:
  CompileError(std::string op, std::string problem, std::string place = "", std::string help = "");
  const std::string& op() const { return op_; }
  const std::string& problem() const { return problem_; }

 private:
  std::string op_, problem_;
};

// what(): "internal error: <where>: <what>" ; `repro` is the text form that shows it, may be empty.
class InternalError : public std::runtime_error {
 public:
  InternalError(std::string where, std::string what, std::string repro = "");
  const std::string& repro() const { return repro_; }

 private:
  std::string repro_;
};

// Why a candidate (pass, step, strategy, fusion) does not apply; empty reason: it applies.
struct Refusal {
  std::string reason;
  explicit operator bool() const { return !reason.empty(); }
};

// Throws InternalError unless `condition`.
void check(bool condition, const char* where, const char* what);

}  // namespace mintor
