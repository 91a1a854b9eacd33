// SPDX-License-Identifier: Apache-2.0
// Facts about a target level. The compiler asks for facts and never for a name.
// Takes nothing; gives facts. Keeps true: facts are measured or documented, never guessed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mintor {

struct TargetInfo {
  std::string target;  // folder name, e.g. "reference"
  std::string level;   // as spelled by the user
  int32_t vector_bytes = 0;  // 0: no vectors
  int32_t vector_registers = 0;
  int64_t l1_bytes = 32 << 10, l2_bytes = 1 << 20;
  bool on_request = false;                 // no level that packages have unless it is named
  std::vector<std::string> features;       // of its instructions
  std::vector<std::string> compile_flags;  // what gcc and clang need for its kernels
  bool has(std::string_view feature) const {
    for (const auto& f : features)
      if (f == feature) return true;
    return false;
  }
  // Lanes of a vectorised loop over elements of `bytes`: logical vectors have 16 lanes, whatever
  // the level.
  bool vectors() const { return vector_bytes > 0; }
};

}  // namespace mintor
