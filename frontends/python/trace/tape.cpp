// SPDX-License-Identifier: Apache-2.0
// Recording and running. A value that a call takes is named by where it comes from in this epoch:
// a result of a call on the tape, or the n-th leaf.
#include "frontends/python/trace/tape.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <thread>

#include "frontends/python/trace/allocator.h"
#include "frontends/python/trace/layouts.h"
#include "frontends/python/trace/profile.h"
#include "frontends/python/trace/worker.h"

namespace mintor::trace {

Tape& tape() {
  static auto* const one = new Tape;  // arrays may outlive every static object
  return *one;
}

Ref<Variable> Tape::leaf(const ValueType* type, Ref<Storage> storage) {
  Ref<Variable> made(new Variable);
  made->type = type;
  made->storage = std::move(storage);
  return made;
}

int32_t Tape::leaf_of(Variable* value) {
  if (value->leaf_epoch != epoch_) {
    value->leaf_epoch = epoch_;
    value->leaf = static_cast<int32_t>(contents_.leaves.size());
    contents_.leaves.emplace_back(value);
  }
  return value->leaf;
}

void Tape::mix_operands(const Call& call) {
  for (const Ref<Variable>& operand : call.operands) {
    Variable& value = *operand;
    if (on_tape(value, epoch_) || in_history(value, epoch_)) {
      const auto place = static_cast<uint64_t>(value.producer->position);
      const uint64_t named = (place << 16 | static_cast<uint64_t>(value.result) << 2) +
                             (value.producer->in_history ? 1 : 0);
      mix(hash_, named);
      mix(structure_, named);
      continue;
    }
    const uint64_t named = static_cast<uint64_t>(leaf_of(&value)) << 2 | 2;
    mix(hash_, named);
    mix(structure_, named);
  }
}

void Tape::append(Call* call, std::vector<Ref<Call>>& calls) {
  mix(hash_, call->signature->hash[0]);
  mix(hash_, call->signature->hash[1]);
  mix(structure_, call->signature->structure[0]);
  mix(structure_, call->signature->structure[1]);
  mix_operands(*call);
  if (call->scope) mix(hash_, static_cast<uint64_t>(call->scope));
  if (call->scope) mix(structure_, static_cast<uint64_t>(call->scope));
  call->epoch = epoch_;
  call->position = static_cast<int32_t>(calls.size());
  calls.emplace_back(call);
}

// A loop that reads nothing is cut into segments by itself, where its calls repeat, so that the
// segments are equal from the second on.
void Tape::keep_in_budget() {
  constexpr size_t kMostCalls = 1024;
  constexpr int64_t kMostBytes = int64_t{1} << 31;
  if (call_hashes_.size() < kMostCalls && pending_bytes_ < kMostBytes) return;
  if (call_hashes_.size() >= 2 * kMostCalls || pending_bytes_ >= 2 * kMostBytes) {
    flush();
    return;
  }
  // The shortest period of the last calls; the tape ends with a whole number of them.
  const size_t count = call_hashes_.size();
  for (size_t period = 1; period <= count / 2; ++period) {
    const auto last = call_hashes_.end();
    const auto length = static_cast<std::ptrdiff_t>(period);
    if (!std::equal(last - length, last, last - 2 * length)) continue;
    if (std::equal(last - length, last, call_hashes_.begin())) flush();
    return;
  }
}

BodyRecorder* Tape::body() const {
  for (auto at = bodies.rbegin(); at != bodies.rend(); ++at) {
    if ((*at)->thread() == std::this_thread::get_id()) return *at;
  }
  return nullptr;
}

namespace {

[[noreturn]] void refuse_left_over() {
  throw CompileError("array", "a value that was made in a function of control flow is used outside",
                     "", "return it from the function");
}

}  // namespace

// Those that are neither known nor on the tape; all of them again where that ran what was there.
void Tape::include_unknown(std::span<Variable* const> values) {
  uint32_t before = 0;
  do {
    before = epoch_;
    for (Variable* value : values) {
      if (value->storage || on_tape(*value, epoch_) || in_history(*value, epoch_)) continue;
      if (value->body != 0) refuse_left_over();
      bring_back(value, {});
    }
  } while (before != epoch_);
}

std::vector<Ref<Variable>> Tape::record(const TracedOperator& op,
                                        std::span<Variable* const> operands,
                                        const std::string& attributes) {
  std::vector<const ValueType*> types;
  types.reserve(operands.size());
  for (const Variable* operand : operands) types.push_back(operand->type);
  const Signature* signature = signatures_.find(op, attributes, !gradients_on, types);
  return record(signature, operands, current_place ? current_place() : Place{});
}

std::vector<Ref<Variable>> Tape::record(const Signature* signature,
                                        std::span<Variable* const> operands, const Place& place) {
  wait();
  if (BodyRecorder* recorder = body()) {
    std::vector<Ref<Variable>> results = recorder->record(signature, operands, place, scope);
    tell_recordings(
        [&](Recording& recording) { recording.note_call(signature, place, operands, results); });
    return results;
  }
  // A gradient is of what its caller has included: that does not run before it.
  if (signature->op->flow != Flow::differentiates) keep_in_budget();
  Ref<Call> call(new Call);
  call->signature = signature;
  call->place = place;
  call->scope = scope;
  call->operands.reserve(operands.size());
  bool all_known = true;  // else some ran, and their bytes were not kept
  for (Variable* operand : operands) {
    all_known = all_known &&
                (operand->storage || on_tape(*operand, epoch_) || in_history(*operand, epoch_));
    call->operands.emplace_back(operand);
  }
  if (!all_known) include_unknown(operands);
  append(call.get(), contents_.calls);
  call_hashes_.push_back(signature->hash[0]);
  ++recorded_since_forgetting_;
  std::vector<Ref<Variable>> results;
  results.reserve(signature->results.size());
  for (const ValueType* type : signature->results) {
    Ref<Variable> made(new Variable);
    made->type = type;
    if (type->bytes > 0) {
      made->producer = call;
      made->result = static_cast<int32_t>(call->results.size());
      pending_bytes_ += type->bytes;
    } else {
      made->storage = Ref<Storage>(new Storage(0));  // nothing to compute, nothing flows through
    }
    call->results.push_back(type->bytes > 0 ? made.get() : nullptr);
    results.push_back(std::move(made));
  }
  ++statistics_.calls;
  for (Recording* recording : recordings) {
    recording->note_call(signature, place, operands, results);
  }
  return results;
}

Hash Tape::key(bool with_sizes) const {
  Hash key = with_sizes ? hash_ : structure_;
  const auto mix_wanted = [&](const std::vector<Ref<Call>>& calls) {
    for (const Ref<Call>& call : calls) {
      uint64_t wanted = 1;
      for (const Variable* result : call->results) {
        wanted = wanted << 1 | (is_wanted(result) ? 1 : 0);
        if (wanted >> 62) mix(key, wanted), wanted = 1;
      }
      mix(key, wanted);
    }
  };
  mix_wanted(contents_.history);
  // A value of the history whose bytes are there is read, one whose bytes are not is made again.
  for (const Ref<Call>& call : contents_.history) {
    for (const Variable* result : call->results) mix(key, result && result->storage ? 3 : 2);
  }
  mix_wanted(contents_.calls);
  mix(key, static_cast<uint64_t>(threads));
  mix(key, is_profiling() ? 1 : 0);
  return key;
}

Tape::Found Tape::compile_segment() {
  Similar& similar = similar_[key(false)];
  std::vector<int64_t> numbers = numbers_of(contents_);
  for (const auto& [general, segment] : similar.general) {
    if (auto symbols = general.match(numbers)) return {segment, std::move(*symbols)};
  }
  ++statistics_.compiled;
  note_miss();
  if (similar.first.empty()) {
    similar.first = std::move(numbers);
  } else if (std::optional<General> general = generalise(similar.first, numbers)) {
    try {
      std::shared_ptr<Segment> segment = Segment::compile(contents_, threads, &*general);
      similar.general.emplace_back(*general, segment);
      return {std::move(segment), *general->match(numbers)};
    } catch (const NotGeneral&) {    // an operator needs to know one of its numbers
    } catch (const CompileError&) {  // it can be for these sizes, if at all
    }
  }
  return {Segment::compile(contents_, threads), {}};
}

// Programs that are kept ready at the same time.
constexpr size_t kMostSegments = 512;

const Tape::Found& Tape::segment() {
  const Hash key = this->key(true);
  const auto known = segments_.find(key);
  recent_misses_ <<= 1;
  if (known != segments_.end() && !known->second.segment->is_outdated()) return known->second;
  recent_misses_ |= 1;
  if (known != segments_.end()) {
    ++statistics_.compiled;
    known->second = {Segment::compile(contents_, threads), {}};
    return known->second;
  }
  if (segments_.size() >= kMostSegments) {  // what is still needed is loaded again from disk
    segments_.clear();
    similar_.clear();
  }
  if (std::popcount(recent_misses_) >= 24 && !warned_ && warn) {
    warned_ = true;
    note_miss();
    warn("nearly every step is compiled anew; the last one because of " + last_miss_);
  }
  return segments_.emplace(key, compile_segment()).first->second;
}

// A thread that runs one segment after another would never let those in that wait for its end.
void Tape::let_others_go() {
  for (int tries = 0; waiting_ > 0 && tries < 20 && unlocked; ++tries) {
    unlocked([] { std::this_thread::sleep_for(std::chrono::microseconds(50)); });
  }
  wait();
}

void Tape::hold() {
  wait();
  running_ = true;
}

void Tape::let_go(bool threads_are_gone) {
  running_ = false;
  if (threads_are_gone) waiting_ = 0;
}

void Tape::flush() {
  wait();
  if (waiting_ > 0) let_others_go();
  while (!worker().has_room()) {  // before anything is begun: other threads may come meanwhile
    unlocked([] { worker().wait_for_room(); });
    wait();
  }
  if (contents_.calls.empty() && contents_.history.empty()) return;
  ++statistics_.flushes;
  try {
    check == Check::nothing ? run_or_submit() : run_checked();
  } catch (...) {
    clear();
    throw;
  }
  clear();
  if (flushed) flushed();
}

namespace {

// While it lives, threads that come to the tape wait.
class Running {
 public:
  explicit Running(bool& running) : running_(running) { running_ = true; }
  Running(const Running&) = delete;
  ~Running() { running_ = false; }

 private:
  bool& running_;
};

}  // namespace

void Tape::run_or_submit() {
  const Found& found = segment();
  {
    const Running running(running_);
    found.segment->lay_out(contents_, [&](int64_t ticket) { wait_for(ticket); });
  }
  Worker& other = worker();
  other.collect();
  if (asynchronous && allocator().use().limit == 0 &&
      (also_small || !(found.segment->is_small() && other.is_idle()))) {
    std::erase_if(submitted_, [&](const auto& one) {
      return other.is_done(one.first) && other.failure(one.first).empty();
    });
    const int64_t ticket = Segment::submit(found.segment, contents_, found.symbols);
    if (!contents_.calls.empty()) submitted_.emplace_back(ticket, contents_.calls.back()->place);
    return;
  }
  {
    const Running running(running_);
    for (const Ref<Variable>& leaf : contents_.leaves) {
      if (leaf->storage) wait_for(leaf->storage->ticket);
    }
  }
  found.segment->run(contents_, found.symbols, [&](const std::function<void()>& body) {
    if (!run_apart) return body();
    const Running running(running_);
    run_apart(body);
  });
}

void Tape::flush_recorded() {
  tell_recordings([](Recording& recording) { recording.note_flush(); });
  flush();
}

namespace {

// Elements row-major, as readers outside of programs want them.
void give_own_order(Variable& value) {
  if (value.storage->layout) value.storage = moved(*value.type, *value.storage, nullptr);
}

}  // namespace

// Its results are there also where one has a NaN.
void Tape::run_checked() {
  Graph numbered = Segment::graph(contents_, true);
  std::vector<const Variable*> made;
  for (const auto* calls : {&contents_.history, &contents_.calls}) {
    for (const Ref<Call>& call : *calls) {
      for (const Variable* result : call->results) {
        if (is_wanted(result)) made.push_back(result);
      }
    }
  }
  const bool before = std::exchange(asynchronous, false);
  try {
    run_or_submit();
  } catch (...) {
    asynchronous = before;
    throw;
  }
  asynchronous = before;
  for (const Variable* result : made) {
    if (!result->storage) continue;
    const ValueType& type = *result->type;
    if (has_bad(type.dtype, result->storage->data, type.count, check)) {
      for (const Ref<Variable>& leaf : contents_.leaves) {
        if (leaf->storage) give_own_order(*leaf);
      }
      throw NotANumber(first_bad_operator(contents_, std::move(numbered), check, describe_place));
    }
  }
}

void Tape::wait_for(int64_t ticket) {
  if (ticket == 0) return;
  if (!worker().is_done(ticket)) unlocked([&] { worker().wait(ticket); });
  if (!worker().failure(ticket).empty()) report(ticket);
}

void Tape::report(int64_t ticket) const {
  worker().new_failure();  // it is told now
  const std::string failure = worker().failure(ticket);
  std::string where;
  for (const auto& [submitted, place] : submitted_) {  // the first is where it went wrong
    if (!where.empty() || worker().failure(submitted) != failure) continue;
    if (!describe_place || !place.code) continue;
    where = "\n  at " + describe_place(place) + ", the last line that this computation came from";
  }
  throw CompileError("array", failure + where);
}

void Tape::sync() {
  flush();
  if (!worker().is_idle()) unlocked([] { worker().wait_all(); });
  worker().collect();
  if (const int64_t failed = worker().new_failure()) report(failed);
}

void Tape::clear() {
  seen_.clear();
  seen_ = seen_in(contents_.calls);
  // No gradient passes these: what is known of them needs no history.
  for (const Ref<Call>& call : contents_.calls) {
    const bool dropped = call->signature->op->history == History::dropped;
    if (!dropped && !call->signature->detached) continue;
    for (Variable*& result : call->results) {
      if (!result || !(dropped || result->storage)) continue;
      result->producer = {};
      result = nullptr;
    }
  }
  for (const Ref<Call>& call : contents_.history) call->in_history = false;
  contents_ = {};
  hash_ = {};
  structure_ = {};
  pending_bytes_ = 0;
  call_hashes_.clear();
  ++epoch_;
  if (2 * recorded_since_forgetting_ >= all_calls().count) forget_history();
}

void Tape::compute(Variable* value) {
  for (Recording* recording : recordings) recording->fail("a value that is read");
  if (value->storage) {
    wait_for(value->storage->ticket);
    return give_own_order(*value);
  }
  if (value->body != 0) {
    if (const BodyRecorder* recorder = body()) {
      recorder->refuse(
          "reads a value, where none is known: it is recorded once, for all values",
          "use mt.where, mt.cond or mt.while_loop where Python's if and while depend on values; "
          "return what is to be read or printed, and read it outside");
    }
    refuse_left_over();
  }
  if (!on_tape(*value, epoch_)) bring_back(value, {});
  flush();
  if (!value->storage) {
    throw CompileError("array", "this value was lost when an earlier computation failed");
  }
  wait_for(value->storage->ticket);
  give_own_order(*value);
}

}  // namespace mintor::trace
