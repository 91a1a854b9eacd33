// SPDX-License-Identifier: Apache-2.0
// Expressions, addresses and vector parts of one kernel as C++ text.
// Takes the kernel and the level's facts; gives text. A logical vector of L lanes is P = parts(L)
// values of `width(L)` lanes each, named v_0 .. v_{P-1} (plain v when P is 1). The width follows
// the widest element that the kernel's vector statements touch or convert through, so that all
// parts of a statement line up and none is wider than the level's registers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/loop/ir.h"
#include "compiler/support/target_info.h"

namespace mintor {

// What holds in one lane: the variable of lanes has its number.
Index at_lane(const Index& e, int64_t lane);
std::vector<Index> at_lane(std::vector<Index> indices, int64_t lane);

class ExprText {
 public:
  ExprText(const Kernel& kernel, const TargetInfo& level, const Ranges& ranges);

  int width(int32_t lanes) const { return std::min<int>(width_, lanes); }
  int parts(int32_t lanes) const { return lanes / width(lanes); }
  std::string vector_type(DType dtype, int32_t lanes) const;
  std::string part_name(const std::string& name, int32_t lanes, int part) const;

  std::string integer(const Index& e) const { return e.c_str(ranges_); }
  Index address(const std::string& buffer,
                const std::vector<Index>& indices) const;  // flat, in elements
  std::string element(const std::string& buffer, const std::vector<Index>& indices) const;

  std::string scalar(const Expr& e) const { return scalar_at(e, -1); }
  std::string stored(const Expr& e) const;  // as `scalar`, converted for memory
  std::string vector(const Expr& e, int32_t lanes, int part) const;
  std::vector<std::string> vector_store(const Store& store, int part,
                                        const std::string& value) const;
  std::vector<std::string> instruction(const Instr& instr) const;

  void declare_vector(const std::string& name, int32_t lanes) { vectors_[name] = lanes; }
  std::string declare_buffer(const Alloc& alloc);

 private:
  struct BufferShape {
    DType dtype;
    std::vector<Index> shape;
    int32_t vector_lanes = 0;  // > 0: an array of vector values, its last dimension the lanes
  };
  std::string scalar_at(const Expr& e, int64_t lane) const;  // lane < 0: the expression has none
  std::string load_at(const LoadExpr& load, DType dtype, int64_t lane) const;
  std::string op_text(const OpExpr& op, const std::vector<std::string>& args, DType operand,
                      bool vector) const;
  std::string vector_load(const LoadExpr& load, DType dtype, int32_t lanes, int part) const;
  std::string unless_clamped(const LoadExpr& load, DType dtype, int32_t lanes, int part) const;
  std::string vector_operand(const Expr& e, int32_t lanes, int part) const;  // splats scalars
  // A mask has the width of what it was made of: in the one width that masks made of scalars and
  // buffers of masks have, which both arms of `? :` need.
  std::string same_width(const std::string& mask, int32_t lanes) const;
  std::string vector_branch(const std::string& cond, const Expr& yes, const Expr& no, int32_t lanes,
                            int part) const;
  std::string by_lane(const Expr& e, int32_t lanes, int part) const;  // {lane 0, lane 1, ...}
  const BufferShape& buffer(const std::string& name) const;
  void find_vector_buffers(const Kernel& kernel);

  const Ranges& ranges_;
  int width_ = 1;
  std::map<std::string, BufferShape> buffers_;
  std::map<std::string, int32_t> vectors_;
};

}  // namespace mintor
