// SPDX-License-Identifier: Apache-2.0
// The floating-point environment that the numerics contract fixes: round to nearest, gradual
// underflow, no traps. Takes whatever the host program has set; gives the default while an object
// lives, then restores the host's.
#pragma once

#include <cfenv>

namespace mintor {

class FloatEnvironment {
 public:
  FloatEnvironment() {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);  // with glibc also clears flush-to-zero and denormals-are-zero
  }
  ~FloatEnvironment() { std::fesetenv(&saved_); }
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;

 private:
  std::fenv_t saved_;
};

}  // namespace mintor
