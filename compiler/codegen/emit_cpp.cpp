// SPDX-License-Identifier: Apache-2.0
// Takes a kernel and facts; gives the text of one function.
// Keeps true: one statement of the kernel is one statement of the text, in its order.
#include "compiler/codegen/emit_cpp.h"

#include <algorithm>
#include <utility>

#include "compiler/codegen/c_text.h"
#include "compiler/codegen/emit_code.h"
#include "compiler/codegen/emit_expr.h"
#include "compiler/loop/analysis.h"
#include "compiler/loop/cut.h"
#include "compiler/loop/stack.h"
#include "compiler/loop/step.h"
#include "compiler/support/error.h"

namespace mintor {

namespace {

struct Argument {
  std::string type, name;
};

std::vector<Argument> arguments_of(const Kernel& kernel) {
  std::vector<Argument> list;
  for (const Param& p : kernel.params)
    list.push_back(
        {(p.written ? "" : "const ") + std::string(c_storage_type(p.dtype)) + "*", p.name});
  for (const SymbolParam& s : kernel.symbols) list.push_back({"int64_t", s.name});
  if (has_scratch(kernel)) list.push_back({"char*", "scratch"});
  if (parallel_loop(kernel) != nullptr) {
    list.push_back({"int64_t", "tile_begin"});
    list.push_back({"int64_t", "tile_end"});
  }
  return list;
}

std::string listed(const std::vector<Argument>& list, bool types, bool names) {
  std::string text;
  for (const Argument& a : list)
    text += (text.empty() ? "" : ", ") + (types ? a.type : "") + (types && names ? " " : "") +
            (names ? a.name : "");
  return text;
}

// What it computes, its schedule and the first line of the function.
std::string head(const Kernel& kernel, std::string_view specifiers) {
  std::string text = "// " + kernel.computes + "\n", schedule;
  for (const StepCall& call : kernel.schedule) {
    if (schedule.size() > 90) {
      text += "// " + schedule + "\n";
      schedule.clear();
    }
    schedule += (schedule.empty() ? "" : " ") + print(call);
  }
  if (!schedule.empty()) text += "// " + schedule + "\n";
  return text + std::string(specifiers) + kernel_signature(kernel) + " {\n";
}

class Writer {
 public:
  Writer(const Kernel& kernel, const TargetInfo& level)
      : kernel_(kernel),
        ranges_(ranges_at(kernel)),
        exprs_(kernel, level, ranges_),
        scratch_(scratch_layout(kernel)) {}

  // Before its name: static, or nothing where others call it.
  std::string function(std::string_view specifiers) {
    text_ = head(kernel_, specifiers);
    ++indent_;
    for (const std::string& unused : unused_parameters()) line("(void)" + unused + ";");
    statement(kernel_.body);
    --indent_;
    line("}");
    return std::move(text_);
  }

 private:
  void line(const std::string& text) {
    text_.append(2 * indent_, ' ');
    text_ += text;
    text_ += '\n';
  }

  // The trip count of the parallel loop is the caller's to know: its text may not mention it.
  bool bounds_parallel(const std::string& symbol) const {
    const For* loop = parallel_loop(kernel_);
    return loop != nullptr && loop->end.mentions(symbol);
  }

  std::vector<std::string> unused_parameters() const {
    std::set<std::string> used = mentioned_in(kernel_.body);
    const auto address = [&](const std::string& buffer, const std::vector<Index>& indices) {
      for (const std::string& v : exprs_.address(buffer, indices).vars()) used.insert(v);
    };
    visit_exprs(kernel_.body, [&](const Expr& e) {
      if (auto* load = std::get_if<LoadExpr>(&e->node)) address(load->buffer, load->indices);
    });
    visit(kernel_.body, [&](const Stmt& s) {
      if (auto* store = std::get_if<Store>(&s->node)) address(store->buffer, store->indices);
      if (auto* instr = std::get_if<Instr>(&s->node))
        for (const InstrOperand& o : instr->operands) address(o.buffer, o.indices);
      if (auto* fetch = std::get_if<Prefetch>(&s->node)) address(fetch->buffer, fetch->indices);
    });
    std::vector<std::string> unused;
    for (const Param& p : kernel_.params)
      if (used.count(p.name) == 0) unused.push_back(p.name);
    for (const SymbolParam& s : kernel_.symbols)
      if (used.count(s.name) == 0 || bounds_parallel(s.name)) unused.push_back(s.name);
    return unused;
  }

  void statement(const Stmt& stmt) {
    if (stmt == nullptr) return;
    std::visit([this](const auto& s) { emit(s); }, stmt->node);
  }

  void emit(const Block& block) {
    const bool scope = std::any_of(block.body.begin(), block.body.end(), [](const Stmt& s) {
      return std::holds_alternative<Alloc>(s->node);
    });
    // The body of a function or loop is a scope already; a block inside a block needs its own.
    const bool braces = scope && nested_;
    if (braces) {
      line("{");
      ++indent_;
    }
    for (const Stmt& s : block.body) {
      const bool outer = std::exchange(nested_, std::holds_alternative<Block>(s->node));
      statement(s);
      nested_ = outer;
    }
    if (braces) {
      --indent_;
      line("}");
    }
  }

  void body(const Stmt& stmt) {
    ++indent_;
    const bool outer = std::exchange(nested_, false);
    statement(stmt);
    nested_ = outer;
    --indent_;
  }

  void emit(const For& loop) {
    std::string begin = exprs_.integer(loop.begin), end = exprs_.integer(loop.end);
    if (loop.kind == LoopKind::parallel) {
      const bool from_zero = loop.begin.is_const(0);
      begin = (from_zero ? "" : begin + " + ") + std::string("tile_begin");
      end = (from_zero ? "" : exprs_.integer(loop.begin) + " + ") + std::string("tile_end");
    }
    if (loop.kind == LoopKind::unrolled)
      line("MT_UNROLL(" + exprs_.integer(ranges_.simplify(loop.end - loop.begin)) + ")");
    line("for (int64_t " + loop.var + " = " + begin + "; " + loop.var + " < " + end + "; ++" +
         loop.var + ") {");
    const Range* known = ranges_.find(loop.var);
    check(known == nullptr, "emit", "a loop variable is bound twice");
    ranges_.set(loop.var, loop.begin, loop.end - 1);
    body(loop.body);
    ranges_.erase(loop.var);
    line("}");
  }

  void emit(const Let& let) {
    const DType dtype = let.value->dtype;
    if (let.value->lanes == 1) {
      line("const " + std::string(c_value_type(dtype)) + " " + let.name + " = " +
           exprs_.scalar(let.value) + ";");
      return;
    }
    exprs_.declare_vector(let.name, let.value->lanes);
    for (int p = 0; p < exprs_.parts(let.value->lanes); ++p)
      line("const " +
           (dtype == DType::boolean ? "auto" : exprs_.vector_type(dtype, let.value->lanes)) + " " +
           exprs_.part_name(let.name, let.value->lanes, p) + " = " +
           exprs_.vector(let.value, let.value->lanes, p) + ";");
  }

  void emit(const Store& store) {
    if (store.lanes == 1) {
      line(exprs_.element(store.buffer, store.indices) + " = " + exprs_.stored(store.value) + ";");
      return;
    }
    const int parts = exprs_.parts(store.lanes);
    std::vector<std::string> values;
    for (int p = 0; p < parts; ++p) values.push_back(exprs_.vector(store.value, store.lanes, p));
    if (parts > 1 && reads_elsewhere(store)) {
      const std::string name = "stored_" + std::to_string(temporaries_++);
      for (int p = 0; p < parts; ++p) {
        const std::string part = name + "_" + std::to_string(p);
        line("const auto " + part + " = " + values[p] + ";");
        values[p] = part;
      }
    }
    for (int p = 0; p < parts; ++p)
      for (const std::string& text : exprs_.vector_store(store, p, values[p])) line(text);
  }

  // All loads of a vector statement come before its store; parts would break that when addresses
  // differ.
  static bool reads_elsewhere(const Store& store) {
    bool found = false;
    const std::function<Expr(const Expr&)> look = [&](const Expr& e) -> Expr {
      if (auto* load = std::get_if<LoadExpr>(&e->node))
        found = found || (load->buffer == store.buffer && !(load->indices == store.indices));
      return nullptr;
    };
    rewrite(store.value, look);
    return found;
  }

  void emit(const Alloc& alloc) {
    if (alloc.space != Space::scratch) return line(exprs_.declare_buffer(alloc));
    const std::string type(c_storage_type(alloc.dtype));
    line("[[maybe_unused]] " + type + "* const __restrict " + alloc.name + " = reinterpret_cast<" +
         type + "*>(scratch + " + std::to_string(scratch_.offsets.at(alloc.name)) + ");");
  }

  void emit(const If& branch) {
    line("if (" + exprs_.scalar(branch.cond) + ") {");
    body(branch.then_body);
    if (branch.else_body != nullptr) {
      line("} else {");
      body(branch.else_body);
    }
    line("}");
  }

  void emit(const Code& code) {
    line("{");
    text_ += code_text(code, kernel_);
    line("}");
  }

  void emit(const Instr& instr) {
    for (const std::string& text : exprs_.instruction(instr)) line(text);
  }

  void emit(const Prefetch& fetch) {
    const Index at = ranges_.simplify(exprs_.address(fetch.buffer, fetch.indices));
    line("MT_PREFETCH(" + fetch.buffer + " + " + exprs_.integer(at) + ");");
  }

  const Kernel& kernel_;
  Ranges ranges_;
  ExprText exprs_;
  ScratchLayout scratch_;
  std::string text_;
  int indent_ = 0;
  int temporaries_ = 0;
  bool nested_ = false;
};

// The parts as functions, then one that calls them. They are to stay functions: compilers put one
// that is called once where it is called.
std::string in_parts(const Kernel& kernel, const std::vector<Kernel>& parts,
                     const TargetInfo& level, std::string_view specifiers) {
  std::string text, calls;
  std::set<std::string> passed;
  for (const Kernel& part : parts) {
    text += Writer(part, level).function("[[gnu::noinline]] static ") + "\n";
    const std::vector<Argument> arguments = arguments_of(part);
    for (const Argument& a : arguments) passed.insert(a.name);
    calls += "  " + part.name + "(" + listed(arguments, false, true) + ");\n";
  }
  text += head(kernel, specifiers);
  for (const Argument& a : arguments_of(kernel))
    if (!passed.contains(a.name)) text += "  (void)" + a.name + ";\n";
  return text + calls + "}\n";
}

}  // namespace

std::string kernel_signature(const Kernel& kernel) {
  return "void " + kernel.name + "(" + listed(arguments_of(kernel), true, true) + ")";
}

std::string emit_cpp(const Kernel& kernel, const TargetInfo& level, Linkage linkage) {
  const std::string_view specifiers = linkage == Linkage::internal ? "static " : "";
  const std::vector<Kernel> parts = cut(kernel);
  if (parts.size() > 1) return in_parts(kernel, parts, level, specifiers);
  return Writer(kernel, level).function(specifiers);
}

std::string kernel_pointer(const Kernel& kernel, std::string_view name) {
  return "void (*" + std::string(name) + ")(" + listed(arguments_of(kernel), true, false) + ")";
}

const For* parallel_loop(const Kernel& kernel) {
  const For* found = nullptr;
  visit(kernel.body, [&](const Stmt& s) {
    if (auto* loop = std::get_if<For>(&s->node);
        loop != nullptr && loop->kind == LoopKind::parallel)
      found = loop;
  });
  return found;
}

}  // namespace mintor
