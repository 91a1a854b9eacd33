// SPDX-License-Identifier: Apache-2.0
// The states of a context: parameters that runs update, by position and by name.
// Takes a context; gives where a state lies, or copies of it. Keeps true: a new context, and one
// that was reset, has what the weights say; a value that is set has the dtype and shape that the
// model was compiled with.
#include <string.h>

#include "runtime.h"

namespace MT_PACKAGE {

static void fill_state(Context* context) {
  const Program& program = *context->model->program;
  for (int32_t i = 0; i < program.info.state_count; ++i) {
    const State& state = program.states[i];
    if (state.bytes == 0) continue;
    memcpy(context->state.data + state.offset, context->model->weights.data + state.initial,
           size_t(state.bytes));
  }
}

mt_status reserve_state(Context* context) {
  const int64_t needed = context->model->program->state_bytes;
  if (!allocate(&context->state, needed, Fill::undefined)) {
    return fail(MT_OUT_OF_MEMORY, "no memory for %lld bytes of state", (long long)needed);
  }
  fill_state(context);
  return MT_OK;
}

mt_status reset(Context* context) {
  if (!context) return fail(MT_INVALID_ARGUMENT, "reset: context is null");
  fill_state(context);
  return MT_OK;
}

mt_status state(Context* context, int32_t index, mt_tensor* described) {
  if (!context || !described) return fail(MT_INVALID_ARGUMENT, "state: a pointer is null");
  const Program& program = *context->model->program;
  if (index < 0 || index >= program.info.state_count) {
    return fail(MT_INVALID_ARGUMENT, "state: index %d, there are %d states", index,
                program.info.state_count);
  }
  const mt_tensor_info& info = program.info.states[index];
  described->data = context->state.data + program.states[index].offset;
  described->bytes = size_t(program.states[index].bytes);
  described->dtype = info.dtype;
  described->rank = info.rank;
  for (int32_t dim = 0; dim < info.rank; ++dim) described->shape[dim] = info.shape[dim];
  return MT_OK;
}

static mt_status find_parameter(Context* context, const char* name, mt_tensor* described) {
  if (!context || !name) return fail(MT_INVALID_ARGUMENT, "parameter: a pointer is null");
  const mt_model_info& info = context->model->info;
  for (int32_t i = 0; i < info.state_count; ++i) {
    if (strcmp(info.states[i].name, name) == 0) return state(context, i, described);
  }
  return fail(MT_INVALID_ARGUMENT, "parameter '%s': none of this name is updated by runs", name);
}

mt_status get_parameter(Context* context, const char* name, mt_tensor* value) {
  if (!value) return fail(MT_INVALID_ARGUMENT, "parameter: a pointer is null");
  mt_tensor own = {};
  const mt_status status = find_parameter(context, name, &own);
  if (status) return status;
  if (value->data) {
    if (value->bytes < own.bytes) {
      return fail(MT_BUFFER_TOO_SMALL, "parameter '%s': %zu bytes, expected at least %zu", name,
                  value->bytes, own.bytes);
    }
    if (own.bytes) memcpy(value->data, own.data, own.bytes);
    own.data = value->data;
  }
  *value = own;
  return MT_OK;
}

mt_status set_parameter(Context* context, const char* name, const mt_tensor* value) {
  if (!value) return fail(MT_INVALID_ARGUMENT, "parameter: a pointer is null");
  mt_tensor own = {};
  const mt_status status = find_parameter(context, name, &own);
  if (status) return status;
  if (value->dtype != own.dtype || value->rank != own.rank) {
    return fail(MT_INVALID_ARGUMENT, "parameter '%s': %s of rank %d, expected %s of rank %d", name,
                dtype_name(value->dtype), value->rank, dtype_name(own.dtype), own.rank);
  }
  for (int32_t dim = 0; dim < own.rank; ++dim) {
    if (value->shape[dim] != own.shape[dim]) {
      return fail(MT_SHAPE_MISMATCH, "parameter '%s': dimension %d is %lld, expected %lld", name,
                  dim, (long long)value->shape[dim], (long long)own.shape[dim]);
    }
  }
  if (value->bytes < own.bytes || (own.bytes && !value->data)) {
    return fail(MT_BUFFER_TOO_SMALL, "parameter '%s': %zu bytes, expected %zu", name,
                value->data ? value->bytes : 0, own.bytes);
  }
  if (own.bytes) memmove(own.data, value->data, own.bytes);
  return MT_OK;
}

}  // namespace MT_PACKAGE
