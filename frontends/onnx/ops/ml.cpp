// SPDX-License-Identifier: Apache-2.0
// ONNX operators of classic models (ai.onnx.ml), on tensors of numbers.
// Takes tables that are attributes; gives gathers and comparisons.
#include <cmath>

#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "onnx-ml.pb.h"

namespace mintor {

namespace {

Value floats(OnnxNode& n, const std::vector<double>& values) {
  std::vector<float> items(values.begin(), values.end());
  return n.builder().constant(
      Tensor::copy_of(DType::f32, {static_cast<int64_t>(items.size())}, items.data()));
}

// Elements of the last dimension.
void array_feature_extractor(OnnxNode& n) {
  n.need_inputs(2, 2);
  Builder& b = n.builder();
  Value x = n.in(0), index = n.in(1);
  if (x.shape().size() < 2) x = b.reshape(x, {1, x.shape().empty() ? Index(1) : x.shape()[0]});
  Index count = 1;
  for (const Index& size : index.shape()) count = count * size;
  n.out(0, ops::take(b, x, b.reshape(index, {count}), -1));
}

void binarizer(OnnxNode& n) {
  n.need_inputs(1, 1);
  Builder& b = n.builder();
  const Value x = n.in(0);
  const Value limit = ops::cast(b, b.constant(DType::f64, n.real("threshold", 0)), x.dtype());
  n.out(0, b.cast(ops::apply(b, ScalarOp::gt, {x, limit}), x.dtype()));
}

// (x - offset) * scale, along the last dimension.
void scaler(OnnxNode& n) {
  n.need_inputs(1, 1);
  Builder& b = n.builder();
  const std::vector<double> offset = n.reals("offset"), scale = n.reals("scale");
  Value x = b.cast(n.in(0), DType::f32);
  if (!offset.empty()) x = ops::sub(b, x, floats(n, offset));
  if (!scale.empty()) x = ops::mul(b, x, floats(n, scale));
  n.out(0, x);
}

void normalizer(OnnxNode& n) {
  n.need_inputs(1, 1);
  Builder& b = n.builder();
  const Value x = b.cast(n.in(0), DType::f32);
  const std::string norm = n.text("norm", "MAX");
  if (norm != "MAX" && norm != "L1" && norm != "L2")
    n.fail("norm '" + printable(norm) + "' is none of MAX, L1, L2");
  const ops::Reduction how = norm == "MAX"  ? ops::Reduction::max
                             : norm == "L1" ? ops::Reduction::l1
                                            : ops::Reduction::l2;
  const int64_t last[] = {-1};
  n.out(0, ops::div(b, x, ops::reduce(b, how, x, last, true)));
}

// TreeEnsemble 5: nodes as lists, trees by their roots.
struct Trees {
  std::vector<int64_t> feature, left, right, left_leaf, right_leaf, roots, target;
  std::vector<int64_t> mode;
  std::vector<double> split, weight;
  std::vector<double> members;  // of set memberships, each list ended by NaN
};

std::vector<double> tensor_numbers(OnnxNode& n, const char* name) {
  const onnx::AttributeProto* a = n.attribute(name);
  if (!a) return {};
  if (!a->has_t()) n.fail(std::string(name) + " must be a tensor");
  const Tensor t = tensor_from_proto(n.state(), a->t());
  std::vector<double> out;
  for (int64_t i = 0; i < t.count(); ++i)
    out.push_back(is_float(t.dtype) ? t.at(i).f : static_cast<double>(t.at(i).i));
  return out;
}

Trees trees_of(OnnxNode& n) {
  Trees t;
  t.feature = n.integers("nodes_featureids");
  t.left = n.integers("nodes_truenodeids");
  t.right = n.integers("nodes_falsenodeids");
  t.left_leaf = n.integers("nodes_trueleafs");
  t.right_leaf = n.integers("nodes_falseleafs");
  t.roots = n.integers("tree_roots");
  t.target = n.integers("leaf_targetids");
  for (double mode : tensor_numbers(n, "nodes_modes")) t.mode.push_back(static_cast<int64_t>(mode));
  t.split = tensor_numbers(n, "nodes_splits");
  t.weight = tensor_numbers(n, "leaf_weights");
  t.members = tensor_numbers(n, "membership_values");
  const size_t count = t.feature.size();
  for (const auto* list : {&t.left, &t.right, &t.left_leaf, &t.right_leaf, &t.mode})
    if (list->size() != count) n.fail("lists of its nodes differ in length");
  if (t.split.size() != count || t.weight.size() != t.target.size() || count > 1 << 20)
    n.fail("lists of its nodes or leaves differ in length");
  const auto within = [&](int64_t id, size_t size) {
    return id >= 0 && static_cast<size_t>(id) < size;
  };
  for (size_t i = 0; i < count; ++i)
    if (!within(t.left[i], t.left_leaf[i] ? t.weight.size() : count) ||
        !within(t.right[i], t.right_leaf[i] ? t.weight.size() : count))
      n.fail("node " + std::to_string(i) + " leads to none");
  for (int64_t root : t.roots)
    if (!within(root, count)) n.fail("root " + std::to_string(root) + " is no node");
  return t;
}

// All rows step down all trees at once; leaves lead to themselves.
//   node[row, tree] = goes left ? left[node] : right[node], as often as the deepest tree is deep
class Walk {
 public:
  Walk(OnnxNode& n, const Trees& t) : n_(n), b_(n.builder()), t_(t), count_(t.feature.size()) {}

  Value run(Value x) {
    const Shape shape = {x.shape()[0], static_cast<int64_t>(t_.roots.size())};
    const int64_t depth = deepest();
    Value node = b_.broadcast(b_.constant_i64(t_.roots), shape, {1});
    const Value left = table(t_.left, t_.left_leaf), right = table(t_.right, t_.right_leaf);
    for (int64_t step = 0; step < depth; ++step)
      node = ops::where(b_, goes_left(x, node), ops::take(b_, left, node, 0),
                        ops::take(b_, right, node, 0));
    return ops::sub(b_, node, b_.constant_int(DType::i64, static_cast<int64_t>(count_)));
  }

 private:
  // Leaves are numbered behind nodes, and lead to themselves.
  Value table(const std::vector<int64_t>& to, const std::vector<int64_t>& is_leaf) {
    std::vector<int64_t> out;
    const auto nodes = static_cast<int64_t>(count_);
    for (size_t i = 0; i < count_; ++i) out.push_back(to[i] + (is_leaf[i] ? nodes : 0));
    for (size_t i = 0; i < t_.weight.size(); ++i) out.push_back(nodes + static_cast<int64_t>(i));
    return b_.constant_i64(out);
  }
  Value padded(std::vector<double> values) {
    values.resize(count_ + t_.weight.size(), 0);
    return floats(n_, values);
  }
  int64_t deepest() {
    std::vector<std::pair<int64_t, int64_t>> open;
    for (int64_t root : t_.roots) open.push_back({root, 1});
    int64_t deepest = 0, seen = 0;
    while (!open.empty()) {
      const auto [id, depth] = open.back();
      open.pop_back();
      deepest = std::max(deepest, depth);
      if (++seen > static_cast<int64_t>(4 * count_ + 4) || depth > 512)
        n_.fail("its trees are deeper than 512, or no trees");
      const auto i = static_cast<size_t>(id);
      if (!t_.left_leaf[i]) open.push_back({t_.left[i], depth + 1});
      if (!t_.right_leaf[i]) open.push_back({t_.right[i], depth + 1});
    }
    return deepest;
  }
  Value goes_left(Value x, Value node) {
    std::vector<int64_t> feature = t_.feature, mode = t_.mode;
    feature.resize(count_ + t_.weight.size(), 0);
    mode.resize(count_ + t_.weight.size(), 0);
    const Value own =
        ops::gather_elements(b_, x, ops::take(b_, b_.constant_i64(feature), node, 0), 1);
    const Value split = b_.cast(ops::take(b_, padded(t_.split), node, 0), x.dtype());
    const Value kind = ops::take(b_, b_.constant_i64(mode), node, 0);
    constexpr ScalarOp kModes[] = {ScalarOp::le, ScalarOp::lt, ScalarOp::ge,
                                   ScalarOp::gt, ScalarOp::eq, ScalarOp::ne};
    Value yes = member(own, node, x.dtype());
    for (int64_t m = 0; m < 6; ++m) {
      const Value is = ops::apply(b_, ScalarOp::eq, {kind, b_.constant_int(DType::i64, m)});
      const Value here = ops::apply(b_, kModes[m], {own, split});
      yes = yes ? ops::where(b_, is, here, yes) : here;
    }
    return yes;
  }
  // Whether the value is in the set of its node; null where no node has one.
  Value member(Value own, Value node, DType dtype) {
    if (t_.members.empty()) return {};
    std::vector<std::vector<double>> sets(1);
    for (double v : t_.members)
      if (std::isnan(v))
        sets.emplace_back();
      else
        sets.back().push_back(v);
    size_t widest = 1, next = 0;
    for (const auto& set : sets) widest = std::max(widest, set.size());
    std::vector<double> rows((count_ + t_.weight.size()) * widest, std::nan(""));
    for (size_t i = 0; i < count_; ++i) {
      if (t_.mode[i] != 6) continue;
      if (next >= sets.size()) n_.fail("has fewer sets than nodes that ask for one");
      std::copy(sets[next].begin(), sets[next].end(),
                rows.begin() + static_cast<int64_t>(i * widest));
      ++next;
    }
    const Value all = b_.reshape(floats(n_, rows), {static_cast<int64_t>(count_ + t_.weight.size()),
                                                    static_cast<int64_t>(widest)});
    const int64_t last[] = {-1};
    const Value set = b_.cast(ops::take(b_, all, node, 0), dtype);
    const Value hit = ops::apply(b_, ScalarOp::eq, {ops::unsqueeze(b_, own, last), set});
    return ops::reduce(b_, ops::Reduction::any, hit, last, false);
  }

  OnnxNode& n_;
  Builder& b_;
  const Trees& t_;
  size_t count_;
};

void tree_ensemble(OnnxNode& n) {
  n.need_inputs(1, 1);
  Builder& b = n.builder();
  const Value x = n.in(0);
  if (x.shape().size() != 2 || !is_float(x.dtype())) n.fail("x is " + to_string(x.type()));
  const int64_t aggregate = n.integer("aggregate_function", 1),
                post = n.integer("post_transform", 0);
  if (aggregate < 0 || aggregate > 3 || post != 0)
    n.fail("aggregate_function " + std::to_string(aggregate) + " and post_transform " +
           std::to_string(post) + ": 0 to 3 and 0 are supported");
  const Trees t = trees_of(n);
  const int64_t targets = n.integer("n_targets", 1);
  const Value leaf = Walk(n, t).run(x);
  const Value weight = b.cast(ops::take(b, floats(n, t.weight), leaf, 0), x.dtype());
  const Value target = ops::take(b, b.constant_i64(t.target), leaf, 0);
  const Index trees = static_cast<int64_t>(t.roots.size());
  const Shape all = {x.shape()[0], trees, targets};
  const Value here =
      b.apply(ScalarOp::eq, {b.broadcast(target, all, {0, 1}), b.iota(DType::i64, all, 2)});
  const Value none = ops::scalar(b, x.dtype(),
                                 aggregate == 2   ? INFINITY
                                 : aggregate == 3 ? -INFINITY
                                                  : 0);
  const Value votes = ops::where(b, here, b.broadcast(weight, all, {0, 1}), none);
  const int64_t over[] = {1};
  const ops::Reduction how = aggregate == 2   ? ops::Reduction::min
                             : aggregate == 3 ? ops::Reduction::max
                                              : ops::Reduction::sum;
  Value y = ops::reduce(b, how, votes, over, false);
  if (aggregate == 0)
    y = ops::div(b, y, ops::scalar(b, x.dtype(), static_cast<double>(t.roots.size())));
  n.out(0, y);
}

constexpr OnnxOp kOps[] = {
    {"ai.onnx.ml.ArrayFeatureExtractor", 1, 0, array_feature_extractor, "any, ints",
     "reindex with a load", true},
    {"ai.onnx.ml.Binarizer", 1, 0, binarizer, "floats ints", "gt, cast"},
    {"ai.onnx.ml.Scaler", 1, 0, scaler, "floats ints", "sub, mul"},
    {"ai.onnx.ml.Normalizer", 1, 0, normalizer, "floats ints", "reduce, div"},
    {"ai.onnx.ml.TreeEnsemble", 5, 0, tree_ensemble, "floats",
     "reindex with loads and comparisons for each level, reduce"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_ml;
const OnnxOpGroup onnx_ops_ml{kOps};

}  // namespace mintor
