// SPDX-License-Identifier: Apache-2.0
// Runs both sides of a rewrite in the slow interpreters and compares what they give.
// Takes graphs or kernels; gives test failures that name the symbols, the result and the element.
// Keeps true: equal seeds give equal inputs on every machine.
#include <gtest/gtest.h>

#include <array>
#include <optional>

#include "compiler/ir/evaluate.h"
#include "compiler/ir/seeded.h"
#include "compiler/loop/interpret.h"
#include "tests/golden/same_bits.h"

namespace mintor::golden {
namespace {

using Symbols = std::map<std::string, int64_t>;

Tensor hard_tensor(DType dtype, std::vector<int64_t> shape, uint64_t seed) {
  return seeded_tensor(dtype, std::move(shape), seed, SeededFloats::hard);
}

std::vector<int64_t> sizes(const Shape& shape, const Symbols& symbols) {
  std::vector<int64_t> result;
  for (const Index& dim : shape) {
    result.push_back(dim.evaluate([&](std::string_view name) {
      return symbols.at(std::string(name));
    }));
  }
  return result;
}

// Small, odd and larger values that a symbol may take.
template <class AnySymbol>
int64_t symbol_value(const AnySymbol& symbol, int round) {
  constexpr std::array<int64_t, 3> kAbove = {0, 4, 33};
  int64_t value = std::max<int64_t>(symbol.lo, 1) + kAbove[static_cast<size_t>(round)];
  if (symbol.hi >= 0) value = std::min(value, symbol.hi);
  const int64_t divisor = std::max<int64_t>(symbol.divisor, 1);
  const int64_t up = (value + divisor - 1) / divisor * divisor;
  return symbol.hi >= 0 && up > symbol.hi ? value / divisor * divisor : up;
}

std::string text_of(const Symbols& symbols) {
  std::string text;
  for (const auto& [name, value] : symbols) text += " " + name + "=" + std::to_string(value);
  return text.empty() ? " (no symbols)" : text;
}

std::map<std::string, Memory> memory_of(const Kernel& kernel, const Symbols& symbols) {
  std::map<std::string, Memory> memory;
  uint64_t seed = 1;
  for (const Param& param : kernel.params) {
    const Tensor tensor = hard_tensor(param.dtype, sizes(param.shape, symbols), seed++);
    Memory block{param.dtype, {tensor.data, tensor.data + tensor.bytes()}, {}};
    if (param.written) block.defined.assign(static_cast<size_t>(tensor.count()), false);
    memory.emplace(param.name, std::move(block));
  }
  return memory;
}

}  // namespace

Seeded::Seeded(const std::string& text) {
  constexpr std::string_view kMark = "seeded:";
  for (size_t at = text.find(kMark); at != std::string::npos; at = text.find(kMark, at + 1)) {
    size_t end = at + kMark.size();
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    const std::string name = text.substr(at, end - at);
    const size_t close = text.rfind(']', at), open = text.rfind('[', at);
    const size_t begin = text.rfind(' ', open) + 1;
    const std::optional<DType> dtype = parse_dtype(text.substr(begin, open - begin));
    if (!dtype) throw std::runtime_error(name + ": no type stands before it");
    std::vector<int64_t> shape;
    std::istringstream dims(text.substr(open + 1, close - open - 1));
    for (std::string dim; std::getline(dims, dim, ',');) shape.push_back(std::stoll(dim));
    const Tensor tensor = hard_tensor(*dtype, shape, std::stoull(name.substr(kMark.size())));
    const auto [entry, added] = hash_of_name_.emplace(name, tensor.sha256());
    if (!added && entry->second != tensor.sha256()) {
      throw std::runtime_error(name + ": two types share this seed, take another number");
    }
    blobs_.emplace(tensor.sha256(), tensor);
  }
}

static std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string Seeded::with_hashes(std::string text) const {
  // Longest names first, so that seeded:1 is not found in seeded:12.
  for (auto it = hash_of_name_.rbegin(); it != hash_of_name_.rend(); ++it) {
    text = replace_all(std::move(text), it->first, it->second);
  }
  return text;
}

std::string Seeded::with_names(std::string text) const {
  for (const auto& [name, hash] : hash_of_name_) text = replace_all(std::move(text), hash, name);
  return text;
}

void expect_same_bits(const Graph& before, const Graph& after) {
  for (int round = 0; round < 3; ++round) {
    Symbols symbols;
    for (const Symbol& symbol : before.symbols()) symbols[symbol.name] = symbol_value(symbol, round);
    std::map<std::string, Tensor> inputs;
    uint64_t seed = 100;
    for (const auto& node : before.nodes()) {
      if (node->kind != Kind::input) continue;
      inputs[node->as<InputAttr>().name] =
          hard_tensor(node->results[0].dtype, sizes(node->results[0].shape, symbols), seed++);
    }
    const Evaluation expected = evaluate(before, inputs), actual = evaluate(after, inputs);
    ASSERT_EQ(expected.results.size(), actual.results.size());
    for (size_t i = 0; i < expected.results.size(); ++i) {
      EXPECT_TRUE(same_bits(expected.results[i], actual.results[i]))
          << "result " << before.results[i].name << " has other bits at" << text_of(symbols);
    }
    if (symbols.empty()) break;
  }
}

void expect_same_bits(const Kernel& before, const Kernel& after) {
  for (int round = 0; round < 3; ++round) {
    Symbols symbols;
    for (const SymbolParam& s : before.symbols) symbols[s.name] = symbol_value(s, round);
    auto expected = memory_of(before, symbols), actual = memory_of(before, symbols);
    interpret(before, expected, symbols);
    interpret(after, actual, symbols);
    for (const Param& param : before.params) {
      const Memory &left = expected.at(param.name), &right = actual.at(param.name);
      EXPECT_TRUE(left.bytes == right.bytes && left.defined == right.defined)
          << "buffer " << param.name << " has other bits at" << text_of(symbols);
    }
    if (symbols.empty()) break;
  }
}

}  // namespace mintor::golden
