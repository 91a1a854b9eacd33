// SPDX-License-Identifier: Apache-2.0
// Program text -> Program. Takes what print gives and the bytes of the weights by SHA-256; gives
// the Program, verified. Keeps true: print(parse_program(t)) == t; a weight's bytes match their
// hash.
#include <algorithm>

#include "compiler/program/program.h"
#include "compiler/support/lexer.h"

namespace mintor {
namespace {

constexpr int kMostDepth = 64;

struct Parser {
  Lexer at;
  const std::map<std::string, Tensor>& blobs;
  Program program;
  std::map<std::string, int32_t, std::less<>> ids;
  int depth = 0;

  int32_t buffer_id() {
    const std::string name = at.string("a buffer");
    const auto found = ids.find(name);
    if (found == ids.end()) at.fail("there is no buffer '" + name + "'");
    return found->second;
  }

  std::vector<int32_t> buffer_ids(std::string_view close) {
    std::vector<int32_t> out;
    while (!at.accept(close)) {
      if (!out.empty()) at.expect(",");
      out.push_back(buffer_id());
    }
    return out;
  }

  DType dtype() {
    const std::string_view name = at.name("a dtype");
    const auto parsed = parse_dtype(name);
    if (!parsed) at.fail("'" + std::string(name) + "' is no dtype");
    return *parsed;
  }

  int32_t small() {
    const int64_t value = at.integer("a count");
    if (value < 0 || value > INT32_MAX) at.fail("a count is out of range");
    return static_cast<int32_t>(value);
  }

  std::vector<std::string> strings() {
    std::vector<std::string> out;
    at.expect("[");
    while (!at.accept("]")) {
      if (!out.empty()) at.expect(",");
      out.push_back(at.string("a string"));
    }
    return out;
  }

  std::vector<Index> indices() {
    std::vector<Index> out;
    at.expect("[");
    while (!at.accept("]")) {
      if (!out.empty()) at.expect(",");
      out.push_back(read_index(at));
    }
    return out;
  }

  void level() {
    TargetInfo info;
    info.level = at.string("a level");
    info.target = at.string("a target");
    at.expect("vector");
    info.vector_bytes = small();
    at.expect("registers");
    info.vector_registers = small();
    at.expect("l1");
    info.l1_bytes = at.integer("a number of bytes");
    at.expect("l2");
    info.l2_bytes = at.integer("a number of bytes");
    at.expect("features");
    info.features = strings();
    at.expect("flags");
    info.compile_flags = strings();
    program.levels.push_back(std::move(info));
  }

  void symbol() {
    Symbol symbol;
    symbol.name = at.name("a symbol");
    symbol.lo = at.integer("a lower bound");
    at.expect("..");
    symbol.hi = at.integer("an upper bound");
    at.expect("%");
    symbol.divisor = at.integer("a divisor");
    at.expect("~");
    symbol.hint = at.integer("a hint");
    if (at.accept("=")) symbol.value = read_index(at);
    program.symbols.push_back(std::move(symbol));
  }

  Condition condition() {
    Condition c;
    if (at.accept("left_or_one")) {
      c.form = Condition::Form::left_or_one;
    } else if (at.accept("either_or_one")) {
      c.form = Condition::Form::either_or_one;
    } else if (at.accept("left_or_positive")) {
      c.form = Condition::Form::left_or_positive;
    } else {
      at.expect("equal");
    }
    std::vector<Index> sides = indices();
    if (sides.size() != 2) at.fail("a condition has two sides");
    c.left = std::move(sides[0]);
    c.right = std::move(sides[1]);
    c.because = at.string("a reason");
    return c;
  }

  void buffer() {
    Buffer buffer;
    buffer.name = at.string("a buffer");
    at.expect("=");
    buffer.part = at.accept("part");
    if (buffer.part || at.accept("view")) {
      buffer.view_of = buffer_id();
    } else {
      buffer.place = place();
      if (buffer.place <= Place::output || buffer.place == Place::dynamic) buffer.slot = small();
    }
    buffer.dtype = dtype();
    buffer.shape = indices();
    if (buffer.part || (buffer.view_of < 0 && buffer.place > Place::output)) {
      at.expect("at");
      buffer.offset = read_index(at);
    }
    if (at.accept("as")) buffer.port = at.string("a port");
    buffer.in_branch = at.accept("in_branch");
    if (!ids.emplace(buffer.name, static_cast<int32_t>(program.buffers.size())).second) {
      at.fail("the buffer '" + buffer.name + "' exists already");
    }
    program.buffers.push_back(std::move(buffer));
  }

  Place place() {
    if (at.accept("input")) return Place::input;
    if (at.accept("output")) return Place::output;
    if (at.accept("weights")) return Place::weights;
    if (at.accept("packed")) return Place::packed;
    if (at.accept("arena")) return Place::arena;
    if (at.accept("dynamic")) return Place::dynamic;
    if (at.accept("state")) return Place::state;
    at.fail(
        "a place is missing: input, output, weights, packed, arena, dynamic, state, view or part");
  }

  void weight() {
    Weight weight;
    weight.parameter = at.string("a weight");
    at.expect("in");
    weight.buffer = buffer_id();
    const std::string& name = program.buffers[weight.buffer].name;
    const DType type = dtype();
    std::vector<int64_t> shape;
    for (const Index& extent : indices()) {
      if (!extent.is_const()) at.fail("a weight has a constant shape");
      shape.push_back(extent.value());
    }
    at.expect("sha256");
    const std::string sha256(at.next().text);  // a number or a name, by its first digit
    const auto blob = blobs.find(sha256);
    if (blob == blobs.end()) at.fail("the bytes of weight '" + name + "' are not given");
    weight.value = blob->second;
    weight.value.dtype = type;
    weight.value.shape = shape;
    if (weight.value.bytes() != blob->second.bytes() || weight.value.sha256() != sha256) {
      at.fail("the bytes of weight '" + name + "' do not match its type and hash");
    }
    program.weights.push_back(std::move(weight));
  }

  void sizes() {
    at.expect("weights");
    program.weights_bytes = at.integer("a number of bytes");
    if (at.accept("state")) program.state_bytes = at.integer("a number of bytes");
    at.expect("packed");
    program.packed_bytes = one_index();
  }

  Index one_index() {
    const std::vector<Index> list = indices();
    if (list.size() != 1) at.fail("one integer expression in brackets is expected");
    return list[0];
  }

  HostSteps steps() {
    at.expect("{");
    check_depth();
    ++depth;
    HostSteps list;
    while (!at.accept("}")) list.push_back(step());
    --depth;
    return list;
  }

  // HostSteps hold steps: the text says how deep this goes.
  void check_depth() const {
    if (depth > kMostDepth) at.fail("steps are nested too deeply");
  }

  HostStep step() {
    const std::string word(at.name("a step"));
    if (word == "if") {
      Branch branch{buffer_id(), steps(), {}};
      at.expect("else");
      branch.no = steps();
      return {std::move(branch)};
    }
    if (word == "bind") {
      const std::string symbol(at.name("a symbol"));
      return {Bind{symbol, buffer_id()}};
    }
    if (word == "needs") return {Check{condition()}};
    if (word != "loop") return {launch(word)};
    Loop loop;
    loop.counter = at.name("a counter");
    at.expect("in");
    loop.trip = read_index(at);
    if (at.accept("while")) loop.condition = buffer_id();
    loop.steps = steps();
    return {std::move(loop)};
  }

  Launch launch(const std::string& kernel) {
    Launch launch;
    launch.kernel = kernel;
    at.expect("(");
    launch.args = buffer_ids(";");
    while (!at.accept(")")) {
      if (!launch.symbols.empty()) at.expect(",");
      launch.symbols.push_back(read_index(at));
    }
    at.expect("tasks");
    launch.tasks = indices();
    if (at.accept("work")) launch.work = one_index();
    while (at.accept("in_place")) {
      InPlace pair;
      pair.output = small();
      at.expect("<");
      at.expect("-");
      pair.input = small();
      launch.in_place.push_back(pair);
    }
    if (at.accept("@")) {
      do {
        launch.scopes.push_back(at.string("a scope"));
      } while (at.accept(","));
    }
    return launch;
  }

  void entry() {
    Entry entry;
    entry.name = at.name("an entry");
    at.expect("(");
    entry.inputs = buffer_ids(")");
    at.expect("->");
    at.expect("(");
    entry.outputs = buffer_ids(")");
    at.expect("arena");
    entry.arena_bytes = one_index();
    while (at.accept("needs")) entry.conditions.push_back(condition());
    entry.steps = steps();
    if (entry.name == "prepare")
      program.prepare = std::move(entry);
    else
      program.entries.push_back(std::move(entry));
  }

  void kernel() {
    LevelKernels kernel;
    kernel.name = at.name("a kernel");
    at.expect("{");
    while (!at.accept("}")) {
      kernel.levels.push_back(parse_kernel(at));
      for (int dash = 0; dash < 3; ++dash) at.expect("-");
    }
    program.kernels.push_back(std::move(kernel));
  }

  void role(State& state) {
    if (at.accept("optimizer"))
      state.role = StateRole::optimizer;
    else if (at.accept("gradient"))
      state.role = StateRole::gradient;
    else
      at.accept("value");
    if (at.accept("of")) state.of = buffer_id();  // its position, once all states are known
  }

  void find_owners() {
    for (State& state : program.states) {
      if (state.of < 0) continue;
      const auto of = std::ranges::find(program.states, state.of, &State::buffer);
      if (of == program.states.end()) at.fail("a state belongs to what is none");
      state.of = static_cast<int32_t>(of - program.states.begin());
    }
  }

  void item() {
    if (at.accept("numerics")) {
      program.numerics_hash = at.string("a hash");
    } else if (at.accept("level")) {
      level();
    } else if (at.accept("symbol")) {
      symbol();
    } else if (at.accept("buffer")) {
      buffer();
    } else if (at.accept("weight")) {
      weight();
    } else if (at.accept("sizes")) {
      sizes();
    } else if (at.accept("dynamic")) {
      const std::string symbol(at.name("a symbol"));
      program.dynamic.push_back({symbol, one_index()});
    } else if (at.accept("state")) {
      State state;
      state.buffer = buffer_id();
      at.expect("from");
      state.initial = buffer_id();
      role(state);
      program.states.push_back(state);
    } else if (at.accept("fixed")) {
      const std::string name = at.string("a parameter");
      at.expect("in");
      program.fixed.push_back({name, buffer_id()});
    } else if (at.accept("counters")) {
      program.counters = strings();
    } else if (at.accept("report")) {
      program.report.push_back(at.string("a line"));
    } else if (at.accept("entry")) {
      entry();
    } else if (at.accept("kernel")) {
      kernel();
    } else {
      at.fail("no part of a program starts here");
    }
  }
};

}  // namespace

Program parse_program(std::string_view text, const std::map<std::string, Tensor>& blobs) {
  Parser parser{Lexer(text, "program text"), blobs, {}, {}, 0};
  parser.at.expect("program");
  parser.program.name = parser.at.string("a program name");
  parser.at.expect("{");
  while (!parser.at.accept("}")) parser.item();
  parser.find_owners();
  if (!parser.at.at_end()) parser.at.fail("text after the program");
  verify(parser.program);
  return std::move(parser.program);
}

}  // namespace mintor
