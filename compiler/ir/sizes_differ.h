// SPDX-License-Identifier: Apache-2.0
// The refusal of an operator whose operands need equal sizes that cannot be told equal.
// Takes the two sizes beside the text of the error. Gives a frontend the equation, so that it can
// look for what would make it hold ("t must be 3") before it gives up.
#pragma once

#include <string>
#include <utility>

#include "compiler/support/error.h"
#include "compiler/support/index.h"

namespace mintor {

class SizesDiffer : public CompileError {
 public:
  SizesDiffer(std::string op, std::string problem, Index x, Index y, std::string place = "",
              std::string help = "")
      : CompileError(std::move(op), std::move(problem), std::move(place), std::move(help)),
        x_(std::move(x)),
        y_(std::move(y)) {}
  const Index& x() const { return x_; }
  const Index& y() const { return y_; }

 private:
  Index x_, y_;
};

}  // namespace mintor
