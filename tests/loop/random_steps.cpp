// SPDX-License-Identifier: Apache-2.0
// Takes a kernel and dice; gives a call of a step: loops of a size that lanes can have, loops that
// read the buffer that moves into them, and now and then a name that is no loop at all.
// Keeps true: the kernel is only looked at.
#include "tests/loop/random_steps.h"

#include "compiler/loop/instruction.h"

namespace mintor::test {
namespace {

struct Names {
  std::vector<std::string> loops, buffers, locals;
  std::vector<std::string> short_loops;                     // of constant extent, for lanes
  std::vector<std::pair<std::string, std::string>> nested;  // a loop and the one it holds
};

Names names_of(const Kernel& kernel) {
  Names out;
  for (const Param& p : kernel.params) out.buffers.push_back(p.name);
  visit(kernel.body, [&](const Stmt& s) {
    if (auto* a = std::get_if<Alloc>(&s->node)) {
      out.buffers.push_back(a->name);
      out.locals.push_back(a->name);
    }
    auto* f = std::get_if<For>(&s->node);
    if (!f) return;
    out.loops.push_back(f->var);
    const Index extent = f->end - f->begin;
    if (extent.is_const() && extent.value() <= 16) out.short_loops.push_back(f->var);
    const Stmt* inside = &f->body;
    while (auto* i = std::get_if<If>(&(*inside)->node)) inside = &i->then_body;
    if (auto* g = std::get_if<For>(&(*inside)->node)) out.nested.push_back({f->var, g->var});
  });
  return out;
}

// Loops that read a buffer inside.
std::vector<std::string> readers_of(const Kernel& kernel, const std::string& buffer) {
  std::vector<std::string> out;
  visit(kernel.body, [&](const Stmt& s) {
    auto* f = std::get_if<For>(&s->node);
    bool found = false;
    if (f)
      visit_exprs(f->body, [&](const Expr& e) {
        auto* l = std::get_if<LoadExpr>(&e->node);
        found |= l && l->buffer == buffer;
      });
    if (found) out.push_back(f->var);
  });
  return out;
}

}  // namespace

StepCall random_step(const Kernel& kernel, Dice& dice) {
  const Names names = names_of(kernel);
  const auto loop = [&]() -> std::string {
    if (names.loops.empty() || dice.one_in(50)) return dice.one_in(2) ? "none" : "y";
    return dice.of(names.loops);
  };
  const auto short_loop = [&] {
    return names.short_loops.empty() || dice.one_in(8) ? loop() : dice.of(names.short_loops);
  };
  const auto buffer = [&]() -> std::string {
    if (dice.one_in(50)) return "none";
    return names.locals.empty() || dice.one_in(4) ? dice.of(names.buffers) : dice.of(names.locals);
  };
  const auto reader = [&](const std::string& name) {
    const auto readers = readers_of(kernel, name);
    return readers.empty() || dice.one_in(8) ? loop() : dice.of(readers);
  };
  const auto pair = [&]() -> std::pair<std::string, std::string> {
    if (names.nested.empty() || dice.one_in(10)) return {loop(), loop()};
    return dice.of(names.nested);
  };
  static const std::vector<int64_t> kFactors{1, 2, 2, 3, 4, 4, 7, 8, 16, 0};
  switch (dice.pick(0, 24)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return {"split", {loop(), dice.of(kFactors)}};
    case 4:
    case 5:
    case 6: {
      const auto [a, b] = pair();
      if (!dice.one_in(4)) return {"reorder", {b, a}};
      return {"reorder", {loop(), b, a}};
    }
    case 7: {
      const auto [a, b] = pair();
      return {"fuse", {a, b, dice.one_in(30) ? "x" : fresh_name(kernel, "t")}};
    }
    case 8:
      return {"unroll", {loop()}};
    case 9:
    case 10:
      return {"vectorize", {short_loop()}};
    case 11:
      return {"peel_tail", {loop()}};
    case 12:
      if (dice.one_in(2)) return {"branch_ends", {loop(), dice.pick(0, 2), dice.pick(0, 2)}};
      return {"branch_tail", {loop()}};
    case 13:
      return {"peel", {loop(), dice.pick(0, 2), dice.pick(0, 1)}};
    case 14:
    case 15:
      return {"jam", {short_loop()}};
    case 16:
    case 17:
    case 18: {
      const std::string name = buffer();
      return {"compute_at", {name, reader(name)}};
    }
    case 19: {
      const std::string name = dice.of(names.buffers);
      return {"stage", {name, reader(name)}};
    }
    case 20:
      return {"set_space", {buffer(), dice.one_in(2) ? "reg" : "local"}};
    case 21: {
      const auto all = all_instructions();
      const auto number = dice.pick(0, static_cast<int64_t>(all.size()) - 1);
      return {"use_instr",
              {dice.one_in(30) ? "none" : all[static_cast<size_t>(number)]->name, pair().first}};
    }
    case 22:
    case 23:
      return {"unswitch", {loop()}};
    default:
      return {"parallelize", {names.loops.empty() || dice.one_in(4) ? loop() : names.loops[0]}};
  }
}

}  // namespace mintor::test
