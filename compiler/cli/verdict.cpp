// SPDX-License-Identifier: Apache-2.0
// Comparisons of named outputs, one line each. Takes tensors by name; prints.
// Keeps true: an output that is missing fails, and so does another dtype or shape.
#include "compiler/cli/verdict.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "compiler/cli/files.h"
#include "compiler/cli/terminal.h"

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

struct OutcomeText {
  const char* name;
  Tone tone;
};
constexpr OutcomeText kOutcomes[] = {
    {"ok", Tone::good}, {"FAILED", Tone::bad}, {"skip", Tone::quiet}};

}  // namespace

void Verdict::line(const std::string& what, bool ok, const std::string& detail) {
  add({ok ? Outcome::ok : Outcome::failed, what, detail});
}

void Verdict::skipped(const std::string& what, const std::string& why) {
  add({Outcome::skipped, what, why});
}

void Verdict::add(Line line) {
  if (!as_json_) print(line);
  lines_.push_back(std::move(line));
}

int64_t Verdict::count(Outcome outcome) const {
  return std::ranges::count(lines_, outcome, &Line::outcome);
}

int64_t Verdict::failed() const { return count(Outcome::failed); }

void Verdict::print(const Line& line) const {
  const OutcomeText& text = kOutcomes[static_cast<size_t>(line.outcome)];
  std::string name = text.name;
  name.resize(6, ' ');
  std::printf("%s %s: %s\n", toned(stdout, text.tone, name).c_str(), line.what.c_str(),
              line.detail.c_str());
}

void Verdict::print_json() const {
  using Json = nlohmann::ordered_json;
  Json comparisons = Json::array();
  for (const Line& line : lines_) {
    comparisons.push_back({{"outcome", kOutcomes[static_cast<size_t>(line.outcome)].name},
                           {"what", line.what},
                           {"detail", line.detail}});
  }
  const Json all = {{"compared", count(Outcome::ok) + failed()},
                    {"failed", failed()},
                    {"comparisons", comparisons}};
  std::puts(all.dump(2).c_str());
}

int Verdict::close() const {
  const int64_t compared = count(Outcome::ok) + failed();
  if (as_json_) {
    print_json();
  } else {
    std::printf("%lld compared, %lld failed\n", static_cast<long long>(compared),
                static_cast<long long>(failed()));
  }
  return failed() == 0 && compared > 0 ? 0 : 1;
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
    loaded.context().reset();
    verdict.close_to(what, loaded.run(given), expected, arguments.tolerance);
  }
}

}  // namespace mintor
