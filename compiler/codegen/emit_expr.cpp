// SPDX-License-Identifier: Apache-2.0
// Takes expressions and addresses of one kernel; gives C++ text of scalars and vector parts.
// Keeps true: an operation of the kernel is one operation of the text; nothing is contracted.
#include "compiler/codegen/emit_expr.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "compiler/ir/flat_index.h"
#include "compiler/loop/instruction.h"
#include "compiler/support/error.h"
#include "compiler/support/index_poly.h"

namespace mintor {

std::string_view c_storage_type(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return "double";
    case DType::f32:
      return "float";
    case DType::f16:
    case DType::bf16:
      return "uint16_t";
    case DType::i8:
      return "int8_t";
    case DType::i16:
      return "int16_t";
    case DType::i32:
      return "int32_t";
    case DType::i64:
      return "int64_t";
    case DType::u8:
    case DType::boolean:
      return "uint8_t";
    case DType::u16:
      return "uint16_t";
    case DType::u32:
      return "uint32_t";
    case DType::u64:
      return "uint64_t";
  }
  throw InternalError("emit", "unknown dtype");
}

std::string_view c_value_type(DType dtype) {
  return dtype == DType::boolean ? "bool" : c_storage_type(dtype);
}

std::string c_constant(const Scalar& value) {
  char text[64];
  switch (value.dtype) {
    case DType::f64:
    case DType::f32: {
      const bool single = value.dtype == DType::f32;
      const std::string suffix = single ? "f" : "";
      if (std::isnan(value.f)) return "__builtin_nan" + suffix + "(\"\")";
      if (std::isinf(value.f))
        return std::string(value.f < 0 ? "-" : "") + "__builtin_inf" + suffix + "()";
      std::snprintf(text, sizeof text, single ? "%.9g" : "%.17g", value.f);
      std::string number = text;
      if (number.find_first_of(".e") == std::string::npos) number += ".0";
      return number + suffix;
    }
    case DType::f16:
    case DType::bf16: {
      uint16_t bits = 0;
      value.write(&bits);
      std::snprintf(text, sizeof text, "uint16_t(0x%04x)", bits);
      return text;
    }
    case DType::boolean:
      return value.i != 0 ? "true" : "false";
    case DType::i64:
      if (value.i == INT64_MIN) return "(-9223372036854775807 - 1)";
      return "int64_t(" + std::to_string(value.i) + ")";
    case DType::i32:
      if (value.i == INT32_MIN) return "(-2147483647 - 1)";
      return std::to_string(value.i);
    case DType::u64:
      return "uint64_t(" + std::to_string(static_cast<uint64_t>(value.i)) + "u)";
    case DType::i8:
    case DType::i16:
    case DType::u8:
    case DType::u16:
    case DType::u32:
      return std::string(c_value_type(value.dtype)) + "(" + std::to_string(value.i) + ")";
  }
  throw InternalError("emit", "unknown dtype");
}

namespace {

bool has_lane(const std::vector<Index>& indices) {
  return std::any_of(indices.begin(), indices.end(),
                     [](const Index& e) { return e.mentions(kLane); });
}

Index at_lane(const Index& e, int64_t lane) {
  return e.mentions(kLane) ? e.substitute({{std::string(kLane), Index(lane)}}) : e;
}

std::vector<Index> at_lane(std::vector<Index> indices, int64_t lane) {
  for (Index& e : indices) e = at_lane(e, lane);
  return indices;
}

// Storage floats have one C type for two formats: conversions are spelled out.
std::string cast_text(DType from, DType to, const std::string& type, const std::string& arg) {
  if (is_storage_float(from) || is_storage_float(to))
    return "mt_convert_" + std::string(name_of(from)) + "_" + std::string(name_of(to)) + "<" +
           type + ">(" + arg + ")";
  return "mt_cast<" + type + ">(" + arg + ")";
}

// A NaN becomes the one quiet NaN on the way; for storage floats the C type does not say the
// format.
std::string bitcast_name(DType from) {
  return is_storage_float(from) ? "mt_bitcast_" + std::string(name_of(from)) + "<" : "mt_bitcast<";
}

}  // namespace

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
      access(load->buffer, load->indices, e->lanes, load->count.has_value());
  });
  visit(kernel.body, [&](const Stmt& s) {
    if (auto* store = std::get_if<Store>(&s->node))
      access(store->buffer, store->indices, store->lanes, store->count.has_value());
    if (auto* instr = std::get_if<Instr>(&s->node))
      for (const InstrOperand& o : instr->operands) lanes[o.buffer] = -1;
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

// ---- scalars ----

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
  if (b.vector_lanes > 0) {
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
      return cast_text(c.arg->dtype, e->dtype, std::string(c_value_type(e->dtype)),
                       t.scalar_at(c.arg, lane));
    }
    std::string operator()(const BitcastExpr& c) const {
      return bitcast_name(c.arg->dtype) + std::string(c_value_type(e->dtype)) + ">(" +
             t.scalar_at(c.arg, lane) + ")";
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

// ---- vectors ----

std::string ExprText::by_lane(const Expr& e, int32_t lanes, int part) const {
  const bool mask = e->dtype == DType::boolean;
  std::string text = (mask ? vector_type(DType::i32, lanes) : vector_type(e->dtype, lanes)) + "{";
  for (int l = 0; l < width(lanes); ++l) {
    const std::string value = scalar_at(e, static_cast<int64_t>(part) * width(lanes) + l);
    text += (l ? ", " : "") + (mask ? "-int32_t(" + value + ")" : value);
  }
  return text + "}";
}

std::string ExprText::vector_operand(const Expr& e, int32_t lanes, int part) const {
  if (e->lanes > 1) return vector(e, lanes, part);
  if (e->dtype == DType::boolean)
    return "splat<" + vector_type(DType::i32, lanes) + ">(-int32_t(" + scalar(e) + "))";
  return "splat<" + vector_type(e->dtype, lanes) + ">(" + scalar(e) + ")";
}

std::string ExprText::same_width(const std::string& mask, int32_t lanes) const {
  return "mt_mask_as<" + vector_type(DType::boolean, lanes) + ">(" + mask + ")";
}

std::string ExprText::vector_branch(const std::string& cond, const Expr& yes, const Expr& no,
                                    int32_t lanes, int part) const {
  const auto arm = [&](const Expr& e) {
    const std::string text = vector_operand(e, lanes, part);
    return e->dtype == DType::boolean && e->lanes > 1 ? same_width(text, lanes) : text;
  };
  return "(" + cond + " ? " + arm(yes) + " : " + arm(no) + ")";
}

std::string ExprText::vector_load(const LoadExpr& load, DType dtype, int32_t lanes,
                                  int part) const {
  const BufferShape& b = buffer(load.buffer);
  const int64_t first = static_cast<int64_t>(part) * width(lanes);
  if (b.vector_lanes > 0) {
    const Index flat = floordiv(address(load.buffer, at_lane(load.indices, first)), width(lanes));
    return load.buffer + "[" + integer(ranges_.simplify(flat)) + "]";
  }
  const Index flat = ranges_.simplify(address(load.buffer, load.indices));
  const auto affine = flat.affine_in(kLane);
  if (!affine || affine->first != 1) return "";
  const std::string pointer =
      load.buffer + " + " + integer(ranges_.simplify(affine->second + first));
  const std::string type = vector_type(dtype, lanes);
  if (load.count) {
    const std::string count = integer(ranges_.simplify(*load.count - first));
    if (dtype == DType::boolean)
      return "mt_bool_to_mask(load_partial<" + vector_type(DType::u8, lanes) + ">(" + pointer +
             ", " + count + "))";
    return "load_partial<" + type + ">(" + pointer + ", " + count + ")";
  }
  if (dtype == DType::boolean)
    return "mt_bool_to_mask(load<" + vector_type(DType::u8, lanes) + ">(" + pointer + "))";
  return "load<" + type + ">(" + pointer + ")";
}

// A load at min(i + lane, last): what a broadcast reads that may be stretched. Where the last lane
// is below it, the lanes lie side by side: "(i + 15 <= last) ? load(..) : ", else "".
std::string ExprText::unless_clamped(const LoadExpr& load, DType dtype, int32_t lanes,
                                     int part) const {
  const Index last_lane = part * width(lanes) + width(lanes) - 1;
  LoadExpr plain = load;
  std::string condition;
  for (Index& index : plain.indices) {
    const auto atoms = index_detail::atoms_of(index);
    if (!index.mentions(kLane) || atoms.size() != 1 || !condition.empty()) continue;
    const Index::Atom& atom = *atoms[0];
    if (atom.kind != Index::Atom::Kind::min || !(index == index_detail::from_atom(atoms[0])))
      continue;
    const bool first = atom.a.mentions(kLane);
    const Index &moves = first ? atom.a : atom.b, &last = first ? atom.b : atom.a;
    const auto affine = moves.affine_in(kLane);
    if (!affine || affine->first != 1 || last.mentions(kLane)) continue;
    condition = integer(ranges_.simplify(affine->second + last_lane)) +
                " <= " + integer(ranges_.simplify(last));
    index = moves;
  }
  // Masks that are loaded have the width of their bytes, those put together another.
  if (condition.empty() || dtype == DType::boolean) return "";
  const std::string text = vector_load(plain, dtype, lanes, part);
  return text.empty() ? "" : condition + " ? " + text + " : ";
}

std::string ExprText::vector(const Expr& e, int32_t lanes, int part) const {
  if (e->lanes == 1) return vector_operand(e, lanes, part);
  if (width(lanes) == 1) return scalar_at(e, part);
  struct Visitor {
    const ExprText& t;
    const Expr& e;
    int32_t lanes;
    int part;
    std::string operator()(const ConstantExpr&) const { return t.vector_operand(e, lanes, part); }
    std::string operator()(const VariableExpr& v) const { return t.part_name(v.name, lanes, part); }
    std::string operator()(const IndexExpr&) const { return t.by_lane(e, lanes, part); }
    std::string operator()(const LoadExpr& l) const {
      const std::string text = t.vector_load(l, e->dtype, lanes, part);
      if (!text.empty()) return text;
      const std::string plain = t.unless_clamped(l, e->dtype, lanes, part);
      const std::string each = t.by_lane(e, lanes, part);
      return plain.empty() ? each : "(" + plain + each + ")";
    }
    std::string operator()(const OpExpr& op) const {
      if (op.op == ScalarOp::where && op.args[0]->lanes == 1)
        return t.vector_branch(t.scalar(op.args[0]), op.args[1], op.args[2], lanes, part);
      std::vector<std::string> args;
      for (const Expr& a : op.args) args.push_back(t.vector_operand(a, lanes, part));
      return t.op_text(op, args, op.args.back()->dtype, true);
    }
    std::string operator()(const CastExpr& c) const {
      if (c.arg->dtype == e->dtype) return t.vector(c.arg, lanes, part);
      if (e->dtype == DType::boolean && !is_storage_float(c.arg->dtype))
        return "mt_cast_to_mask(" + t.vector_operand(c.arg, lanes, part) + ")";
      if (c.arg->dtype == DType::boolean && !is_storage_float(e->dtype))
        return "mt_cast_mask<" + t.vector_type(e->dtype, lanes) + ">(" +
               t.vector_operand(c.arg, lanes, part) + ")";
      return cast_text(c.arg->dtype, e->dtype, t.vector_type(e->dtype, lanes),
                       t.vector_operand(c.arg, lanes, part));
    }
    std::string operator()(const BitcastExpr& c) const {
      return bitcast_name(c.arg->dtype) + t.vector_type(e->dtype, lanes) + ">(" +
             t.vector_operand(c.arg, lanes, part) + ")";
    }
    std::string operator()(const InRangeExpr&) const { return t.by_lane(e, lanes, part); }
    std::string operator()(const GuardExpr& g) const {
      if (g.cond->lanes > 1) return t.by_lane(e, lanes, part);
      return t.vector_branch(t.scalar(g.cond), g.value, g.fill, lanes, part);
    }
  };
  return std::visit(Visitor{*this, e, lanes, part}, e->node);
}

std::vector<std::string> ExprText::vector_store(const Store& store, int part,
                                                const std::string& value) const {
  const BufferShape& b = buffer(store.buffer);
  const int w = width(store.lanes);
  const int64_t first = static_cast<int64_t>(part) * w;
  const bool mask = store.value->dtype == DType::boolean;
  if (b.vector_lanes > 0) {
    const Index flat = floordiv(address(store.buffer, at_lane(store.indices, first)), w);
    return {store.buffer + "[" + integer(ranges_.simplify(flat)) +
            "] = " + (mask ? same_width(value, store.lanes) : value) + ";"};
  }
  const Index flat = ranges_.simplify(address(store.buffer, store.indices));
  const auto affine = flat.affine_in(kLane);
  if (w > 1 && affine && affine->first == 1) {
    const std::string pointer =
        store.buffer + " + " + integer(ranges_.simplify(affine->second + first));
    const std::string stored =
        mask ? "mt_mask_bytes<" + vector_type(DType::u8, store.lanes) + ">(" + value + ")" : value;
    if (!store.count) return {"store(" + pointer + ", " + stored + ");"};
    return {"store_partial(" + pointer + ", " + stored + ", " +
            integer(ranges_.simplify(*store.count - first)) + ");"};
  }
  std::vector<std::string> lines;
  if (w > 1) lines.push_back("{");
  if (w > 1) lines.push_back("  const auto lanes_of_value = " + value + ";");
  for (int l = 0; l < w; ++l) {
    const std::string one = w > 1 ? "lanes_of_value[" + std::to_string(l) + "]" : value;
    const std::string text = element(store.buffer, at_lane(store.indices, first + l)) + " = " +
                             (mask ? "uint8_t(" + one + " != 0)" : one) + ";";
    const std::string guard =
        store.count ? "if (" + std::to_string(first + l) + " < " + integer(*store.count) + ") "
                    : "";
    lines.push_back((w > 1 ? "  " : "") + guard + text);
  }
  if (w > 1) lines.push_back("}");
  return lines;
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
