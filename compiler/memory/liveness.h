// SPDX-License-Identifier: Apache-2.0
// When each buffer of an entry holds a value. Takes a Program and one of its entries; gives, per
// root buffer in the arena, the first launch that writes it and the last that touches it. Keeps
// true: launches are numbered in order across regions; views count for their root.
#pragma once

#include <map>

#include "compiler/program/program.h"

namespace mintor {

struct Lifetime {
  int first = 0, last = 0;       // launch numbers, inclusive
  bool meets(const Lifetime& other) const { return first <= other.last && other.first <= last; }
};

std::map<int32_t, Lifetime> lifetimes(const Program& program, const Entry& entry, Place place);

}  // namespace mintor
