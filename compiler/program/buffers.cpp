// SPDX-License-Identifier: Apache-2.0
// Sizes and look-ups of a Program's parts. Takes a Program; gives bytes, roots of views, kernels.
// Keeps true: Buffer::bytes() is a multiple of 64 for every value of the symbols.
#include <algorithm>
#include <numeric>

#include "compiler/loop/stack.h"
#include "compiler/program/program.h"
#include "compiler/support/error.h"
#include "compiler/support/index_poly.h"
#include "compiler/support/nearest.h"

namespace mintor {
namespace {

constexpr int64_t kAlignment = 64;   // a cache line, and the widest vector

// By its form alone; symbols are at least 0.
bool may_be_negative(const Index& e);

bool may_be_negative(const Index::Atom& atom) {
  switch (atom.kind) {
    case Index::Atom::Kind::variable:
    case Index::Atom::Kind::mod:
      return false;
    case Index::Atom::Kind::floordiv:
      return may_be_negative(atom.a);
    case Index::Atom::Kind::min:
      return may_be_negative(atom.a) || may_be_negative(atom.b);
    case Index::Atom::Kind::max:
      return may_be_negative(atom.a) && may_be_negative(atom.b);
  }
  return true;
}

bool may_be_negative(const Index& e) {
  return std::ranges::any_of(e.poly().terms, [](const IndexTerm& term) {
    return term.coefficient < 0 ||
           std::ranges::any_of(term.factors, [](const auto& f) { return may_be_negative(*f); });
  });
}

}  // namespace

Index Buffer::exact_bytes() const {
  Index total = size_of(dtype);
  for (const Index& extent : shape)
    total = total * (in_branch && may_be_negative(extent) ? max(extent, 0) : extent);
  return total;
}

Index Buffer::bytes() const {
  return floordiv(exact_bytes() + (kAlignment - 1), kAlignment) * kAlignment;
}

Ranges ranges_of(const Program& program) {
  Ranges ranges;
  for (const Symbol& symbol : program.symbols) {
    Range range{Index(symbol.lo), std::nullopt, symbol.divisor};
    if (symbol.hi >= 0) range.hi = Index(symbol.hi);
    ranges.set(symbol.name, range);
  }
  return ranges;
}

const std::string& port_name(const Buffer& buffer) {
  return buffer.port.empty() ? buffer.name : buffer.port;
}

int32_t root_of(const Program& program, int32_t buffer) {
  size_t steps = 0;
  while (program.buffers.at(buffer).view_of >= 0) {
    buffer = program.buffers[buffer].view_of;
    check(++steps <= program.buffers.size(), "root_of", "views form a cycle");
  }
  return buffer;
}

Index offset_in_root(const Program& program, int32_t buffer) {
  Index offset = 0;
  for (; program.buffers.at(buffer).view_of >= 0; buffer = program.buffers[buffer].view_of)
    offset = offset + program.buffers[buffer].offset;
  return offset;
}

int32_t stage_of(const Program& program, const Index& e) {
  int32_t stage = 0;
  for (const std::string& name : e.vars()) {
    for (size_t d = 0; d < program.dynamic.size(); ++d)
      if (program.dynamic[d].symbol == name) stage = std::max(stage, static_cast<int32_t>(d) + 1);
    const auto symbol = std::ranges::find(program.symbols, name, &Symbol::name);
    if (symbol != program.symbols.end() && symbol->value)
      stage = std::max(stage, stage_of(program, *symbol->value));
  }
  return stage;
}

int64_t alignment_of(const Program& program, int32_t buffer) {
  const Place place = program.buffers[root_of(program, buffer)].place;
  if (place <= Place::output) return size_of(program.buffers[buffer].dtype);
  const Index offset = offset_in_root(program, buffer);
  int64_t alignment = kAlignment;
  for (const IndexTerm& term : offset.poly().terms)
    alignment = std::gcd(alignment, term.coefficient);
  return alignment;
}

int64_t scratch_bytes(const Program& program, const Entry& entry) {
  int64_t most = 0;
  visit_launches(entry.steps, [&](const Launch& launch) {
    for (const Kernel& kernel : program.kernels[find_kernel(program, launch.kernel)].levels)
      most = std::max(most, scratch_layout(kernel).bytes);
  });
  return most;
}

void visit_indices(const HostSteps& steps, const std::function<void(const Index&)>& visit) {
  for (const HostStep& step : steps) {
    if (const auto* launch = std::get_if<Launch>(&step.node)) {
      std::ranges::for_each(launch->symbols, visit);
    } else if (const auto* branch = std::get_if<Branch>(&step.node)) {
      visit_indices(branch->yes, visit);
      visit_indices(branch->no, visit);
    } else if (const auto* loop = std::get_if<Loop>(&step.node)) {
      visit(loop->trip);
      visit_indices(loop->steps, visit);
    } else if (const auto* check = std::get_if<Check>(&step.node)) {
      visit(check->condition.left);
      visit(check->condition.right);
    } else if (const auto* bind = std::get_if<Bind>(&step.node)) {
      visit(Index::var(bind->symbol));
    }
  }
}

namespace {

void collect_buffers(const HostSteps& steps, std::vector<int32_t>& found) {
  for (const HostStep& step : steps) {
    if (const auto* launch = std::get_if<Launch>(&step.node)) {
      found.insert(found.end(), launch->args.begin(), launch->args.end());
    } else if (const auto* branch = std::get_if<Branch>(&step.node)) {
      found.push_back(branch->condition);
      collect_buffers(branch->yes, found);
      collect_buffers(branch->no, found);
    } else if (const auto* loop = std::get_if<Loop>(&step.node)) {
      if (loop->condition >= 0) found.push_back(loop->condition);
      collect_buffers(loop->steps, found);
    } else if (const auto* bind = std::get_if<Bind>(&step.node)) {
      found.push_back(bind->value);
    }
  }
}

}  // namespace

std::set<int32_t> buffers_of(const Program& program, const Entry& entry) {
  std::vector<int32_t> found = entry.inputs;
  found.insert(found.end(), entry.outputs.begin(), entry.outputs.end());
  collect_buffers(entry.steps, found);
  std::set<int32_t> all;
  for (int32_t id : found)
    for (; id >= 0 && all.insert(id).second;) id = program.buffers.at(id).view_of;
  return all;
}

std::set<std::string> symbols_of(const Program& program, const Entry& entry) {
  std::set<std::string> used;
  const auto use = [&](const Index& e) { used.merge(e.vars()); };
  for (const int32_t id : buffers_of(program, entry))
    std::ranges::for_each(program.buffers[id].shape, use);
  for (const Condition& c : entry.conditions) use(c.left), use(c.right);
  visit_indices(entry.steps, use);
  std::set<std::string> symbols;
  for (size_t i = program.symbols.size(); i-- > 0;) {
    const Symbol& symbol = program.symbols[i];
    if (!used.contains(symbol.name)) continue;
    if (symbol.value) use(*symbol.value);
    symbols.insert(symbol.name);
  }
  return symbols;
}

bool binds(const Entry& entry, std::string_view symbol) {
  bool found = false;
  const std::function<void(const HostSteps&)> look = [&](const HostSteps& steps) {
    for (const HostStep& step : steps) {
      if (const auto* bind = std::get_if<Bind>(&step.node)) {
        found = found || bind->symbol == symbol;
      } else if (const auto* branch = std::get_if<Branch>(&step.node)) {
        look(branch->yes);
        look(branch->no);
      } else if (const auto* loop = std::get_if<Loop>(&step.node)) {
        look(loop->steps);
      }
    }
  };
  look(entry.steps);
  return found;
}

size_t find_entry(const Program& program, std::string_view name) {
  std::vector<std::string_view> names;
  for (const Entry& entry : program.entries) names.push_back(entry.name);
  const auto found = std::ranges::find(names, name);
  if (found != names.end()) return static_cast<size_t>(found - names.begin());
  throw CompileError("program", "there is no entry '" + std::string(name) + "'", "",
                     did_you_mean(name, names));
}

size_t find_kernel(const Program& program, std::string_view name) {
  for (size_t i = 0; i < program.kernels.size(); ++i) {
    if (program.kernels[i].name == name) return i;
  }
  throw InternalError("program", "there is no kernel '" + std::string(name) + "'");
}

}  // namespace mintor
