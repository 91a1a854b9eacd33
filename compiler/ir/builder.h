// SPDX-License-Identifier: Apache-2.0
// Makes nodes: derives and checks result types, folds nothing, leaves scope names.
// Every function throws CompileError naming the operator and the actual shapes/dtypes when the
// arguments do not fit. Library operators (compiler/ops/library) are functions over this.
#pragma once

#include <initializer_list>

#include "compiler/ir/graph.h"

namespace mintor {

class Builder {
 public:
  explicit Builder(Graph& graph) : graph_(graph) {}
  Graph& graph() { return graph_; }

  // Scope names nest: "layer1/conv". RAII: { Builder::Scope s(b, "conv"); ... }
  class Scope {
   public:
    Scope(Builder& builder, std::string_view name);
    ~Scope();
    Scope(const Scope&) = delete;

   private:
    Builder& builder_;
    size_t length_;
  };

  Value input(std::string_view name, DType dtype, Shape shape);
  Value parameter(std::string_view name, Tensor value);
  Value constant(Tensor value);
  Value constant(DType dtype, double value);           // 0-d
  Value constant_int(DType dtype, int64_t value);      // 0-d
  Value constant_i64(std::vector<int64_t> values);     // 1-d
  Value full(DType dtype, Shape shape, double value);  // broadcast of a 0-d constant
  Value iota(DType dtype, Shape shape, int dim);
  Value random(std::string_view distribution, DType dtype, Shape shape, Value key, Value counter);

  Value apply(ScalarOp op,
              std::initializer_list<Value> operands);  // same shapes; unary, binary or ternary
  Value apply(ScalarOp op, std::span<const Value> operands);
  Value cast(Value x, DType dtype);  // returns x when it has that dtype
  Value bitcast(Value x, DType dtype);

  Value broadcast(Value x, Shape shape,
                  std::vector<int32_t> dims);  // returns x when nothing changes
  // NumPy's rule: align right, size 1 stretches. Of a symbolic size that may be 1, or equal, both
  // cases are made, under a condition of the graph.
  Value broadcast_to(Value x, Shape shape);
  Shape broadcast_shapes(std::span<const Value> values);
  Value reindex(Value x, Shape shape, IndexMap map, Scalar fill,
                std::span<const Value> index_operands = {});
  Value transpose(Value x, std::vector<int32_t> perm);  // y dim d is x dim perm[d]
  Value reshape(Value x,
                Shape shape);  // sizes must multiply to the same Index (checked when provable)
  Value slice(Value x, std::vector<Index> start, std::vector<Index> size,
              std::vector<int64_t> step);
  Value pad(Value x, std::vector<Index> before, std::vector<Index> after, Scalar fill);
  Value gather(Value x, Value index,
               int dim);  // NumPy take; negative indices count from the end; out of range: 0
  Value concat(std::span<const Value> xs, int dim);

  std::vector<Value> reduce(Combiner combiner, std::span<const Value> xs, std::vector<int32_t> dims,
                            std::vector<Scalar> identities,
                            std::shared_ptr<const Graph> body = nullptr);
  Value reduce(Combiner combiner, Value x,
               std::vector<int32_t> dims);  // named combiner, its own identity
  std::vector<Value> scan(Combiner combiner, std::span<const Value> xs, int dim,
                          std::vector<Scalar> identities, bool reverse, bool exclusive,
                          std::shared_ptr<const Graph> body = nullptr);
  Value reindex_reduce(Combiner combiner, Value init, Value y, IndexMap map,
                       std::span<const Value> index_operands = {});
  Value contract(
      Value x, Value y,
      Contract contract);  // result f32 (f16/bf16/f32), f64, or i32 (8-bit and 16-bit ints), i64

  std::vector<Value> sort(std::span<const Value> keys_and_payloads, int dim, bool descending);
  Value compact(Value x, Value mask, std::string_view symbol);
  Value size(Index expr);  // 0-d i64
  Value bind(Value x, std::string_view symbol, int64_t lo, int64_t hi);
  std::vector<Value> if_(Value cond, std::span<const Value> captures,
                         std::shared_ptr<const Graph> then_graph,
                         std::shared_ptr<const Graph> else_graph);
  std::vector<Value> loop(Index trip, std::span<const Value> carried,
                          std::span<const Value> scanned, std::span<const Value> captures,
                          std::shared_ptr<const Graph> body);
  // A conditional loop: carried[0], bool[], says before each iteration whether there is one.
  std::vector<Value> while_(std::span<const Value> carried, std::span<const Value> captures,
                            std::shared_ptr<const Graph> body, Index most = RegionAttr::kNoBound);
  std::vector<Value> call(std::span<const Value> operands, std::shared_ptr<const Graph> body,
                          std::shared_ptr<const Graph> gradient = nullptr);
  std::vector<Value> code(std::span<const Value> operands, std::vector<Type> results,
                          std::string source, std::string gradient);
  std::vector<Value> host(std::string function, std::span<const Value> operands,
                          std::vector<Type> results);

  // Any node with given attributes: types are derived from kind, attr and operands as above
  // (parser, rewrites).
  std::vector<Value> node(Kind kind, const Attr& attr, std::span<const Value> operands,
                          std::span<const Type> types);

  const std::string& scope() const { return scope_; }

 private:
  Graph& graph_;
  std::string scope_;
};

// The identity element: add -0, mul 1, min +inf/largest, max -inf/smallest, and true, or/xor false.
Scalar identity_of(Combiner combiner, DType dtype);

}  // namespace mintor
