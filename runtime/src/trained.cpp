// SPDX-License-Identifier: Apache-2.0
// What the runs of a context train. Takes states by name; gives which phases a run leaves out, for
// they serve nothing but values that are not kept, and puts values back that phases write which
// serve others too. Keeps true: a run is that of a context without a mask, but for the states that
// are frozen, whose bits stay; nothing is allocated in a run; without a mask nothing is asked.
#include "runtime.h"

namespace MT_PACKAGE {

static bool has_bit(const uint32_t* words, int32_t bit) {
  return words[bit / 32] >> (bit % 32) & 1;
}

bool is_frozen(const Context& context, int32_t state) {
  return context.mask.frozen && has_bit(context.mask.frozen, state);
}

// --- the states ---

static bool belongs(const mt_model_info& info, int32_t state, int32_t to) {
  return state == to || info.state_infos[state].of == to;
}

static bool has_gradient(const mt_model_info& info, int32_t state) {
  for (int32_t i = 0; i < info.state_count; ++i) {
    const mt_state_info& one = info.state_infos[i];
    if (one.role == MT_STATE_GRADIENT && one.of == state) return true;
  }
  return false;
}

// `chosen` and those that belong to it.
static void choose_state(const mt_model_info& info, int32_t chosen, bool frozen, uint32_t* words) {
  for (int32_t i = 0; i < info.state_count; ++i) {
    if (!belongs(info, i, chosen)) continue;
    const uint32_t bit = uint32_t(1) << (i % 32);
    words[i / 32] = frozen ? words[i / 32] | bit : words[i / 32] & ~bit;
  }
}

static const int32_t kAll = -1;  // that have a gradient

// How many were chosen.
static int32_t choose(const mt_model_info& info, int32_t chosen, bool frozen, uint32_t* words) {
  int32_t count = 0;
  for (int32_t i = 0; i < info.state_count; ++i) {
    if (i != chosen && (chosen != kAll || !has_gradient(info, i))) continue;
    choose_state(info, i, frozen, words);
    ++count;
  }
  return count;
}

static mt_status find_state(const mt_model_info& info, const char* name, const char* what,
                            int32_t* state) {
  *state = find_value(info, name);
  if (*state >= 0 && *state < info.state_count) return MT_OK;
  return fail(MT_INVALID_ARGUMENT, "%s: '%s' is nothing that runs update", what, name);
}

// --- the mask that follows from them ---

static mt_status allocate_mask(const Model& model, const uint32_t* frozen, Mask* mask) {
  const Program& program = *model.program;
  size_t phases = 0;
  for (int32_t e = 0; e < program.info.entry_count; ++e) {
    phases += size_t(program.entries[e].phase_count);
  }
  const size_t words = size_t(serves_words(program));
  *mask = {};
  mask->frozen =
      static_cast<uint32_t*>(allocate_object(model.memory, words * sizeof(uint32_t) + phases));
  if (!mask->frozen) return fail(MT_OUT_OF_MEMORY, "no memory for a mask");
  mask->skipped = reinterpret_cast<uint8_t*>(mask->frozen + words);
  if (frozen) memcpy(mask->frozen, frozen, words * sizeof(uint32_t));
  return MT_OK;
}

// Where entry `e` begins in the skipped phases.
static uint8_t* phases_of(const Program& program, const Mask& mask, int32_t e) {
  uint8_t* phases = mask.skipped;
  for (int32_t i = 0; i < e; ++i) phases += program.entries[i].phase_count;
  return phases;
}

static void choose_phases(const Program& program, const Mask& mask) {
  const int32_t words = serves_words(program);
  for (int32_t e = 0; e < program.info.entry_count; ++e) {
    const Entry& entry = program.entries[e];
    uint8_t* skipped = phases_of(program, mask, e);
    for (int32_t phase = 0; entry.serves && phase < entry.phase_count; ++phase) {
      uint32_t kept = 0;
      for (int32_t w = 0; w < words; ++w) {
        kept |= entry.serves[phase * words + w] & ~mask.frozen[w];
      }
      skipped[phase] = kept == 0;
    }
  }
}

// Calls visit(state) for each frozen state that a run of the entry writes all the same.
template <class Visit>
static void visit_written(const Program& program, const Mask& mask, int32_t e, Visit visit) {
  const Entry& entry = program.entries[e];
  const uint8_t* skipped = phases_of(program, mask, e);
  for (int32_t i = 0; i < entry.write_count; ++i) {
    const StateWrite& write = entry.writes[i];
    if (!skipped[write.phase] && has_bit(mask.frozen, write.state)) visit(write.state);
  }
}

// Memory for what any entry writes and shall not keep.
static mt_status reserve_kept(const Model& model, Mask* mask) {
  const Program& program = *model.program;
  int64_t most = 0;
  for (int32_t e = 0; e < program.info.entry_count; ++e) {
    int64_t bytes = 0;
    visit_written(program, *mask, e, [&](int32_t s) { bytes += program.states[s].bytes; });
    if (bytes > most) most = bytes;
  }
  if (allocate(model.memory, &mask->kept, most, Fill::undefined)) return MT_OK;
  return fail(MT_OUT_OF_MEMORY, "no memory for %lld bytes of frozen states", (long long)most);
}

// Fills in what follows from `frozen`. A mask that freezes nothing is none.
static mt_status finish_mask(const Model& model, Mask* mask) {
  const Program& program = *model.program;
  bool any = false;
  for (int32_t i = 0; i < program.info.state_count; ++i) any |= has_bit(mask->frozen, i);
  mt_status status = MT_OK;
  if (any) {
    choose_phases(program, *mask);
    status = reserve_kept(model, mask);
  }
  if (!any || status) release_mask(model.memory, mask);
  return status;
}

mt_status open_trained(Model* model) {
  const mt_options& options = model->options;
  if (!options.trained) return MT_OK;
  const mt_model_info& info = model->program->info;
  model->frozen = static_cast<uint32_t*>(
      allocate_object(model->memory, size_t(serves_words(*model->program)) * sizeof(uint32_t)));
  if (!model->frozen) return fail(MT_OUT_OF_MEMORY, "no memory for a mask");
  if (choose(info, kAll, true, model->frozen) == 0) {
    return fail(MT_INVALID_ARGUMENT, "trained is set, but nothing of '%s' has a sum of gradients",
                info.name);
  }
  for (int32_t n = 0; n < options.trained_count; ++n) {
    const char* name = options.trained[n];
    if (!name) return fail(MT_INVALID_ARGUMENT, "trained[%d] is null", n);
    int32_t state = 0;
    const mt_status status = find_state(info, name, "trained", &state);
    if (status) return status;
    choose(info, state, false, model->frozen);
  }
  return MT_OK;
}

mt_status start_mask(Context* context) {
  const Model& model = *context->model;
  if (!model.frozen) return MT_OK;
  const mt_status status = allocate_mask(model, model.frozen, &context->mask);
  return status ? status : finish_mask(model, &context->mask);
}

// The old mask stays where there is no memory for the new one.
static mt_status change_mask(Context* context, int32_t chosen, bool frozen) {
  const Model& model = *context->model;
  Mask next;
  mt_status status = allocate_mask(model, context->mask.frozen, &next);
  if (status) return status;
  choose(model.info, chosen, frozen, next.frozen);
  status = finish_mask(model, &next);
  if (status) return status;
  release_mask(context->memory, &context->mask);
  context->mask = next;
  return MT_OK;
}

mt_status set_trained(Context* context, const char* name, int32_t trained) {
  if (!context) return fail(MT_INVALID_ARGUMENT, "set_trained: context is null");
  int32_t chosen = kAll;
  mt_status status = name ? find_state(context->model->info, name, "set_trained", &chosen) : MT_OK;
  if (status) return status;
  if (__atomic_exchange_n(&context->busy, 1, __ATOMIC_ACQUIRE)) {
    return fail(MT_INVALID_ARGUMENT, "set_trained: this context is running in another thread");
  }
  status = change_mask(context, chosen, trained == 0);
  __atomic_store_n(&context->busy, 0, __ATOMIC_RELEASE);
  return status;
}

// --- runs ---

const uint8_t* skipped_phases(const Context& context) {
  if (!context.mask.frozen) return nullptr;
  return phases_of(*context.model->program, context.mask, context.entry);
}

void keep_frozen(Context* context) {
  if (!context->mask.frozen) return;
  char* to = context->mask.kept.data;
  visit_written(*context->model->program, context->mask, context->entry, [&](int32_t state) {
    const State& one = context->model->program->states[state];
    memcpy(to, context->parameters->state.data + one.offset, size_t(one.bytes));
    to += one.bytes;
  });
}

void restore_frozen(Context* context) {
  if (!context->mask.frozen) return;
  const char* from = context->mask.kept.data;
  visit_written(*context->model->program, context->mask, context->entry, [&](int32_t state) {
    const State& one = context->model->program->states[state];
    memcpy(context->parameters->state.data + one.offset, from, size_t(one.bytes));
    from += one.bytes;
  });
}

void release_mask(const Memory& memory, Mask* mask) {
  release(memory, &mask->kept);
  release_object(memory, mask->frozen);
  memset(mask, 0, sizeof(*mask));
}

}  // namespace MT_PACKAGE
