// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: any text as a graph's, a kernel's, a program's, a step's, an index expression's
// or a tuning record's is refused with an error, or is legal and prints, and what is printed reads
// back as itself; as a pattern it is refused, or becomes a table.
#include <cstdlib>

#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "compiler/loop/ir.h"
#include "compiler/loop/step.h"
#include "compiler/program/program.h"
#include "compiler/support/error.h"
#include "compiler/support/index.h"
#include "compiler/support/pattern.h"
#include "compiler/tune/record.h"

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

void check_step(std::string_view text) {
  const std::string printed = print(parse_step(text));
  if (print(parse_step(printed)) != printed) std::abort();
}

void check_index(std::string_view text) {
  const std::string printed = parse_index(text).str();
  if (parse_index(printed).str() != printed) std::abort();
}

void check_record(std::string_view text) {
  const std::optional<TuningRecord> record = record_of_line(text);
  if (record && record_of_line(to_line(*record)) != record) std::abort();
}

void check_pattern(std::string_view text) {
  constexpr size_t kMostBytes = 256;  // what a model says; texts of graphs are no patterns
  if (text.size() <= kMostBytes) compile_pattern(text);
}

constexpr void (*kChecks[])(std::string_view) = {check_graphs, check_kernel, check_program,
                                                 check_step,   check_index,  check_record,
                                                 check_pattern};

}  // namespace
}  // namespace mintor

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto check : mintor::kChecks) {
    try {
      check(text);
    } catch (const mintor::CompileError&) {
    }
  }
  return 0;
}
