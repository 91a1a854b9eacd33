// SPDX-License-Identifier: Apache-2.0
// The lists of torch.autocast, as far as they name operators of ours. Takes and gives what the
// header says.
#include "frontends/python/trace/autocast.h"

#include <algorithm>
#include <array>
#include <unordered_map>

namespace mintor::trace {
namespace {

constexpr std::array<std::string_view, 5> kLow = {"matmul", "linear", "einsum", "conv",
                                                  "conv_transpose"};
constexpr std::array<std::string_view, 30> kFull = {
    "pow",         "integer_power", "square",   "rsqrt",      "reciprocal",     "exp",
    "exp2",        "expm1",         "log",      "log2",       "log10",          "log1p",
    "tan",         "asin",          "acos",     "sinh",       "cosh",           "sum",
    "prod",        "mean",          "variance", "logsumexp",  "cumulative_sum", "softmax",
    "log_softmax", "softplus",      "hypot",    "layer_norm", "rms_norm",       "group_norm"};

}  // namespace

Precision precision_of(const TracedOperator& op) {
  static auto* const known = new std::unordered_map<const TracedOperator*, Precision>;
  const auto [at, is_new] = known->try_emplace(&op, Precision::as_given);
  if (is_new && std::ranges::find(kLow, op.name) != kLow.end()) at->second = Precision::low;
  if (is_new && std::ranges::find(kFull, op.name) != kFull.end()) at->second = Precision::full;
  return at->second;
}

}  // namespace mintor::trace
