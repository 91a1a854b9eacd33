// SPDX-License-Identifier: Apache-2.0
// Keys of caches: one hash of many parts. Takes parts; gives 64 hex digits. Keeps true: each part
// goes in with its length, a list with its count, so no two lists of parts read as one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/support/sha256.h"

namespace mintor {

class Key {
 public:
  void add(std::string_view part) {
    hash_.update(std::to_string(part.size()) + ":");
    hash_.update(part);
  }
  void add(int64_t number) { add(std::string_view(std::to_string(number))); }
  void add(const std::vector<std::string>& parts) {
    add(static_cast<int64_t>(parts.size()));
    for (const std::string& part : parts) add(std::string_view(part));
  }
  std::string hex() { return hash_.hex(); }  // finishes

 private:
  Sha256 hash_;
};

}  // namespace mintor
