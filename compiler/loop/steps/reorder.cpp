// SPDX-License-Identifier: Apache-2.0
// Permutes loops of a perfect nest; conditions between them move to where their variables are
// known.
//| for a in 0..m {          reorder(b, a)       for b in 0..n {
//|   for b in 0..n { S }         ->               for a in 0..m { S }
//| }                                            }
// Legal when every loop that changes its place relative to another is free (its iterations touch
// disjoint memory, whatever the others do): loops that are not free, accumulations, keep their
// order among themselves.
#include <algorithm>

#include "compiler/loop/step_support.h"

namespace mintor {
namespace {

struct Nest {
  std::vector<For> loops;        // outermost first, from the first to the last of the named ones
  std::vector<Expr> conditions;  // between them and directly inside the last
  Stmt body;
};

// The nest from the outermost named loop down to the innermost named one.
Refusal collect(const For& outer, const std::vector<std::string>& names, Nest& nest) {
  size_t found = 0;
  Stmt at = k::loop(outer, outer.body);
  for (;;) {
    if (auto* f = std::get_if<For>(&at->node)) {
      bool named = std::find(names.begin(), names.end(), f->var) != names.end();
      if (found == names.size()) break;
      nest.loops.push_back(*f);
      found += named;
      at = f->body;
    } else if (auto* i = std::get_if<If>(&at->node); i && !i->else_body && !has_loads(i->cond)) {
      for (const Expr& part : conjuncts(i->cond)) nest.conditions.push_back(part);
      at = i->then_body;
    } else {
      break;
    }
  }
  if (found != names.size()) return {"the loops are no perfect nest below " + outer.var};
  nest.body = at;
  return {};
}

bool mentions(const Expr& cond, const std::string& var) { return varies(cond, {var}); }

}  // namespace

static Refusal reorder(Kernel& kernel, StepArgs args) {
  std::vector<std::string> names;
  for (size_t n = 0; n < args.size(); ++n) names.push_back(args.name(n));
  if (std::set<std::string>(names.begin(), names.end()).size() != names.size())
    return {"a loop is named twice"};
  const For* outer = nullptr;
  for (const auto& name : names) {
    const For* loop = &loop_named(kernel, name);
    bool holds_all = true;
    for (const auto& other : names)
      holds_all &= other == name || find_loop(loop->body, other) != nullptr;
    if (holds_all) outer = loop;
  }
  if (!outer) return {"no loop of them holds all others"};
  Nest nest;
  if (Refusal r = collect(*outer, names, nest)) return r;

  Ranges ranges = ranges_at(kernel, outer->var);
  for (const For& f : nest.loops) ranges.set(f.var, f.begin, f.end - 1);
  for (const Expr& c : nest.conditions)
    if (!defined_anywhere(c, ranges))
      return {"the condition " + print(c) + " would be asked where its divisor may be 0"};

  // The new order: named loops take the places of named loops.
  std::vector<For> order = nest.loops;
  size_t next = 0;
  for (For& f : order)
    if (std::find(names.begin(), names.end(), f.var) != names.end())
      f = *std::find_if(nest.loops.begin(), nest.loops.end(),
                        [&, n = names[next]](const For& l) { return l.var == n; }),
      ++next;
  std::set<std::string> known;
  std::set<std::string> all;
  for (const For& f : order) all.insert(f.var);
  for (const For& f : order) {
    for (const auto& v : all)
      if (!known.count(v) && (f.begin.mentions(v) || f.end.mentions(v)))
        return {"the bounds of " + f.var + " depend on " + v + ", which would be inside of it"};
    if (f.kind == LoopKind::parallel && &f != &order.front())
      return {"the parallel loop " + f.var + " must stay outermost"};
    known.insert(f.var);
  }
  auto place = [&](const std::vector<For>& in, const std::string& var) {
    return std::find_if(in.begin(), in.end(), [&](const For& f) { return f.var == var; }) -
           in.begin();
  };
  std::vector<std::string> bound;  // not free
  Refusal why;
  for (const For& f : nest.loops) {
    bool moves = false;
    for (const For& g : nest.loops)
      moves |= (place(nest.loops, f.var) < place(nest.loops, g.var)) !=
               (place(order, f.var) < place(order, g.var));
    if (!moves) {
      bound.push_back(f.var);  // whether it is free does not matter unless a bound loop crosses it
      continue;
    }
    std::set<std::string> others = all;
    others.erase(f.var);
    if (Refusal r = independent(kernel, f, others)) {
      bound.push_back(f.var);
      why = r;
    }
  }
  for (const auto& a : bound)
    for (const auto& b : bound)
      if ((place(nest.loops, a) < place(nest.loops, b)) != (place(order, a) < place(order, b)))
        return why;

  Stmt body = nest.body;
  std::vector<Expr> left = nest.conditions;
  for (size_t n = order.size(); n-- > 0;) {
    // Conditions that mention this loop are tested right inside of it; nothing stands around tasks.
    const bool tasks = order[n].kind == LoopKind::parallel;
    std::vector<Expr> here, rest;
    for (const Expr& c : left) (tasks || mentions(c, order[n].var) ? here : rest).push_back(c);
    if (Expr cond = conjunction(here)) body = k::if_(cond, body);
    left = rest;
    body = k::loop(order[n], body);
  }
  if (Expr cond = conjunction(left)) body = k::if_(cond, body);
  kernel.body = replace_loop(kernel.body, outer->var, [&](const For&) { return body; });
  return {};
}

extern const Step step_reorder;
const Step step_reorder = {
    "reorder",
    {{"axis", StepParamKind::loop}, {"axis", StepParamKind::loop}, {"...", StepParamKind::more}},
    "permutes loops of a perfect nest",
    reorder};

}  // namespace mintor
