// SPDX-License-Identifier: Apache-2.0
// See check.h. The loss is the sum of all results times random factors; each element of each input
// is moved to both sides.
#include "tests/grad/check.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/ir/graph_helper.h"

namespace mintor::test {

namespace {

class Check {
 public:
  Check(const std::vector<Given>& inputs, const Build& build, const Checks& checks)
      : checks_(checks) {
    for (const Given& g : inputs) add_input(g);
    ys_ = build(b_, xs_);
    for (size_t i = 0; i < inputs.size(); ++i)
      if (is_float(inputs[i].dtype)) wanted_.push_back(xs_[i]);
  }

  void run() {
    std::vector<Value> factors;
    for (const Value& y : ys_) factors.push_back(is_float(y.dtype()) ? noise(y) : y);
    std::vector<Value> ys = ys_;
    for (int order = 1; order <= checks_.order; ++order) {
      const Value loss = inner(ys, factors);
      const std::vector<Value> grads = gradients(b_, ys, factors, wanted_);
      compare(loss, grads, "order " + std::to_string(order));
      if (testing::Test::HasFailure()) return;
      if (order == 1 && checks_.forward) compare_forward(ys, factors, grads);
      ys = grads;
      factors.clear();
      for (const Value& g : grads) factors.push_back(noise(g));
    }
  }

 private:
  void add_input(const Given& g) {
    int64_t count = 1;
    for (int64_t e : g.shape) count *= e;
    std::vector<double> values = g.values;
    std::uniform_real_distribution<double> between(g.lo, g.hi);
    while (static_cast<int64_t>(values.size()) < count) values.push_back(between(random_));
    const std::string name = "x" + std::to_string(xs_.size());
    data_[name] = tensor(g.dtype, g.shape, values);
    Shape shape(g.shape.begin(), g.shape.end());
    xs_.push_back(b_.input(name, g.dtype, g.symbolic.empty() ? shape : g.symbolic));
  }

  // Random factors of a value's shape: sin of positions, so that symbolic shapes have them too.
  Value noise(Value like) {
    Value sum = b_.full(DType::f64, like.shape(), 0.3 + 0.7 * ++noises_);
    for (size_t d = 0; d < like.shape().size(); ++d) {
      const Value place = b_.iota(DType::f64, like.shape(), static_cast<int>(d));
      const Value scale = b_.full(DType::f64, like.shape(), 1.3 + 2.1 * static_cast<double>(d));
      sum = b_.apply(ScalarOp::add, {sum, b_.apply(ScalarOp::mul, {place, scale})});
    }
    return b_.cast(b_.apply(ScalarOp::sin, {sum}), like.dtype());
  }

  Value inner(const std::vector<Value>& ys, const std::vector<Value>& factors) {
    Value total = b_.constant(DType::f64, 0);
    for (size_t i = 0; i < ys.size(); ++i) {
      if (!is_float(ys[i].dtype())) continue;
      Value product =
          b_.apply(ScalarOp::mul, {b_.cast(ys[i], DType::f64), b_.cast(factors[i], DType::f64)});
      std::vector<int32_t> all;
      for (size_t d = 0; d < product.shape().size(); ++d) all.push_back(static_cast<int32_t>(d));
      if (!all.empty()) product = b_.reduce(Combiner::add, product, all);
      total = b_.apply(ScalarOp::add, {total, product});
    }
    return total;
  }

  std::vector<Tensor> evaluated(const std::vector<Value>& results) {
    graph_.results.clear();
    for (size_t i = 0; i < results.size(); ++i)
      graph_.results.push_back({"r" + std::to_string(i), results[i]});
    verify(graph_);
    return evaluate(graph_, data_).results;
  }

  // The loss with one element of one input set to a value.
  double moved(Value loss, const std::string& name, int64_t at, double value) {
    const Tensor kept = data_[name];
    std::vector<double> all = values(kept);
    all[static_cast<size_t>(at)] = value;
    data_[name] = tensor(kept.dtype, kept.shape, all);
    const double result = evaluated({loss})[0].at(0).f;
    data_[name] = kept;
    return result;
  }

  void compare(Value loss, const std::vector<Value>& grads, const std::string& what) {
    const std::vector<Tensor> found = evaluated(grads);
    for (size_t i = 0; i < wanted_.size(); ++i) {
      ASSERT_EQ(grads[i].type(), wanted_[i].type()) << what;
      const std::string name = wanted_[i].node->as<InputAttr>().name;
      for (int64_t e = 0; e < found[i].count(); ++e) {
        const double x = data_[name].at(e).f, h = checks_.step;
        const double slope = (moved(loss, name, e, x + h) - moved(loss, name, e, x - h)) / (2 * h);
        const double got = found[i].at(e).f;
        ASSERT_NEAR(got, slope, checks_.tolerance * std::max(1.0, std::abs(slope)))
            << what << ", " << name << "[" << e << "] = " << x << "\n"
            << print(graph_);
      }
    }
  }

  // <factors, J t> == <J' factors, t>.
  void compare_forward(const std::vector<Value>& ys, const std::vector<Value>& factors,
                       const std::vector<Value>& grads) {
    std::vector<Value> tangents;
    for (const Value& x : wanted_) tangents.push_back(noise(x));
    const std::vector<Value> changes = jvp(b_, ys, wanted_, tangents);
    const std::vector<Tensor> both = evaluated({inner(changes, factors), inner(grads, tangents)});
    const double a = both[0].at(0).f, b = both[1].at(0).f;
    EXPECT_NEAR(a, b, 1e-9 * std::max(1.0, std::abs(a))) << "forward mode\n" << print(graph_);
  }

  Checks checks_;
  Graph graph_{"test"};
  Builder b_{graph_};
  std::mt19937_64 random_{7};
  int noises_ = 0;
  std::vector<Value> xs_, wanted_, ys_;
  std::map<std::string, Tensor> data_;
};

}  // namespace

void check_gradients(const std::vector<Given>& inputs, const Build& build, const Checks& checks) {
  Check(inputs, build, checks).run();
}

}  // namespace mintor::test
