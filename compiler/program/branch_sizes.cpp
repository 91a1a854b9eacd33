// SPDX-License-Identifier: Apache-2.0
// Takes an entry's tree of steps, innermost branches first; adds checks where branches begin.
// Keeps true: a size that is bound inside of a branch is checked there, when it is bound.
#include "compiler/program/branch_sizes.h"

#include <algorithm>
#include <map>

namespace mintor {
namespace {

using Uses = std::map<int32_t, int64_t>;  // of buffers, those that views show too

class Branches {
 public:
  Branches(Program& program, const Entry& entry) : program_(program), ranges_(ranges_of(program)) {
    for (const auto* ports : {&entry.inputs, &entry.outputs})
      for (const int32_t id : *ports) use(id, all_);
    add_uses(entry.steps, all_);
    for (const std::string& counter : program.counters)
      ranges_.set(counter, Range{Index(0), std::nullopt});
  }

  void enter(HostSteps& steps) {
    for (HostStep& step : steps) {
      if (auto* branch = std::get_if<Branch>(&step.node)) {
        for (HostSteps* arm : {&branch->yes, &branch->no}) {
          enter(*arm);
          add_checks(*arm);
        }
      } else if (auto* loop = std::get_if<Loop>(&step.node)) {
        enter(loop->steps);
      }
    }
  }

 private:
  void use(int32_t id, Uses& uses) const {
    for (; id >= 0; id = program_.buffers.at(id).view_of) ++uses[id];
  }

  void add_uses(const HostSteps& steps, Uses& uses) const {
    visit_steps(steps, [&](const HostStep& step) {
      if (const auto* launch = std::get_if<Launch>(&step.node)) {
        for (const int32_t id : launch->args) use(id, uses);
      } else if (const auto* branch = std::get_if<Branch>(&step.node)) {
        use(branch->condition, uses);
      } else if (const auto* loop = std::get_if<Loop>(&step.node)) {
        use(loop->condition, uses);
      } else if (const auto* bind = std::get_if<Bind>(&step.node)) {
        use(bind->value, uses);
      }
    });
  }

  void add_checks(HostSteps& arm) {
    sizes_.clear();
    bound_.clear();
    Uses own;
    add_uses(arm, own);
    visit_steps(arm, [&](const HostStep& step) {
      if (const auto* bind = std::get_if<Bind>(&step.node)) bound_.push_back(bind->symbol);
    });
    add_sizes(arm);
    for (const auto& [id, count] : own) {
      Buffer& buffer = program_.buffers[id];
      if (buffer.in_branch || count != all_.at(id)) continue;
      const size_t before = sizes_.size();
      for (const Index& extent : buffer.shape) add(extent);
      buffer.in_branch =
          sizes_.size() > before || std::ranges::any_of(buffer.shape, [&](const Index& extent) {
            return std::ranges::find(sizes_, extent) != sizes_.end();
          });
    }
    HostSteps checks;
    for (const Index& size : sizes_)
      checks.push_back({Check{{size, 0, Condition::Form::left_or_positive}}});
    arm.insert(arm.begin(), checks.begin(), checks.end());
  }

  // Those of steps that the arm runs itself; branches inside of it see to theirs.
  void add_sizes(const HostSteps& steps) {
    for (const HostStep& step : steps) {
      if (const auto* launch = std::get_if<Launch>(&step.node)) {
        for (const Index& symbol : launch->symbols) add(symbol);
        for (const Index& tasks : launch->tasks) add(tasks);
      } else if (const auto* loop = std::get_if<Loop>(&step.node)) {
        add(loop->trip);
        add_sizes(loop->steps);
      }
    }
  }

  void add(const Index& size) {
    if (size.is_const() || size.as_var() || ranges_.proves_nonnegative(size)) return;
    if (std::ranges::find(sizes_, size) != sizes_.end()) return;
    const auto is_known = [&](const std::string& name) {
      const bool counts = std::ranges::find(program_.counters, name) != program_.counters.end();
      return !counts && !depends_on_bound(name);
    };
    if (std::ranges::all_of(size.vars(), is_known)) sizes_.push_back(size);
  }

  bool depends_on_bound(const std::string& name) const {
    if (std::ranges::find(bound_, name) != bound_.end()) return true;
    const auto symbol = std::ranges::find(program_.symbols, name, &Symbol::name);
    if (symbol == program_.symbols.end() || !symbol->value) return false;
    return std::ranges::any_of(symbol->value->vars(),
                               [&](const std::string& of) { return depends_on_bound(of); });
  }

  Program& program_;
  Ranges ranges_;
  Uses all_;
  std::vector<Index> sizes_;        // of the arm that is looked at
  std::vector<std::string> bound_;  // in it
};

}  // namespace

void check_sizes_in_branches(Program& program, Entry& entry) {
  Branches(program, entry).enter(entry.steps);
}

bool is_size_check(const Check& check) {
  return check.condition.form == Condition::Form::left_or_positive &&
         check.condition.right.is_const(0);
}

}  // namespace mintor
