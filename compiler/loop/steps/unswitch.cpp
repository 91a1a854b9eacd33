// SPDX-License-Identifier: Apache-2.0
// Asks once, before a loop, whether conditions inside hold in all of its iterations.
//| for i in 0..14 {                            if in_range(14*t - 1, n - 13) {
//|   if in_range(14*t + i - 1, n) {              for i in 0..14 { S }
//|     S                      unswitch(i)      } else {
//|   }                           ->              for i_r in 0..14 {
//| }                                               if in_range(14*t + i_r - 1, n) { S }
//|                                               }
//|                                             }
// For ranges that move with the loop or with what is bound in it; the least and the largest value
// must be known from outside; those of one extent, a constant apart, are asked together. One that
// moves with nothing inside stays (hoist_guards). Names bound in the second copy end in `_r`.
#include "compiler/loop/step_support.h"

namespace mintor {
namespace {

// A condition as the range of its values over everything that is bound inside.
struct Hull {
  Index lo, hi, extent;
};

class Conditions {
 public:
  explicit Conditions(Ranges ranges) : ranges_(std::move(ranges)) {}

  std::vector<Hull> hulls;  // what all of them ask, in order of appearance
  std::vector<Expr> asked;  // the conditions that hold where these do

  void collect(const Stmt& s) {
    if (!s) return;
    if (auto* b = std::get_if<Block>(&s->node)) {
      for (const Stmt& one : b->body) collect(one);
      return;
    }
    visit_exprs(s, [&](const Expr& e) { condition(e); }, false);
    if (auto* f = std::get_if<For>(&s->node)) {
      bind(f->var, f->begin, f->end - 1);
      collect(f->body);
    } else if (auto* l = std::get_if<Let>(&s->node)) {
      auto* value = std::get_if<IndexExpr>(&l->value->node);
      if (value && l->value->lanes == 1)
        bind(l->name, value->value, value->value);
      else
        inner_.insert(l->name);
    } else if (auto* i = std::get_if<If>(&s->node)) {
      collect(i->then_body);
      collect(i->else_body);
    }
  }

  bool decided(const Hull& hull) const {
    return ranges_.proves_nonnegative(hull.lo) && ranges_.proves_less(hull.hi, hull.extent);
  }

 private:
  Ranges ranges_;
  std::set<std::string> inner_;

  void bind(const std::string& name, const Index& lo, const Index& hi) {
    ranges_.set(name, lo, hi);
    inner_.insert(name);
  }

  void condition(const Expr& e) {
    auto* r = std::get_if<InRangeExpr>(&e->node);
    if (!r) return;
    const std::string lane(kLane);
    if (e->lanes > 1) bind(lane, Index(0), Index(e->lanes - 1));
    const std::optional<Hull> hull = hull_of(*r);
    ranges_.erase(lane);
    inner_.erase(lane);
    if (!hull) return;
    asked.push_back(e);
    for (Hull& other : hulls)
      if (merge(*hull, other)) return;
    hulls.push_back(*hull);
  }

  bool fixed(const Index& e) const { return !varies(e, inner_); }

  std::optional<Hull> hull_of(const InRangeExpr& r) const {
    if (fixed(r.value) || !fixed(r.extent)) return std::nullopt;
    const auto lo = ranges_.lower_over(r.value, inner_), hi = ranges_.upper_over(r.value, inner_);
    if (!lo || !hi || !fixed(*lo) || !fixed(*hi)) return std::nullopt;
    Hull hull{ranges_.simplify(*lo), ranges_.simplify(*hi), r.extent};
    if (!defined_anywhere(hull.lo, ranges_) || !defined_anywhere(hull.hi, ranges_) ||
        !defined_anywhere(hull.extent, ranges_))
      return std::nullopt;
    // Never all of them: nothing is won.
    if (ranges_.proves_less(hull.lo, 0) || ranges_.proves_less(hull.extent, hull.hi + 1))
      return std::nullopt;
    return hull;
  }

  bool merge(const Hull& from, Hull& into) const {
    if (!(from.extent == into.extent)) return false;
    const Index lo = ranges_.simplify(from.lo - into.lo), hi = ranges_.simplify(from.hi - into.hi);
    if (!lo.is_const() || !hi.is_const()) return false;
    if (lo.value() < 0) into.lo = from.lo;
    if (hi.value() > 0) into.hi = from.hi;
    return true;
  }
};

Refusal unswitch(Kernel& kernel, StepArgs args) {
  const For& loop = loop_named(kernel, args.name(0));
  if (loop.kind == LoopKind::parallel) return {"the loop " + loop.var + " is parallel"};
  Ranges ranges = ranges_at(kernel, loop.var);
  ranges.erase(loop.var);
  Conditions conditions(ranges);
  const Stmt whole = k::loop(loop, loop.body);
  conditions.collect(whole);
  std::vector<Expr> tests;
  for (const Hull& hull : conditions.hulls)
    if (!conditions.decided(hull))
      tests.push_back(k::in_range(hull.lo, ranges.simplify(hull.extent - (hull.hi - hull.lo))));
  if (tests.empty())
    return {"no condition in " + loop.var + " moves with it between bounds that are known outside"};
  const std::set<Expr> asked(conditions.asked.begin(), conditions.asked.end());
  const Stmt inside = rewrite(
      whole,
      [&](const Expr& e) -> Expr {
        return asked.count(e) ? k::constant(Scalar::of_int(DType::boolean, 1)) : nullptr;
      },
      nullptr);
  auto taken = names_in(kernel);
  const Stmt rest = rename_bound(whole, free_suffix(taken, whole, "_r"), LoopPart::rest);
  kernel.body = replace_loop(kernel.body, args.name(0), [&](const For&) {
    return k::if_(conjunction(tests), simplify_stmt(inside, ranges), rest);
  });
  return {};
}

}  // namespace

extern const Step step_unswitch;
const Step step_unswitch = {"unswitch",
                            {{"axis", StepParamKind::loop}},
                            "asks once whether the conditions in a loop hold in all iterations",
                            unswitch};

}  // namespace mintor
