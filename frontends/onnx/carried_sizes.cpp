// SPDX-License-Identifier: Apache-2.0
// Takes bodies, one import after the other; gives a symbol to each group of sizes that change
// alike. Keeps true: it ends, for a group is only ever split, or made of sizes that had no symbol.
#include "frontends/onnx/carried_sizes.h"

#include <algorithm>
#include <set>

#include "frontends/onnx/import_state.h"

namespace mintor {

namespace {

bool is_read(const OnnxDraft& body, size_t carried) {
  const Value input{inputs_of(body.state.graph)[1 + carried], 0};
  const auto reads = [&](const auto& node) {
    return std::ranges::find(node->operands, input) != node->operands.end();
  };
  return std::ranges::any_of(body.state.graph.nodes(), reads) ||
         std::ranges::any_of(body.outputs,
                             [&](const OnnxValue& v) { return v.value == input || v.items; });
}

// A type for it before the loop: empty along what the body alone knows.
Type type_before(OnnxNode& n, const OnnxDraft& body, const Type& after) {
  Type type{after.dtype, {}};
  for (const Index& size : after.shape)
    type.shape.push_back(keeps_size(n, body, size) ? size : Index(0));
  return type;
}

}  // namespace

CarriedSizes::CarriedSizes(OnnxNode& n, const std::vector<Value>& carried) : n_(n) {
  for (const Value& v : carried) before_.push_back(v.type());
}

std::vector<Type> CarriedSizes::types() const {
  std::vector<Type> types = before_;
  for (const auto& [place, symbol] : symbols_)
    types[place.first].shape[place.second] = Index::var(symbol);
  return types;
}

std::string CarriedSizes::variant() const {
  std::string text;
  for (const auto& [place, symbol] : symbols_)
    text += ";" + std::to_string(place.first) + "," + std::to_string(place.second) + symbol;
  for (const auto& [i, type] : replaced_) text += ";" + std::to_string(i) + to_string(type);
  return text;
}

bool CarriedSizes::agree(OnnxDraft& body) {
  const std::vector<Type> now = types();
  std::map<std::pair<std::string, std::string>, std::vector<Place>> alike;  // by before and after
  for (size_t i = 0; i < now.size(); ++i) {
    const Value after = with_rank(body.state.builder, body.output(1 + i), now[i].shape);
    if (after.dtype() == now[i].dtype && after.shape().size() != now[i].shape.size() &&
        !is_read(body, i)) {
      replaced_[i] = before_[i] = type_before(n_, body, after.type());
      return false;
    }
    const OnnxKept kept{i, now[i], after};
    need_rank(n_, kept);
    for (size_t d = 0; d < now[i].shape.size(); ++d) {
      if (!symbols_.contains({i, d}) && keeps_dimension(n_, body, kept, d)) continue;
      const Index size = body.state.graph.ranges().simplify(after.shape()[d]);
      alike[{now[i].shape[d].str(), size.str()}].push_back({i, d});
    }
  }
  const auto known = symbols_;
  std::set<std::string> taken;
  for (const auto& [sizes, places] : alike) {
    const auto symbol = known.find(places[0]);
    const bool stays = symbol != known.end() && taken.insert(symbol->second).second;
    const std::string name = stays ? symbol->second : n_.state().fresh_symbol("carried");
    for (const Place& place : places) symbols_[place] = name;
  }
  return symbols_ == known;
}

}  // namespace mintor
