// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: any text as a graph's, a kernel's or a program's is refused with an error, or
// is legal and prints, and what is printed reads back as itself.
#include <cstdlib>

#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "compiler/loop/ir.h"
#include "compiler/program/program.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

void check_graphs(std::string_view text) {
  const std::vector<Graph> graphs = parse_graphs(text);
  for (const Graph& graph : graphs) {
    verify_text(graph);
    const std::string printed = print(graph);
    if (print(parse_graph(printed, blobs_of(graph))) != printed) std::abort();
  }
}

void check_kernel(std::string_view text) {
  const Kernel kernel = parse_kernel(text);
  try {
    verify(kernel);
  } catch (const InternalError&) {  // a kernel that no compiler makes, and verify names the rule
    return;
  }
  if (print(parse_kernel(print(kernel))) != print(kernel)) std::abort();
}

void check_program(std::string_view text) {
  std::string printed;
  try {
    printed = print(parse_program(text, {}));
  } catch (const InternalError&) {
    return;
  }
  if (print(parse_program(printed, {})) != printed) std::abort();
}

}  // namespace
}  // namespace mintor

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto check : {mintor::check_graphs, mintor::check_kernel, mintor::check_program}) {
    try {
      check(text);
    } catch (const mintor::CompileError&) {
    }
  }
  return 0;
}
