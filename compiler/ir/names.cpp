// SPDX-License-Identifier: Apache-2.0
// The spellings of kinds, combiners, roles and types, one table each, read in both directions.
// Takes an enumerator or its name; gives the other. Keeps true: a table is as long as its enum.
#include <array>

#include "compiler/ir/graph.h"

namespace mintor {

namespace {

constexpr std::array<std::string_view, 28> kKinds = {
    "input",   "parameter",      "constant", "iota", "random",   "unary",     "binary",
    "ternary", "cast",           "bitcast",  "pack", "unpack",   "broadcast", "reindex",
    "concat",  "reindex_reduce", "reduce",   "scan", "contract", "sort",      "compact",
    "size",    "bind",           "if",       "loop", "call",     "code",      "host"};
static_assert(static_cast<size_t>(Kind::host) + 1 == kKinds.size());

constexpr std::array<std::string_view, 11> kCombiners = {
    "add", "mul", "min", "max", "and", "or", "xor", "argmin", "argmax", "last", "custom"};
static_assert(static_cast<size_t>(Combiner::custom) + 1 == kCombiners.size());

constexpr std::array<std::string_view, 5> kRoles = {"batch", "m", "n", "k", "window"};

template <class T, size_t N>
std::optional<T> find(const std::array<std::string_view, N>& names, std::string_view name) {
  for (size_t i = 0; i < N; ++i) {
    if (names[i] == name) return static_cast<T>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view name_of(Kind kind) { return kKinds[static_cast<size_t>(kind)]; }
std::string_view name_of(Combiner combiner) { return kCombiners[static_cast<size_t>(combiner)]; }
std::string_view name_of(AxisRole role) { return kRoles[static_cast<size_t>(role)]; }
std::optional<Kind> parse_kind(std::string_view name) { return find<Kind>(kKinds, name); }
std::optional<Combiner> parse_combiner(std::string_view name) {
  return find<Combiner>(kCombiners, name);
}
std::optional<AxisRole> parse_role(std::string_view name) { return find<AxisRole>(kRoles, name); }

std::string_view op_name(Kind kind, const Attr& attr) {
  if (const auto* scalar = std::get_if<ScalarAttr>(&attr)) return name_of(scalar->op);
  return name_of(kind);
}

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (size_t d = 0; d < shape.size(); ++d) text += (d > 0 ? ", " : "") + shape[d].str();
  return text + "]";
}

std::string to_string(const Type& type) {
  return std::string(name_of(type.dtype)) + to_string(type.shape);
}

}  // namespace mintor
