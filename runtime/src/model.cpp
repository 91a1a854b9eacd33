// SPDX-License-Identifier: Apache-2.0
// Opening and closing a model. Takes the generated program and options; gives an immutable Model
// that any number of contexts and threads share. Keeps true: the level is chosen before any code of
// it runs; on failure nothing stays open.
#include "runtime.h"

namespace MT_PACKAGE {

static mt_status choose_level(const Program& program, const char* wanted, const Level** chosen) {
  for (int32_t i = program.level_count - 1; i >= 0; --i) {
    const Level& level = program.levels[i];
    if (wanted && strcmp(wanted, level.name) != 0) continue;
    if (level.supported()) {
      *chosen = &level;
      return MT_OK;
    }
    if (wanted) {
      return fail(MT_UNSUPPORTED_CPU, "level '%s' needs instructions that this CPU lacks", wanted);
    }
  }
  if (wanted) {
    return fail(MT_INVALID_ARGUMENT, "level '%s' is not in this package, which has %s", wanted,
                program.info.levels);
  }
  return fail(MT_UNSUPPORTED_CPU, "this CPU has none of the levels of this package (%s)",
              program.info.levels);
}

mt_status prepare(const Model& model, const char* weights, char* packed, const Executor& executor) {
  const Program& program = *model.program;
  if (program.prepare.phase_count == 0) return MT_OK;
  Block arena;
  const int64_t needed = working_bytes(program.prepare, nullptr, executor.width);
  if (!allocate(model.memory, &arena, needed, Fill::undefined)) {
    return fail(MT_OUT_OF_MEMORY, "no memory for %lld bytes to pack weights in", (long long)needed);
  }
  Args args = {};
  args.weights = weights;
  args.packed = packed;
  args.arena = arena.data;
  args.scratch = scratch_in(arena, program.prepare, executor.width);
  const bool whole = launch(program.prepare, model.level->kernels, args, executor, nullptr);
  release(model.memory, &arena);
  return whole ? MT_OK : fail(MT_CANCELLED, "cancelled while weights were packed");
}

// Packs what `prepare` packs. The threads that help are gone afterwards.
static mt_status prepare_model(Model* model) {
  const Program& program = *model->program;
  if (!allocate(model->memory, &model->packed, program.info.packed_bytes, Fill::zeros)) {
    return fail(MT_OUT_OF_MEMORY, "no memory for %lld bytes of packed weights",
                (long long)program.info.packed_bytes);
  }
  if (program.prepare.phase_count == 0) return MT_OK;
  Executor executor = make_executor(model->options);
  const mt_status status = prepare(*model, model->weights.data, model->packed.data, executor);
  destroy_executor(&executor);
  return status;
}

static mt_status fill_model(Model* model) {
  const Program& program = *model->program;
  mt_status status = choose_level(program, model->options.level, &model->level);
  if (status) return status;
  status = open_trained(model);
  if (!status) status = check_reduce(*model);
  if (status) return status;
  model->info = program.info;
  model->info.level = model->level->name;
  status = open_weights(program, model->options, &model->weights);
  if (status) return status;
  return prepare_model(model);
}

mt_status open(const Program& program, const mt_options* options, Model** model) {
  if (!model) return fail(MT_INVALID_ARGUMENT, "open: model is null");
  *model = nullptr;
  if (program.info.symbol_count > kMaxSizes) {
    return fail(MT_INVALID_ARGUMENT, "the program has %d symbols, this runtime takes %d",
                program.info.symbol_count, int(kMaxSizes));
  }
  mt_options read;
  mt_status status = read_options(options, &read);
  if (status) return status;
  Model* made = allocate_object<Model>(memory_of(read));
  if (!made) return fail(MT_OUT_OF_MEMORY, "no memory for a model");
  made->program = &program;
  made->options = read;
  made->memory = memory_of(read);
  status = fill_model(made);
  // The caller's strings may go away after open; nothing of ours reads them any more.
  made->options.level = nullptr;
  made->options.weights_path = nullptr;
  made->options.trained = nullptr;
  if (status) {
    close(made);
    return status;
  }
  *model = made;
  return MT_OK;
}

void close(Model* model) {
  if (!model) return;
  const Memory memory = model->memory;
  release(memory, &model->packed);
  close_weights(&model->weights);
  release_object(memory, model->frozen);
  release_object(memory, model);
}

const mt_model_info* info(const Model* model) { return &model->info; }

}  // namespace MT_PACKAGE
