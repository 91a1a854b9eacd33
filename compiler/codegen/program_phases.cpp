// SPDX-License-Identifier: Apache-2.0
// Takes an entry's tree of steps; gives it as C++ that can be left at each launch and entered again
// behind it: cases of one switch, inside of the loops and branches.
//   for (n[2] = 0; n[2] < n_batch; ++n[2]) {
//     return 1;
//   case 1:
//     return 2;
//   case 2:;
//   }
#include "compiler/codegen/program_phases.h"

#include <algorithm>

#include "compiler/support/error.h"

namespace mintor {
namespace {

void add_phases(const HostSteps& steps, std::vector<Phase>& phases);

void add_phases(const HostStep& step, std::vector<Phase>& phases) {
  if (const auto* launch = std::get_if<Launch>(&step.node)) {
    phases.push_back({.launch = launch, .name = launch->kernel});
  } else if (const auto* branch = std::get_if<Branch>(&step.node)) {
    phases.push_back({.condition = branch->condition, .name = "if"});
    add_phases(branch->yes, phases);
    add_phases(branch->no, phases);
  } else if (const auto* bind = std::get_if<Bind>(&step.node)) {
    phases.push_back({.bind = bind, .name = "bind"});
  } else if (const auto* check = std::get_if<Check>(&step.node)) {
    phases.push_back({.check = check, .name = "check"});
  } else if (const auto* loop = std::get_if<Loop>(&step.node)) {
    if (loop->condition >= 0) phases.push_back({.condition = loop->condition, .name = "while"});
    add_phases(loop->steps, phases);
  }
}

void add_phases(const HostSteps& steps, std::vector<Phase>& phases) {
  for (const HostStep& step : steps) add_phases(step, phases);
}

void collect_trips(const HostSteps& steps, std::vector<Index>& trips) {
  for (const HostStep& step : steps) {
    if (const auto* branch = std::get_if<Branch>(&step.node)) {
      collect_trips(branch->yes, trips);
      collect_trips(branch->no, trips);
    } else if (const auto* loop = std::get_if<Loop>(&step.node)) {
      trips.push_back(loop->trip);
      collect_trips(loop->steps, trips);
    }
  }
}

class OrderWriter {
 public:
  OrderWriter(ProgramWriter& out, const Program& program) : out_(out), program_(program) {}

  void write(const HostSteps& steps) {
    for (const HostStep& step : steps) {
      if (std::holds_alternative<Launch>(step.node)) leave();
      if (std::holds_alternative<Check>(step.node)) leave();
      if (const auto* branch = std::get_if<Branch>(&step.node)) write(*branch);
      if (const auto* loop = std::get_if<Loop>(&step.node)) write(*loop);
      if (const auto* bind = std::get_if<Bind>(&step.node)) write(*bind);
    }
  }

 private:
  void leave() {
    out_.line("return " + std::to_string(phase_) + ";");
    out_.label("case " + std::to_string(phase_++) + ":;");
  }

  void write(const Branch& branch) {
    leave();
    out_.open("if (chosen) {");
    write(branch.yes);
    out_.close(branch.no.empty() ? "}" : "} else {");
    if (branch.no.empty()) return;
    out_.open_again();
    write(branch.no);
    out_.close();
  }

  void write(const Loop& loop) {
    const std::string counter = out_.slot(loop.counter);
    out_.open("for (" + counter + " = 0; " + counter + " < " + out_.in_slots(loop.trip) + "; ++" +
              counter + ") {");
    if (loop.condition >= 0) {
      leave();
      out_.line("if (!chosen) break;");
    }
    write(loop.steps);
    out_.close();
  }

  // And the symbols that are computed once it is known.
  void write(const Bind& bind) {
    leave();
    out_.line(out_.slot(bind.symbol) + " = chosen;");
    const auto at = std::ranges::find(program_.dynamic, bind.symbol, &DynamicSize::symbol);
    const auto stage = static_cast<int32_t>(at - program_.dynamic.begin()) + 1;
    for (const Symbol& symbol : program_.symbols)
      if (symbol.value && stage_of(program_, *symbol.value) == stage)
        out_.line(out_.slot(symbol.name) + " = " + out_.in_slots(*symbol.value) + ";");
  }

  ProgramWriter& out_;
  const Program& program_;
  int phase_ = 0;
};

}  // namespace

std::vector<Phase> phases_of(const Entry& entry) {
  std::vector<Phase> phases;
  add_phases(entry.steps, phases);
  return phases;
}

std::vector<Phase> phases_of(const HostStep& step) {
  std::vector<Phase> phases;
  add_phases(step, phases);
  return phases;
}

bool has_order(const Entry& entry) {
  return !std::ranges::all_of(
      entry.steps, [](const HostStep& step) { return std::holds_alternative<Launch>(step.node); });
}

std::vector<Index> trips_of(const Entry& entry) {
  std::vector<Index> trips;
  collect_trips(entry.steps, trips);
  return trips;
}

void write_order(ProgramWriter& out, const Program& program, const Entry& entry) {
  if (!has_order(entry)) return;
  out.open("static int32_t next(int64_t* n, int64_t chosen, int32_t phase) {");
  out.line("(void)n;");
  out.line("(void)chosen;");
  out.open("switch (phase) {");
  out.label("default:");
  OrderWriter(out, program).write(entry.steps);
  out.close();
  out.line("return -1;");
  out.close();
  out.line();
}

}  // namespace mintor
