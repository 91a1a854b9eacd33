// SPDX-License-Identifier: Apache-2.0
// Contracts of a u8 and an i8 operand by words of four bytes: the channel that lies innermost is
// cut, and its four bytes are summed innermost.
//| y = contract (x: u8[m, k], w: i8[k, n])   k = 64
//|   ->  y = contract (x[m, 4*k_word + k_byte], w[4*k_word + k_byte, n])   k_word = 16, k_byte = 4
// Channels that are no whole number of words get zeros behind them. Integer sums wrap, so their
// order is free: bits stay.
#include <algorithm>

#include "compiler/graph/index_map.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"
#include "compiler/graph/word_axis.h"

namespace mintor {
namespace {

bool is_summed(const ContractAxis& a) {
  return a.role == AxisRole::k || a.role == AxisRole::window;
}

bool mentions(const std::vector<Index>& coords, const std::string& axis) {
  return std::ranges::any_of(coords, [&](const Index& e) { return e.mentions(axis); });
}

// The one k axis of constant extent along which the bytes of `coords` lie.
const ContractAxis* innermost_channel(const Contract& c, const std::vector<Index>& coords) {
  for (const ContractAxis& a : c.axes) {
    if (a.role != AxisRole::k || !a.extent.is_const() || a.extent.value() < 1) continue;
    const auto affine = coords.empty() ? std::nullopt : coords.back().affine_in(a.name);
    if (!affine || affine->first != 1) continue;
    return mentions({coords.begin(), coords.end() - 1}, a.name) ? nullptr : &a;
  }
  return nullptr;
}

// Zeros behind dimension `dim`, up to this size.
Value padded(Builder& b, const Value& v, size_t dim, int64_t size) {
  std::vector<Index> before(v.shape().size(), Index(0)), after = before;
  after[dim] = size - v.shape()[dim].value();
  if (after[dim].is_const(0)) return v;
  Builder::Scope scope(b, "pad_words");
  return b.pad(v, before, after, Scalar::of_int(v.dtype(), 0));
}

std::string free_name(const Contract& c, const Graph& graph, std::string name) {
  const auto taken = [&] {
    return graph.find_symbol(name) != nullptr ||
           std::ranges::any_of(c.axes, [&](const ContractAxis& a) { return a.name == name; });
  };
  while (taken()) name += "_";
  return name;
}

std::optional<std::vector<Value>> by_words(Builder& b, const Node& old, Value x, Value y) {
  if (old.kind != Kind::contract) return std::nullopt;
  Contract c = old.as<Contract>();
  const bool mixed = (x.dtype() == DType::u8 && y.dtype() == DType::i8) ||
                     (x.dtype() == DType::i8 && y.dtype() == DType::u8);
  if (!mixed || c.order.form != Order::Form::chain) return std::nullopt;
  const auto out = std::find_if(c.axes.rbegin(), c.axes.rend(),
                                [](const ContractAxis& a) { return !is_summed(a); });
  if (out == c.axes.rend() || out->extent.is_const(1)) return std::nullopt;
  // The operand that does not move along the vectors is read as it lies.
  const bool x_moves = mentions(c.x_coords, out->name), y_moves = mentions(c.y_coords, out->name);
  if (x_moves == y_moves) return std::nullopt;
  Value &read = x_moves ? y : x, &laid = x_moves ? x : y;
  const auto &read_coords = x_moves ? c.y_coords : c.x_coords,
             &laid_coords = x_moves ? c.x_coords : c.y_coords;
  const ContractAxis* found = innermost_channel(c, read_coords);
  if (found == nullptr) return std::nullopt;
  const ContractAxis channel = *found;
  for (const IndexCondition& condition : c.conditions)
    if (condition.value.mentions(channel.name)) return std::nullopt;
  const auto at = dim_along(laid_coords, channel.name);
  if (!at) return std::nullopt;
  const int64_t size = channel.extent.value();
  const int64_t words = (size - 1) / kBytesOfWord + 1;
  if (size % kBytesOfWord != 0) {
    const size_t last = read_coords.size() - 1;
    if (read_coords[last].as_var() != channel.name || !read.shape()[last].is_const(size) ||
        !laid.shape()[*at].is_const(size))
      return std::nullopt;
    read = padded(b, read, last, words * kBytesOfWord);
    laid = padded(b, laid, *at, words * kBytesOfWord);
  }
  const std::string word = free_name(c, b.graph(), channel.name + "_word");
  const std::string byte = free_name(c, b.graph(), channel.name + "_byte");
  const std::map<std::string, Index> cut{
      {channel.name, Index::var(word) * kBytesOfWord + Index::var(byte)}};
  for (auto* coords : {&c.x_coords, &c.y_coords})
    for (Index& e : *coords) e = e.substitute(cut);
  std::erase_if(c.axes, [&](const ContractAxis& a) { return a.name == channel.name; });
  c.axes.push_back({word, AxisRole::k, words});
  c.axes.push_back({byte, AxisRole::k, kBytesOfWord});
  c.order.inner = 0;
  return std::vector<Value>{b.contract(x, y, c)};
}

Graph run(CompileContext&, const Graph& graph) {
  return rewrite(graph, [](Builder& b, const Node& old, std::span<const Value> operands) {
    return operands.size() == 2 ? by_words(b, old, operands[0], operands[1]) : std::nullopt;
  });
}

}  // namespace

extern const GraphPass pass_byte_words;
const GraphPass pass_byte_words = {"byte_words", "sums products of bytes by words of four", run};

}  // namespace mintor
