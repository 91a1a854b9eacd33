// SPDX-License-Identifier: Apache-2.0
// What `mintor verify` found. Takes comparisons; gives one line each on stdout, or all as JSON when
// it is closed, and the exit code.
// Keeps true: a verdict without a comparison is no success.
#pragma once

#include <string>
#include <vector>

#include "compiler/cli/model_io.h"

namespace mintor {

class Verdict {
 public:
  explicit Verdict(bool as_json) : as_json_(as_json) {}

  void line(const std::string& what, bool ok, const std::string& detail);
  void skipped(const std::string& what, const std::string& why);
  int64_t failed() const;
  int close() const;  // says the sums; 0 when something was compared and nothing failed

  // Every output of `expected`: the same bits.
  void same_bits_as(const std::string& what, const NamedTensors& got, const NamedTensors& expected);
  // Every output of `expected`: the largest error at most `tolerance` of the largest output.
  void close_to(const std::string& what, const NamedTensors& got, const NamedTensors& expected,
                double tolerance);

 private:
  enum class Outcome : uint8_t { ok, failed, skipped };
  struct Line {
    Outcome outcome = Outcome::ok;
    std::string what, detail;
  };
  int64_t count(Outcome outcome) const;
  void add(Line line);
  void print(const Line& line) const;
  void print_json() const;

  bool as_json_;
  std::vector<Line> lines_;
};

// What the command line asked to compare, for a package and for a model.
struct VerifyArguments {
  std::string model, against;
  std::vector<std::string> inputs, compilers, cases;
  int64_t seed = 0;
  double tolerance = 1e-4;
  bool seed_given = false, tolerance_given = false, threads_given = false, json = false;
  Options options;
};

// --case: the outputs of `loaded` on in.npz, from the states of a new context, against out.npz.
void verify_cases(Verdict& verdict, const VerifyArguments& arguments, const std::string& what,
                  LoadedModel& loaded);
// A package against the cases that it carries, or against --case; at each of its levels that this
// CPU runs, as it was built and as --compilers build it.
int verify_package(const VerifyArguments& arguments);

}  // namespace mintor
