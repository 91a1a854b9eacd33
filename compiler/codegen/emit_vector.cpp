// SPDX-License-Identifier: Apache-2.0
// Vector parts of ExprText. Takes expressions and stores of several lanes; gives C++ text of one
// part. Keeps true: the lanes of a part are the scalars that emit_expr.cpp would write.
#include "compiler/codegen/c_text.h"
#include "compiler/codegen/emit_expr.h"
#include "compiler/support/index_poly.h"

namespace mintor {

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
  const int64_t elements = load.words ? elements_of_word(dtype) : 1;
  if (!affine || affine->first != elements) return "";
  const std::string pointer =
      load.buffer + " + " + integer(ranges_.simplify(affine->second + first * elements));
  const std::string type = vector_type(dtype, lanes);
  if (load.words && load.count)
    return "mt_words_partial<" + type + ">(" + pointer + ", " +
           integer(ranges_.simplify(*load.count - first)) + ")";
  if (load.words) return "mt_words<" + type + ">(" + pointer + ")";
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
      return c_cast(c.arg->dtype, e->dtype, t.vector_type(e->dtype, lanes),
                    t.vector_operand(c.arg, lanes, part));
    }
    std::string operator()(const BitcastExpr& c) const {
      return c_bitcast(c.arg->dtype, t.vector_type(e->dtype, lanes),
                       t.vector_operand(c.arg, lanes, part));
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

}  // namespace mintor
