// SPDX-License-Identifier: Apache-2.0
// The sums of gradients of a context, for the host: between runs, and in the run that applies them.
// Takes a callback; gives it each gradient that is trained, in order of mt_model_info.states, which
// is the same in every process. Keeps true: while the callback has them, nobody runs or changes
// values; where it fails, nothing was applied.
#include "runtime.h"

namespace MT_PACKAGE {

// By who uses the parameters to change them.
static mt_status walk(Context* context, mt_gradient visit, void* data, const char* what) {
  const mt_model_info& info = context->model->info;
  for (int32_t i = 0; i < info.state_count; ++i) {
    const mt_state_info& state = info.state_infos[i];
    if (state.role != MT_STATE_GRADIENT || state.of < 0 || is_frozen(*context, i)) continue;
    mt_tensor gradient = {};
    describe(value_at(*context, i), &gradient);
    const char* name = info.states[state.of].name;
    const int32_t answer = visit(data, name, &gradient);
    if (answer) {
      return fail(MT_INVALID_ARGUMENT, "%s: the callback gave %d for '%s'", what, answer, name);
    }
  }
  return MT_OK;
}

mt_status visit_gradients(Context* context, mt_gradient visit, void* data) {
  if (!context || !visit) return fail(MT_INVALID_ARGUMENT, "visit_gradients: a pointer is null");
  mt_status status = begin_use(context->parameters, Use::change, "visit_gradients");
  if (status) return status;
  status = walk(context, visit, data, "visit_gradients");
  end_use(context->parameters, Use::change);
  return status;
}

static bool updates(const Entry& entry, int32_t state) {
  for (int32_t i = 0; i < entry.write_count; ++i) {
    if (entry.writes[i].state == state) return true;
  }
  return false;
}

// Whether runs update parameters by their sums of gradients, and these too. One sum tells it of
// all: other entries add to each, or have none.
static bool applies_gradients(const Program& program, const Entry& entry) {
  for (int32_t i = 0; i < entry.write_count; ++i) {
    const mt_state_info& state = program.info.state_infos[entry.writes[i].state];
    if (state.role == MT_STATE_GRADIENT && state.of >= 0) return updates(entry, state.of);
  }
  return false;
}

mt_status check_reduce(const Model& model) {
  if (!model.options.reduce) return MT_OK;
  const Program& program = *model.program;
  for (int32_t e = 0; e < program.info.entry_count; ++e) {
    if (applies_gradients(program, program.entries[e])) return MT_OK;
  }
  return fail(MT_INVALID_ARGUMENT, "reduce is set, but no entry of '%s' applies gradients",
              program.info.name);
}

mt_status reduce_gradients(Context* context) {
  const mt_options& options = context->model->options;
  if (!options.reduce || !applies_gradients(*context->model->program, entry_of(*context))) {
    return MT_OK;
  }
  return walk(context, options.reduce, options.reduce_data, "reduce");
}

}  // namespace MT_PACKAGE
