// SPDX-License-Identifier: Apache-2.0
// A Kernel as text; parse_kernel (parse.cpp) reads back exactly this.
//   kernel dense (x: f32[batch, 256], r: out f32[batch, 214] align 64; batch: 1..32) {
//     schedule split(m, 14) unroll(m_i)
//     parallel i0 in 0..batch // 14 {
//       acc: f32[14, 16] in reg
//       for k_o: reduced k outer in 0..16 {
//       x16 r[i0, 16*j + lane; below -16*j + 214] = relu(acc[0, lane])
// `x16` before a statement gives its lanes; `below` is the count of a partial access; after the
// name of a loop stands where it comes from, unless that is the name.
#include "compiler/ir/text_scalar.h"
#include "compiler/loop/ir.h"
#include "compiler/loop/step.h"
#include "compiler/support/error.h"
#include "compiler/support/lexer.h"

namespace mintor {
namespace {

std::string join(const std::vector<Index>& indices) {
  std::string out;
  for (const Index& e : indices) out += (out.empty() ? "" : ", ") + e.str();
  return out;
}

std::string access(const std::string& buffer, const std::vector<Index>& indices,
                   const std::optional<Index>& count) {
  return buffer + "[" + join(indices) + (count ? "; below " + count->str() : "") + "]";
}

std::string type(DType dtype, const std::vector<Index>& shape) {
  return std::string(name_of(dtype)) + "[" + join(shape) + "]";
}

const char* keyword(LoopKind kind) {
  switch (kind) {
    case LoopKind::serial:
      return "for ";
    case LoopKind::parallel:
      return "parallel ";
    case LoopKind::unrolled:
      return "unrolled ";
  }
  throw InternalError("loop", "unknown loop kind");
}

const char* keyword(Space space) {
  switch (space) {
    case Space::local:
      return "local";
    case Space::scratch:
      return "scratch";
    case Space::reg:
      return "reg";
  }
  throw InternalError("loop", "unknown space");
}

struct StmtPrinter {
  std::string out;

  void line(int indent, const std::string& text) {
    out += std::string(static_cast<size_t>(indent) * 2, ' ') + text + "\n";
  }
  static std::string lanes(int32_t n) { return n == 1 ? "" : "x" + std::to_string(n) + " "; }

  void print(const Stmt& stmt, int indent) {
    std::visit([&](const auto& node) { put(node, indent); }, stmt->node);
  }
  void put(const Block& b, int indent) {
    for (const Stmt& s : b.body) print(s, indent);
  }
  void put(const For& f, int indent) {
    line(indent, keyword(f.kind) + f.var + origin(f.origin) + " in " + f.begin.str() + ".." +
                     f.end.str() + " {");
    print(f.body, indent + 1);
    line(indent, "}");
  }
  static std::string origin(const LoopOrigin& o) {
    if (o.role == LoopRole::axis && o.axis.empty() && o.parts.empty()) return "";
    std::string out = ": " + std::string(name_of(o.role));
    if (!o.axis.empty()) out += " " + o.axis;
    for (const LoopPart part : o.parts) out += " " + std::string(name_of(part));
    return out;
  }
  void put(const Let& l, int indent) {
    line(indent, lanes(l.value->lanes) + "let " + l.name + " = " + mintor::print(l.value));
  }
  void put(const Store& s, int indent) {
    line(indent,
         lanes(s.lanes) + access(s.buffer, s.indices, s.count) + " = " + mintor::print(s.value));
  }
  void put(const Alloc& a, int indent) {
    line(indent, a.name + ": " + type(a.dtype, a.shape) + " in " + keyword(a.space));
  }
  void put(const If& i, int indent) {
    line(indent, "if " + mintor::print(i.cond) + " {");
    print(i.then_body, indent + 1);
    if (i.else_body) {
      line(indent, "} else {");
      print(i.else_body, indent + 1);
    }
    line(indent, "}");
  }
  void put(const Instr& i, int indent) {
    std::string operands;
    for (const auto& o : i.operands)
      operands += (operands.empty() ? "" : ", ") + access(o.buffer, o.indices, {});
    line(indent, "instr " + i.name + "(" + operands + ")");
  }
  void put(const Prefetch& p, int indent) {
    line(indent, "prefetch " + access(p.buffer, p.indices, {}));
  }
  static std::string names(const std::vector<CodeOperand>& operands) {
    std::string out;
    for (const CodeOperand& o : operands)
      out += (out.empty() ? "" : ", ") + o.name + " = " + o.buffer;
    return "(" + out + ")";
  }
  void put(const Code& c, int indent) {
    line(indent, "code " + quoted(c.text) + " " + names(c.inputs) + " to " + names(c.outputs));
  }
};

struct ExprPrinter {
  std::string operator()(const ConstantExpr& c) const {
    return std::string(name_of(c.value.dtype)) + "(" + print_scalar(c.value) + ")";
  }
  std::string operator()(const VariableExpr& v) const { return v.name; }
  std::string operator()(const IndexExpr& i) const { return "index(" + i.value.str() + ")"; }
  std::string operator()(const LoadExpr& l) const {
    const std::string at = access(l.buffer, l.indices, l.count);
    return l.words ? "words(" + at + ")" : at;
  }
  std::string operator()(const OpExpr& o) const {
    std::string args;
    for (const Expr& a : o.args) args += (args.empty() ? "" : ", ") + print(a);
    return std::string(name_of(o.op)) + "(" + args + ")";
  }
  std::string operator()(const CastExpr& c) const { return cast("cast", c.arg); }
  std::string operator()(const BitcastExpr& b) const { return cast("bitcast", b.arg); }
  std::string operator()(const InRangeExpr& r) const {
    return "in_range(" + r.value.str() + ", " + r.extent.str() + ")";
  }
  std::string operator()(const GuardExpr& g) const {
    return "guard(" + print(g.cond) + ", " + print(g.value) + ", " + print(g.fill) + ")";
  }
  std::string cast(const char* name, const Expr& arg) const {
    return std::string(name) + "(" + std::string(name_of(dtype)) + ", " + print(arg) + ")";
  }
  DType dtype;
};

std::string print(const Param& p) {
  std::string out = p.name + ": " + (p.written ? "out " : "") + type(p.dtype, p.shape);
  if (p.alignment != 1) out += " align " + std::to_string(p.alignment);
  return out;
}

std::string print(const SymbolParam& s) {
  std::string out = s.name + ": " + std::to_string(s.lo) + "..";
  if (s.hi >= s.lo) out += std::to_string(s.hi);
  if (s.divisor != 1) out += " step " + std::to_string(s.divisor);
  return out;
}

}  // namespace

std::string_view name_of(LoopRole role) {
  switch (role) {
    case LoopRole::axis:
      return "axis";
    case LoopRole::out:
      return "out";
    case LoopRole::reduced:
      return "reduced";
    case LoopRole::window:
      return "window";
    case LoopRole::lane:
      return "lane";
  }
  throw InternalError("loop", "unknown role of a loop");
}

std::string_view name_of(LoopPart part) {
  switch (part) {
    case LoopPart::outer:
      return "outer";
    case LoopPart::inner:
      return "inner";
    case LoopPart::first:
      return "first";
    case LoopPart::last:
      return "last";
    case LoopPart::tail:
      return "tail";
    case LoopPart::jammed:
      return "jammed";
    case LoopPart::rest:
      return "rest";
  }
  throw InternalError("loop", "unknown part of a loop");
}

std::string print(const Expr& expr) { return std::visit(ExprPrinter{expr->dtype}, expr->node); }

std::string print(const Stmt& stmt, int indent) {
  if (!stmt) return "";
  StmtPrinter printer;
  printer.print(stmt, indent);
  return printer.out;
}

std::string print(const Kernel& kernel) {
  std::string head;
  for (const Param& p : kernel.params) head += (head.empty() ? "" : ", ") + print(p);
  std::string symbols;
  for (const SymbolParam& s : kernel.symbols) symbols += (symbols.empty() ? "" : ", ") + print(s);
  std::string out =
      "kernel " + kernel.name + " (" + head + (symbols.empty() ? "" : "; " + symbols) + ") {\n";
  if (!kernel.computes.empty()) out += "  computes " + quoted(kernel.computes) + "\n";
  if (!kernel.schedule.empty()) {
    out += "  schedule";
    for (const StepCall& call : kernel.schedule) out += " " + print(call);
    out += "\n";
  }
  for (const std::string& reason : kernel.because) out += "  because " + quoted(reason) + "\n";
  return out + print(kernel.body, 1) + "}\n";
}

}  // namespace mintor
