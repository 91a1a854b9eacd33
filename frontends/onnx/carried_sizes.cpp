// SPDX-License-Identifier: Apache-2.0
// Takes bodies, one import after the other; gives a symbol to each group of sizes that change
// alike. Keeps true: it ends, for a group is only ever split, or made of sizes that had no symbol.
#include "frontends/onnx/carried_sizes.h"

#include <set>

#include "frontends/onnx/import_state.h"

namespace mintor {

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
  return text;
}

bool CarriedSizes::agree(OnnxDraft& body) {
  const std::vector<Type> now = types();
  std::map<std::pair<std::string, std::string>, std::vector<Place>> alike;  // by before and after
  for (size_t i = 0; i < now.size(); ++i) {
    const OnnxKept kept{i, now[i], body.output(1 + i)};
    need_rank(n_, kept);
    for (size_t d = 0; d < now[i].shape.size(); ++d) {
      if (!symbols_.contains({i, d}) && keeps_dimension(n_, body, kept, d)) continue;
      const Index after = body.state.graph.ranges().simplify(kept.after.shape()[d]);
      alike[{now[i].shape[d].str(), after.str()}].push_back({i, d});
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
