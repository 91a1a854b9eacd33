// SPDX-License-Identifier: Apache-2.0
// Takes expressions and addresses of one kernel; gives C++ text of scalars (emit_vector.cpp: of
// vector parts).
// Keeps true: an operation of the kernel is one operation of the text; nothing is contracted.
#include "compiler/codegen/emit_expr.h"

#include <algorithm>

#include "compiler/codegen/c_text.h"
#include "compiler/ir/flat_index.h"
#include "compiler/loop/instruction.h"
#include "compiler/support/error.h"

namespace mintor {

namespace {

bool has_lane(const std::vector<Index>& indices) {
  return std::any_of(indices.begin(), indices.end(),
                     [](const Index& e) { return e.mentions(kLane); });
}

}  // namespace

Index at_lane(const Index& e, int64_t lane) {
  return e.mentions(kLane) ? e.substitute({{std::string(kLane), Index(lane)}}) : e;
}

std::vector<Index> at_lane(std::vector<Index> indices, int64_t lane) {
  for (Index& e : indices) e = at_lane(e, lane);
  return indices;
}

ExprText::ExprText(const Kernel& kernel, const TargetInfo& level, const Ranges& ranges)
    : ranges_(ranges) {
  for (const Param& p : kernel.params) buffers_[p.name] = {p.dtype, p.shape, 0};
  int64_t widest = 1;
  // A mask made of scalars is a vector of i32, so it counts 4 bytes.
  const auto count = [&](DType dtype) {
    widest = std::max(widest, dtype == DType::boolean ? int64_t{4} : size_of(dtype));
  };
  visit(kernel.body, [&](const Stmt& s) {  // the value may be one scalar for all lanes
    const auto* store = std::get_if<Store>(&s->node);
    if (store != nullptr && store->lanes > 1) count(store->value->dtype);
  });
  const auto look = [&](const Expr& e) {
    if (e->lanes <= 1) return;
    count(e->dtype);
    // From and to 16 bits every cast goes through f32.
    const auto* cast = std::get_if<CastExpr>(&e->node);
    const bool through_f32 = cast != nullptr && cast->arg->dtype != e->dtype &&
                             (is_storage_float(cast->arg->dtype) || is_storage_float(e->dtype));
    if (through_f32) count(DType::f32);
  };
  visit_exprs(kernel.body, look);
  width_ =
      level.vectors() ? static_cast<int>(std::min<int64_t>(16, level.vector_bytes / widest)) : 1;
  find_vector_buffers(kernel);
}

// A register buffer whose every access is one whole row of lanes is an array of vector values.
void ExprText::find_vector_buffers(const Kernel& kernel) {
  std::map<std::string, int32_t> lanes;  // -1: also accessed otherwise
  visit(kernel.body, [&](const Stmt& s) {
    auto* alloc = std::get_if<Alloc>(&s->node);
    if (alloc == nullptr) return;
    buffers_[alloc->name] = {alloc->dtype, alloc->shape, 0};
    const bool row =
        alloc->space == Space::reg && !alloc->shape.empty() && alloc->shape.back().is_const();
    lanes[alloc->name] = row ? static_cast<int32_t>(alloc->shape.back().value()) : -1;
  });
  const auto access = [&](const std::string& buffer, const std::vector<Index>& indices,
                          int32_t count, bool partial) {
    auto it = lanes.find(buffer);
    if (it == lanes.end()) return;
    const bool whole = !indices.empty() && indices.back() == Index::var(kLane) &&
                       count == it->second && !partial &&
                       !has_lane({indices.begin(), indices.end() - 1});
    if (!whole) it->second = -1;
  };
  visit_exprs(kernel.body, [&](const Expr& e) {
    if (auto* load = std::get_if<LoadExpr>(&e->node))
      access(load->buffer, load->indices, e->lanes, load->count.has_value() || load->words);
  });
  visit(kernel.body, [&](const Stmt& s) {
    if (auto* store = std::get_if<Store>(&s->node))
      access(store->buffer, store->indices, store->lanes, store->count.has_value());
    if (auto* instr = std::get_if<Instr>(&s->node))
      for (const InstrOperand& o : instr->operands) lanes[o.buffer] = -1;
    if (auto* code = std::get_if<Code>(&s->node))
      for (const auto* operands : {&code->inputs, &code->outputs})
        for (const CodeOperand& o : *operands) lanes[o.buffer] = -1;
  });
  for (const auto& [name, count] : lanes)
    if (count > 1) buffers_[name].vector_lanes = count;
}

const ExprText::BufferShape& ExprText::buffer(const std::string& name) const {
  auto it = buffers_.find(name);
  if (it == buffers_.end()) throw InternalError("emit", "unknown buffer " + name);
  return it->second;
}

std::string ExprText::vector_type(DType dtype, int32_t lanes) const {
  return std::string(name_of(dtype == DType::f16 || dtype == DType::bf16 ? DType::u16 : dtype)) +
         "x" + std::to_string(width(lanes));
}

std::string ExprText::part_name(const std::string& name, int32_t lanes, int part) const {
  return parts(lanes) == 1 ? name : name + "_" + std::to_string(part);
}

Index ExprText::address(const std::string& name, const std::vector<Index>& indices) const {
  const BufferShape& b = buffer(name);
  check(indices.size() == b.shape.size(), "emit", "an access has another rank than its buffer");
  return flat_index(indices, b.shape);
}

std::string ExprText::element(const std::string& name, const std::vector<Index>& indices) const {
  return name + "[" + integer(ranges_.simplify(address(name, indices))) + "]";
}

std::string ExprText::declare_buffer(const Alloc& alloc) {
  const BufferShape& b = buffer(alloc.name);
  Index count = 1;
  for (const Index& e : alloc.shape) count = count * e;
  const std::optional<int64_t> most = ranges_.upper(count);
  if (!most)
    throw InternalError("emit",
                        "the size of local buffer " + alloc.name + " has no bound: " + count.str());
  if (b.vector_lanes > 0)
    return vector_type(alloc.dtype, b.vector_lanes) + " " + alloc.name + "[" +
           std::to_string(*most / width(b.vector_lanes)) + "];";
  const bool few = *most * size_of(alloc.dtype) < 16;
  return std::string(few ? "" : "alignas(64) ") + std::string(c_storage_type(alloc.dtype)) + " " +
         alloc.name + "[" + std::to_string(std::max<int64_t>(1, *most)) + "];";
}

std::string ExprText::op_text(const OpExpr& op, const std::vector<std::string>& args, DType operand,
                              bool vector) const {
  if (is_float(operand) && args.size() == 2) {
    const char* infix = op.op == ScalarOp::add   ? " + "
                        : op.op == ScalarOp::sub ? " - "
                        : op.op == ScalarOp::mul ? " * "
                        : op.op == ScalarOp::div ? " / "
                                                 : nullptr;
    if (infix != nullptr) return "(" + args[0] + infix + args[1] + ")";
  }
  if (!vector && op.op == ScalarOp::and_) return "(" + args[0] + " && " + args[1] + ")";
  if (!vector && op.op == ScalarOp::or_) return "(" + args[0] + " || " + args[1] + ")";
  if (!vector && op.op == ScalarOp::where)
    return "(" + args[0] + " ? " + args[1] + " : " + args[2] + ")";
  std::string text = std::string(c_spelling(op.op)) + "(";
  for (size_t n = 0; n < args.size(); ++n) text += (n ? ", " : "") + args[n];
  return text + ")";
}

std::string ExprText::load_at(const LoadExpr& load, DType dtype, int64_t lane) const {
  const BufferShape& b = buffer(load.buffer);
  std::vector<Index> indices = at_lane(load.indices, lane);
  std::string text;
  if (load.words) {
    const Index flat = ranges_.simplify(address(load.buffer, indices));
    text = "mt_words<" + std::string(c_value_type(dtype)) + ">(" + load.buffer + " + " +
           integer(flat) + ")";
  } else if (b.vector_lanes > 0) {
    const int64_t within = lane < 0 ? 0 : lane;
    indices.back() = within - within % width(b.vector_lanes);
    const Index flat = floordiv(address(load.buffer, indices), width(b.vector_lanes));
    text = load.buffer + "[" + integer(ranges_.simplify(flat)) + "][" +
           std::to_string(within % width(b.vector_lanes)) + "]";
  } else {
    text = element(load.buffer, indices);
  }
  if (dtype == DType::boolean) text = "(" + text + " != 0)";
  if (load.count) {
    const std::string zero =
        dtype == DType::boolean ? "false" : std::string(c_value_type(dtype)) + "(0)";
    return "(" + std::to_string(std::max<int64_t>(lane, 0)) + " < " + integer(*load.count) + " ? " +
           text + " : " + zero + ")";
  }
  return text;
}

std::string ExprText::scalar_at(const Expr& e, int64_t lane) const {
  struct Visitor {
    const ExprText& t;
    const Expr& e;
    int64_t lane;
    std::string operator()(const ConstantExpr& c) const { return c_constant(c.value); }
    std::string operator()(const VariableExpr& v) const {
      auto it = t.vectors_.find(v.name);
      if (it == t.vectors_.end()) return v.name;
      const int width = t.width(it->second);
      std::string text = t.part_name(v.name, it->second, static_cast<int>(lane / width)) + "[" +
                         std::to_string(lane % width) + "]";
      return e->dtype == DType::boolean ? "(" + text + " != 0)" : text;
    }
    std::string operator()(const IndexExpr& i) const {
      return "int64_t(" + t.integer(t.ranges_.simplify(at_lane(i.value, lane))) + ")";
    }
    std::string operator()(const LoadExpr& l) const { return t.load_at(l, e->dtype, lane); }
    std::string operator()(const OpExpr& op) const {
      std::vector<std::string> args;
      for (const Expr& a : op.args) args.push_back(t.scalar_at(a, lane));
      return t.op_text(op, args, op.args.back()->dtype, false);
    }
    std::string operator()(const CastExpr& c) const {
      if (c.arg->dtype == e->dtype) return t.scalar_at(c.arg, lane);
      return c_cast(c.arg->dtype, e->dtype, std::string(c_value_type(e->dtype)),
                    t.scalar_at(c.arg, lane));
    }
    std::string operator()(const BitcastExpr& c) const {
      return c_bitcast(c.arg->dtype, std::string(c_value_type(e->dtype)), t.scalar_at(c.arg, lane));
    }
    std::string operator()(const InRangeExpr& r) const {
      const Index value = t.ranges_.simplify(at_lane(r.value, lane)),
                  extent = at_lane(r.extent, lane);
      if (t.ranges_.proves_nonnegative(value))
        return "(" + t.integer(value) + " < " + t.integer(extent) + ")";
      if (t.ranges_.proves_less(value, extent)) return "(" + t.integer(value) + " >= 0)";
      return "mt_in_range(" + t.integer(value) + ", " + t.integer(extent) + ")";
    }
    std::string operator()(const GuardExpr& g) const {
      return "(" + t.scalar_at(g.cond, lane) + " ? " + t.scalar_at(g.value, lane) + " : " +
             t.scalar_at(g.fill, lane) + ")";
    }
  };
  return std::visit(Visitor{*this, e, lane}, e->node);
}

std::string ExprText::stored(const Expr& e) const {
  const std::string text = scalar(e);
  return e->dtype == DType::boolean ? "uint8_t(" + text + ")" : text;
}

std::vector<std::string> ExprText::instruction(const Instr& instr) const {
  const Instruction* known = find_instruction(instr.name);
  if (known == nullptr) throw InternalError("emit", "unknown instruction " + instr.name);
  std::vector<std::string> pointers;
  for (const InstrOperand& o : instr.operands)
    pointers.push_back(o.buffer + " + " + integer(ranges_.simplify(address(o.buffer, o.indices))));
  return {known->emit(pointers)};
}

}  // namespace mintor
