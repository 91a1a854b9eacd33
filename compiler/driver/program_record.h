// SPDX-License-Identifier: Apache-2.0
// What turns a cached library back into a model without a pass being run: which library, and where
// each weight lies. Takes a Program, or the Graphs of its entries as they were loaded; gives the
// record, its bytes, and the block of weights. Keeps true: the key covers everything that the
// library and the record depend on (structure, which parameters are equal, options, levels, this
// build of the compiler, the compiler behind it), so a record that is found is never stale; values
// of parameters and the name of the graph are no part of either.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/program/program.h"
#include "compiler/support/context.h"

namespace mintor {

struct ProgramRecord {
  struct Piece {
    int64_t offset = 0;
    std::string parameter;       // whose value lies there; empty: `constant`
    Tensor constant;             // u8
    bool only_prepared = false;  // nobody reads it once the model is open
  };
  std::string library;  // key of the compiled library
  int64_t weights_bytes = 0;
  std::vector<Piece> weights;
};

// "" where nothing may be remembered: the options want to see the passes at work, or this build has
// no identity.
std::string program_key(const CompileContext& context, std::span<const Graph> entries,
                        const std::vector<std::string>& levels);

ProgramRecord record_of(const Program& program, const std::string& library);
std::string to_bytes(const ProgramRecord& record);
std::optional<ProgramRecord> record_from(std::string_view bytes);

// The payload of weights.bin in memory.
class WeightsBlock {
 public:
  WeightsBlock() = default;  // of a program without weights
  explicit WeightsBlock(int64_t bytes);
  void add(int64_t offset, const Tensor& value, bool only_prepared);
  const Tensor& bytes() const { return bytes_; }
  // Gives the memory of what is only prepared back to the system, whole pages of it, once the model
  // is open: afterwards it holds zeros.
  void release_prepared();

 private:
  Tensor bytes_;
  std::byte* begin_ = nullptr;
  std::vector<std::pair<int64_t, int64_t>> prepared_;  // from, to
};

// Null when a parameter that the record names is in no graph.
std::optional<WeightsBlock> weights_block(const ProgramRecord& record,
                                          std::span<const Graph> entries);
WeightsBlock weights_block(const Program& program);

}  // namespace mintor
