// SPDX-License-Identifier: Apache-2.0
// Values that the variables of an expression may have at one time, to see at once what cannot be
// proved. Takes Ranges; gives the value of an expression at a place in them. Keeps true: the place
// is inside all ranges that it was asked for, else there is no value; a claim that is false there
// is one that no proof from the ranges can have.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "compiler/support/index.h"

namespace mintor::index_detail {

class Sample {
 public:
  enum class At : uint8_t { low, high, mixed, mixed_otherwise };
  Sample(const Ranges& ranges, At at) : ranges_(ranges), at_(at) {}
  std::optional<int64_t> value(const Index& e);

 private:
  std::optional<int64_t> of_atom(const Index::Atom& atom);
  std::optional<int64_t> of_variable(const std::string& name);
  bool is_high(const std::string& name) const;

  const Ranges& ranges_;
  At at_;
  int depth_ = 0;
  std::map<std::string, std::optional<int64_t>, std::less<>> variables_;
};

}  // namespace mintor::index_detail
