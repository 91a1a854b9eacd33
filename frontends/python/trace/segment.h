// SPDX-License-Identifier: Apache-2.0
// A segment of calls as a program: what one flush of the tape compiles once and replays. Takes the
// tape's contents; gives the storages of the results that are held. Keeps true: nothing of a
// segment refers to values of the run that compiled it: inputs are leaves by number, outputs are
// results of calls by number; sizes may be symbols (general.h).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "compiler/ir/graph.h"
#include "compiler/package/loaded_model.h"
#include "frontends/python/trace/value.h"

namespace mintor::trace {

struct TapeContents {
  std::vector<Ref<Call>> history;     // ran before: operands come before their users
  std::vector<Ref<Call>> calls;       // in the order in which they were made
  std::vector<Ref<Variable>> leaves;  // in the order in which they were first used
};

// Whether a flush has to store this result.
inline bool is_wanted(const Variable* result) {
  return result && result->handles > 0 && !result->storage;
}

struct General;

class SegmentJob;

class Segment {
 public:
  // With `general`, for all sizes that match it: NotGeneral where an operator needs one number.
  static std::unique_ptr<Segment> compile(const TapeContents& contents, int threads,
                                          const General* general = nullptr);
  // symbols: the sizes of this run, where the segment is general. `apart` calls what it is given,
  // which touches no Variable.
  using Apart = std::function<void(const std::function<void()>&)>;
  void run(const TapeContents& contents, std::span<const int64_t> symbols, const Apart& apart);
  // The same on the worker's thread: results have storages that are not written yet.
  static int64_t submit(const std::shared_ptr<Segment>& segment, const TapeContents& contents,
                        std::span<const int64_t> symbols);
  // It takes about as long as waking another thread.
  bool is_small() const { return is_small_; }
  // Gives each leaf's bytes in the order that the program reads; `wait` until a storage is written.
  void lay_out(const TapeContents& contents, const std::function<void(int64_t)>& wait);
  // What it reads has come in another order again and again: compiled anew it would read that one.
  bool is_outdated() const { return !is_general_ && moved_ > 2; }
  // Before any pass; one result for each value that is held. `numbered`: scopes name the calls
  // that nodes come from, call#0, call#1, ..., past#0 for those of the history. `only`: the one
  // result is this value.
  static Graph graph(const TapeContents& contents, bool numbered = false,
                     const Variable* only = nullptr);

 private:
  // A leaf's bytes; or a size alone, as the extent of an input that is never read.
  struct Input {
    int32_t leaf = -1, symbol = -1;
    const Layout* layout = nullptr;
  };
  friend SegmentJob;
  struct Output {
    bool in_history;
    int32_t call, result;
    const Layout* layout = nullptr;
  };
  void describe(const TapeContents& contents, std::span<const int64_t> symbols);
  // Of the inputs, as they lie before the run.
  std::vector<const Layout*> layouts_now(const TapeContents& contents) const;
  // Fills given_ and made_; the storages of results.
  std::vector<Ref<Storage>> prepare(const TapeContents& contents, std::span<const int64_t> symbols);
  void give(const TapeContents& contents, std::vector<Ref<Storage>> storages) const;

  std::unique_ptr<LoadedModel> model_;  // null: no result is held
  bool is_general_ = false, is_small_ = true;
  int moved_ = 0;  // times that a leaf lay otherwise than row-major, where that was expected
  std::vector<Input> inputs_;  // by position
  std::vector<Output> outputs_;
  std::vector<mt_tensor> given_, made_;
};

}  // namespace mintor::trace
