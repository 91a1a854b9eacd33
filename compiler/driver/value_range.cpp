// SPDX-License-Identifier: Apache-2.0
// A histogram that covers [-limit, limit] (value_range.h). Takes values; gives bounds.
// Keeps true: its bins double in width when a value lies outside, two becoming one, so that the
// result is that of a histogram that had the final width from the start.
#include "compiler/driver/value_range.h"

#include <algorithm>
#include <cmath>

namespace mintor {

namespace {

constexpr size_t kBins = 8192;

}  // namespace

void ValueRange::widen(double limit) {
  if (bins_.empty()) bins_.assign(kBins, 0);
  if (limit_ == 0) limit_ = std::exp2(std::ceil(std::log2(limit)));
  while (limit_ < limit) {
    std::vector<int64_t> wider(kBins, 0);
    for (size_t i = 0; i < kBins; ++i) wider[kBins / 4 + i / 2] += bins_[i];
    bins_ = std::move(wider);
    limit_ *= 2;
  }
}

void ValueRange::add(const Tensor& values) {
  const float* data = values.as<float>();
  double largest = 0;
  for (int64_t i = 0; i < values.count(); ++i) {
    const double value = data[i];
    if (!std::isfinite(value)) continue;
    low_ = std::min(low_, value);
    high_ = std::max(high_, value);
    largest = std::max(largest, std::abs(value));
  }
  if (largest > limit_) widen(largest);
  if (limit_ == 0) return;
  for (int64_t i = 0; i < values.count(); ++i) {
    if (!std::isfinite(data[i])) continue;
    const double place = (data[i] / limit_ + 1) / 2 * kBins;
    ++bins_[std::min(static_cast<size_t>(place), kBins - 1)];
    ++count_;
  }
}

std::pair<double, double> ValueRange::holding(double percent) const {
  if (percent >= 100 || count_ == 0) return {low_, high_};
  const double outside = static_cast<double>(count_) * (1 - percent / 100) / 2;
  const double width = 2 * limit_ / kBins;
  size_t first = 0, last = kBins - 1;
  for (int64_t below = 0; static_cast<double>(below += bins_[first]) <= outside;) ++first;
  for (int64_t above = 0; static_cast<double>(above += bins_[last]) <= outside;) --last;
  return {std::max(low_, static_cast<double>(first) * width - limit_),
          std::min(high_, static_cast<double>(last + 1) * width - limit_)};
}

}  // namespace mintor
