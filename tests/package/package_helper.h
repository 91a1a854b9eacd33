// SPDX-License-Identifier: Apache-2.0
// What the tests of packages share. Takes a call; gives the text of its CompileError. Keeps true:
// any other exception is the test's failure.
#pragma once

#include <string>

#include "compiler/support/error.h"

namespace mintor {

template <class Function>
std::string error_of(Function function) {
  try {
    function();
  } catch (const CompileError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace mintor
