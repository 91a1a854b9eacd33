// SPDX-License-Identifier: Apache-2.0
// Calls that ran, for gradients that are asked for later. Takes a value and what it is
// differentiated by; gives the calls between them back to the tape. Keeps true: chains of calls of
// any length are walked without recursion; what no gradient can ask for is forgotten.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "frontends/python/trace/tape.h"

namespace mintor::trace {

namespace {

// Of values that were computed: whether a gradient goes on from them to one of the xs.
class Leading {
 public:
  Leading(std::span<Variable* const> xs, uint32_t epoch) : xs_(xs), epoch_(epoch) {}

  bool beyond(const Variable* value) {
    const Call* call = value->producer.get();
    if (!call || call->epoch == epoch_) return false;
    std::vector<const Call*> path = {call};
    while (!path.empty()) {  // operands first, without recursion
      const Call* next = path.back();
      if (known_.contains(next)) {
        path.pop_back();
        continue;
      }
      bool leads = false;
      const size_t before = path.size();
      for (const Ref<Variable>& operand : next->operands) {
        const Call* below = operand->producer.get();
        leads = leads || std::ranges::find(xs_, operand.get()) != xs_.end();
        if (!below || below->epoch == epoch_) continue;
        const auto found = known_.find(below);
        if (found == known_.end())
          path.push_back(below);
        else
          leads = leads || found->second;
      }
      if (path.size() > before) continue;
      known_[next] = leads;
      path.pop_back();
    }
    return known_.at(call);
  }

 private:
  std::span<Variable* const> xs_;
  uint32_t epoch_;
  std::unordered_map<const Call*, bool> known_;
};

}  // namespace

void Tape::include_history(Variable* value, std::span<Variable* const> xs) {
  if (const BodyRecorder* recorder = body()) return recorder->check_gradient(value, xs);
  bring_back(value, xs);
}

void Tape::bring_back(Variable* value, std::span<Variable* const> xs) {
  wait();
  Leading leading(xs, epoch_);
  std::vector<std::pair<Call*, size_t>> path;
  std::vector<Call*> entered;
  const auto enter = [&](Variable* of) {
    Call* call = of->producer.get();
    if (!call || call->in_history || call->epoch == epoch_) return;
    if (of->storage && !leading.beyond(of)) return;
    call->in_history = true;  // until it is appended, its epoch is an earlier one
    path.emplace_back(call, 0);
  };
  const auto follow = [&](Variable* from) {
    enter(from);
    while (!path.empty()) {  // depth first without recursion: chains may be long
      auto& [call, operand] = path.back();
      if (operand < call->operands.size()) {
        enter(call->operands[operand++].get());
        continue;
      }
      entered.push_back(call);
      path.pop_back();
    }
  };
  // Calls on the tape are followed to what ran before.
  std::vector<Variable*> from = {value};
  std::vector<bool> visited(contents_.calls.size());
  while (!from.empty()) {
    Variable* next = from.back();
    from.pop_back();
    if (!on_tape(*next, epoch_)) {
      follow(next);
      continue;
    }
    const auto place = static_cast<size_t>(next->producer->position);
    if (visited[place]) continue;
    visited[place] = true;
    for (const Ref<Variable>& operand : next->producer->operands) from.push_back(operand.get());
  }
  // What calls on the tape read as a value cannot become one that is made after them.
  const bool is_late = std::ranges::any_of(entered, [&](const Call* call) {
    return std::ranges::any_of(call->results, [&](const Variable* result) {
      return result && result->leaf_epoch == epoch_;
    });
  });
  if (is_late) {
    for (Call* call : entered) call->in_history = false;
    flush();
    return bring_back(value, xs);
  }
  for (Call* call : entered) {
    append(call, contents_.history);
    for (Variable* result : call->results) {
      if (result && result->storage) leaf_of(result);  // read, not made again
    }
  }
}

void Tape::include_history(std::span<Variable* const> values, std::span<Variable* const> xs) {
  tell_recordings([&](Recording& recording) { recording.note_history(values, xs); });
  uint32_t before = 0;
  do {  // what comes too late for the calls on the tape runs them: then all is to be included again
    before = epoch_;
    for (Variable* value : values) include_history(value, xs);
  } while (before != epoch_);
}

std::span<const Ref<Variable>> taken_by(const Call& call) {
  return std::span(call.operands).subspan(call.signature->results.size());
}

namespace {

// What the gradient of a value goes on to.
std::span<const Ref<Variable>> gradient_operands(const Variable& value) {
  const Call* call = value.producer.get();
  if (!call || call->signature->detached || call->signature->op->flow == Flow::stops) return {};
  return call->signature->op->flow == Flow::owned ? taken_by(*call) : std::span(call->operands);
}

bool is_owned(const Variable& value) {
  return value.producer && value.producer->signature->op->flow == Flow::owned;
}

}  // namespace

std::vector<bool> depends_on(const Variable* y, std::span<Variable* const> xs, bool through_owned) {
  std::unordered_set<const Variable*> seen = {y};
  std::vector<const Variable*> from = {y};
  while (!from.empty()) {
    const Variable* next = from.back();
    from.pop_back();
    if (!through_owned && is_owned(*next)) continue;
    for (const Ref<Variable>& operand : gradient_operands(*next))
      if (seen.insert(operand.get()).second) from.push_back(operand.get());
  }
  std::vector<bool> depends;
  for (const Variable* x : xs) depends.push_back(seen.contains(x));
  return depends;
}

std::vector<Variable*> values_before(std::span<Variable* const> ys, int64_t number) {
  std::unordered_set<Variable*> seen(ys.begin(), ys.end());
  std::vector<Variable*> from(seen.begin(), seen.end()), before;
  while (!from.empty()) {
    Variable* next = from.back();
    from.pop_back();
    if (!next->producer || next->producer->number <= number) {
      const bool constant = !next->producer && next->handles == 0;
      if (is_float(next->type->dtype) && !constant) before.push_back(next);
      continue;
    }
    for (const Ref<Variable>& operand : gradient_operands(*next))
      if (seen.insert(operand.get()).second) from.push_back(operand.get());
  }
  return before;
}

std::vector<GradientPoint> gradient_points(std::span<Variable* const> ys,
                                           std::span<Variable* const> xs) {
  std::unordered_map<Variable*, bool> leads;  // once all that it was made of is known
  std::unordered_set<const Call*> seen;
  std::vector<GradientPoint> points;
  const auto finish = [&](Variable* value) {
    const auto operands = gradient_operands(*value);
    const auto leads_on = [&](const Ref<Variable>& operand) { return leads.at(operand.get()); };
    const bool beyond = std::ranges::any_of(operands, leads_on);
    if (beyond && is_owned(*value) && seen.insert(value->producer.get()).second) {
      GradientPoint point{nullptr, value->producer.get(), {}};
      for (const Ref<Variable>& operand : operands) point.leads.push_back(leads_on(operand));
      points.push_back(std::move(point));
    }
    leads[value] = beyond || std::ranges::find(xs, value) != xs.end();
    if (value->hooks && leads[value]) points.push_back({value, nullptr, {}});
  };
  for (Variable* y : ys) {
    std::vector<std::pair<Variable*, size_t>> path = {{y, 0}};
    while (!path.empty()) {  // depth first without recursion: chains may be long
      auto& [value, next] = path.back();
      const auto operands =
          leads.contains(value) ? std::span<const Ref<Variable>>() : gradient_operands(*value);
      if (next < operands.size()) {
        Variable* operand = operands[next++].get();
        if (!leads.contains(operand)) path.emplace_back(operand, 0);
        continue;
      }
      Variable* done = value;
      path.pop_back();
      if (!leads.contains(done)) finish(done);
    }
  }
  std::ranges::reverse(points);
  return points;
}

std::vector<bool> Tape::depends_on(Variable* y, std::span<Variable* const> xs, bool through_owned) {
  const BodyRecorder* recorder = body();
  const std::vector<bool> depends =
      recorder ? recorder->depends_on(y, xs) : trace::depends_on(y, xs, through_owned);
  tell_recordings(
      [&](Recording& recording) { recording.note_depends(y, xs, through_owned, depends); });
  return depends;
}

void Tape::tie_owner(Call& call, Ref<Attachment> owner, const Ref<Attachment>& like,
                     std::span<const Ref<Variable>> kept) {
  std::vector<Variable*> values;
  for (const Ref<Variable>& value : kept) values.push_back(value.get());
  call.owner = std::move(owner);
  tell_recordings([&](Recording& recording) { recording.note_owner(call, like, values); });
}

void Tape::forget_history() {
  recorded_since_forgetting_ = 0;
  std::vector<Ref<Call>> forgotten;  // freed when the list is no longer walked
  for (Call* call = all_calls().oldest; call; call = call->newer) {
    call->reaches_held = std::ranges::any_of(call->operands, [](const Ref<Variable>& operand) {
      return operand->handles > 0 || (operand->producer && operand->producer->reaches_held);
    });
    if (call->reaches_held) continue;
    for (Variable*& result : call->results) {
      if (!result || !result->storage) continue;
      forgotten.push_back(std::move(result->producer));
      result->producer = {};
      result = nullptr;
    }
  }
}

}  // namespace mintor::trace
