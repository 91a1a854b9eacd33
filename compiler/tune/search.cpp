// SPDX-License-Identifier: Apache-2.0
// Rounds of all candidates, of which the slower ones are dropped, then turns of the best few with
// the default. Takes a function that measures; gives the choice. Keeps true: a candidate is
// compared with the default by ratios of runs that lie side by side, so that a machine that slows
// down for a while, or is used by others, slows both.
#include "compiler/tune/search.h"

#include <algorithm>
#include <numeric>

namespace mintor {
namespace {

constexpr int kRounds = 6;          // of all that are left
constexpr size_t kFinalists = 3;    // beside the default
constexpr int kTurns = 21;          // of each of those
constexpr double kHopeless = 1.25;  // times the best so far
constexpr int kTurnsWon = 17;       // of those: by luck alone one in 280 of equals would
constexpr double kNoise = 0.98;     // of the default's time: what is not below it is as fast

double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

// Candidates by their least time, the slow ones left out.
std::vector<size_t> finalists(std::vector<double>& least,
                              const std::function<double(size_t)>& time) {
  std::vector<size_t> left(least.size());
  std::iota(left.begin(), left.end(), 0);
  for (const size_t c : left) time(c);  // warm
  for (int round = 0; round < kRounds; ++round) {
    for (const size_t c : left) {
      const double seconds = time(c);
      least[c] = round == 0 ? seconds : std::min(least[c], seconds);
    }
    std::ranges::stable_sort(left, {}, [&](size_t c) { return least[c]; });
    const double limit = least[left[0]] * kHopeless;
    std::erase_if(left, [&](size_t c) { return least[c] > limit; });
    // Half of them a round, as long as there are many.
    if (left.size() > 2 * kFinalists) left.resize(std::max(2 * kFinalists, left.size() / 2 + 1));
  }
  std::erase(left, size_t{0});
  if (left.size() > kFinalists) left.resize(kFinalists);
  return left;
}

}  // namespace

Fastest fastest_of(size_t count, const std::function<double(size_t)>& time) {
  Fastest best;
  best.least.resize(count);
  const std::vector<size_t> others = finalists(best.least, time);
  std::vector<double> of_default{time(0)};
  // By the default's run before and by that after: not by their mean, which one interruption makes
  // useless.
  std::vector<std::vector<double>> ratios(others.size());
  std::vector<int> won(others.size(), 0);
  for (int turn = 0; turn < kTurns; ++turn) {
    if (others.empty()) of_default.push_back(time(0));
    for (size_t n = 0; n < others.size(); ++n) {
      const double before = of_default.back(), own = time(others[n]);
      of_default.push_back(time(0));
      ratios[n].push_back(own / before);
      ratios[n].push_back(own / of_default.back());
      won[n] += own < before ? 1 : 0;
    }
  }
  best.seconds = best.default_seconds = median_of(of_default);
  double best_ratio = kNoise;
  for (size_t n = 0; n < others.size(); ++n) {
    const double ratio = median_of(ratios[n]);
    if (ratio >= best_ratio || won[n] < kTurnsWon) continue;
    best_ratio = ratio;
    best.candidate = others[n];
    best.seconds = ratio * best.default_seconds;
  }
  return best;
}

}  // namespace mintor
