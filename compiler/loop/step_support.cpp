// SPDX-License-Identifier: Apache-2.0
// Takes kernels, loops and arguments of steps; gives what several steps need.
// Keeps true: nothing here decides whether a rewrite is legal; the step does.
#include "compiler/loop/step_support.h"

namespace mintor {

const For& loop_named(const Kernel& kernel, const std::string& var) {
  const For* loop = find_loop(kernel.body, var);
  check(loop != nullptr, "schedule", "a step is applied to a loop that is not there");
  return *loop;
}

Refusal expect_fresh(const Kernel& kernel, const std::string& name) {
  if (!names_in(kernel).count(name)) return {};
  return {"the name '" + name + "' is taken"};
}

Ranges ranges_inside(const Kernel& kernel, const For& loop) { return ranges_at(kernel, loop.var); }

Stmt copy_of_body(const Stmt& body, const std::string& var, const Index& value,
                  std::string_view suffix, LoopPart part, const Ranges& ranges) {
  Stmt copy = substitute(body, {{var, value}});
  return simplify_stmt(rename_bound(copy, suffix, part), ranges);
}

std::string free_suffix(std::set<std::string>& taken, const Stmt& body, std::string_view suffix) {
  auto bound = bound_in(body);
  std::string out(suffix);
  auto clashes = [&] {
    for (const auto& name : bound)
      if (taken.count(name + out)) return true;
    return false;
  };
  while (clashes()) out += suffix;
  for (const auto& name : bound) taken.insert(name + out);
  return out;
}

namespace {

void visit_conditions(const Stmt& stmt, const std::function<void(const InRangeExpr&)>& fn) {
  visit_exprs(stmt, [&](const Expr& e) {
    if (auto* r = std::get_if<InRangeExpr>(&e->node)) fn(*r);
  });
}

}  // namespace

std::optional<SplitTail> tail_of(const Kernel& kernel, const For& outer) {
  if (!outer.begin.is_const(0)) return std::nullopt;
  Ranges ranges = ranges_at(kernel, outer.var), inside = ranges;
  std::set<std::string> inner;
  outer_accesses(kernel, outer.body, inside, inner);  // adds the ranges of inner loops
  std::optional<SplitTail> found;
  visit_conditions(outer.body, [&](const InRangeExpr& r) {
    auto a = r.value.affine_in(outer.var);
    if (found || !a || a->first < 2) return;
    // A condition on padding looks alike, but its rest is no position within a block.
    if (!inside.proves_nonnegative(a->second) || !inside.proves_less(a->second, a->first)) return;
    if (ranges.simplify(mod(r.extent, a->first)).is_const(0)) return;
    if (ranges.simplify(ceildiv(r.extent, a->first)) == ranges.simplify(outer.end))
      found = SplitTail{a->first, r.extent};
  });
  return found;
}

namespace {

bool is_guard(const Expr& e, const For& outer, const SplitTail& tail,
              const std::optional<std::string>& inner) {
  auto* r = std::get_if<InRangeExpr>(&e->node);
  auto a = r ? r->value.affine_in(outer.var) : std::nullopt;
  return a && a->first == tail.factor && r->extent == tail.extent && inner &&
         a->second.as_var() == inner;
}

// Does everything that `s` does happen under the guard?
bool covered(const Stmt& s, const std::function<bool(const Expr&)>& guard) {
  if (!s) return true;
  if (auto* b = std::get_if<Block>(&s->node)) {
    for (const Stmt& one : b->body)
      if (!covered(one, guard)) return false;
    return true;
  }
  if (auto* f = std::get_if<For>(&s->node)) return covered(f->body, guard);
  if (auto* i = std::get_if<If>(&s->node)) {
    for (const Expr& part : conjuncts(i->cond))
      if (guard(part) && !i->else_body) return true;
    return covered(i->then_body, guard) && covered(i->else_body, guard);
  }
  return std::holds_alternative<Let>(s->node) || std::holds_alternative<Alloc>(s->node);
}

}  // namespace

Stmt without_tail_guard(const Kernel& kernel, const For& outer, const SplitTail& tail) {
  Ranges ranges = ranges_at(kernel, outer.var);
  std::set<std::string> inner;
  outer_accesses(kernel, outer.body, ranges, inner);  // adds the ranges of inner loops
  return rewrite(
      outer.body,
      [&](const Expr& e) -> Expr {
        auto* r = std::get_if<InRangeExpr>(&e->node);
        auto a = r ? r->value.affine_in(outer.var) : std::nullopt;
        if (!a || a->first != tail.factor || !(r->extent == tail.extent)) return nullptr;
        bool inside =
            ranges.proves_nonnegative(a->second) && ranges.proves_less(a->second, tail.factor);
        return inside ? k::constant(Scalar::of_int(DType::boolean, 1)) : nullptr;
      },
      nullptr);
}

Stmt tail_body(const Kernel& kernel, const For& outer, const SplitTail& tail, bool keep_variable) {
  Ranges ranges = ranges_at(kernel, outer.var);
  if (!keep_variable) ranges.erase(outer.var);
  Index whole = keep_variable ? Index::var(outer.var) : floordiv(tail.extent, tail.factor);
  Index left = ranges.simplify(mod(tail.extent, tail.factor));
  // The inner loop whose variable the guard adds to factor * outer.
  std::optional<std::string> inner;
  visit_conditions(outer.body, [&](const InRangeExpr& r) {
    auto a = r.value.affine_in(outer.var);
    if (!inner && a && a->first == tail.factor && r.extent == tail.extent)
      inner = a->second.as_var();
  });
  Stmt body = outer.body;
  const For* loop = inner ? find_loop(body, *inner) : nullptr;
  auto guard = [&](const Expr& e) { return is_guard(e, outer, tail, inner); };
  const bool cut = loop && loop->begin.is_const(0) && loop->end == Index(tail.factor) &&
                   covered(loop->body, guard);
  if (cut) {
    body = replace_loop(body, *inner, [&](const For& f) {
      // The guard is what the shorter loop says.
      Stmt unguarded = rewrite(
          f.body,
          [&](const Expr& e) -> Expr {
            return guard(e) ? k::constant(Scalar::of_int(DType::boolean, 1)) : nullptr;
          },
          nullptr);
      const LoopKind kind = left.is_const() ? f.kind : LoopKind::serial;
      return k::loop(f.var, 0, left, unguarded, kind, f.origin);
    });
  }
  auto taken = names_in(kernel);
  Stmt out =
      copy_of_body(body, outer.var, whole, free_suffix(taken, body, "_t"), LoopPart::tail, ranges);
  auto* first = std::get_if<For>(&outer.body->node);
  bool only_loop = cut && first && first->var == *inner;
  // The block exists when something is left: what stands beside the inner loop must not run
  // otherwise. Of an extent below 0 nothing is left, whatever the remainder says.
  if (!keep_variable && !ranges.proves_nonnegative(tail.extent))
    out = k::if_(k::in_range(whole, outer.end), out);
  else if (!left.is_const() && !only_loop)
    out = k::if_(k::in_range(0, left), out);
  return out;
}

}  // namespace mintor
