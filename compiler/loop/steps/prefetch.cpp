// SPDX-License-Identifier: Apache-2.0
// Asks, while a panel is used again and again, for the next one, a share in each iteration.
//| for n in 0..96 {                            for n in 0..96 {
//|   for m in 0..14 {                            for m in 0..14 {
//|     for k in 0..768 {                           for k in 0..768 {
//|       S(w[n, k, lane])    prefetch(n)             prefetch w[n + 1, 0, 3072*m + 4*k]
//|     }                       ->                    S(w[n, k, lane])
//|   }                                             }
//| }                                             }
//|                                             }
// For the vector operand that moves with n and not with every loop between (docs/performance.md,
// panels ahead). Of less than an element an iteration, lines are asked for before the loop.
#include <algorithm>

#include "compiler/ir/flat_index.h"
#include "compiler/loop/step_support.h"

namespace mintor {
namespace {

constexpr int64_t kLine = 64;        // bytes
constexpr int64_t kUsesUnknown = 8;  // of a panel, when a trip count is not known
constexpr int64_t kMostAtOnce = 4;   // prefetches in one iteration
constexpr int64_t kMostLines = 16;   // before a loop

// The innermost loop around loads of a panel, and what its iterations read.
struct Reader {
  const For* loop = nullptr;
  std::string buffer;
  std::vector<Index> next = {};                 // the first element of the next panel
  Index position = {};                          // of an iteration, among all that use one panel
  Index turn = {};                              // of the whole loop, among all of its turns
  int64_t iterations = 1, uses = 1, panel = 0;  // elements of a panel
  int64_t turns() const { return iterations / trip; }
  int64_t trip = 1;
};

class Search {
 public:
  Search(const Kernel& kernel, const For& panels) : kernel_(kernel), panels_(panels) {
    buffers_ = buffers_of(kernel);
    walk(panels.body);
  }

  std::optional<Reader> best;  // the one with the most iterations
  std::string why = "no vector of a parameter below it moves with it";

 private:
  const Kernel& kernel_;
  const For& panels_;
  std::map<std::string, BufferType> buffers_;
  std::vector<const For*> path_;  // loops between

  void walk(const Stmt& stmt) {
    if (!stmt) return;
    if (auto* b = std::get_if<Block>(&stmt->node)) {
      for (const Stmt& s : b->body) walk(s);
    } else if (auto* i = std::get_if<If>(&stmt->node)) {
      walk(i->then_body);
      walk(i->else_body);
    } else if (auto* f = std::get_if<For>(&stmt->node)) {
      path_.push_back(f);
      if (f->kind == LoopKind::serial && !has_serial(f->body)) reader(*f);
      walk(f->body);
      path_.pop_back();
    }
  }

  static bool has_serial(const Stmt& stmt) {
    bool found = false;
    visit(stmt, [&](const Stmt& s) {
      auto* f = std::get_if<For>(&s->node);
      found = found || (f && f->kind != LoopKind::unrolled);
    });
    return found;
  }

  bool is_read_only(const std::string& buffer) const {
    return std::ranges::any_of(kernel_.params,
                               [&](const Param& p) { return p.name == buffer && !p.written; });
  }

  void reader(const For& loop) {
    const LoadExpr* load = nullptr;
    visit_exprs(loop.body, [&](const Expr& e) {
      auto* l = std::get_if<LoadExpr>(&e->node);
      if (load || !l || e->lanes == 1 || !is_read_only(l->buffer)) return;
      if (std::ranges::any_of(l->indices, [&](const Index& i) { return i.mentions(panels_.var); }))
        load = l;
    });
    if (load) consider(loop, *load);
  }

  void consider(const For& loop, const LoadExpr& load) {
    Reader out{.loop = &loop, .buffer = load.buffer};
    std::map<std::string, Index> start{{std::string(kLane), Index(0)}};
    visit(loop.body, [&](const Stmt& s) {
      if (auto* f = std::get_if<For>(&s->node)) start.emplace(f->var, f->begin);
    });
    for (const For* f : path_) start.insert_or_assign(f->var, f->begin);
    const std::vector<Index>& shape = buffers_.at(load.buffer).shape;
    const Index flat = flat_index(load.indices, shape);
    for (size_t n = path_.size(); n-- > 0;) {
      const For& around = *path_[n];
      const Index trip = around.end - around.begin;
      const bool again = !flat.mentions(around.var);
      if (!trip.is_const() && !again) return refuse("the extent of " + around.var + " is open");
      Index at = Index::var(around.var) - around.begin;
      if (!trip.is_const()) at = min(at, kUsesUnknown - 1);
      const int64_t count = trip.is_const() ? trip.value() : kUsesUnknown;
      out.position = out.position + at * out.iterations;
      if (&around == &loop)
        out.trip = count;
      else
        out.turn = out.turn + at * out.turns();
      out.iterations *= count;
      if (again) out.uses *= count;
    }
    for (const Index& e : load.indices)
      out.next.push_back(
          e.substitute(start).substitute({{panels_.var, Index::var(panels_.var) + 1}}));
    const Index first = flat.substitute(start);
    const Index size = first.substitute({{panels_.var, Index::var(panels_.var) + 1}}) - first;
    if (!size.is_const() || size.value() <= 0)
      return refuse("panels of " + load.buffer + " do not follow each other");
    out.panel = size.value();
    if (!best || out.iterations > best->iterations) best = std::move(out);
  }

  void refuse(std::string reason) { why = std::move(reason); }
};

int64_t up_to_power(int64_t n) {
  int64_t out = 1;
  while (out < n) out *= 2;
  return out;
}

Stmt ask(const Reader& reader, const Index& element) {
  std::vector<Index> indices = reader.next;
  indices.back() = indices.back() + element;
  return k::prefetch(reader.buffer, std::move(indices));
}

Refusal prefetch(Kernel& kernel, StepArgs args) {
  const For& panels = loop_named(kernel, args.name(0));
  if (panels.kind == LoopKind::unrolled) return {"the loop " + panels.var + " is unrolled"};
  const Search search(kernel, panels);
  if (!search.best) return {search.why};
  const Reader& reader = *search.best;
  const int64_t element = size_of(buffers_of(kernel).at(reader.buffer).dtype);
  const int64_t bytes = reader.panel * element;
  // A stream, which hardware follows.
  if (reader.uses == 1) return {"a panel of " + reader.buffer + " is used once"};
  const int64_t share = up_to_power((bytes - 1) / reader.iterations + 1);  // of an iteration
  if (share > kMostAtOnce * kLine)
    return {"an iteration's share of a panel of " + reader.buffer + " is " + std::to_string(share) +
            " bytes"};
  if (share < element) {
    const int64_t lines = ((bytes - 1) / kLine) / reader.turns() + 1, step = kLine / element;
    if (lines > kMostLines)
      return {"a loop's share of a panel of " + reader.buffer + " is " + std::to_string(lines) +
              " lines"};
    const std::string line = fresh_name(kernel, "line");
    const Stmt asks =
        k::loop(line, 0, lines, ask(reader, (reader.turn * lines + Index::var(line)) * step));
    kernel.body = replace_loop(kernel.body, reader.loop->var, [&](const For& old) {
      return k::block({asks, k::loop(old, old.body)});
    });
    return {};
  }
  std::vector<Stmt> body;
  for (int64_t at = 0; at < share; at += kLine)
    body.push_back(ask(reader, reader.position * (share / element) + at / element));
  kernel.body = replace_loop(kernel.body, reader.loop->var, [&](const For& old) {
    body.push_back(old.body);
    return k::loop(old, k::block(body));
  });
  return {};
}

}  // namespace

extern const Step step_prefetch;
const Step step_prefetch = {"prefetch",
                            {{"axis", StepParamKind::loop}},
                            "asks for the next panel while one is used again and again",
                            prefetch};

}  // namespace mintor
