// SPDX-License-Identifier: Apache-2.0
// use_instr with every instruction of every target: its own meaning, inside other loops, is
// replaced by it, and the interpreter gives the same bits.
#include "compiler/loop/instruction.h"
#include "tests/loop/kernel_helper.h"

namespace mintor::test {
namespace {

// The meaning as the body of a loop over `rows`, each operand with a leading dimension.
Kernel repeated(const Kernel& meaning) {
  Kernel out = meaning;
  for (Param& p : out.params) p.shape.insert(p.shape.begin(), Index(3));
  auto moved = [](std::vector<Index> at) {
    at.insert(at.begin(), Index::var("row"));
    return at;
  };
  Stmt body = rewrite(
      meaning.body,
      [&](const Expr& e) -> Expr {
        auto* l = std::get_if<LoadExpr>(&e->node);
        return l ? k::load(l->buffer, e->dtype, moved(l->indices)) : nullptr;
      },
      [&](const Stmt& s) -> Stmt {
        auto* st = std::get_if<Store>(&s->node);
        return st ? k::store(st->buffer, moved(st->indices), st->value) : nullptr;
      });
  out.body = k::loop("row", 0, 3, body);
  return out;
}

Buffers defined_run(const Kernel& kernel) {
  Buffers buffers = seeded(kernel, {});
  for (auto& [name, memory] : buffers) memory.defined.clear();  // operands may be read and written
  interpret(kernel, buffers, {});
  return buffers;
}

TEST(UseInstr, MeaningsAreReplaced) {
  ASSERT_FALSE(all_instructions().empty());
  for (const Instruction* instruction : all_instructions()) {
    SCOPED_TRACE(instruction->name);
    const Kernel meaning = parse_kernel(instruction->meaning);
    verify(meaning);
    Kernel before = repeated(meaning), after = before;
    verify(before);
    const For* outer = find_loop(before.body, "row");
    const auto& nest = std::get<For>(outer->body->node);
    apply_all(after, {"use_instr(" + std::string(instruction->name) + ", " + nest.var + ")"});
    EXPECT_NE(print(after).find("instr " + std::string(instruction->name)), std::string::npos);
    Buffers a = defined_run(before), b = defined_run(after);
    for (const auto& [name, memory] : a) EXPECT_TRUE(memory.bytes == b.at(name).bytes) << name;
    EXPECT_EQ(print(parse_kernel(print(after))), print(after));
  }
}

TEST(UseInstr, RefusesOtherNests) {
  for (const Instruction* instruction : all_instructions()) {
    Kernel kernel = repeated(parse_kernel(instruction->meaning));
    EXPECT_NE(refusal_of(kernel, "use_instr(" + std::string(instruction->name) + ", row)"), "");
    EXPECT_EQ(refusal_of(kernel, "use_instr(no_such, row)"), "there is no instruction 'no_such'");
    // One operand that steps by two elements is not what the instruction reads.
    Kernel strided = kernel;
    for (Param& p : strided.params)
      if (!p.written) p.shape.back() = p.shape.back() * 2;
    const auto& nest = std::get<For>(find_loop(kernel.body, "row")->body->node);
    EXPECT_NE(
        refusal_of(strided, "use_instr(" + std::string(instruction->name) + ", " + nest.var + ")"),
        "");
  }
}

}  // namespace
}  // namespace mintor::test
