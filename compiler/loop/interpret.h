// SPDX-License-Identifier: Apache-2.0
// Executes a Kernel slowly and exactly, and reports what a real run would hide: out-of-bounds
// accesses, reads of undefined elements, two parallel iterations that touch one element (one of
// them writing). InternalError names them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/ir/tensor.h"
#include "compiler/loop/ir.h"

namespace mintor {

struct Memory {
  DType dtype;
  std::vector<std::byte> bytes;
  std::vector<bool> defined;  // per element; empty: all defined
};

// buffers by parameter name, written in place; sizes must be those of the shapes under `symbols`.
void interpret(const Kernel& kernel, std::map<std::string, Memory>& buffers,
               const std::map<std::string, int64_t>& symbols);

}  // namespace mintor
