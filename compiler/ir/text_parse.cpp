// SPDX-License-Identifier: Apache-2.0
// Text -> Graph: header, statements, regions, results, updates and states. Attributes are read in
// text_attr.cpp. Keeps true: every node goes through Builder::node, so that what parses has derived
// types that agree with the text; sizes mention declared symbols only; errors carry line and
// column.
#include <unordered_map>

#include "compiler/ir/builder.h"
#include "compiler/ir/text.h"
#include "compiler/ir/text_attr.h"
#include "compiler/support/error.h"
#include "compiler/support/nearest.h"

namespace mintor {

namespace {

constexpr int kMaxNesting = 64;  // of regions

class GraphParser {
 public:
  GraphParser(Lexer& lexer, const Blobs& blobs, Graph& graph, int nesting)
      : lexer_(lexer), blobs_(blobs), graph_(graph), builder_(graph), nesting_(nesting) {}

  void parse() {
    if (nesting_ > kMaxNesting) lexer_.fail("regions are nested too deeply");
    lexer_.expect("graph");
    graph_.set_name(lexer_.name_or_string("the graph's name"));
    if (lexer_.accept("(")) header();
    lexer_.expect("{");
    while (!lexer_.accept("}")) {
      if (lexer_.at("results")) {
        results();
      } else if (lexer_.at("updates")) {
        updates();
      } else if (lexer_.accept("states")) {
        states();
      } else if (lexer_.accept("needs")) {
        condition();
      } else {
        statement();
      }
    }
  }

 private:
  void header() {
    while (!lexer_.accept(")")) {
      Symbol symbol;
      symbol.name = lexer_.name_or_string("a symbol");
      if (graph_.find_symbol(symbol.name) != nullptr)
        lexer_.fail("the symbol '" + symbol.name + "' is declared twice");
      lexer_.expect(":");
      symbol.lo = lexer_.integer("the smallest size");
      lexer_.expect("..");
      if (lexer_.peek().kind == Token::Kind::number) symbol.hi = lexer_.integer("the largest size");
      if (lexer_.accept("%")) symbol.divisor = lexer_.integer("a divisor");
      if (lexer_.accept("~")) symbol.hint = lexer_.integer("a typical size");
      if (lexer_.accept("=")) symbol.value = size();
      if (symbol.divisor < 1) lexer_.fail("the divisor of '" + symbol.name + "' is not positive");
      graph_.add_symbol(symbol);
      if (!lexer_.at(")")) lexer_.expect(",");
    }
  }

  // An expression over symbols that are declared.
  Index size() {
    Index size = read_index(lexer_);
    for (const std::string& symbol : size.vars()) {
      if (graph_.find_symbol(symbol) == nullptr) {
        lexer_.fail("the symbol '" + symbol + "' is not declared",
                    "declare it in the header: graph g (" + symbol + ": 1..) {");
      }
    }
    return size;
  }

  // "needs p == q or p == 1 or q == 1 @ "who"", or "needs p == q or p >= 1": before the nodes,
  // whose types depend on it.
  void condition() {
    if (!graph_.nodes().empty()) lexer_.fail("`needs` stands before the first node");
    Condition c;
    c.left = size();
    lexer_.expect("==");
    c.right = size();
    const auto alternative = [&](const Index& side, Condition::Form form) {
      if (!lexer_.accept("or")) return false;
      if (!(size() == side)) lexer_.fail("expected '" + side.str() + " == 1'");
      c.form = form;
      if (form == Condition::Form::left_or_one && lexer_.accept(">="))
        c.form = Condition::Form::left_or_positive;
      else
        lexer_.expect("==");
      if (lexer_.integer("1") != 1) lexer_.fail("a size is stretched where it is 1");
      return c.form == Condition::Form::left_or_one;
    };
    if (alternative(c.left, Condition::Form::left_or_one))
      alternative(c.right, Condition::Form::either_or_one);
    if (lexer_.accept("@")) c.because = lexer_.string("the operator that needs it");
    graph_.add_condition(std::move(c));
  }

  Value value() {
    const Token token = lexer_.peek();
    const std::string name(lexer_.name("a value"));
    auto it = values_.find(name);
    if (it != values_.end()) return it->second;
    throw CompileError(
        "graph text", "unknown value '" + name + "'",
        "line " + std::to_string(token.line) + ", column " + std::to_string(token.column),
        "a value is defined before it is used");
  }

  Type type() {
    const std::string_view name = lexer_.name("a type such as f32[2, 3]");
    Type type;
    if (auto dtype = parse_dtype(name)) {
      type.dtype = *dtype;
    } else {
      lexer_.fail("unknown dtype '" + std::string(name) + "'");
    }
    lexer_.expect("[");
    while (!lexer_.accept("]")) {
      type.shape.push_back(size());
      if (!lexer_.at("]")) lexer_.expect(",");
    }
    return type;
  }

  std::vector<std::string> names() {
    std::vector<std::string> names;
    if (lexer_.accept("(")) {
      lexer_.expect(")");
      return names;
    }
    do {
      names.emplace_back(lexer_.name("a value's name"));
      if (values_.contains(names.back()))
        lexer_.fail("the value '" + names.back() + "' is defined twice");
    } while (lexer_.accept(","));
    return names;
  }

  std::vector<std::shared_ptr<const Graph>> regions() {
    std::vector<std::shared_ptr<const Graph>> regions;
    if (!lexer_.accept("{")) return regions;
    while (!lexer_.accept("}")) {
      auto region = std::make_shared<Graph>();
      GraphParser(lexer_, blobs_, *region, nesting_ + 1).parse();
      regions.push_back(std::move(region));
    }
    return regions;
  }

  std::string scope() {
    if (lexer_.peek().kind == Token::Kind::string) return lexer_.string("a scope");
    std::string path(lexer_.name("a scope"));
    while (lexer_.accept("/")) path += "/" + std::string(lexer_.name("a scope"));
    return path;
  }

  void statement() {
    const Token start = lexer_.peek();
    const std::vector<std::string> names = this->names();
    lexer_.expect("=");
    const auto [kind, op] = read_kind(lexer_);
    NodeText text;
    text.leaf_name = names.empty() ? "" : names[0];
    if (lexer_.peek().kind == Token::Kind::string) text.leaf_name = lexer_.string("a name");
    if (lexer_.accept("(")) {
      lexer_.expect(")");  // no results
    } else {
      do text.types.push_back(type());
      while (lexer_.accept(","));
    }
    if (lexer_.accept("(")) {
      while (!lexer_.accept(")")) {
        text.operands.push_back(value());
        if (!lexer_.at(")")) lexer_.expect(",");
      }
    }
    Attr attr = read_attr(lexer_, kind, op, text, blobs_);
    set_regions(attr, regions());
    const std::vector<Value> made = make(kind, attr, text, start);
    if (made.size() != names.size()) {
      lexer_.fail(std::to_string(names.size()) + " names are given to " +
                  std::to_string(made.size()) + " results of " + std::string(op_name(kind, attr)));
    }
    for (size_t i = 0; i < made.size(); ++i) values_[names[i]] = made[i];
    if (!lexer_.accept("@")) return;
    do graph_.add_scope(last_, scope());
    while (lexer_.accept(","));
  }

  void set_regions(Attr& attr, std::vector<std::shared_ptr<const Graph>> regions) {
    ReduceAttr* reduce = std::get_if<ReduceAttr>(&attr);
    if (auto* scan = std::get_if<ScanAttr>(&attr)) reduce = &scan->reduce;
    if (auto* control = std::get_if<RegionAttr>(&attr)) {
      control->regions = std::move(regions);
    } else if (reduce != nullptr && regions.size() == 1) {
      reduce->body = regions[0];
    } else if (!regions.empty()) {
      lexer_.fail("this kind of node takes no regions, or fewer");
    }
  }

  // Derives the types and compares them with those of the text; the Builder's errors get the place
  // of the statement.
  std::vector<Value> make(Kind kind, const Attr& attr, const NodeText& text, const Token& start) {
    const std::string place = "line " + std::to_string(start.line);
    const size_t before = graph_.nodes().size();
    std::vector<Value> made;
    try {
      made = builder_.node(kind, attr, text.operands, text.types);
    } catch (const CompileError& error) {
      throw CompileError(error.op(), error.problem(), place);
    }
    last_ = made.empty() ? graph_.nodes().back().get() : made[0].node;
    if (graph_.nodes().size() == before && made.empty())
      lexer_.fail("a node without results was merged away");
    for (size_t i = 0; i < std::max(made.size(), text.types.size()); ++i) {
      if (i < made.size() && i < text.types.size() && made[i].type() == text.types[i]) continue;
      throw CompileError(std::string(op_name(kind, attr)),
                         "result " + std::to_string(i) + " is " +
                             (i < made.size() ? to_string(made[i].type()) : "not there") +
                             ", the text says " +
                             (i < text.types.size() ? to_string(text.types[i]) : "nothing"),
                         place);
    }
    return made;
  }

  void results() {
    lexer_.expect("results");
    do {
      Token token = lexer_.peek();
      const std::string name = lexer_.name_or_string("a result");
      if (lexer_.accept("=")) {
        graph_.results.push_back({name, value()});
      } else if (auto it = values_.find(name); it != values_.end()) {
        graph_.results.push_back({name, it->second});
      } else {
        throw CompileError("graph text", "unknown value '" + name + "'",
                           "line " + std::to_string(token.line));
      }
    } while (lexer_.accept(","));
  }

  void updates() {
    lexer_.expect("updates");
    do {
      const std::string parameter = lexer_.name_or_string("a parameter");
      lexer_.expect(":=");
      graph_.updates.push_back({parameter, value()});
    } while (lexer_.accept(","));
  }

  void states() {
    do graph_.states.push_back(lexer_.name_or_string("a parameter"));
    while (lexer_.accept(","));
  }

  Lexer& lexer_;
  const Blobs& blobs_;
  Graph& graph_;
  Builder builder_;
  int nesting_;
  const Node* last_ = nullptr;
  std::unordered_map<std::string, Value> values_;
};

}  // namespace

Graph parse_graph(std::string_view text, const Blobs& blobs) {
  Lexer lexer(text, "graph text");
  Graph graph;
  GraphParser(lexer, blobs, graph, 0).parse();
  if (!lexer.at_end()) lexer.fail("text follows the end of the graph");
  return graph;
}

std::vector<Graph> parse_graphs(std::string_view text, const Blobs& blobs) {
  Lexer lexer(text, "graph text");
  std::vector<Graph> graphs;
  do GraphParser(lexer, blobs, graphs.emplace_back(), 0).parse();
  while (!lexer.at_end());
  return graphs;
}

}  // namespace mintor
