// SPDX-License-Identifier: Apache-2.0
// reduce and scan in the order of the numerics contract.
// lanes: blocks of the reduced index in row-major order of `dims`; within a block lane = position
// mod 16, each serial from the identity, then a tree of 8, 4, 2, 1; block results by the same rule.
// An empty sum is +0, anything else empty is its identity, an empty argmin or argmax is 0. argmin
// and argmax compare numerically, the lowest index wins a tie, the first NaN wins over all numbers
// (as NumPy).
#include <algorithm>
#include <cmath>
#include <functional>

#include "compiler/ir/evaluate.h"
#include "compiler/ir/evaluate_node.h"
#include "compiler/ir/scalar_math.h"
#include "compiler/ir/scalar_program.h"

namespace mintor {

namespace {

// Where the elements of one result lie: `outer` starts of results, `inner` offsets of the reduced
// index, in order.
struct Positions {
  std::vector<int64_t> outer, inner;
};

std::vector<int64_t> offsets(std::span<const size_t> dims, const std::vector<int64_t>& shape) {
  const std::vector<int64_t> strides = strides_of(shape);
  std::vector<int64_t> extents, index(dims.size(), 0), out;
  for (size_t d : dims) extents.push_back(shape[d]);
  const int64_t count = count_of(extents);
  out.reserve(static_cast<size_t>(count));
  for (int64_t n = 0; n < count; ++n, next_index(index, extents)) {
    int64_t at = 0;
    for (size_t d = 0; d < dims.size(); ++d) at += index[d] * strides[dims[d]];
    out.push_back(at);
  }
  return out;
}

Positions positions(const std::vector<int32_t>& dims, const std::vector<int64_t>& shape) {
  std::vector<size_t> reduced(dims.begin(), dims.end()), kept;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (std::ranges::find(reduced, d) == reduced.end()) kept.push_back(d);
  }
  return {offsets(kept, shape), offsets(reduced, shape)};
}

template <class T, class Combine>
T reduce_values(const T* x, std::span<const int64_t> at, const Order& order, T identity,
                Combine f) {
  if (order.form == Order::Form::serial) {
    T value = identity;
    for (int64_t a : at) value = f(value, x[a]);
    return value;
  }
  std::vector<T> blocks;
  const auto block = static_cast<size_t>(order.block);
  for (size_t start = 0; start < at.size(); start += block) {
    Lanes<T> lanes(order, identity);
    const size_t end = std::min(at.size(), start + block);
    for (size_t i = start; i < end; ++i) {
      T& lane = lanes.of(static_cast<int64_t>(i - start));
      lane = f(lane, x[at[i]]);
    }
    blocks.push_back(lanes.tree(f));
  }
  return reduce_blocks(std::move(blocks), order, identity, f);
}

// Calls use(f) with the combining function of a named combiner on T.
template <class T, class Use>
void with_combiner(Combiner combiner, Use use) {
  switch (combiner) {
    case Combiner::add:
      return use([](T a, T b) { return static_cast<T>(mt_add(a, b)); });
    case Combiner::mul:
      return use([](T a, T b) { return static_cast<T>(mt_mul(a, b)); });
    case Combiner::min:
      return use([](T a, T b) { return static_cast<T>(mt_min(a, b)); });
    case Combiner::max:
      return use([](T a, T b) { return static_cast<T>(mt_max(a, b)); });
    default:
      break;
  }
  if constexpr (std::is_integral_v<T>) {
    if (combiner == Combiner::and_) return use([](T a, T b) { return static_cast<T>(a & b); });
    if (combiner == Combiner::or_) return use([](T a, T b) { return static_cast<T>(a | b); });
    if (combiner == Combiner::xor_) return use([](T a, T b) { return static_cast<T>(a ^ b); });
  }
  throw InternalError("reduce", "cannot combine by " + std::string(name_of(combiner)));
}

template <class T>
T scalar_as(const Scalar& s) {
  unsigned char bytes[8];
  s.write(bytes);
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

template <class T>
bool wins(Combiner combiner, T candidate, T best) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(best)) return false;
    if (std::isnan(candidate)) return true;
  }
  return combiner == Combiner::argmin ? candidate < best : candidate > best;
}

template <class T>
int64_t arg_of(Combiner combiner, const T* x, std::span<const int64_t> at) {
  size_t best = 0;
  for (size_t i = 1; i < at.size(); ++i) {
    if (wins(combiner, x[at[i]], x[at[best]])) best = i;
  }
  return static_cast<int64_t>(best);
}

using State = std::vector<Scalar>;

// The combiner of a body: a's values first, then b's.
class Body {
 public:
  Body(const Graph& body, size_t count) : program_(body, names(count)) {}
  State operator()(const State& a, const State& b) {
    inputs_ = a;
    inputs_.insert(inputs_.end(), b.begin(), b.end());
    return program_(inputs_);
  }

 private:
  static std::vector<std::string> names(size_t count) {
    std::vector<std::string> names;
    for (const char* side : {"a", "b"}) {
      for (size_t i = 0; i < count; ++i) names.push_back(side + std::to_string(i));
    }
    return names;
  }
  ScalarProgram program_;
  State inputs_;
};

State element(std::span<const Tensor> xs, int64_t at) {
  State state;
  for (const Tensor& x : xs) state.push_back(x.at(at));
  return state;
}

State reduce_states(std::span<const Tensor> xs, int64_t start, std::span<const int64_t> at,
                    const ReduceAttr& attr, const Order& order, Body& body) {
  auto f = [&](const State& a, const State& b) { return body(a, b); };
  if (order.form == Order::Form::serial) {
    State state = attr.identities;
    for (int64_t a : at) state = f(state, element(xs, start + a));
    return state;
  }
  std::vector<State> blocks;
  const auto block = static_cast<size_t>(order.block);
  for (size_t from = 0; from < at.size(); from += block) {
    Lanes<State> lanes(order, attr.identities);
    const size_t end = std::min(at.size(), from + block);
    for (size_t i = from; i < end; ++i) {
      State& lane = lanes.of(static_cast<int64_t>(i - from));
      lane = f(lane, element(xs, start + at[i]));
    }
    blocks.push_back(lanes.tree(f));
  }
  return reduce_blocks(std::move(blocks), order, attr.identities, f);
}

struct Output {
  Tensors tensors;
  std::vector<std::byte*> bytes;
  explicit Output(const Node& node, EvaluateContext& context) {
    for (const Type& type : node.results) {
      auto [tensor, memory] = Tensor::make(type.dtype, context.values(type.shape));
      tensors.push_back(tensor);
      bytes.push_back(memory);
    }
  }
  void write(int64_t at, const State& state) {
    for (size_t i = 0; i < state.size(); ++i)
      state[i].write(bytes[i] + at * size_of(state[i].dtype));
  }
};

Tensors reduce(const Node& node, std::span<const Tensor> xs, EvaluateContext& context) {
  const ReduceAttr& attr = node.as<ReduceAttr>();
  const Order order = attr.order.form == Order::Form::unset ? default_order(node) : attr.order;
  const Positions at = positions(attr.dims, xs[0].shape);
  Output out(node, context);
  if (attr.combiner == Combiner::custom) {
    Body body(*attr.body, xs.size());
    for (size_t o = 0; o < at.outer.size(); ++o) {
      out.write(static_cast<int64_t>(o),
                reduce_states(xs, at.outer[o], at.inner, attr, order, body));
    }
    return out.tensors;
  }
  with_type(xs[0].dtype, [&](auto type) {
    using T = decltype(type);
    const T* x = xs[0].as<T>();
    if (attr.combiner == Combiner::argmin || attr.combiner == Combiner::argmax) {
      auto* to = reinterpret_cast<int64_t*>(out.bytes[0]);
      for (size_t o = 0; o < at.outer.size(); ++o)
        to[o] = arg_of(attr.combiner, x + at.outer[o], at.inner);
      return;
    }
    auto* to = reinterpret_cast<T*>(out.bytes[0]);
    // +0 and not the identity -0: the one sum of nothing.
    const bool empty_sum = at.inner.empty() && attr.combiner == Combiner::add;
    const T identity = empty_sum ? T{} : scalar_as<T>(attr.identities[0]);
    with_combiner<T>(attr.combiner, [&](auto f) {
      for (size_t o = 0; o < at.outer.size(); ++o)
        to[o] = reduce_values(x + at.outer[o], at.inner, order, identity, f);
    });
  });
  return out.tensors;
}

Tensors scan(const Node& node, std::span<const Tensor> xs, EvaluateContext& context) {
  const ScanAttr& attr = node.as<ScanAttr>();
  Positions at = positions(attr.reduce.dims, xs[0].shape);
  if (attr.reverse) std::ranges::reverse(at.inner);
  Output out(node, context);
  if (attr.reduce.combiner == Combiner::custom) {
    Body body(*attr.reduce.body, xs.size());
    for (int64_t start : at.outer) {
      State state = attr.reduce.identities;
      for (int64_t a : at.inner) {
        if (attr.exclusive) out.write(start + a, state);
        state = body(state, element(xs, start + a));
        if (!attr.exclusive) out.write(start + a, state);
      }
    }
    return out.tensors;
  }
  with_type(xs[0].dtype, [&](auto type) {
    using T = decltype(type);
    const T* x = xs[0].as<T>();
    auto* to = reinterpret_cast<T*>(out.bytes[0]);
    with_combiner<T>(attr.reduce.combiner, [&](auto f) {
      for (int64_t start : at.outer) {
        T value = scalar_as<T>(attr.reduce.identities[0]);
        for (int64_t a : at.inner) {
          if (attr.exclusive) to[start + a] = value;
          value = f(value, x[start + a]);
          if (!attr.exclusive) to[start + a] = value;
        }
      }
    });
  });
  return out.tensors;
}

}  // namespace

Tensors evaluate_reduce(const Node& node, std::span<const Tensor> operands,
                        EvaluateContext& context) {
  return node.kind == Kind::reduce ? reduce(node, operands, context)
                                   : scan(node, operands, context);
}

}  // namespace mintor
