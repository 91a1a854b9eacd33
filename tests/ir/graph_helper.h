// SPDX-License-Identifier: Apache-2.0
// Short spellings for graph tests: tensors from lists, graphs from text, evaluation to lists.
// Takes text; verifies it and checks its round trip on the way to the values.
#pragma once

#include <cstring>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "compiler/ir/builder.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "compiler/support/error.h"

namespace mintor::test {

inline Tensor tensor(DType dtype, std::vector<int64_t> shape, const std::vector<double>& values) {
  auto [t, bytes] = Tensor::make(dtype, std::move(shape));
  check(static_cast<int64_t>(values.size()) == t.count(), "test",
        "a tensor needs as many values as elements");
  for (size_t i = 0; i < values.size(); ++i) {
    Scalar::of(dtype, values[i]).write(bytes + static_cast<int64_t>(i) * size_of(dtype));
  }
  return t;
}

inline std::vector<double> values(const Tensor& t) {
  std::vector<double> out;
  for (int64_t i = 0; i < t.count(); ++i) {
    const Scalar s = t.at(i);
    out.push_back(is_float(s.dtype) ? s.f : static_cast<double>(s.i));
  }
  return out;
}

// Parses, verifies, checks the round trip of the text, evaluates.
inline Evaluation run(const std::string& text, const std::map<std::string, Tensor>& inputs = {}) {
  const Graph graph = parse_graph(text);
  verify(graph);
  const std::string printed = print(graph);
  const Graph again = parse_graph(printed, blobs_of(graph));
  check(print(again) == printed, "test", "the text does not read back to itself");
  Evaluation a = evaluate(graph, inputs), b = evaluate(again, inputs);
  for (size_t i = 0; i < a.results.size(); ++i) {
    check(same_bits(a.results[i], b.results[i]), "test",
          "the graph that was read back gives other values");
  }
  return a;
}

inline std::vector<double> first(const std::string& text,
                                 const std::map<std::string, Tensor>& inputs = {}) {
  return values(run(text, inputs).results.at(0));
}

// The whole message of the CompileError that f throws, or what happened instead.
template <class F>
std::string compile_error(F f) {
  try {
    f();
  } catch (const CompileError& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another error: ") + error.what();
  }
  return "no error";
}

template <class F>
std::string internal_error(F f) {
  try {
    f();
  } catch (const InternalError& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another error: ") + error.what();
  }
  return "no error";
}

}  // namespace mintor::test
