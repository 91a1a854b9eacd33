// SPDX-License-Identifier: Apache-2.0
// The reference evaluator's parts: one function per family of kinds, over dense host tensors.
// Takes a node, its operands' tensors and the values of symbols; gives the tensors of its results.
// Keeps true: loops are plain and typed, in the order that the numerics contract says; no result
// aliases an operand unless it is the same bytes.
#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"
#include "compiler/ir/index_program.h"
#include "compiler/ir/lanes.h"
#include "compiler/support/error.h"

namespace mintor {

struct EvaluateContext {
  IndexProgram::Symbols symbols;
  int64_t value(const Index& index) const;
  std::vector<int64_t> values(const Shape& shape) const;
};

using Tensors = std::vector<Tensor>;

Tensors evaluate_node(const Node& node, std::span<const Tensor> operands, EvaluateContext& context);

Tensors evaluate_iota(const Node& node, EvaluateContext& context);
Tensors evaluate_random(const Node& node, std::span<const Tensor> operands,
                        EvaluateContext& context);
Tensors evaluate_elementwise(const Node& node, std::span<const Tensor> operands,
                             EvaluateContext& context);
Tensors evaluate_index(const Node& node, std::span<const Tensor> operands,
                       EvaluateContext& context);
Tensors evaluate_reduce(const Node& node, std::span<const Tensor> operands,
                        EvaluateContext& context);
Tensors evaluate_contract(const Node& node, std::span<const Tensor> operands,
                          EvaluateContext& context);
Tensors evaluate_winograd(const Node& node, std::span<const Tensor> operands,
                          EvaluateContext& context);
Tensors evaluate_order(const Node& node, std::span<const Tensor> operands,
                       EvaluateContext& context);
Tensors evaluate_control(const Node& node, std::span<const Tensor> operands,
                         EvaluateContext& context);
// A region: inputs by position, the symbols of the graph around it, results in order.
// FloatEnvironment is set.
Tensors evaluate_region(const Graph& region, std::span<const Tensor> inputs,
                        const EvaluateContext& outer);

// ---- shared by the families ----

inline int64_t count_of(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  return count;
}

std::vector<int64_t> strides_of(std::span<const int64_t> shape);  // row-major, in elements

// Advances a row-major index tuple; false after the last.
inline bool next_index(std::span<int64_t> index, std::span<const int64_t> shape) {
  for (size_t d = index.size(); d-- > 0;) {
    if (++index[d] < shape[d]) return true;
    index[d] = 0;
  }
  return false;
}

inline void copy_element(std::byte* to, const std::byte* from, int64_t size) {
  switch (size) {
    case 1:
      std::memcpy(to, from, 1);
      break;
    case 2:
      std::memcpy(to, from, 2);
      break;
    case 4:
      std::memcpy(to, from, 4);
      break;
    default:
      std::memcpy(to, from, 8);
      break;
  }
}

// Calls f with a value of the C++ type that holds the dtype's arithmetic: f16 and bf16 have none,
// bool is a byte.
template <class F>
decltype(auto) with_type(DType dtype, F f) {
  switch (dtype) {
    case DType::f64:
      return f(double{});
    case DType::f32:
      return f(float{});
    case DType::i8:
      return f(int8_t{});
    case DType::i16:
      return f(int16_t{});
    case DType::i32:
      return f(int32_t{});
    case DType::i64:
      return f(int64_t{});
    case DType::u8:
      return f(uint8_t{});
    case DType::u16:
      return f(uint16_t{});
    case DType::u32:
      return f(uint32_t{});
    case DType::u64:
      return f(uint64_t{});
    case DType::boolean:
      return f(uint8_t{});
    case DType::f16:
    case DType::bf16:
      break;
  }
  throw InternalError("evaluate", "arithmetic in a storage type");
}

// An index map ready to run: slots 0..rank-1 are i0.., then l0...
class MapProgram {
 public:
  MapProgram(const IndexMap& map, size_t rank, std::span<const Tensor> operands,
             const EvaluateContext& context, std::vector<int64_t> target);
  // The flat position in the target that the map names for index i (rank values), or -1 when it is
  // left out.
  int64_t operator()(std::span<const int64_t> i);

 private:
  struct Load {
    std::vector<int64_t> values, strides, shape;
    std::vector<IndexProgram> coords;
  };
  struct Condition {
    IndexProgram value, extent;
  };
  std::vector<Load> loads_;
  std::vector<IndexProgram> coords_;
  std::vector<Condition> conditions_;
  std::vector<int64_t> target_, strides_, variables_;
  size_t rank_;
};

// The lanes of one block of a sum.
template <class T>
class Lanes {
 public:
  Lanes(const Order& order, const T& identity) : count_(order.lanes) {
    std::fill(lanes_, lanes_ + count_, identity);
  }
  T& of(int64_t position) { return lanes_[position & (count_ - 1)]; }
  template <class Combine>
  T tree(Combine combine) {
    for (int64_t half = count_ / 2; half > 0; half /= 2) {
      for (int64_t l = 0; l < half; ++l) lanes_[l] = combine(lanes_[l], lanes_[l + half]);
    }
    return lanes_[0];
  }

 private:
  int64_t count_;
  T lanes_[kMostLanes];
};

// The results of blocks, reduced by the rule of blocks until one is left.
template <class T, class Combine>
T reduce_blocks(std::vector<T> values, const Order& order, const T& identity, Combine combine) {
  if (values.empty()) return identity;
  const auto block = static_cast<size_t>(order.block);
  while (values.size() > 1) {
    std::vector<T> results;
    for (size_t start = 0; start < values.size(); start += block) {
      const size_t end = std::min(values.size(), start + block);
      Lanes<T> lanes(order, identity);
      for (size_t i = start; i < end; ++i) {
        T& lane = lanes.of(static_cast<int64_t>(i - start));
        lane = combine(lane, values[i]);
      }
      results.push_back(lanes.tree(combine));
    }
    values = std::move(results);
  }
  return values[0];
}

}  // namespace mintor
