// SPDX-License-Identifier: Apache-2.0
// Copies what a loop body reads of a buffer into a local one at the top of the body.
//| for i_o {                          for i_o {
//|   for j, i_i {                       x_s: f32[16, 8]
//|     r[..] =         stage(x, i_o)    for x_s_0, x_s_1 {
//|       x[16*i_o          ->             x_s[x_s_0, x_s_1] = x[16*i_o + x_s_0, x_s_1]
//|         + i_i, j]                    }
//|   }                                  for j, i_i { r[..] = x_s[i_i, j] }
//| }                                  }
// The region is the hull of all loads inside, clipped to the buffer, a parameter that is only read.
#include "compiler/loop/step_support.h"

namespace mintor {

static Refusal stage(Kernel& kernel, StepArgs args) {
  const For* axis = &loop_named(kernel, args.name(1));
  const std::string& buffer = args.name(0);
  const Param* param = nullptr;
  for (const Param& p : kernel.params)
    if (p.name == buffer && !p.written) param = &p;
  // Of other buffers the hull may hold elements that are not defined.
  if (!param) return {"'" + buffer + "' is no parameter that is only read"};
  bool instr = false;
  visit(axis->body, [&](const Stmt& s) { instr |= std::holds_alternative<Instr>(s->node); });
  if (instr)
    return {"an instruction inside " + args.name(1) + " may read " + buffer +
            "; stage it before use_instr"};
  const BufferType type{param->dtype, param->shape};
  Ranges ranges = ranges_at(kernel, axis->var), inside = ranges;
  std::set<std::string> inner;
  std::vector<std::optional<std::pair<Index, Index>>> hull(type.shape.size());
  bool any = false;
  for (const auto& a : outer_accesses(kernel, axis->body, inside, inner)) {
    if (a.buffer != buffer) continue;
    for (size_t d = 0; d < hull.size(); ++d) {
      auto lo = inside.lower_over(a.indices[d], inner), hi = inside.upper_over(a.indices[d], inner);
      if (lo && !defined_anywhere(*lo, ranges)) lo.reset();
      if (hi && !defined_anywhere(*hi, ranges)) hi.reset();
      Index first = lo ? *lo : Index(0), last = hi ? *hi : type.shape[d] - 1;
      hull[d] = !any ? std::pair{first, last}
                     : std::pair{min(hull[d]->first, first), max(hull[d]->second, last)};
    }
    any = true;
  }
  if (!any) return {buffer + " is not read inside " + args.name(1)};
  std::string name = fresh_name(kernel, buffer + "_s");
  std::vector<Index> shape, from, here, extents;
  for (size_t d = 0; d < hull.size(); ++d) {
    Index first = ranges.simplify(max(hull[d]->first, Index(0)));
    Index last = ranges.simplify(min(hull[d]->second, type.shape[d] - 1));
    Index extent = ranges.simplify(last - first + 1);
    for (const auto& v : inner)
      if (first.mentions(v) || last.mentions(v))
        return {"the region depends on " + v + ", which is bound inside " + args.name(1)};
    if (!ranges.proves_nonnegative(extent)) return {"the region may be empty: " + extent.str()};
    auto most = ranges.upper(extent);
    shape.push_back(most ? Index(*most) : extent);
    extents.push_back(extent);
    here.push_back(Index::var(name + "_" + std::to_string(d)));
    from.push_back(first);
  }
  auto names = names_in(kernel);
  for (const Index& e : here)
    if (names.count(*e.as_var())) return {"the name '" + *e.as_var() + "' is taken"};
  std::vector<Index> source;
  for (size_t d = 0; d < here.size(); ++d) source.push_back(from[d] + here[d]);
  Stmt copy = k::store(name, here, k::load(buffer, type.dtype, source));
  for (size_t d = here.size(); d-- > 0;) copy = k::loop(*here[d].as_var(), 0, extents[d], copy);
  Stmt body = rewrite(
      axis->body,
      [&](const Expr& e) -> Expr {
        auto* l = std::get_if<LoadExpr>(&e->node);
        if (!l || l->buffer != buffer) return nullptr;
        std::vector<Index> at;
        for (size_t d = 0; d < from.size(); ++d) at.push_back(l->indices[d] - from[d]);
        return k::with_lanes(k::load_like(e, name, at, l->count), e->lanes);
      },
      nullptr);
  body = simplify_stmt(k::block({k::alloc(name, type.dtype, shape, Space::local), copy, body}),
                       ranges);
  kernel.body =
      replace_loop(kernel.body, args.name(1), [&](const For& f) { return k::loop(f, body); });
  return {};
}

extern const Step step_stage;
const Step step_stage = {"stage",
                         {{"buffer", StepParamKind::name}, {"axis", StepParamKind::loop}},
                         "copies what a loop reads of a buffer into a local one",
                         stage};

}  // namespace mintor
