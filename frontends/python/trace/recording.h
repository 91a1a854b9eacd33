// SPDX-License-Identifier: Apache-2.0
// Calls of a function that is traced once and called often. Takes the calls that are made while it
// is on the tape's list; makes the same calls again, of other values. Keeps true: a call that is
// made again is a call like any other (hashed, compiled with what is around it, differentiated);
// what depended on a value that was read while recording is never made again.
#pragma once

#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "frontends/python/trace/signature.h"
#include "frontends/python/trace/value.h"

namespace mintor::trace {

// Values that count as held by arrays, as they were in the function: a run in the midst of it keeps
// their bytes.
class Holding {
 public:
  Holding() = default;
  Holding(const Holding&) = delete;
  ~Holding() { let_go(); }
  void add(Ref<Variable> value);
  void let_go();

 private:
  std::vector<Ref<Variable>> values_;
};

class Recording {
 public:
  // Makes what is tied to a call with a gradient of its own anew: from what the recorded one was
  // without its values, and values in the place of those.
  using Again =
      std::function<Ref<Attachment>(const Attachment& like, std::span<const Ref<Variable>> kept)>;

  // A value by where it comes from: a result of a recorded call, or (call < 0) one from outside.
  struct Source {
    int32_t call = -1, place = 0;
  };

  // While it records; calls of other threads are not its own.
  void note_call(const Signature* signature, const Place& place,
                 std::span<Variable* const> operands, std::span<const Ref<Variable>> results);
  void note_history(std::span<Variable* const> ys, std::span<Variable* const> xs);
  void note_depends(Variable* y, std::span<Variable* const> xs, bool through_owned,
                    const std::vector<bool>& answers);
  void note_flush();
  // Of a call that was noted: `like` is its owner without the values that it keeps.
  void note_owner(const Call& call, const Ref<Attachment>& like, std::span<Variable* const> kept);
  void fail(const std::string& reason);  // it is not to be made again; the first reason counts
  // Where the value comes from; one that is not known yet is one from outside from now on.
  Source source_of(Variable* value);
  // The first operands of the last call.
  std::vector<Variable*> last_operands(size_t count) const;
  // After it: values are known by their sources alone.
  void finish();

  uint32_t body = 0;  // that it started in; calls of others are not its own

  const std::string& failure() const { return failure_; }
  const std::vector<Ref<Variable>>& outside() const { return outside_; }

  // Makes the calls, with these values from outside in the place of those that were recorded; gives
  // those with these sources, or none where the history of the values leads to other calls.
  std::optional<std::vector<Ref<Variable>>> replay(std::span<const Ref<Variable>> outside,
                                                   std::span<const Source> wanted,
                                                   const Again& again, Holding& holding) const;

 private:
  struct Step {
    enum class Kind : uint8_t {
      call,
      history,  // of the first operands by the others
      depends,  // whether the first operand does on the others
      flush,    // operands: the results that were held
    };
    Kind kind = Kind::call;
    const Signature* signature = nullptr;
    Place place = {};
    std::vector<Source> operands = {};
    size_t ys = 0;                   // how many are the first
    bool through_owned = true;       // of depends
    std::vector<bool> answers = {};  // of depends; of history: which way its points lead on
    Ref<Attachment> like = {};       // of a call with a gradient of its own
    std::vector<Source> kept = {};
  };
  bool is_own() const { return std::this_thread::get_id() == thread_; }
  std::vector<Source> sources_of(std::span<Variable* const> values);
  bool is_recorded(const Call& call) const;

  std::thread::id thread_ = std::this_thread::get_id();
  std::vector<Step> steps_;
  std::vector<Ref<Variable>> results_, outside_, operands_;  // the last: of the last call
  std::unordered_map<const Variable*, Source> sources_;
  std::string failure_;
};

}  // namespace mintor::trace
