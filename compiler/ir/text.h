// SPDX-License-Identifier: Apache-2.0
// Text form of a Graph: prints, and parses back exactly (print(parse(t)) == t for printed t).
// The form is that of the appendix of docs/architecture.md:
//   graph NAME (batch: 1..32, s: 4.. % 4 ~ 128) {         symbols: range, divisor, hint
//     x = input f32[batch, 256]
//     r = relu f32[batch, 214] (z)                         @ scope, scope
//     results r, name = z
//     updates w := v  states b                             b: another entry updates it
//   }                  and the next entry's graph behind it
// Constants of at most 16 elements print their values (floats as hex or shortest exact decimal);
// larger ones and parameters print dtype, shape and SHA-256, their bytes in a side file (a map from
// SHA-256 to Tensor).
#pragma once

#include <map>
#include <string>

#include "compiler/ir/graph.h"

namespace mintor {

using Blobs = std::map<std::string, Tensor>;  // SHA-256 (hex) -> bytes

enum class Scopes { shown, hidden };  // hidden: the text that identity and hashes are taken from

std::string print(const Graph& graph, Scopes scopes = Scopes::shown);
// SHA-256 of what a Graph says apart from its name and the values of its parameters: graphs of one
// structure become the same program. Names, scopes and the bytes of constants are part of it.
std::string structure_hash(const Graph& graph);
// What a node says beside its kind, types and operands, regions included; of a parameter its name,
// of a constant the hash of its bytes.
std::string attributes_text(const Node& node);
Blobs blobs_of(const Graph& graph);
// Throws CompileError with line and column. A blob that is missing is an error that names it.
Graph parse_graph(std::string_view text, const Blobs& blobs = {});
// One Graph or several.
std::vector<Graph> parse_graphs(std::string_view text, const Blobs& blobs = {});
// The side file: a simple container of blobs. Checked against the hashes when read.
void write_blobs(const Blobs& blobs, const std::string& path);
Blobs read_blobs(const std::string& path);

}  // namespace mintor
