// SPDX-License-Identifier: Apache-2.0
// Programs that tests write by hand, for the runtime alone. Takes entries with what callers see of
// them, and states; gives the Program. Keeps true: one level, which every CPU runs; the first
// entry's arrays and kernels are the model's.
#pragma once

#include <span>

#include "runtime/src/runtime.h"

namespace MT_PACKAGE {

inline const Level kAnyCpu = {"reference", [] { return true; }, nullptr};

struct StatesByHand {
  std::span<const mt_tensor_info> infos;
  const mt_state_info* roles = nullptr;
  const State* places = nullptr;
  int64_t bytes = 0;          // of all
  int64_t weights_bytes = 0;  // of what they start as
};

inline Program program_by_hand(const char* name, std::span<const Entry> entries,
                               std::span<const mt_entry_info> infos,
                               const StatesByHand& states = {}) {
  Program made{};
  made.info.name = name;
  made.info.levels = kAnyCpu.name;
  made.info.input_count = infos[0].input_count;
  made.info.inputs = infos[0].inputs;
  made.info.output_count = infos[0].output_count;
  made.info.outputs = infos[0].outputs;
  made.info.kernel_count = infos[0].kernel_count;
  made.info.kernels = infos[0].kernels;
  made.info.entry_count = static_cast<int32_t>(infos.size());
  made.info.entries = infos.data();
  made.info.weights_bytes = states.weights_bytes;
  made.info.state_count = static_cast<int32_t>(states.infos.size());
  made.info.states = states.infos.data();
  made.info.state_infos = states.roles;
  made.levels = &kAnyCpu;
  made.level_count = 1;
  made.entries = entries.data();
  made.weights_sha256 = "";
  made.states = states.places;
  made.state_bytes = states.bytes;
  return made;
}

}  // namespace MT_PACKAGE
