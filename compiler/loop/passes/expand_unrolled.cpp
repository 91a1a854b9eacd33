// SPDX-License-Identifier: Apache-2.0
// Writes unrolled loops out where their copies differ in more than addresses:
//   unrolled i in 0..2 { if in_range(i - 1, 2) { acc[0] = x[i] } }  ->  acc[0] = x[1]
// Names bound in a copy get its number. Each copy is simplified under the ranges around it, so that
// conditions on the unrolled variable disappear before the next level is copied.
// A tile, whose copies differ in addresses alone, stays a loop: the emitter marks it, the compilers
// write it out, and a reader sees the tile. Measured on a tile of 14 x 2 vectors at v4 and 6 x 1 at
// v3: the same instructions and speed as written-out text, gcc 12 and clang 19 (2026-11-28).
#include <algorithm>

#include "compiler/ir/flat_index.h"
#include "compiler/loop/analysis.h"
#include "compiler/loop/pass.h"
#include "compiler/loop/simplify.h"

namespace mintor {
namespace {

class Expander {
 public:
  explicit Expander(const Kernel& kernel)
      : ranges_(ranges_at(kernel)), names_(names_in(kernel)), buffers_(buffers_of(kernel)) {}

  Stmt run(const Stmt& s) {
    if (!s) return s;
    if (auto* b = std::get_if<Block>(&s->node)) {
      std::vector<Stmt> out;
      for (const Stmt& one : b->body) out.push_back(run(one));
      return k::block(std::move(out));
    }
    if (auto* i = std::get_if<If>(&s->node))
      return k::if_(i->cond, run(i->then_body), run(i->else_body));
    auto* loop = std::get_if<For>(&s->node);
    if (!loop) return s;
    const Stmt narrower = loop->kind == LoopKind::unrolled ? narrowed(*loop) : nullptr;
    auto* f = narrower ? std::get_if<For>(&narrower->node) : loop;
    if (!f) return narrower;
    if (f->kind == LoopKind::unrolled && !is_tile(*f)) return copies(*f);
    ranges_.set(f->var, f->begin, f->end - 1);
    Stmt body = run(f->body);
    ranges_.erase(f->var);
    return k::loop(*f, body);
  }

 private:
  Ranges ranges_;
  std::set<std::string> names_;
  std::map<std::string, BufferType> buffers_;

  // Copies that a condition leaves out, at either end: unrolled i in 0..14 { if in_range(i - 2, 99)
  // { S } }  ->  unrolled i in 2..14 { S }. nullptr: the condition is not decided, or holds in
  // between.
  Stmt narrowed(const For& f) const {
    auto* branch = std::get_if<If>(&f.body->node);
    const Index extent = ranges_.simplify(f.end - f.begin);
    if (!branch || branch->else_body || !extent.is_const()) return nullptr;
    int64_t first = -1, last = -1;
    for (int64_t n = 0; n < extent.value(); ++n) {
      const Stmt copy = simplify_stmt(
          substitute(k::if_(branch->cond, k::let("t", k::index(0))), {{f.var, f.begin + n}}),
          ranges_);
      if (std::holds_alternative<If>(copy->node)) return nullptr;
      if (!std::holds_alternative<Let>(copy->node)) continue;
      if (first >= 0 && last != n) return nullptr;
      if (first < 0) first = n;
      last = n + 1;
    }
    if (first < 0) return k::block({});
    return k::loop(f, f.begin + first, f.begin + last, branch->then_body);
  }

  // Rows of a line that was cut into several dimensions move evenly in the whole buffer.
  bool moves_evenly(const For& f, const std::string& buffer, const std::vector<Index>& at) const {
    const auto found = buffers_.find(buffer);
    return found != buffers_.end() &&
           ranges_.simplify(flat_index(at, found->second.shape)).affine_in(f.var).has_value();
  }

  // No index is uneven in the variable but coordinates of accesses that move evenly.
  bool only_even_addresses(const For& f) const {
    const auto uneven = [&](const Index& e) { return e.mentions(f.var) && !e.affine_in(f.var); };
    int64_t all = 0, in_addresses = 0;
    map_indices(f.body, [&](const Index& e) {
      all += uneven(e);
      return e;
    });
    if (all == 0) return true;
    const auto count = [&](const std::string& buffer, const std::vector<Index>& at) {
      const int64_t own = std::ranges::count_if(at, uneven);
      if (own > 0 && moves_evenly(f, buffer, at)) in_addresses += own;
    };
    visit_exprs(f.body, [&](const Expr& e) {
      if (auto* load = std::get_if<LoadExpr>(&e->node)) count(load->buffer, load->indices);
    });
    visit(f.body, [&](const Stmt& s) {
      if (auto* store = std::get_if<Store>(&s->node)) count(store->buffer, store->indices);
    });
    return in_addresses == all;
  }

  // Stores and Lets whose addresses are affine in the variable, in loops that are tiles too.
  bool is_tile(const For& f) const {
    const Index extent = ranges_.simplify(f.end - f.begin);
    if (!extent.is_const() || extent.value() < 2) return false;
    bool only_addresses = true;
    visit(f.body, [&](const Stmt& s) {
      auto* loop = std::get_if<For>(&s->node);
      if (loop) only_addresses &= loop->kind == LoopKind::unrolled;
      if (loop) only_addresses &= !loop->begin.mentions(f.var) && !loop->end.mentions(f.var);
      only_addresses &=
          !std::holds_alternative<If>(s->node) && !std::holds_alternative<Alloc>(s->node);
    });
    visit_exprs(f.body, [&](const Expr& e) {
      auto* condition = std::get_if<InRangeExpr>(&e->node);
      only_addresses &= !condition && !std::holds_alternative<GuardExpr>(e->node);
    });
    return only_addresses && only_even_addresses(f);
  }

  Stmt copies(const For& f) {
    Index extent = ranges_.simplify(f.end - f.begin);
    auto bound = bound_in(f.body);
    std::vector<Stmt> out;
    for (int64_t n = 0; extent.is_const() && n < extent.value(); ++n) {
      Stmt copy = substitute(f.body, {{f.var, f.begin + n}});
      if (!bound.empty()) {
        std::string suffix = "_" + std::to_string(n);
        for (bool taken = true; taken;) {
          taken = false;
          for (const auto& name : bound) taken |= names_.count(name + suffix) > 0;
          if (taken) suffix = "_" + suffix;
        }
        copy = rename_bound(copy, suffix);
        for (const auto& name : bound) names_.insert(name + suffix);
      }
      out.push_back(run(simplify_stmt(copy, ranges_)));
    }
    return k::block(std::move(out));
  }
};

}  // namespace

static Kernel expand_unrolled(const Kernel& kernel) {
  Kernel out = kernel;
  out.body = Expander(kernel).run(kernel.body);
  return out;
}

extern const LoopPass loop_pass_expand_unrolled;
const LoopPass loop_pass_expand_unrolled = {"expand_unrolled", "writes unrolled loops out",
                                            expand_unrolled};

}  // namespace mintor
