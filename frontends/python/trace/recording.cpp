// SPDX-License-Identifier: Apache-2.0
// Recording and making calls again. Results are kept while it records, so that no two values have
// the same address.
#include "frontends/python/trace/recording.h"

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

void Recording::note_call(const Signature* signature, const Place& place,
                          std::span<Variable* const> operands,
                          std::span<const Ref<Variable>> results) {
  if (!is_own()) return;
  if (signature->op->flow == Flow::owned) fail("a function with a gradient of its own");
  Step step{signature, 0, place, {}};
  for (Variable* operand : operands) step.operands.push_back(source_of(operand));
  for (size_t r = 0; r < results.size(); ++r) {
    results_.push_back(results[r]);
    sources_[results[r].get()] = {static_cast<int32_t>(steps_.size()), static_cast<int32_t>(r)};
  }
  steps_.push_back(std::move(step));
}

void Recording::note_history(std::span<Variable* const> ys, std::span<Variable* const> xs) {
  if (!is_own()) return;
  Step step;
  step.ys = ys.size();
  for (Variable* y : ys) step.operands.push_back(source_of(y));
  for (Variable* x : xs) step.operands.push_back(source_of(x));
  steps_.push_back(std::move(step));
}

void Recording::fail(const std::string& reason) {
  if (is_own() && failure_.empty()) failure_ = reason;
}

void Recording::finish() {
  results_.clear();
  sources_.clear();
}

std::vector<Ref<Variable>> Recording::replay(std::span<const Ref<Variable>> outside,
                                             std::span<const Source> wanted) const {
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
    if (step.signature) {
      made[s] = tape().record(step.signature, operands, step.place);
    } else {
      const std::span<Variable* const> all(operands);
      tape().include_history(all.first(step.ys), all.subspan(step.ys));
    }
  }
  std::vector<Ref<Variable>> found;
  for (const Source& source : wanted) found.push_back(value(source));
  return found;
}

}  // namespace mintor::trace
