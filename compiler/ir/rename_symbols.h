// SPDX-License-Identifier: Apache-2.0
// Symbols under other names: in a node's attributes and types, in its regions too.
// Takes the new size of each name; gives the parts of a node that mention it. Regions that mention
// none of the names are kept as they are.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace mintor {

using SymbolNames = std::map<std::string, std::string>;

Attr renamed(const Attr& attr, const SymbolNames& names);
std::vector<Type> renamed(const std::vector<Type>& types, const SymbolNames& names);
Index renamed(const Index& index, const SymbolNames& names);
Symbol renamed(const Symbol& symbol, const SymbolNames& names);
Condition renamed(const Condition& condition, const SymbolNames& names);
std::shared_ptr<const Graph> renamed(const std::shared_ptr<const Graph>& region,
                                     const SymbolNames& names);
Graph renamed(const Graph& graph, const SymbolNames& names);

}  // namespace mintor
