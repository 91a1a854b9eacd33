// SPDX-License-Identifier: Apache-2.0
// Parameters of a context by position and by name: states, which runs update, and those that no run
// does. Takes a context; gives where a value lies, or copies of it. Keeps true: a new context, and
// one that was reset, has what the weights say; a value that is set has the dtype and shape that
// the model was compiled with.
#include "runtime.h"

namespace MT_PACKAGE {

int32_t value_count(const Context& context) {
  const mt_model_info& info = context.model->info;
  return info.state_count + info.fixed_count;
}

NamedValue value_at(const Context& context, int32_t index) {
  const Program& program = *context.model->program;
  const mt_model_info& info = program.info;
  const Parameters& parameters = *context.parameters;
  if (index < info.state_count) {
    const State& state = program.states[index];
    return {&info.states[index], parameters.state.data + state.offset, state.bytes};
  }
  const FixedParameter& fixed = program.fixed[index - info.state_count];
  // Writers own the weights first.
  char* weights = parameters.weights.data ? parameters.weights.data
                                          : const_cast<char*>(context.model->weights.data);
  return {&info.fixed[index - info.state_count], weights + fixed.offset, fixed.bytes};
}

int32_t find_value(const mt_model_info& info, const char* name) {
  for (int32_t i = 0; i < info.state_count; ++i) {
    if (strcmp(info.states[i].name, name) == 0) return i;
  }
  for (int32_t i = 0; i < info.fixed_count; ++i) {
    if (strcmp(info.fixed[i].name, name) == 0) return info.state_count + i;
  }
  return -1;
}

void describe(const NamedValue& value, mt_tensor* described) {
  described->data = value.data;
  described->bytes = size_t(value.bytes);
  described->dtype = value.info->dtype;
  described->rank = value.info->rank;
  for (int32_t dim = 0; dim < value.info->rank; ++dim) {
    described->shape[dim] = value.info->shape[dim];
  }
}

void start_values(const Model& model, Parameters* parameters) {
  const Program& program = *model.program;
  for (int32_t i = 0; i < program.info.state_count; ++i) {
    const State& state = program.states[i];
    if (state.bytes == 0) continue;
    memcpy(parameters->state.data + state.offset, model.weights.data + state.initial,
           size_t(state.bytes));
  }
  release(parameters->memory, &parameters->weights);
  release(parameters->memory, &parameters->packed);
  parameters->stale = false;
}

mt_status reset(Context* context) {
  if (!context) return fail(MT_INVALID_ARGUMENT, "reset: context is null");
  const mt_status status = begin_use(context->parameters, Use::change, "reset");
  if (status) return status;
  start_values(*context->model, context->parameters);
  end_use(context->parameters, Use::change);
  return MT_OK;
}

// Where it lies is the caller's from here on: nobody may be running.
static mt_status check_idle(Context* context, const char* what) {
  const mt_status status = begin_use(context->parameters, Use::change, what);
  if (!status) end_use(context->parameters, Use::change);
  return status;
}

mt_status state(Context* context, int32_t index, mt_tensor* described) {
  if (!context || !described) return fail(MT_INVALID_ARGUMENT, "state: a pointer is null");
  const int32_t count = context->model->info.state_count;
  if (index < 0 || index >= count) {
    return fail(MT_INVALID_ARGUMENT, "state: index %d, there are %d states", index, count);
  }
  const mt_status status = check_idle(context, "state");
  if (!status) describe(value_at(*context, index), described);
  return status;
}

// `index` of what is called `name`.
static mt_status find_parameter(Context* context, const char* name, int32_t* index) {
  if (!context || !name) return fail(MT_INVALID_ARGUMENT, "parameter: a pointer is null");
  *index = find_value(context->model->info, name);
  if (*index >= 0) return MT_OK;
  return fail(MT_INVALID_ARGUMENT, "parameter '%s': there is none of this name%s", name,
              context->model->info.fixed_count ? "" : " that runs update");
}

mt_status get_parameter(Context* context, const char* name, mt_tensor* value) {
  if (!value) return fail(MT_INVALID_ARGUMENT, "parameter: a pointer is null");
  int32_t index = 0;
  mt_status status = find_parameter(context, name, &index);
  if (status) return status;
  if (!value->data) {
    status = check_idle(context, "parameter");
    if (!status) describe(value_at(*context, index), value);
    return status;
  }
  status = begin_use(context->parameters, Use::read, "parameter");
  if (status) return status;
  mt_tensor own = {};
  describe(value_at(*context, index), &own);
  if (value->bytes < own.bytes) {
    status = fail(MT_BUFFER_TOO_SMALL, "parameter '%s': %zu bytes, expected at least %zu", name,
                  value->bytes, own.bytes);
  } else {
    if (own.bytes) memcpy(value->data, own.data, own.bytes);
    own.data = value->data;
    *value = own;
  }
  end_use(context->parameters, Use::read);
  return status;
}

static mt_status check_type(const char* name, const mt_tensor& value, const NamedValue& own) {
  const mt_tensor_info& info = *own.info;
  if (value.dtype != info.dtype || value.rank != info.rank) {
    return fail(MT_INVALID_ARGUMENT, "parameter '%s': %s of rank %d, expected %s of rank %d", name,
                dtype_name(value.dtype), value.rank, dtype_name(info.dtype), info.rank);
  }
  for (int32_t dim = 0; dim < info.rank; ++dim) {
    if (value.shape[dim] != info.shape[dim]) {
      return fail(MT_SHAPE_MISMATCH, "parameter '%s': dimension %d is %lld, expected %lld", name,
                  dim, (long long)value.shape[dim], (long long)info.shape[dim]);
    }
  }
  if (value.bytes < size_t(own.bytes) || (own.bytes && !value.data)) {
    return fail(MT_BUFFER_TOO_SMALL, "parameter '%s': %zu bytes, expected %zu", name,
                value.data ? value.bytes : 0, size_t(own.bytes));
  }
  return MT_OK;
}

mt_status change_value(Context* context, int32_t index, const void* data) {
  const bool fixed = index >= context->model->info.state_count;
  if (fixed) {
    const mt_status status = own_weights(*context->model, context->parameters);
    if (status) return status;
    context->parameters->stale = true;
  }
  const NamedValue own = value_at(*context, index);
  if (own.bytes) memmove(own.data, data, size_t(own.bytes));
  return MT_OK;
}

mt_status set_parameter(Context* context, const char* name, const mt_tensor* value) {
  if (!value) return fail(MT_INVALID_ARGUMENT, "parameter: a pointer is null");
  int32_t index = 0;
  mt_status status = find_parameter(context, name, &index);
  if (!status) status = begin_use(context->parameters, Use::change, "parameter");
  if (status) return status;
  status = check_type(name, *value, value_at(*context, index));
  if (!status) status = change_value(context, index, value->data);
  end_use(context->parameters, Use::change);
  return status;
}

}  // namespace MT_PACKAGE
