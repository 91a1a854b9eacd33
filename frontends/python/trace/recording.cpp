// SPDX-License-Identifier: Apache-2.0
// Recording and making calls again. Results are kept while it records, so that no two values have
// the same address.
#include "frontends/python/trace/recording.h"

#include <algorithm>

#include "frontends/python/trace/tape.h"

namespace mintor::trace {

Recording::Source Recording::source_of(Variable* value) {
  const auto [at, is_new] = sources_.try_emplace(value);
  if (is_new) {
    at->second = {-1, static_cast<int32_t>(outside_.size())};
    outside_.emplace_back(value);
  }
  return at->second;
}

std::vector<Recording::Source> Recording::sources_of(std::span<Variable* const> values) {
  std::vector<Source> sources;
  for (Variable* value : values) sources.push_back(source_of(value));
  return sources;
}

void Recording::note_call(const Signature* signature, const Place& place,
                          std::span<Variable* const> operands,
                          std::span<const Ref<Variable>> results) {
  if (!is_own()) return;
  steps_.push_back({.signature = signature, .place = place, .operands = sources_of(operands)});
  operands_.clear();
  for (Variable* operand : operands) operands_.emplace_back(operand);
  for (size_t r = 0; r < results.size(); ++r) {
    results_.push_back(results[r]);
    sources_[results[r].get()] = {static_cast<int32_t>(steps_.size()) - 1, static_cast<int32_t>(r)};
  }
}

std::vector<Variable*> Recording::last_operands(size_t count) const {
  std::vector<Variable*> operands;
  for (size_t i = 0; i < count; ++i) operands.push_back(operands_.at(i).get());
  return operands;
}

namespace {

// Which way gradients of ys leave the graph: a walk, where anything is tied to calls or values.
std::vector<GradientPoint> points_of(std::span<Variable* const> ys, std::span<Variable* const> xs) {
  return attachments() == 0 ? std::vector<GradientPoint>() : gradient_points(ys, xs);
}

std::vector<bool> leads_of(const std::vector<GradientPoint>& points) {
  std::vector<bool> leads;
  for (const GradientPoint& point : points) {
    leads.push_back(point.call != nullptr);
    leads.insert(leads.end(), point.leads.begin(), point.leads.end());
  }
  return leads;
}

}  // namespace

bool Recording::is_recorded(const Call& call) const {
  return std::ranges::any_of(call.results, [&](const Variable* result) {
    const auto found = sources_.find(result);
    return found != sources_.end() && found->second.call >= 0;
  });
}

void Recording::note_history(std::span<Variable* const> ys, std::span<Variable* const> xs) {
  if (!is_own()) return;
  std::vector<GradientPoint> points;  // bodies have none
  if (body == 0) points = points_of(ys, xs);
  for (const GradientPoint& point : points) {
    if (!point.call) fail("a hook of a gradient");
    if (point.call && !is_recorded(*point.call)) {
      fail("a gradient of its own that was called outside");
    }
  }
  Step step{.kind = Step::Kind::history,
            .operands = sources_of(ys),
            .ys = ys.size(),
            .answers = leads_of(points)};
  for (const Source& x : sources_of(xs)) step.operands.push_back(x);
  steps_.push_back(std::move(step));
}

void Recording::note_depends(Variable* y, std::span<Variable* const> xs, bool through_owned,
                             const std::vector<bool>& answers) {
  if (!is_own()) return;
  Step step{.kind = Step::Kind::depends,
            .operands = {source_of(y)},
            .ys = 1,
            .through_owned = through_owned,
            .answers = answers};
  for (const Source& x : sources_of(xs)) step.operands.push_back(x);
  steps_.push_back(std::move(step));
}

void Recording::note_flush() {
  if (!is_own()) return;
  Step step{.kind = Step::Kind::flush};
  for (const Ref<Variable>& result : results_) {
    if (result->handles > 0) step.operands.push_back(sources_.at(result.get()));
  }
  steps_.push_back(std::move(step));
}

void Recording::note_owner(const Call& call, const Ref<Attachment>& like,
                           std::span<Variable* const> kept) {
  if (!is_own()) return;
  const auto noted = std::ranges::find_if(
      call.results, [&](const Variable* result) { return sources_.contains(result); });
  if (noted == call.results.end()) return;
  const auto at = static_cast<size_t>(sources_.at(*noted).call);
  steps_[at].kept = sources_of(kept);
  steps_[at].like = like;
}

void Recording::fail(const std::string& reason) {
  if (is_own() && failure_.empty()) failure_ = reason;
}

void Recording::finish() {
  results_.clear();
  outside_.clear();
  operands_.clear();
  sources_.clear();
}

void Holding::add(Ref<Variable> value) {
  ++value->handles;
  values_.push_back(std::move(value));
}

void Holding::let_go() {
  for (const Ref<Variable>& value : values_) --value->handles;
  values_.clear();
}

namespace {

// The call whose results these are; null: they have no bytes.
Call* call_of(std::span<const Ref<Variable>> results) {
  for (const Ref<Variable>& result : results)
    if (result->producer) return result->producer.get();
  return nullptr;
}

}  // namespace

std::optional<std::vector<Ref<Variable>>> Recording::replay(std::span<const Ref<Variable>> outside,
                                                            std::span<const Source> wanted,
                                                            const Again& again,
                                                            Holding& holding) const {
  std::vector<std::vector<Ref<Variable>>> made(steps_.size());
  const auto value = [&](const Source& source) -> const Ref<Variable>& {
    const auto place = static_cast<size_t>(source.place);
    return source.call < 0 ? outside[place] : made[static_cast<size_t>(source.call)][place];
  };
  std::vector<Variable*> operands;
  for (size_t s = 0; s < steps_.size(); ++s) {
    const Step& step = steps_[s];
    operands.clear();
    for (const Source& source : step.operands) operands.push_back(value(source).get());
    const std::span<Variable* const> all(operands);
    switch (step.kind) {
      case Step::Kind::call: {
        made[s] = tape().record(step.signature, operands, step.place);
        // What no history can give again.
        if (step.signature->op->history == History::dropped)
          for (const Ref<Variable>& result : made[s]) holding.add(result);
        if (Call* call = step.like ? call_of(made[s]) : nullptr) {
          std::vector<Ref<Variable>> kept;
          for (const Source& source : step.kept) kept.push_back(value(source));
          tape().tie_owner(*call, again(*step.like, kept), step.like, kept);
        }
        break;
      }
      case Step::Kind::history: {
        const auto ys = all.first(step.ys), xs = all.subspan(step.ys);
        if (!tape().body() && leads_of(points_of(ys, xs)) != step.answers) return std::nullopt;
        tape().include_history(ys, xs);
        break;
      }
      case Step::Kind::depends:
        if (tape().depends_on(all[0], all.subspan(1), step.through_owned) != step.answers)
          return std::nullopt;
        break;
      case Step::Kind::flush:
        holding.let_go();
        for (const Source& source : step.operands) holding.add(value(source));
        tape().flush_recorded();
        break;
    }
  }
  std::vector<Ref<Variable>> found;
  for (const Source& source : wanted) found.push_back(value(source));
  return found;
}

}  // namespace mintor::trace
