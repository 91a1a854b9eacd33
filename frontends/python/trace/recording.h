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

class Recording {
 public:
  // A value by where it comes from: a result of a recorded call, or (call < 0) one from outside.
  struct Source {
    int32_t call = -1, place = 0;
  };

  // While it records; calls of other threads are not its own.
  void note_call(const Signature* signature, const Place& place,
                 std::span<Variable* const> operands, std::span<const Ref<Variable>> results);
  void note_history(std::span<Variable* const> ys, std::span<Variable* const> xs);
  void fail(const std::string& reason);  // it is not to be made again; the first reason counts
  // Where the value comes from; one that is not known yet is one from outside from now on.
  Source source_of(Variable* value);
  // After it: values are known by their sources alone.
  void finish();

  uint32_t body = 0;  // that it started in; calls of others are not its own

  const std::string& failure() const { return failure_; }
  const std::vector<Ref<Variable>>& outside() const { return outside_; }

  // Makes the calls, with these values from outside in the place of those that were recorded; gives
  // those with these sources.
  std::vector<Ref<Variable>> replay(std::span<const Ref<Variable>> outside,
                                    std::span<const Source> wanted) const;

 private:
  struct Step {
    const Signature* signature = nullptr;  // null: history of the first sources by the others
    size_t ys = 0;                         // how many are the first
    Place place;
    std::vector<Source> operands;
  };
  bool is_own() const { return std::this_thread::get_id() == thread_; }

  std::thread::id thread_ = std::this_thread::get_id();
  std::vector<Step> steps_;
  std::vector<Ref<Variable>> results_, outside_;
  std::unordered_map<const Variable*, Source> sources_;
  std::string failure_;
};

}  // namespace mintor::trace
