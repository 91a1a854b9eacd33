// SPDX-License-Identifier: Apache-2.0
// What the runs of a context train. Takes states by name; gives which phases a run leaves out, for
// they serve nothing but values that are not kept, and puts values back that phases write which
// serve others too. Keeps true: a run is that of a context without a mask, but for the states that
// are frozen, whose bits stay; nothing is allocated in a run; without a mask nothing is asked.
#include <stdlib.h>
#include <string.h>

#include "runtime.h"

namespace MT_PACKAGE {

static bool has_bit(const uint32_t* words, int32_t bit) {
  return words[bit / 32] >> (bit % 32) & 1;
}

bool is_frozen(const Context& context, int32_t state) {
  return context.mask.any && has_bit(context.mask.frozen, state);
}

static mt_status reserve_mask(Context* context) {
  Mask& mask = context->mask;
  if (mask.frozen) return MT_OK;
  const Program& program = *context->model->program;
  size_t phases = 0;
  for (int32_t e = 0; e < program.info.entry_count; ++e) {
    phases += size_t(program.entries[e].phase_count);
  }
  const size_t words = size_t(serves_words(program));
  mask.frozen = static_cast<uint32_t*>(calloc(1, words * sizeof(uint32_t) + phases));
  if (!mask.frozen) return fail(MT_OUT_OF_MEMORY, "no memory for a mask");
  mask.skipped = reinterpret_cast<uint8_t*>(mask.frozen + words);
  return MT_OK;
}

// Where entry `e` begins in the skipped phases.
static uint8_t* phases_of(const Context& context, int32_t e) {
  uint8_t* phases = context.mask.skipped;
  for (int32_t i = 0; i < e; ++i) phases += context.model->program->entries[i].phase_count;
  return phases;
}

static void choose_phases(Context* context) {
  const Program& program = *context->model->program;
  const int32_t words = serves_words(program);
  for (int32_t e = 0; e < program.info.entry_count; ++e) {
    const Entry& entry = program.entries[e];
    uint8_t* skipped = phases_of(*context, e);
    for (int32_t phase = 0; entry.serves && phase < entry.phase_count; ++phase) {
      uint32_t kept = 0;
      for (int32_t w = 0; w < words; ++w) {
        kept |= entry.serves[phase * words + w] & ~context->mask.frozen[w];
      }
      skipped[phase] = kept == 0;
    }
  }
}

// Calls visit(state) for each frozen state that a run of the entry writes all the same.
template <class Visit>
static void visit_written(const Context& context, int32_t e, Visit visit) {
  const Entry& entry = context.model->program->entries[e];
  const uint8_t* skipped = phases_of(context, e);
  for (int32_t i = 0; i < entry.write_count; ++i) {
    const StateWrite& write = entry.writes[i];
    if (!skipped[write.phase] && has_bit(context.mask.frozen, write.state)) visit(write.state);
  }
}

// Memory for what any entry writes and shall not keep.
static mt_status reserve_kept(Context* context) {
  const Program& program = *context->model->program;
  int64_t most = 0;
  for (int32_t e = 0; e < program.info.entry_count; ++e) {
    int64_t bytes = 0;
    visit_written(*context, e, [&](int32_t state) { bytes += program.states[state].bytes; });
    if (bytes > most) most = bytes;
  }
  if (most <= context->mask.kept.bytes) return MT_OK;
  Block larger;
  if (!allocate(&larger, most, Fill::undefined)) {
    return fail(MT_OUT_OF_MEMORY, "no memory for %lld bytes of frozen states", (long long)most);
  }
  release(&context->mask.kept);
  context->mask.kept = larger;
  return MT_OK;
}

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

static void choose_states(const mt_model_info& info, int32_t chosen, bool frozen, uint32_t* words) {
  for (int32_t i = 0; i < info.state_count; ++i) {
    if (!belongs(info, i, chosen)) continue;
    const uint32_t bit = uint32_t(1) << (i % 32);
    words[i / 32] = frozen ? words[i / 32] | bit : words[i / 32] & ~bit;
  }
}

static mt_status choose(Context* context, int32_t chosen, bool frozen) {
  const mt_model_info& info = context->model->info;
  const mt_status status = reserve_mask(context);
  if (status) return status;
  Mask& mask = context->mask;
  for (int32_t i = 0; i < info.state_count; ++i) {
    if (i == chosen || (chosen < 0 && has_gradient(info, i))) {
      choose_states(info, i, frozen, mask.frozen);
    }
  }
  mask.any = false;
  for (int32_t i = 0; i < info.state_count; ++i) mask.any |= has_bit(mask.frozen, i);
  choose_phases(context);
  const mt_status kept = reserve_kept(context);
  if (kept) release_mask(&mask);
  return kept;
}

mt_status set_trained(Context* context, const char* name, int32_t trained) {
  if (!context) return fail(MT_INVALID_ARGUMENT, "set_trained: context is null");
  const mt_model_info& info = context->model->info;
  const int32_t chosen = name ? find_value(*context, name) : -1;
  if (name && (chosen < 0 || chosen >= info.state_count)) {
    return fail(MT_INVALID_ARGUMENT, "set_trained: '%s' is nothing that runs update", name);
  }
  if (__atomic_exchange_n(&context->busy, 1, __ATOMIC_ACQUIRE)) {
    return fail(MT_INVALID_ARGUMENT, "set_trained: this context is running in another thread");
  }
  const mt_status status = choose(context, chosen, trained == 0);
  __atomic_store_n(&context->busy, 0, __ATOMIC_RELEASE);
  return status;
}

const uint8_t* skipped_phases(const Context& context) {
  return context.mask.any ? phases_of(context, context.entry) : nullptr;
}

void keep_frozen(Context* context) {
  if (!context->mask.any) return;
  char* to = context->mask.kept.data;
  visit_written(*context, context->entry, [&](int32_t state) {
    const State& one = context->model->program->states[state];
    memcpy(to, context->parameters->state.data + one.offset, size_t(one.bytes));
    to += one.bytes;
  });
}

void restore_frozen(Context* context) {
  if (!context->mask.any) return;
  const char* from = context->mask.kept.data;
  visit_written(*context, context->entry, [&](int32_t state) {
    const State& one = context->model->program->states[state];
    memcpy(context->parameters->state.data + one.offset, from, size_t(one.bytes));
    from += one.bytes;
  });
}

void release_mask(Mask* mask) {
  release(&mask->kept);
  free(mask->frozen);
  memset(mask, 0, sizeof(*mask));
}

}  // namespace MT_PACKAGE
