// SPDX-License-Identifier: Apache-2.0
// Comparisons of named outputs, one line each. Takes tensors by name; prints.
// Keeps true: an output that is missing fails, and so does another dtype or shape.
#include "compiler/cli/verdict.h"

#include <algorithm>
#include <cstdio>

#include "compiler/cli/files.h"

namespace mintor {
namespace {

// Calls `judge` with the pair of each expected output that is there; the others fail.
template <typename Judge>
void for_each_output(Verdict& verdict, const std::string& what, const NamedTensors& got,
                     const NamedTensors& expected, Judge judge) {
  for (const auto& [name, tensor] : expected) {
    const auto found = got.find(name);
    if (found == got.end()) {
      verdict.line(what + " " + name, false, "the output is missing");
      continue;
    }
    const Difference difference =
        compare(found->second, with_dtype_of_bits(tensor, found->second.dtype));
    verdict.line(what + " " + name, judge(difference), to_string(difference));
  }
}

}  // namespace

void Verdict::line(const std::string& what, bool ok, const std::string& detail) {
  std::printf("%-6s %s: %s\n", ok ? "ok" : "FAILED", what.c_str(), detail.c_str());
  compared += 1;
  failed += ok ? 0 : 1;
}

void Verdict::skipped(const std::string& what, const std::string& why) {
  std::printf("%-6s %s: %s\n", "skip", what.c_str(), why.c_str());
}

int Verdict::close() const {
  std::printf("%d compared, %d failed\n", compared, failed);
  return failed == 0 && compared > 0 ? 0 : 1;
}

void Verdict::same_bits_as(const std::string& what, const NamedTensors& got,
                           const NamedTensors& expected) {
  for_each_output(*this, what, got, expected,
                  [](const Difference& difference) { return difference.same_bits; });
}

void Verdict::close_to(const std::string& what, const NamedTensors& got,
                       const NamedTensors& expected, double tolerance) {
  for_each_output(*this, what, got, expected, [&](const Difference& difference) {
    return difference.largest <= tolerance * std::max(difference.largest_expected, 1e-30);
  });
}

void verify_cases(Verdict& verdict, const VerifyArguments& arguments, const std::string& what,
                  LoadedModel& loaded) {
  for (const std::string& item : arguments.cases) {
    const auto [inputs, outputs] = split_case(item);
    const NamedTensors given = with_dtypes_of(read_npz(inputs), input_infos(loaded.info()));
    const NamedTensors expected = read_npz(outputs);
    if (expected.empty()) verdict.line(what, false, "'" + outputs + "' holds no outputs");
    verdict.close_to(what, loaded.run(given), expected, arguments.tolerance);
  }
}

}  // namespace mintor
