// SPDX-License-Identifier: Apache-2.0
// Mixed precision: which operators take their floating-point operands in which dtype under
// mt.amp.autocast. Takes an operator; gives what it wants. Keeps true: float64 stays as it is; an
// operator of neither list takes what it is given, by promotion.
#pragma once

#include "frontends/python/trace/operator.h"

namespace mintor::trace {

enum class Precision : uint8_t { as_given, low, full };  // full: float32

Precision precision_of(const TracedOperator& op);

}  // namespace mintor::trace
