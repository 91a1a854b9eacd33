// SPDX-License-Identifier: Apache-2.0
// The tape: calls that were made and have not run. Takes calls on arrays; gives their values when
// one is read. Keeps true: every call is hashed every time, with which values it takes and which
// results are held: a segment (the calls between two runs) is found only where all is the same.
//
//   x = mt.float32(a)        a leaf
//   y = mt.exp(x) + 1        two calls and a leaf; nothing runs
//   y.numpy()                flush: hash -> compiled segment -> run; y has its bytes
//
// What ran keeps its calls (Variable::producer) as long as an array needs them: a gradient that is
// asked for later puts them onto the tape again, as history. What no gradient can ask for any more,
// because no array that it came from is held, is forgotten.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>

#include "frontends/python/trace/body.h"
#include "frontends/python/trace/general.h"
#include "frontends/python/trace/not_a_number.h"
#include "frontends/python/trace/recording.h"
#include "frontends/python/trace/segment.h"
#include "frontends/python/trace/signature.h"

namespace mintor::trace {

struct TapeStatistics {
  int64_t calls = 0, flushes = 0, compiled = 0;
};

// A call that was made, for messages.
struct Seen {
  const Signature* signature;
  Place place;
};
std::vector<Seen> seen_in(std::span<const Ref<Call>> calls);

class Tape {
 public:
  // A value that is known: `storage` holds its bytes.
  Ref<Variable> leaf(const ValueType* type, Ref<Storage> storage);
  // Results by position; each is held by nothing but what is returned.
  std::vector<Ref<Variable>> record(const TracedOperator& op, std::span<Variable* const> operands,
                                    const std::string& attributes);
  // The same for a signature that is known; `place`: of the user's program.
  std::vector<Ref<Variable>> record(const Signature* signature, std::span<Variable* const> operands,
                                    const Place& place);
  // Puts what `value` was made of onto the tape again, where it ran already: what leads to one of
  // `xs`, and what has to be computed for that. In a body there is no history.
  void include_history(Variable* value, std::span<Variable* const> xs);
  // The same for several values at once; recordings repeat it.
  void include_history(std::span<Variable* const> values, std::span<Variable* const> xs);
  // For each of xs whether a gradient of y reaches it; recordings see to it that it is so again.
  std::vector<bool> depends_on(Variable* y, std::span<Variable* const> xs, bool through_owned);
  // Ties what passes its gradient to a call; `like`, null where nothing records: it without `kept`,
  // the values that it keeps.
  void tie_owner(Call& call, Ref<Attachment> owner, const Ref<Attachment>& like,
                 std::span<const Ref<Variable>> kept);
  // Runs all calls whose results are held.
  void flush();
  // The same where the program asks for it: recordings repeat it.
  void flush_recorded();
  // `value` has its storage, written, afterwards.
  void compute(Variable* value);
  // That job of the worker is done; CompileError where it failed.
  void wait_for(int64_t ticket);
  // All that was recorded is computed; CompileError for what failed since the last time.
  void sync();
  // What a flush would compile now.
  Graph graph() const { return Segment::graph(contents_); }
  // The part of it that gives `value`, whose history is on the tape.
  Graph graph_of(const Variable* value) const { return Segment::graph(contents_, false, value); }

  SignatureTable& signatures() { return signatures_; }
  const TapeStatistics& statistics() const { return statistics_; }
  // Why the last flush that compiled found nothing: the first call that differs from the flush
  // before it; "" when there was none.
  const std::string& last_miss() const { return last_miss_; }
  bool gradients_on = true;
  std::vector<BodyRecorder*> bodies;  // of control flow that is recorded now, innermost last
  // The innermost that calls of this thread belong to; null: they belong to the tape.
  BodyRecorder* body() const;
  std::optional<DType> autocast;       // what operators of low precision take (autocast.h)
  std::vector<Recording*> recordings;  // of functions that are traced now, innermost last
  // Where the program is, for messages: set by whoever knows (the Python module). The first keeps
  // what it points to.
  Place (*current_place)() = nullptr;
  std::string (*describe_place)(const Place& place) = nullptr;
  // Runs `body` where other threads may go on; they come back through wait_while_running. Null: as
  // it is.
  void (*run_apart)(const std::function<void()>& body) = nullptr;
  void (*wait_while_running)() = nullptr;
  // Segments run on a thread of their own where that pays: `unlocked` waits for it, while others
  // may go on.
  void (*unlocked)(const std::function<void()>& body) = nullptr;
  bool asynchronous = false;
  bool also_small = false;       // those that do not pay, too: for tests
  int32_t scope = 0;             // of calls from now on; see scope_name
  Check check = Check::nothing;  // of what each flush computes; NotANumber where it finds some
  void (*flushed)() = nullptr;   // called after each flush
  bool is_running() const { return running_; }
  // Around a fork: no other thread is in a segment, nor gets into one, which a child would wait for
  // the end of. `threads_are_gone`: in the child.
  void hold();
  void let_go(bool threads_are_gone);
  // Told once that nearly every segment is compiled anew.
  void (*warn)(const std::string& text) = nullptr;
  int threads = 0;  // of the segments compiled from now on; 0: every core

 private:
  // Of those that began where calls are made now: in the same function of control flow, or in none.
  template <class Function>
  void tell_recordings(const Function& function) const {
    const BodyRecorder* recorder = body();
    for (Recording* recording : recordings) {
      if (recording->body == (recorder ? recorder->serial() : 0)) function(*recording);
    }
  }
  void include_unknown(std::span<Variable* const> values);
  void append(Call* call, std::vector<Ref<Call>>& calls);
  void mix_operands(const Call& call);
  void bring_back(Variable* value, std::span<Variable* const> xs);
  int32_t leaf_of(Variable* value);
  Hash key(bool with_sizes) const;
  // The segment for what is on the tape, and its symbols' values; compiled where there is none.
  struct Found {
    std::shared_ptr<Segment> segment;
    std::vector<int64_t> symbols;
  };
  const Found& segment();
  Found compile_segment();
  void clear();
  void wait() {
    if (!running_ || !wait_while_running) return;
    ++waiting_;
    while (running_) wait_while_running();
    --waiting_;
  }
  void let_others_go();
  void run_or_submit();
  void run_checked();
  [[noreturn]] void report(int64_t ticket) const;
  void keep_in_budget();
  void forget_history();
  void note_miss();

  SignatureTable signatures_;
  TapeContents contents_;
  Hash hash_{};       // of the calls and what they take
  Hash structure_{};  // the same without sizes
  uint32_t epoch_ = 1;
  int64_t pending_bytes_ = 0;
  int64_t recorded_since_forgetting_ = 0;
  std::vector<uint64_t> call_hashes_;  // of the calls on the tape, without what they take
  // Segments by what they are exactly; and by everything but their sizes: the numbers of the first
  // one, and what was made for more than one size.
  struct Similar {
    std::vector<int64_t> first;
    std::vector<std::pair<General, std::shared_ptr<Segment>>> general;
  };
  struct HashOfHash {
    size_t operator()(const Hash& hash) const { return hash[0]; }
  };
  std::unordered_map<Hash, Found, HashOfHash> segments_;
  std::unordered_map<Hash, Similar, HashOfHash> similar_;
  TapeStatistics statistics_;
  std::vector<Seen> seen_;  // calls of the last flush
  std::string last_miss_;
  std::vector<std::pair<int64_t, Place>> submitted_;  // where the program was; failed or not done
  bool running_ = false;        // a segment, for another thread that comes here meanwhile
  int waiting_ = 0;             // threads that came
  uint32_t recent_misses_ = 0;  // of the last 32 flushes, a bit each
  bool warned_ = false;
};

// What a call with a gradient of its own took; its first operands are what it gave.
std::span<const Ref<Variable>> taken_by(const Call& call);
// For each of xs whether a gradient of y reaches it; `through_owned`: also where the owners of
// calls have to pass it on.
std::vector<bool> depends_on(const Variable* y, std::span<Variable* const> xs,
                             bool through_owned = true);

// The floating-point values that ys were made of since the call of that number, and that were there
// before; without constants that nobody holds.
std::vector<Variable*> values_before(std::span<Variable* const> ys, int64_t number);

// Where a gradient leaves the graph on its way from ys to xs: a value with hooks, or a call with a
// gradient of its own.
struct GradientPoint {
  Variable* value = nullptr;
  Call* call = nullptr;
  std::vector<bool> leads;  // of what the call took: whether an x is reached from there
};
// All of them, users before what they use.
std::vector<GradientPoint> gradient_points(std::span<Variable* const> ys,
                                           std::span<Variable* const> xs);

// The one of this process; under the interpreter's lock.
Tape& tape();

}  // namespace mintor::trace
