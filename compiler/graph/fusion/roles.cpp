// SPDX-License-Identifier: Apache-2.0
// What a node is to fusion, whatever its neighbours are. Takes a node; gives its role.
// Keeps true: each kind has one role; a kind that no kernel computes is opaque.
#include <algorithm>

#include "compiler/graph/fusion/draft.h"
#include "compiler/graph/reshape.h"

namespace mintor {

bool is_walk(const Node& node) {
  return node.kind == Kind::scan || node.kind == Kind::sort || node.kind == Kind::reindex_reduce;
}

namespace fusion {
namespace {

// Constants up to this many equal elements are written as a number; more are weights.
constexpr int64_t kMostInlineElements = 16;

bool is_uniform(const Tensor& t) {
  for (int64_t i = 1; i < t.count(); ++i)
    if (!t.at(i).same_bits(t.at(0))) return false;
  return t.count() > 0;
}

}  // namespace

bool is_uniform_constant(const Node& node) {
  return node.kind == Kind::constant &&
         node.as<ConstantAttr>().value.count() <= kMostInlineElements &&
         is_uniform(node.as<ConstantAttr>().value);
}

Role role_of(const Node& node) {
  switch (node.kind) {
    case Kind::input:
    case Kind::parameter:
    case Kind::constant:
      return Role::leaf;
    case Kind::iota:
    case Kind::size:
    case Kind::unary:
    case Kind::binary:
    case Kind::ternary:
    case Kind::cast:
    case Kind::bitcast:
    case Kind::pack:
    case Kind::unpack:
    case Kind::broadcast:
    case Kind::reindex:
    case Kind::concat:
      return Role::inlined;
    case Kind::reduce:
    case Kind::scan:
    case Kind::sort:
    case Kind::reindex_reduce:
    case Kind::contract:
      return Role::anchor;
    case Kind::if_:
    case Kind::loop:
    case Kind::bind:
      return Role::control;
    case Kind::random:
    case Kind::compact:
    case Kind::call:
    case Kind::host:
      return Role::opaque;
    case Kind::code:
      return Role::whole;
  }
  return Role::opaque;
}

bool is_free(const Node& node) {
  return node.kind == Kind::iota || node.kind == Kind::size || node.kind == Kind::broadcast ||
         is_uniform_constant(node);
}

bool is_elementwise(const Node& node) {
  return node.kind == Kind::unary || node.kind == Kind::binary || node.kind == Kind::ternary ||
         node.kind == Kind::cast;
}

bool changes_position(const Node& node) {
  return node.kind == Kind::reindex || node.kind == Kind::concat || node.kind == Kind::pack ||
         node.kind == Kind::unpack;
}

bool is_view(const Node& node, const Graph& graph) {
  return node.kind == Kind::reindex && is_reshape(node, graph) &&
         role_of(*node.operands[0].node) != Role::opaque && !is_free(*node.operands[0].node);
}

std::string word_of(const Node& node) {
  if (auto* op = std::get_if<ScalarAttr>(&node.attr)) return std::string(name_of(op->op));
  return std::string(name_of(node.kind));
}

std::string describe(const Graph& graph, const Node& node) {
  const auto& scopes = graph.scopes(&node);
  return word_of(node) + " #" + std::to_string(node.id) +
         (scopes.empty() ? "" : " @ " + scopes.front());
}

}  // namespace fusion
}  // namespace mintor
