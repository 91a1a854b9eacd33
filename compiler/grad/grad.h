// SPDX-License-Identifier: Apache-2.0
// Gradients of a Graph, made of meta-operators, by one reverse walk; of any order, since what it
// makes are nodes like all others and can be differentiated again.
//
// Takes values of the builder's graph; adds nodes to that graph and gives their values.
// Keeps true: only floating-point values carry gradients (integers and bool pass nothing); a value
// that feeds several users gets the sum of what they send, in the order of the walk; f16 and bf16
// gradients are summed in f32 and rounded once; nodes made for a node carry its scope and `grad`.
// A kind without a gradient is a CompileError that names the node, where something would flow
// through it.
#pragma once

#include <span>
#include <vector>

#include "compiler/ir/builder.h"

namespace mintor {

// For each x the gradient of sum_i <ys[i], grad_ys[i]>; zeros where no y depends on x. An x may be
// any value of the graph, also one that another x depends on. grad_ys[i] has the type of ys[i].
// `stops` are taken as constants: they may be xs, but nothing flows on to what they were made of.
std::vector<Value> gradients(Builder& b, std::span<const Value> ys, std::span<const Value> grad_ys,
                             std::span<const Value> xs, std::span<const Value> stops = {});

// Forward mode: the change of each y when the xs change by tangents (of their types). Made as the
// gradient of the gradient with respect to its cotangents, in which it is linear.
std::vector<Value> jvp(Builder& b, std::span<const Value> ys, std::span<const Value> xs,
                       std::span<const Value> tangents, std::span<const Value> stops = {});

}  // namespace mintor
