// SPDX-License-Identifier: Apache-2.0
// Takes and gives what state_inputs.h says. Keeps true: a state of fixed shape costs no node; one
// of an open size is read by a slice and updated by a scatter of whole rows.
#include "compiler/graph/state_inputs.h"

#include <algorithm>

#include "compiler/graph/index_map.h"
#include "compiler/graph/rewrite.h"
#include "compiler/support/error.h"
#include "compiler/support/nearest.h"

namespace mintor {
namespace {

struct Kept {
  Type type;    // as an input
  Tensor zero;  // the parameter
};

constexpr int64_t kMostBytes = int64_t{1} << 30;  // of a state; bounds come from the command line

[[noreturn]] void unknown(const char* what, const std::string& name,
                          const std::vector<std::string_view>& known) {
  throw CompileError("state", std::string("the model has no ") + what + " '" + name + "'", "",
                     did_you_mean(name, known));
}

const Node* input_of(const Graph& graph, const std::string& name) {
  std::vector<std::string_view> known;
  for (const Node* node : inputs_of(graph)) {
    known.push_back(node->as<InputAttr>().name);
    if (known.back() == name) return node;
  }
  unknown("input", name, known);
}

Value output_of(const Graph& graph, const std::string& name) {
  std::vector<std::string_view> known;
  for (const Result& result : graph.results) {
    known.push_back(result.name);
    if (result.name == name) return result.value;
  }
  unknown("output", name, known);
}

void check_types_agree(const Graph& graph, const StateInput& state) {
  const Type& before = input_of(graph, state.input)->results[0];
  const Type& after = output_of(graph, state.output).type();
  bool agree = before.dtype == after.dtype && before.shape.size() == after.shape.size();
  for (size_t d = 0; agree && d < before.shape.size(); ++d)
    agree = graph.ranges().simplify(before.shape[d] - after.shape[d]).is_const(0);
  if (agree) return;
  throw CompileError("state",
                     "the input '" + state.input + "' is " + to_string(before) + ", the output '" +
                         state.output + "' " + to_string(after),
                     "", "a state and its update have one dtype and shape; --shape fixes sizes");
}

// The shape with upper bounds for what runs bind.
std::vector<int64_t> largest_shape(const Graph& graph, const std::string& name, const Type& type) {
  std::vector<int64_t> shape;
  int64_t bytes = size_of(type.dtype);
  for (const Index& extent : type.shape) {
    const std::optional<int64_t> most = graph.ranges().upper(extent);
    if (!most)
      throw CompileError("state",
                         "'" + name + "' is " + to_string(type) + ": " + extent.str() +
                             " has no upper bound, and a context keeps room for all of it",
                         "", "bound it, or fix it: --shape " + name + "=..., with 1..8 or 1 there");
    shape.push_back(std::max<int64_t>(*most, 0));
    if (__builtin_mul_overflow(bytes, shape.back(), &bytes) || bytes > kMostBytes)
      throw CompileError("state", "'" + name + "' is " + to_string(type) +
                                      ", at its upper bounds more than 1 GiB");
  }
  return shape;
}

// Sizes that the state alone said are said by nobody now.
void check_sizes_are_bound(const Graph& graph, const std::string& name, const Type& type) {
  for (const Index& extent : type.shape)
    for (const std::string& symbol : extent.vars()) {
      if (graph.find_symbol(symbol)->value || definer_of(graph, symbol) != nullptr) continue;
      throw CompileError("state",
                         "'" + name + "' is " + to_string(type) + ", and no other input has the " +
                             "size " + symbol,
                         "", "fix it: --shape " + name + "=..., or give it another input's symbol");
    }
}

bool is_fixed(const Type& type) {
  return std::ranges::all_of(type.shape, [](const Index& extent) { return extent.is_const(); });
}

Value read_state(Builder& b, Value state, const Type& type) {
  const size_t rank = type.shape.size();
  return b.slice(state, std::vector<Index>(rank), type.shape, std::vector<int64_t>(rank, 1));
}

// The state with the first of its rows replaced.
Value write_state(Builder& b, Value state, Value update) {
  if (is_fixed(update.type())) return update;
  IndexMap map;
  for (size_t d = 0; d < update.shape().size(); ++d) map.coords.push_back(dim_index(d));
  return b.reindex_reduce(Combiner::last, state, update, map);
}

}  // namespace

StateInput parse_state_input(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0 || equals + 1 == text.size())
    throw CompileError("state", "--state is '" + std::string(text) + "'", "",
                       "give an input and the output that it becomes: in=out");
  return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

Graph with_state_inputs(const Graph& graph, std::span<const StateInput> states) {
  std::map<std::string, Kept> kept;
  for (const StateInput& state : states) {
    check_types_agree(graph, state);
    const Type& type = input_of(graph, state.input)->results[0];
    const auto shape = largest_shape(graph, state.input, type);
    if (!kept.emplace(state.input, Kept{type, Tensor::zeros(type.dtype, shape)}).second)
      throw CompileError("state", "--state names input '" + state.input + "' twice");
  }
  Graph made = rewrite(graph, [&](Builder& b, const Node& old, std::span<const Value>) {
    std::optional<std::vector<Value>> values;
    if (old.kind != Kind::input) return values;
    const auto at = kept.find(old.as<InputAttr>().name);
    if (at == kept.end()) return values;
    values = {read_state(b, b.parameter(at->first, at->second.zero), at->second.type)};
    return values;
  });
  Builder b(made);
  for (const auto& [input, output] : states) {
    const auto& [type, zero] = kept.at(input);
    check_sizes_are_bound(made, input, type);
    const Value update = output_of(made, output);
    made.updates.push_back({input, write_state(b, b.parameter(input, zero), update)});
  }
  std::erase_if(made.results, [&](const Result& result) {
    return std::ranges::count(states, result.name, &StateInput::output) > 0;
  });
  return made;
}

}  // namespace mintor
