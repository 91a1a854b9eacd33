// SPDX-License-Identifier: Apache-2.0
// Writes unrolled loops out: unrolled i in 0..2 { acc[i] = 0 }  ->  acc[0] = 0; acc[1] = 0
// Names bound in a copy get its number. Each copy is simplified under the ranges around it, so that
// conditions on the unrolled variable disappear before the next level is copied.
#include "compiler/loop/analysis.h"
#include "compiler/loop/pass.h"
#include "compiler/loop/simplify.h"

namespace mintor {
namespace {

class Expander {
 public:
  explicit Expander(const Kernel& kernel) : ranges_(ranges_at(kernel)), names_(names_in(kernel)) {}

  Stmt run(const Stmt& s) {
    if (!s) return s;
    if (auto* b = std::get_if<Block>(&s->node)) {
      std::vector<Stmt> out;
      for (const Stmt& one : b->body) out.push_back(run(one));
      return k::block(std::move(out));
    }
    if (auto* i = std::get_if<If>(&s->node))
      return k::if_(i->cond, run(i->then_body), run(i->else_body));
    auto* f = std::get_if<For>(&s->node);
    if (!f) return s;
    if (f->kind == LoopKind::unrolled) return copies(*f);
    ranges_.set(f->var, f->begin, f->end - 1);
    Stmt body = run(f->body);
    ranges_.erase(f->var);
    return k::loop(f->var, f->begin, f->end, body, f->kind);
  }

 private:
  Ranges ranges_;
  std::set<std::string> names_;

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
