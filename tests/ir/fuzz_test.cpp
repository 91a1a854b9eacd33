// SPDX-License-Identifier: Apache-2.0
// Random graphs print, read back, verify and evaluate to the same bits; random damage to text ends
// in a CompileError. MINTOR_FUZZ_SEED=n runs one seed, MINTOR_FUZZ_COUNT=n that many; a failure
// prints its seed and the smallest graph that still fails (the same seed with fewer nodes).
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "tests/ir/graph_helper.h"

namespace mintor {
namespace {

class RandomGraph {
 public:
  explicit RandomGraph(uint64_t seed) : random_(seed) {}

  // The first `count` random nodes of this seed: a shorter graph is a prefix of a longer one.
  Graph make(int count) {
    Graph graph("fuzz");
    graph.add_symbol({"n", 1, 4, 1, 3});
    Builder b(graph);
    values_.clear();
    for (int i = 0; i < 3; ++i)
      values_.push_back(b.input("in" + std::to_string(i), dtype(), shape()));
    for (int i = 0; i < count; ++i) {
      Builder::Scope scope(b, "step" + std::to_string(i % 5));
      try {
        add(b);
      } catch (const CompileError&) {
        // A choice that does not fit: the Builder refused it, which is its task.
      }
    }
    for (size_t i = values_.size() > 4 ? values_.size() - 4 : 0; i < values_.size(); ++i) {
      graph.results.push_back({"r" + std::to_string(i), values_[i]});
    }
    return graph;
  }

  std::map<std::string, Tensor> inputs(const Graph& graph) {
    std::map<std::string, Tensor> inputs;
    for (const Node* node : inputs_of(graph)) {
      std::vector<int64_t> shape;
      for (const Index& e : node->results[0].shape)
        shape.push_back(e.evaluate([](std::string_view) { return 3; }));
      auto [tensor, bytes] = Tensor::make(node->results[0].dtype, shape);
      for (int64_t i = 0; i < tensor.count(); ++i) {
        Scalar::of(tensor.dtype, below(9) - 3.5).write(bytes + i * size_of(tensor.dtype));
      }
      inputs[node->as<InputAttr>().name] = tensor;
    }
    return inputs;
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<uint64_t>(n)); }
  DType dtype() { return static_cast<DType>(below(kDTypeCount)); }
  Value pick() { return values_[static_cast<size_t>(below(static_cast<int>(values_.size())))]; }
  Index extent() { return below(4) == 0 ? Index::var("n") : Index(1 + below(4)); }
  Shape shape() {
    Shape shape;
    for (int d = below(4); d > 0; --d) shape.push_back(extent());
    return shape;
  }
  std::vector<int32_t> some_dims(const Shape& shape) {
    std::vector<int32_t> dims;
    for (size_t d = 0; d < shape.size(); ++d) {
      if (below(2) == 0) dims.push_back(static_cast<int32_t>(d));
    }
    return dims;
  }

  void add(Builder& b) {
    Value x = pick();
    switch (below(12)) {
      case 0:
        keep(b.cast(x, dtype()));
        break;
      case 1: {
        const auto op = static_cast<ScalarOp>(below(kScalarOpCount));
        std::vector<Value> operands(static_cast<size_t>(arity(op)), x);
        keep(b.apply(op, operands));
        break;
      }
      case 2: {
        const Value both[] = {x, b.cast(pick(), x.dtype())};
        const Shape to = b.broadcast_shapes(both);
        keep(b.apply(ScalarOp::add, {b.broadcast_to(both[0], to), b.broadcast_to(both[1], to)}));
        break;
      }
      case 3: {
        std::vector<int32_t> perm(x.shape().size());
        for (size_t d = 0; d < perm.size(); ++d) perm[d] = static_cast<int32_t>(d);
        std::shuffle(perm.begin(), perm.end(), random_);
        keep(b.transpose(x, perm));
        break;
      }
      case 4: {
        Index count = 1;
        for (const Index& e : x.shape()) count = count * e;
        keep(b.reshape(x, {count}));
        break;
      }
      case 5: {
        std::vector<Index> before, after;
        for (size_t d = 0; d < x.shape().size(); ++d) {
          before.push_back(below(3) - 1);
          after.push_back(below(3));
        }
        keep(b.pad(x, before, after, Scalar::of(x.dtype(), below(5))));
        break;
      }
      case 6: {
        const Combiner combiners[] = {Combiner::add,   Combiner::mul,  Combiner::min,
                                      Combiner::max,   Combiner::and_, Combiner::xor_,
                                      Combiner::argmax};
        keep(b.reduce(combiners[below(7)], x, some_dims(x.shape())));
        break;
      }
      case 7:
        keep(b.scan(Combiner::add, {&x, 1}, below(3), {identity_of(Combiner::add, x.dtype())},
                    below(2) != 0, below(2) != 0)[0]);
        break;
      case 8: {
        const Value both[] = {x, x};
        keep(b.concat(both, below(3)));
        break;
      }
      case 9:
        keep(b.gather(x, b.cast(pick(), DType::i32), below(3)));
        break;
      case 10:
        contract(b, x, pick());
        break;
      case 11: {
        const Value both[] = {x, x};
        keep(b.sort(both, below(3), below(2) != 0)[1]);
        break;
      }
    }
  }

  // Contracts the last dimension of both, all others are results; equal axes become one.
  void contract(Builder& b, Value x, Value y) {
    if (x.shape().empty() || y.shape().empty()) return;
    Contract c;
    for (size_t d = 0; d + 1 < x.shape().size(); ++d) {
      c.axes.push_back({"m" + std::to_string(d), AxisRole::m, x.shape()[d]});
      c.x_coords.push_back(Index::var(c.axes.back().name));
    }
    for (size_t d = 0; d + 1 < y.shape().size(); ++d) {
      c.axes.push_back({"n" + std::to_string(d), AxisRole::n, y.shape()[d]});
      c.y_coords.push_back(Index::var(c.axes.back().name));
    }
    c.axes.push_back({"k", AxisRole::k, x.shape().back()});
    c.x_coords.push_back(Index::var("k"));
    c.y_coords.push_back(Index::var("k") + below(2));
    keep(b.contract(x, y, c));
  }

  void keep(Value v) {
    if (v.shape().size() <= 4) values_.push_back(v);
  }

  std::mt19937_64 random_;
  std::vector<Value> values_;
};

// What is wrong with the graph of this seed and length, or "".
std::string problem(uint64_t seed, int count) {
  RandomGraph random(seed);
  const Graph graph = random.make(count);
  std::string text;
  try {
    verify(graph);
    text = print(graph);
    const Graph again = parse_graph(text, blobs_of(graph));
    verify(again);
    if (print(again) != text) return "reads back as\n" + print(again) + "from\n" + text;
    const auto inputs = random.inputs(graph);
    const Evaluation a = evaluate(graph, inputs), b = evaluate(again, inputs);
    for (size_t i = 0; i < a.results.size(); ++i) {
      if (!same_bits(a.results[i], b.results[i]))
        return "result " + std::to_string(i) + " differs in\n" + text;
      const Type& type = graph.results[i].value.type();
      for (size_t d = 0; d < type.shape.size(); ++d) {
        if (type.shape[d].evaluate([](std::string_view) { return 3; }) != a.results[i].shape[d])
          return "a shape differs in\n" + text;
      }
    }
  } catch (const CompileError& error) {
    // Padding by a negative amount may leave less than nothing of a symbolic dimension; where a
    // broadcast needs another size than the one tried, the run is refused.
    const std::string what = error.what();
    for (const char* refused :
         {"a dimension is -", "n is 3, must be", " is 2, must be", "they must be equal"})
      if (what.find(refused) != std::string::npos) return "";
    return std::string(error.what()) + "\n" + text;
  } catch (const std::exception& error) {
    return std::string(error.what()) + "\n" + text;
  }
  return "";
}

uint64_t from_environment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

TEST(GraphFuzz, PrintsParsesEvaluates) {
  const uint64_t first = from_environment("MINTOR_FUZZ_SEED", 1),
                 count = from_environment("MINTOR_FUZZ_COUNT", 300);
  for (uint64_t seed = first; seed < first + count; ++seed) {
    if (problem(seed, 24).empty()) continue;
    int length = 1;
    while (length < 24 && problem(seed, length).empty()) ++length;
    ADD_FAILURE() << "seed " << seed << ", " << length << " nodes: " << problem(seed, length);
    return;
  }
}

TEST(GraphFuzz, DamagedTextIsRefusedCleanly) {
  const uint64_t first = from_environment("MINTOR_FUZZ_SEED", 1),
                 count = from_environment("MINTOR_FUZZ_COUNT", 300);
  for (uint64_t seed = first; seed < first + count; ++seed) {
    RandomGraph random(seed);
    const Graph graph = random.make(16);
    std::string text = print(graph);
    std::mt19937_64 dice(seed);
    const std::string letters = "{}()[]=,.:-+*/%\"@#|<> \n0123456789abfixyn";
    for (int edits = 1 + static_cast<int>(dice() % 3); edits > 0; --edits) {
      const size_t at = dice() % text.size();
      if (dice() % 3 == 0) {
        text.erase(at, 1 + dice() % 4);
      } else {
        text[at] = letters[dice() % letters.size()];
      }
    }
    try {
      const Graph again = parse_graph(text, blobs_of(graph));
      EXPECT_EQ(print(parse_graph(print(again), blobs_of(again))), print(again)) << "seed " << seed;
    } catch (const CompileError&) {
    } catch (const std::exception& error) {
      ADD_FAILURE() << "seed " << seed << ": " << error.what() << "\n" << text;
      return;
    }
  }
}

}  // namespace
}  // namespace mintor
