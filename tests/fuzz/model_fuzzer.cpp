// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: any bytes as a model file are refused with a CompileError, or become a Graph
// that passes leave legal: they verify what they make. Half of the changes are those of damage.h,
// which know the messages: a changed byte seldom leaves a model.
#include <cstring>
#include <span>

#include "compiler/graph/pipeline.h"
#include "compiler/support/error.h"
#include "frontends/onnx/onnx.h"
#include "tests/fuzz/damage.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  if (seed % 2 == 0) return LLVMFuzzerMutate(data, size, most);
  const std::string_view model(reinterpret_cast<const char*>(data), size);
  const std::string changed = mintor::test::with_changed_field(model, seed);
  if (changed.empty() || changed.size() > most) return LLVMFuzzerMutate(data, size, most);
  std::memcpy(data, changed.data(), changed.size());
  return changed.size();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mintor;
  try {
    CompileContext context;
    Graph graph = import_onnx_bytes(context, std::as_bytes(std::span(data, size)));
    run_pipeline(context, std::move(graph));
  } catch (const CompileError&) {
  }
  return 0;
}
