// SPDX-License-Identifier: Apache-2.0
// Program -> loaded model. Takes a Program; gives its JIT, whose text is a package's own. Keeps
// true: the weights lie in memory once, at the offsets of the plan.
#include <cstring>

#include "compiler/codegen/program_emitter.h"
#include "compiler/driver/driver.h"
#include "compiler/jit/jit.h"

namespace mintor {
namespace {

// The payload of weights.bin.
Tensor weights_block(const Program& program) {
  auto [block, bytes] = Tensor::make(DType::u8, {program.weights_bytes});
  int64_t end = 0;
  for (const Weight& weight : program.weights) {
    const int64_t begin = program.buffers[weight.buffer].offset.value();
    std::memset(bytes + end, 0, static_cast<size_t>(begin - end));
    std::memcpy(bytes + begin, weight.value.data, static_cast<size_t>(weight.value.bytes()));
    end = begin + weight.value.bytes();
  }
  std::memset(bytes + end, 0, static_cast<size_t>(program.weights_bytes - end));
  return block;
}

}  // namespace

std::unique_ptr<LoadedModel> jit(CompileContext& context, const Program& program,
                                 const LoadOptions& load) {
  if (context.progress) context.progress("compiling", 0, 1);
  const JitCode code = jit_compile(context, emit_program(program, "", jit_kernel_units()));
  LoadOptions options = load;
  options.weights_path.clear();
  options.weights = program.weights_bytes > 0 ? weights_block(program) : Tensor{};
  return std::make_unique<LoadedModel>(in_process_api(code.program, code.code), options);
}

}  // namespace mintor
