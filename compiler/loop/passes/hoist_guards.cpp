// SPDX-License-Identifier: Apache-2.0
// Conditions move out of loops that do not affect them, and neighbours with one condition become
// one.
//| for c in 0..n {                            if in_range(iy, h) {
//|   if in_range(iy, h) { A(c) }                for c in 0..n {
//|   if in_range(iy, h) { B(c) }       ->         A(c)
//| }                                              B(c)
//|                                              }
//|                                            }
// Only conditions without loads and without lanes, so that testing them earlier or once is the
// same.
#include <algorithm>

#include "compiler/loop/analysis.h"
#include "compiler/loop/pass.h"

namespace mintor {
namespace {

bool same(const Expr& a, const Expr& b) { return a == b || print(a) == print(b); }

bool contains(const std::vector<Expr>& list, const Expr& e) {
  return std::any_of(list.begin(), list.end(), [&](const Expr& x) { return same(x, e); });
}

// The condition parts of an If without else; the body.
struct Guarded {
  std::vector<Expr> parts;
  Stmt body;
};

Stmt wrap(const std::vector<Expr>& parts, const Stmt& body) {
  Expr cond = conjunction(parts);
  return cond ? k::if_(cond, body) : body;
}

bool uses_any(const Expr& cond, const std::set<std::string>& names) { return varies(cond, names); }

class Hoister {
 public:
  explicit Hoister(Ranges ranges) : ranges_(std::move(ranges)) {}

  Stmt run(const Stmt& s) {
    if (!s) return s;
    if (auto* b = std::get_if<Block>(&s->node)) return block(*b);
    if (auto* f = std::get_if<For>(&s->node)) return loop(*f);
    if (auto* i = std::get_if<If>(&s->node)) return branch(*i);
    return s;
  }

 private:
  Ranges ranges_;

  // Conditions that may be asked elsewhere.
  std::optional<Guarded> guarded(const Stmt& s) const {
    auto* i = std::get_if<If>(&s->node);
    if (!i || i->else_body || has_loads(i->cond) || !defined_anywhere(i->cond, ranges_))
      return std::nullopt;
    return Guarded{conjuncts(i->cond), i->then_body};
  }

  // Adjacent statements whose conditions share parts share an If.
  Stmt block(const Block& b) {
    std::vector<Stmt> out;
    for (const Stmt& s : b.body) {
      Stmt next = run(s);
      if (auto merged = out.empty() ? std::nullopt : merge(out.back(), next))
        out.back() = *merged;
      else
        out.push_back(next);
    }
    return k::block(std::move(out));
  }
  std::optional<Stmt> merge(const Stmt& a, const Stmt& b) {
    auto x = guarded(a), y = guarded(b);
    if (!x || !y) return std::nullopt;
    std::vector<Expr> shared, only_x, only_y;
    for (const Expr& p : x->parts) (contains(y->parts, p) ? shared : only_x).push_back(p);
    for (const Expr& p : y->parts)
      if (!contains(shared, p)) only_y.push_back(p);
    if (shared.empty()) return std::nullopt;
    // What the first binds is not visible in the second, so the two bodies can share a block.
    return wrap(shared, block(Block{{wrap(only_x, x->body), wrap(only_y, y->body)}}));
  }

  Stmt loop(const For& f) {
    ranges_.set(f.var, f.begin, f.end - 1);
    Stmt body = run(f.body);
    auto g = guarded(body);
    ranges_.erase(f.var);
    if (!g || f.kind == LoopKind::parallel) return k::loop(f, body);
    std::vector<Expr> out, in;
    for (const Expr& p : g->parts) (uses_any(p, {f.var}) ? in : out).push_back(p);
    return wrap(out, k::loop(f, wrap(in, g->body)));
  }

  Stmt branch(const If& i) {
    Stmt then_body = run(i.then_body);
    if (i.else_body) return k::if_(i.cond, then_body, run(i.else_body));
    auto outer =
        guarded(k::if_(i.cond, then_body)) ? std::optional(conjuncts(i.cond)) : std::nullopt;
    auto inner = outer ? guarded(then_body) : std::nullopt;
    if (!inner) return k::if_(i.cond, then_body);
    for (const Expr& p : inner->parts)
      if (!contains(*outer, p)) outer->push_back(p);
    return wrap(*outer, inner->body);
  }
};

}  // namespace

static Kernel hoist_guards(const Kernel& kernel) {
  Kernel out = kernel;
  out.body = Hoister(ranges_at(kernel)).run(kernel.body);
  return out;
}

extern const LoopPass loop_pass_hoist_guards;
const LoopPass loop_pass_hoist_guards = {
    "hoist_guards", "moves conditions out of loops that do not affect them", hoist_guards};

}  // namespace mintor
