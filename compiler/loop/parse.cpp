// SPDX-License-Identifier: Apache-2.0
// Text to Kernel, the inverse of print.cpp. Takes hostile text: every error is a CompileError with
// line and column, nesting is bounded. Keeps true: print(parse_kernel(text)) == text for text that
// print made.
#include <fmt/format.h>

#include "compiler/ir/text_scalar.h"
#include "compiler/loop/ir.h"
#include "compiler/loop/step.h"
#include "compiler/support/error.h"
#include "compiler/support/lexer.h"

namespace mintor {
namespace {

constexpr int kMostNested = 200;

class Parser {
 public:
  explicit Parser(Lexer& lexer) : lexer_(lexer) {}

  Kernel kernel() {
    Kernel kernel;
    lexer_.expect("kernel");
    kernel.name = lexer_.name("a kernel name");
    lexer_.expect("(");
    if (!lexer_.at(")") && !lexer_.at(";")) do
        kernel.params.push_back(param());
      while (lexer_.accept(","));
    if (lexer_.accept(";")) do
        kernel.symbols.push_back(symbol());
      while (lexer_.accept(","));
    lexer_.expect(")");
    lexer_.expect("{");
    if (lexer_.accept("computes")) kernel.computes = lexer_.string("what the kernel computes");
    if (lexer_.accept("schedule"))
      while (!lexer_.peek().starts_line) kernel.schedule.push_back(parse_step(lexer_));
    while (lexer_.accept("because")) kernel.because.push_back(lexer_.string("a reason"));
    kernel.body = body();
    return kernel;
  }

 private:
  Lexer& lexer_;
  std::map<std::string, DType, std::less<>> buffers_;
  std::map<std::string, std::pair<DType, int32_t>, std::less<>> variables_;
  int32_t lanes_ = 1;
  int depth_ = 0;

  struct Nested {
    explicit Nested(Parser& p) : parser(p) {
      if (++parser.depth_ > kMostNested) parser.lexer_.fail("nested too deeply");
    }
    ~Nested() { --parser.depth_; }
    Parser& parser;
  };

  DType dtype() {
    std::string_view name = lexer_.name("a dtype");
    auto found = parse_dtype(name);
    if (!found) lexer_.fail("'" + std::string(name) + "' is no dtype");
    return *found;
  }
  std::vector<Index> indices(std::optional<Index>* count = nullptr) {
    std::vector<Index> out;
    lexer_.expect("[");
    if (!lexer_.at("]")) do
        out.push_back(read_index(lexer_));
      while (lexer_.accept(","));
    if (count && lexer_.accept(";")) {
      lexer_.expect("below");
      *count = read_index(lexer_);
    }
    lexer_.expect("]");
    return out;
  }
  Param param() {
    Param p;
    p.name = lexer_.name("a parameter name");
    lexer_.expect(":");
    p.written = lexer_.accept("out");
    p.dtype = dtype();
    p.shape = indices();
    if (lexer_.accept("align")) p.alignment = lexer_.integer("an alignment");
    buffers_[p.name] = p.dtype;
    return p;
  }
  SymbolParam symbol() {
    SymbolParam s;
    s.name = lexer_.name("a symbol name");
    lexer_.expect(":");
    s.lo = lexer_.integer("a lower bound");
    lexer_.expect("..");
    if (lexer_.peek().kind == Token::Kind::number) s.hi = lexer_.integer("an upper bound");
    if (s.hi < s.lo) s.hi = s.lo - 1;
    if (lexer_.accept("step")) s.divisor = lexer_.integer("a divisor");
    return s;
  }
  // Statements up to the closing brace.
  Stmt body() {
    Nested nested(*this);
    std::vector<Stmt> out;
    while (!lexer_.accept("}")) {
      if (lexer_.at_end()) lexer_.fail("expected '}'");
      out.push_back(statement());
    }
    return k::block(std::move(out));
  }

  Stmt statement() {
    std::string name(lexer_.name("a statement"));
    bool loop_like = lexer_.peek().kind == Token::Kind::name;
    if (loop_like && (name == "for" || name == "parallel" || name == "unrolled")) return loop(name);
    if (loop_like && name == "instr") return instr();
    if (loop_like && name == "prefetch") {
      std::string buffer(lexer_.name("a buffer"));
      return k::prefetch(std::move(buffer), indices());
    }
    if (name == "code" && lexer_.peek().kind == Token::Kind::string) return code();
    if (name == "if" && !lexer_.at("[") && !lexer_.at(":")) return branch();
    if (lexer_.accept(":")) return alloc(name);
    lanes_ = 1;
    if (loop_like && name != "let") {  // x16 let ..., x16 r[...] = ...
      lanes_ = lanes_of(name);
      name = lexer_.name("a statement");
    }
    Stmt out = name == "let" && lexer_.peek().kind == Token::Kind::name ? let() : store(name);
    lanes_ = 1;
    return out;
  }
  int32_t lanes_of(const std::string& name) {
    int64_t lanes = 0;
    bool digits = name.size() > 1 && name.size() < 6 && name[0] == 'x';
    for (size_t i = 1; digits && i < name.size(); ++i) {
      digits = name[i] >= '0' && name[i] <= '9';
      lanes = lanes * 10 + (name[i] - '0');
    }
    if (!digits || lanes < 2) lexer_.fail("'" + name + "' starts no statement");
    return static_cast<int32_t>(lanes);
  }
  Stmt loop(const std::string& kind) {
    std::string var(lexer_.name("a loop variable"));
    const LoopOrigin from = lexer_.accept(":") ? origin() : LoopOrigin{};
    lexer_.expect("in");
    Index begin = read_index(lexer_);
    lexer_.expect("..");
    Index end = read_index(lexer_);
    lexer_.expect("{");
    LoopKind k = kind == "for"        ? LoopKind::serial
                 : kind == "parallel" ? LoopKind::parallel
                                      : LoopKind::unrolled;
    return k::loop(var, begin, end, body(), k, from);
  }
  // One of the names of an enum whose first and last values are given.
  template <class Named>
  Named one_of(Named first, Named last, const char* what) {
    const std::string_view word = lexer_.peek().text;
    for (int n = static_cast<int>(first); n <= static_cast<int>(last); ++n)
      if (word == name_of(static_cast<Named>(n))) {
        lexer_.next();
        return static_cast<Named>(n);
      }
    lexer_.fail("'" + std::string(word) + "' is no " + what);
  }
  LoopOrigin origin() {  // out m inner tail
    LoopOrigin out;
    out.role = one_of(LoopRole::axis, LoopRole::lane, "role of a loop");
    if (lexer_.at("in")) return out;
    out.axis = lexer_.name("an axis");
    while (!lexer_.at("in"))
      out.parts.push_back(one_of(LoopPart::outer, LoopPart::rest, "part of a loop"));
    return out;
  }
  Stmt branch() {
    Expr cond = expr();
    if (cond->dtype != DType::boolean || cond->lanes != 1)
      lexer_.fail("the condition of an if must be one bool");
    lexer_.expect("{");
    Stmt then_body = body(), else_body;
    if (lexer_.accept("else")) {
      lexer_.expect("{");
      else_body = body();
    }
    return k::if_(cond, then_body, else_body);
  }
  Stmt instr() {
    std::string name(lexer_.name("an instruction"));
    std::vector<InstrOperand> operands;
    lexer_.expect("(");
    if (!lexer_.at(")")) do {
        std::string buffer(lexer_.name("a buffer"));
        operands.push_back({buffer, indices()});
      } while (lexer_.accept(","));
    lexer_.expect(")");
    return k::instr(name, std::move(operands));
  }
  std::vector<CodeOperand> code_operands() {  // (in0 = x, in1 = y)
    std::vector<CodeOperand> out;
    lexer_.expect("(");
    if (!lexer_.at(")")) do {
        std::string name(lexer_.name("a name in the text"));
        lexer_.expect("=");
        out.push_back({std::move(name), std::string(lexer_.name("a buffer"))});
      } while (lexer_.accept(","));
    lexer_.expect(")");
    return out;
  }
  Stmt code() {
    Code out;
    out.text = lexer_.string("source text");
    out.inputs = code_operands();
    lexer_.expect("to");
    out.outputs = code_operands();
    return k::code(std::move(out));
  }
  Stmt alloc(const std::string& name) {
    DType t = dtype();
    auto shape = indices();
    lexer_.expect("in");
    std::string_view space = lexer_.name("a memory space");
    if (space != "local" && space != "reg" && space != "scratch")
      lexer_.fail("'" + std::string(space) + "' is no space of a local buffer");
    buffers_[name] = t;
    return k::alloc(name, t, std::move(shape),
                    space == "reg"     ? Space::reg
                    : space == "local" ? Space::local
                                       : Space::scratch);
  }
  Stmt let() {
    std::string name(lexer_.name("a variable"));
    lexer_.expect("=");
    Expr value = expr();
    variables_[name] = {value->dtype, value->lanes};
    return k::let(name, value);
  }
  Stmt store(const std::string& buffer) {
    auto it = buffers_.find(buffer);
    if (it == buffers_.end()) lexer_.fail("'" + buffer + "' is no buffer here");
    std::optional<Index> count;
    auto at = indices(&count);
    lexer_.expect("=");
    Expr value = expr();
    if (value->dtype != it->second)
      lexer_.fail("a value of " + std::string(name_of(value->dtype)) + " is stored to '" + buffer +
                  "', which holds " + std::string(name_of(it->second)));
    if (value->lanes != 1 && value->lanes != lanes_)
      lexer_.fail("the lanes of the value are not the statement's");
    return k::vector_store(buffer, std::move(at), value, lanes_, count);
  }

  Expr lanes(Expr leaf) { return k::with_lanes(leaf, lanes_); }

  Expr expr() {
    Nested nested(*this);
    std::string name(lexer_.name("an expression"));
    if (lexer_.at("[")) {
      auto it = buffers_.find(name);
      if (it == buffers_.end()) lexer_.fail("'" + name + "' is no buffer here");
      std::optional<Index> count;
      auto at = indices(&count);
      return lanes(k::load(name, it->second, std::move(at), count));
    }
    if (!lexer_.at("(")) {
      auto it = variables_.find(name);
      if (it == variables_.end()) lexer_.fail("'" + name + "' is no variable here");
      const int32_t has = it->second.second;
      if (has != 1 && has != lanes_)
        lexer_.fail(fmt::format("'{}' has {} lanes, the statement {}", name, has, lanes_));
      return k::variable(name, it->second.first, it->second.second);
    }
    lexer_.expect("(");
    Expr out = call(name);
    lexer_.expect(")");
    return out;
  }
  Expr words() {
    const std::string buffer(lexer_.name("a buffer"));
    auto it = buffers_.find(buffer);
    if (it == buffers_.end() || !word_of(it->second))
      lexer_.fail("'" + buffer + "' is no buffer of i8, u8 or bf16 here");
    std::optional<Index> count;
    auto at = indices(&count);
    return lanes(k::load_like(k::load_words(buffer, it->second, {}), buffer, std::move(at), count));
  }
  Expr call(const std::string& name) {
    if (auto t = parse_dtype(name)) return k::constant(read_scalar(lexer_, *t));
    if (name == "index") return lanes(k::index(read_index(lexer_)));
    if (name == "in_range") {
      Index value = read_index(lexer_);
      lexer_.expect(",");
      return lanes(k::in_range(value, read_index(lexer_)));
    }
    if (name == "cast" || name == "bitcast") {
      DType t = dtype();
      lexer_.expect(",");
      Expr arg = expr();
      if (name == "cast") return k::cast(arg, t);
      if (size_of(arg->dtype) != size_of(t))
        lexer_.fail("bitcast between dtypes of different sizes");
      return k::bitcast(arg, t);
    }
    if (name == "words") return words();
    std::vector<Expr> args;
    if (!lexer_.at(")")) do
        args.push_back(expr());
      while (lexer_.accept(","));
    if (name == "guard") {
      if (args.size() != 3 || args[0]->dtype != DType::boolean || args[1]->dtype != args[2]->dtype)
        lexer_.fail("guard takes a bool and two values of one dtype");
      return k::guard(args[0], args[1], args[2]);
    }
    auto op = parse_scalar_op(name);
    if (!op) lexer_.fail("'" + name + "' is no scalar function");
    std::vector<DType> dtypes;
    for (const Expr& a : args) dtypes.push_back(a->dtype);
    if (Refusal r = accepts(*op, dtypes)) lexer_.fail(r.reason);
    return k::op(*op, std::move(args));
  }
};

}  // namespace

Kernel parse_kernel(Lexer& lexer) { return Parser(lexer).kernel(); }

Kernel parse_kernel(std::string_view text) {
  Lexer lexer(text, "kernel text");
  Kernel kernel = parse_kernel(lexer);
  if (!lexer.at_end()) lexer.fail("text after the kernel");
  return kernel;
}

}  // namespace mintor
