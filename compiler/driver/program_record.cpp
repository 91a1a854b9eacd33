// SPDX-License-Identifier: Apache-2.0
// Keys and records of the cache of programs. Takes what is compiled; gives bytes and back. Keeps
// true: an option is part of the key unless it stands in kNoPart, with a reason.
#include "compiler/driver/program_record.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <tuple>

#include "compiler/codegen/target.h"
#include "compiler/graph/join_entries.h"
#include "compiler/ir/text.h"
#include "compiler/jit/jit.h"
#include "compiler/program/weights.h"
#include "compiler/support/build_id.h"
#include "compiler/support/key.h"

namespace mintor {
namespace {

// What decides nothing about the program, or is in the key by another way.
constexpr std::string_view kNoPart[] = {
    "target",     // the levels
    "threads",    // the runtime's
    "shapes",     // in the Graph as loaded
    "states",     // the same
    "jit",        // the fingerprint of the compiler
    "llvm_pass_plugin",  // the same
    "cache_dir",  // where the key is looked up
    "db",         // what the file says
    "emit",       // the command line's
    "explain",    // these three want the passes to run: no key at all
    "dump_changed", "verify_passes",
};

void add_level(Key& key, const TargetInfo& level) {
  key.add(level.target);
  key.add(level.level);
  for (const int64_t fact : {int64_t{level.vector_bytes}, int64_t{level.vector_registers},
                             level.l1_bytes, level.l2_bytes})
    key.add(fact);
  key.add(level.features);
  key.add(level.compile_flags);
}

void add_options(Key& key, const Options& options) {
  for (const OptionInfo& option : option_table()) {
    if (std::ranges::find(kNoPart, option.name) != std::end(kNoPart)) continue;
    key.add(option.name);
    key.add(option_text(options, option.name));
  }
}

constexpr std::string_view kForm = "mintor program record 3";

void put(std::string& out, std::string_view bytes) {
  out += std::to_string(bytes.size()) + ":";
  out += bytes;
}

// Reads what `put` wrote; `ok` is false from the first part on that is not whole.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::string_view part() {
    const size_t colon = std::min(rest_.find(':'), rest_.size());
    const int64_t size = value_of(rest_.substr(0, colon));
    rest_.remove_prefix(std::min(colon + 1, rest_.size()));
    ok_ = ok_ && static_cast<uint64_t>(size) <= rest_.size();
    const std::string_view found = rest_.substr(0, ok_ ? static_cast<size_t>(size) : 0);
    rest_.remove_prefix(found.size());
    return found;
  }
  int64_t number() { return value_of(part()); }
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  int64_t value_of(std::string_view digits) {
    int64_t value = -1;
    const char* end = digits.data() + digits.size();
    ok_ = ok_ && std::from_chars(digits.data(), end, value).ptr == end && value >= 0;
    return value;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

std::string program_key(const CompileContext& context, std::span<const Graph> entries,
                        const std::vector<std::string>& levels) {
  const Options& options = context.options;
  if (options.explain || options.verify_passes || options.dump_changed || build_id().empty())
    return "";
  std::stringstream records;
  if (!options.db.empty()) {
    const std::ifstream file(options.db, std::ios::binary);
    if (!file) return "";  // building says what is wrong
    records << file.rdbuf();
  }
  Key key;
  key.add(kForm);
  key.add(build_id());
  key.add(jit_fingerprint(context));
  add_options(key, options);
  key.add(records.str());
  key.add(static_cast<int64_t>(levels.size()));
  for (const std::string& level : levels) add_level(key, find_level(level));
  for (const Graph& graph : entries) {
    key.add(entry_name(graph, entries.size()));
    key.add(structure_hash(graph));
    key.add(graph.numerics_hash.empty() ? "loaded" : "optimised");
  }
  for (const int32_t first : equal_parameters(entries)) key.add(first);
  return key.hex() + ".program";
}

ProgramRecord record_of(const Program& program, const std::string& library) {
  ProgramRecord record{library, program.weights_bytes, {}};
  const std::vector<bool> prepared = only_prepared(program);
  for (size_t n = 0; n < program.weights.size(); ++n) {
    const Weight& weight = program.weights[n];
    ProgramRecord::Piece piece{
        program.buffers[weight.buffer].offset.value(), weight.parameter, {}, prepared[n]};
    if (weight.parameter.empty()) {
      piece.constant = weight.value;
      piece.constant.dtype = DType::u8;
      piece.constant.shape = {weight.value.bytes()};
    }
    record.weights.push_back(std::move(piece));
  }
  return record;
}

std::string to_bytes(const ProgramRecord& record) {
  std::string out;
  put(out, kForm);
  put(out, record.library);
  put(out, std::to_string(record.weights_bytes));
  for (const ProgramRecord::Piece& piece : record.weights) {
    put(out, std::to_string(piece.offset));
    put(out, piece.parameter);
    put(out, piece.only_prepared ? "1" : "0");
    if (!piece.parameter.empty()) continue;
    put(out, {reinterpret_cast<const char*>(piece.constant.data),
              static_cast<size_t>(piece.constant.bytes())});
  }
  return out;
}

std::optional<ProgramRecord> record_from(std::string_view bytes) {
  Reader reader(bytes);
  ProgramRecord record;
  if (reader.part() != kForm) return std::nullopt;
  record.library = reader.part();
  record.weights_bytes = reader.number();
  while (reader.ok() && !reader.at_end()) {
    ProgramRecord::Piece piece;
    piece.offset = reader.number();
    piece.parameter = reader.part();
    piece.only_prepared = reader.number() != 0;
    if (piece.parameter.empty()) {
      const std::string_view value = reader.part();
      piece.constant =
          Tensor::copy_of(DType::u8, {static_cast<int64_t>(value.size())}, value.data());
      if (piece.offset + piece.constant.bytes() > record.weights_bytes) return std::nullopt;
    }
    record.weights.push_back(std::move(piece));
  }
  return reader.ok() ? std::optional(std::move(record)) : std::nullopt;
}

// The bytes between pieces are zero.
WeightsBlock::WeightsBlock(int64_t bytes) {
  if (bytes != 0) std::tie(bytes_, begin_) = Tensor::make(DType::u8, {bytes});
}

void WeightsBlock::add(int64_t offset, const Tensor& value, bool only_prepared) {
  std::memcpy(begin_ + offset, value.data, static_cast<size_t>(value.bytes()));
  if (!only_prepared || value.bytes() == 0) return;
  // Neighbours are one range, whose inner pages are whole; between pieces lie less than 64 bytes.
  constexpr int64_t kAlignment = 64;
  if (!prepared_.empty() && offset - prepared_.back().second < kAlignment &&
      offset >= prepared_.back().second)
    prepared_.back().second = offset + value.bytes();
  else
    prepared_.emplace_back(offset, offset + value.bytes());
}

void WeightsBlock::release_prepared() {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  for (const auto& [from, to] : prepared_) {
    const uintptr_t first = (reinterpret_cast<uintptr_t>(begin_ + from) + page - 1) / page * page;
    const uintptr_t last = reinterpret_cast<uintptr_t>(begin_ + to) / page * page;
    if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
  }
  prepared_.clear();
}

std::optional<WeightsBlock> weights_block(const ProgramRecord& record,
                                          std::span<const Graph> entries) {
  std::map<std::string_view, const Tensor*> parameters;
  for (const Graph& graph : entries) {
    for (const auto& node : graph.nodes()) {
      if (node->kind != Kind::parameter) continue;
      const auto& parameter = node->as<ParameterAttr>();
      parameters.emplace(parameter.name, &parameter.value);
    }
  }
  WeightsBlock block(record.weights_bytes);
  for (const ProgramRecord::Piece& piece : record.weights) {
    const Tensor* value = &piece.constant;
    if (!piece.parameter.empty()) {
      const auto found = parameters.find(piece.parameter);
      if (found == parameters.end()) return std::nullopt;
      value = found->second;
    }
    if (piece.offset + value->bytes() > record.weights_bytes) return std::nullopt;
    block.add(piece.offset, *value, piece.only_prepared);
  }
  return block;
}

WeightsBlock weights_block(const Program& program) {
  WeightsBlock block(program.weights_bytes);
  const std::vector<bool> prepared = only_prepared(program);
  for (size_t n = 0; n < program.weights.size(); ++n) {
    const Weight& weight = program.weights[n];
    block.add(program.buffers[weight.buffer].offset.value(), weight.value, prepared[n]);
  }
  return block;
}

}  // namespace mintor
