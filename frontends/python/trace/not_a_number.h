// SPDX-License-Identifier: Apache-2.0
// Where a NaN comes from. Takes a segment that ran, as a Graph whose scopes number its calls, and
// what it read; gives the first operator whose result has a NaN while nothing that it takes has
// one. Keeps true: programs run as always; only where a result has a NaN is the segment evaluated
// again, operator by operator.
#pragma once

#include <stdexcept>
#include <string>

#include "frontends/python/trace/segment.h"

namespace mintor::trace {

// Told where a value is read, or a flush: `what` names the operator and its line.
struct NotANumber : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class Check : uint8_t { nothing, nan, nan_and_infinite };

bool has_bad(DType dtype, const std::byte* data, int64_t count, Check check);
// `graph`: Segment::graph of these contents before they ran, numbered.
std::string first_bad_operator(const TapeContents& contents, Graph graph, Check check,
                               std::string (*describe_place)(const Place&));

}  // namespace mintor::trace
