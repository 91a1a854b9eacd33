// SPDX-License-Identifier: Apache-2.0
// Program or Graph -> loaded model. Takes a Program, or a Graph that the cache may know; gives its
// JIT, whose kernels are a package's up to names. Keeps true: the weights lie in memory once, at
// the offsets of the plan, until they are packed; the compiled text holds neither the model's name
// nor the hash of its values, so models of one structure share it.
#include "compiler/codegen/program_emitter.h"
#include "compiler/codegen/target.h"
#include "compiler/driver/driver.h"
#include "compiler/driver/program_record.h"
#include "compiler/graph/join_entries.h"
#include "compiler/jit/cache.h"
#include "compiler/jit/jit.h"
#include "runtime/include/mintor_program.h"

namespace mintor {
namespace {

namespace rt = MT_PACKAGE;

// The generated table under the model's own name.
struct NamedProgram {
  std::shared_ptr<void> code;
  std::string name, numerics_hash;
  rt::Program table;
};

ModelApi named_api(const JitCode& code, const std::string& name, const std::string& hash) {
  auto named = std::make_shared<NamedProgram>(
      NamedProgram{code.code, name, hash, *static_cast<const rt::Program*>(code.program)});
  named->table.info.name = named->name.c_str();
  named->table.info.numerics_hash = named->numerics_hash.c_str();
  return in_process_api(&named->table, named);
}

JitCode compile(CompileContext& context, const Program& program) {
  check_is_for_host(program.levels);
  if (context.progress) context.progress("compiling", 0, 1);
  Program unnamed = program;
  unnamed.name = "model";
  unnamed.numerics_hash.clear();
  // Facts part kernels that are shared else: they are for passes that read them.
  const bool read = !context.options.llvm_pass_plugin.empty();
  JitCode code = jit_compile(context, emit_shared(unnamed, read ? Facts::stated : Facts::left_out));
  if (context.progress) context.progress("compiling", 1, 1);
  return code;
}

std::unique_ptr<LoadedModel> load(ModelApi api, WeightsBlock weights, LoadOptions options) {
  options.weights_path.clear();
  options.weights = weights.bytes();
  auto model = std::make_unique<LoadedModel>(std::move(api), options);
  weights.release_prepared();
  return model;
}

std::unique_ptr<LoadedModel> find(const CompileContext& context, const std::string& key,
                                  std::span<const Graph> entries, const LoadOptions& options) {
  const auto bytes = Cache(context.options.cache_dir).find_record(key);
  const auto record = bytes ? record_from(*bytes) : std::nullopt;
  if (!record) return nullptr;
  auto weights = weights_block(*record, entries);
  if (!weights) return nullptr;
  const JitCode code = jit_open(context, record->library);
  if (code.program == nullptr) return nullptr;
  return load(named_api(code, model_name(entries), ""), std::move(*weights), options);
}

}  // namespace

std::unique_ptr<LoadedModel> jit(CompileContext& context, const Program& program,
                                 const LoadOptions& options) {
  const JitCode code = compile(context, program);
  return load(named_api(code, program.name, program.numerics_hash), weights_block(program),
              options);
}

std::unique_ptr<LoadedModel> jit(CompileContext& context, Graph& graph,
                                 const std::vector<std::string>& levels,
                                 const LoadOptions& options) {
  return jit(context, {&graph, 1}, levels, options);
}

std::unique_ptr<LoadedModel> jit(CompileContext& context, std::span<Graph> entries,
                                 const std::vector<std::string>& levels,
                                 const LoadOptions& options) {
  join_entries(entries);
  const std::string key = program_key(context, entries, levels);
  if (!key.empty()) {
    if (auto found = find(context, key, entries, options)) return found;
  }
  if (entries[0].numerics_hash.empty()) optimise(context, entries);
  const Program program = build_program(context, entries, levels);
  const JitCode code = compile(context, program);
  if (!key.empty()) {
    const Cache cache(context.options.cache_dir);
    cache.store_record(key, to_bytes(record_of(program, code.key)));
  }
  return load(named_api(code, program.name, ""), weights_block(program), options);
}

}  // namespace mintor
