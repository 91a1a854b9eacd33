// SPDX-License-Identifier: Apache-2.0
// Values of parameters that one context has, or several share, and who may use them when.
// Takes a model; gives blocks of states, and of weights and packed weights that are the context's
// own. Keeps true: a model stays immutable, for weights are copied before one of them is set; runs
// that only read are beside each other, whatever changes values is alone; nobody waits.
#include "runtime.h"

namespace MT_PACKAGE {

static const int32_t kChanging = -1;

mt_status create_parameters(const Model& model, Parameters** made) {
  *made = allocate_object<Parameters>(model.memory);
  const int64_t needed = model.program->state_bytes;
  if (!*made || !allocate(model.memory, &(*made)->state, needed, Fill::undefined)) {
    release_object(model.memory, *made);
    *made = nullptr;
    return fail(MT_OUT_OF_MEMORY, "no memory for %lld bytes of state", (long long)needed);
  }
  (*made)->memory = model.memory;
  (*made)->contexts = 1;
  return MT_OK;
}

void leave_parameters(Parameters* parameters) {
  if (!parameters || __atomic_sub_fetch(&parameters->contexts, 1, __ATOMIC_ACQ_REL) > 0) return;
  const Memory memory = parameters->memory;
  release(memory, &parameters->state);
  release(memory, &parameters->weights);
  release(memory, &parameters->packed);
  release_object(memory, parameters);
}

mt_status begin_use(Parameters* parameters, Use use, const char* what) {
  int32_t users = __atomic_load_n(&parameters->users, __ATOMIC_RELAXED);
  for (;;) {
    const bool free_to_use = use == Use::read ? users != kChanging : users == 0;
    if (!free_to_use) {
      return fail(MT_INVALID_ARGUMENT, "%s: the parameters are in use by a run, or being changed",
                  what);
    }
    const int32_t then = use == Use::read ? users + 1 : kChanging;
    if (__atomic_compare_exchange_n(&parameters->users, &users, then, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_RELAXED)) {
      return MT_OK;
    }
  }
}

void end_use(Parameters* parameters, Use use) {
  if (use == Use::read) {
    __atomic_sub_fetch(&parameters->users, 1, __ATOMIC_RELEASE);
  } else {
    __atomic_store_n(&parameters->users, 0, __ATOMIC_RELEASE);
  }
}

mt_status begin_run(Context* context, Use use) {
  Parameters* parameters = context->parameters;
  mt_status status = begin_use(parameters, use, "run");
  if (status || !parameters->stale) return status;
  if (use == Use::read) {
    end_use(parameters, use);
    status = begin_use(parameters, Use::change, "run");
    if (status) return status;
  }
  status = prepare(*context->model, parameters->weights.data, parameters->packed.data,
                   context->executor);
  if (status) {
    end_use(parameters, Use::change);
    return status;
  }
  parameters->stale = false;
  if (use == Use::read) __atomic_store_n(&parameters->users, 1, __ATOMIC_RELEASE);
  return MT_OK;
}

mt_status own_weights(const Model& model, Parameters* parameters) {
  if (parameters->weights.data) return MT_OK;
  const int64_t bytes = model.info.weights_bytes;
  Block weights, packed;
  if (!allocate(model.memory, &weights, bytes, Fill::undefined)) {
    return fail(MT_OUT_OF_MEMORY, "no memory for %lld bytes of weights", (long long)bytes);
  }
  if (!allocate(model.memory, &packed, model.info.packed_bytes, Fill::zeros)) {
    release(model.memory, &weights);
    return fail(MT_OUT_OF_MEMORY, "no memory for %lld bytes of packed weights",
                (long long)model.info.packed_bytes);
  }
  memcpy(weights.data, model.weights.data, size_t(bytes));
  parameters->weights = weights;
  parameters->packed = packed;
  parameters->stale = true;
  return MT_OK;
}

}  // namespace MT_PACKAGE
