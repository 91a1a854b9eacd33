// SPDX-License-Identifier: Apache-2.0
// The scalar table as data: names, dtypes that rows take, refusals, and the special values that the
// numerics contract states.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "compiler/ir/scalar_eval.h"
#include "compiler/ir/scalar_op.h"

namespace mintor {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

Refusal accepts(ScalarOp op, std::initializer_list<DType> dtypes) {
  return mintor::accepts(op, std::span(dtypes.begin(), dtypes.size()));
}

double f32(ScalarOp op, std::initializer_list<double> values) {
  std::vector<Scalar> v;
  for (double x : values) v.push_back(Scalar::of(DType::f32, x));
  const Scalar r = evaluate(op, v);
  return is_float(r.dtype) ? r.f : static_cast<double>(r.i);
}

TEST(ScalarOp, NamesParseBack) {
  EXPECT_EQ(name_of(ScalarOp::not_), "not");
  EXPECT_EQ(name_of(ScalarOp::bit_and), "bit_and");
  for (int i = 0; i < kScalarOpCount; ++i) {
    const ScalarOp op = static_cast<ScalarOp>(i);
    EXPECT_EQ(parse_scalar_op(name_of(op)), op) << name_of(op);
    EXPECT_TRUE(c_spelling(op).starts_with("mt_"));
    EXPECT_FALSE(row_of(op).gradient.empty()) << name_of(op);
  }
  EXPECT_EQ(parse_scalar_op("exp_"), std::nullopt);
}

TEST(ScalarOp, GradientsHaveOneFormulaPerOperand) {
  for (const ScalarOpRow& row : scalar_op_rows()) {
    int formulas = 1;
    for (size_t at = row.gradient.find(';'); at != std::string_view::npos;
         at = row.gradient.find(';', at + 1)) {
      ++formulas;
    }
    EXPECT_EQ(formulas, row.arity) << row.name;
  }
}

TEST(ScalarOp, RefusalsNameTheRowAndTheDtype) {
  EXPECT_FALSE(accepts(ScalarOp::add, {DType::f32, DType::f32}));
  EXPECT_EQ(accepts(ScalarOp::add, {DType::f16, DType::f16}).reason,
            "add does not compute in f16, a storage type: cast to f32 first");
  EXPECT_EQ(accepts(ScalarOp::log2, {DType::f64}).reason,
            "log2 is not available in f64 yet: cast to f32");
  EXPECT_EQ(accepts(ScalarOp::add, {DType::f32, DType::f64}).reason,
            "add takes operands of one dtype, not f32, f64");
  EXPECT_EQ(accepts(ScalarOp::bit_and, {DType::boolean, DType::boolean}).reason,
            "bit_and takes integers, not bool: use and, or, xor, not");
  EXPECT_EQ(accepts(ScalarOp::and_, {DType::i32, DType::i32}).reason, "and takes bool, not i32");
  EXPECT_EQ(accepts(ScalarOp::exp, {DType::i32}).reason, "exp takes f32 or f64, not i32");
  EXPECT_EQ(accepts(ScalarOp::fma, {DType::f32}).reason, "fma takes 3 operands, not 1");
  EXPECT_EQ(accepts(ScalarOp::where, {DType::f32, DType::f32, DType::f32}).reason,
            "where takes a bool condition, not f32");
  EXPECT_FALSE(accepts(ScalarOp::where, {DType::boolean, DType::bf16, DType::bf16}));
  for (ScalarOp op : {ScalarOp::exp, ScalarOp::log, ScalarOp::tanh, ScalarOp::erf, ScalarOp::sin,
                      ScalarOp::cos}) {
    EXPECT_FALSE(accepts(op, {DType::f64})) << name_of(op);
  }
  EXPECT_FALSE(accepts(ScalarOp::pow, {DType::f64, DType::f64}));
}

TEST(ScalarOp, ResultDtypesAndFlops) {
  const DType two[] = {DType::f64, DType::f64};
  EXPECT_EQ(result_dtype(ScalarOp::lt, two), DType::boolean);
  EXPECT_EQ(result_dtype(ScalarOp::add, two), DType::f64);
  const DType select[] = {DType::boolean, DType::i8, DType::i8};
  EXPECT_EQ(result_dtype(ScalarOp::where, select), DType::i8);
  EXPECT_EQ(flops(ScalarOp::add), 1);
  EXPECT_EQ(flops(ScalarOp::fma), 2);
  EXPECT_EQ(flops(ScalarOp::lt), 0);
  EXPECT_EQ(flops(ScalarOp::where), 0);
}

TEST(ScalarOp, EvaluateRefusesWhatAcceptsRefuses) {
  const Scalar half[] = {Scalar::of(DType::f16, 1)};
  EXPECT_THROW(evaluate(ScalarOp::exp, half), InternalError);
}

TEST(SpecialValues, MinAndMaxPropagateNaNAndOrderZeros) {
  EXPECT_TRUE(std::isnan(f32(ScalarOp::min, {NAN, 1})));
  EXPECT_TRUE(std::isnan(f32(ScalarOp::max, {1, NAN})));
  EXPECT_TRUE(std::signbit(f32(ScalarOp::min, {0.0, -0.0})));
  EXPECT_TRUE(std::signbit(f32(ScalarOp::min, {-0.0, 0.0})));
  EXPECT_FALSE(std::signbit(f32(ScalarOp::max, {-0.0, 0.0})));
}

TEST(SpecialValues, ReluKeepsNaNAndNegativeZero) {
  EXPECT_TRUE(std::isnan(f32(ScalarOp::relu, {NAN})));
  EXPECT_TRUE(std::signbit(f32(ScalarOp::relu, {-0.0})));
  EXPECT_EQ(f32(ScalarOp::relu, {-kInf}), 0);
}

TEST(SpecialValues, SignOfNaNIsPositive) {
  const double negative_nan = -std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(f32(ScalarOp::signbit, {negative_nan}), 0);
  EXPECT_EQ(f32(ScalarOp::signbit, {-0.0}), 1);
  EXPECT_EQ(f32(ScalarOp::copysign, {2, negative_nan}), 2);
}

TEST(SpecialValues, GradualUnderflow) {
  EXPECT_EQ(f32(ScalarOp::exp, {-103.0}), 0x1p-149);  // e^-103 is 1.37e-45, one step is 1.40e-45
  EXPECT_EQ(f32(ScalarOp::exp, {-104.0}), 0);
  EXPECT_EQ(f32(ScalarOp::exp2, {-149.0}), 0x1p-149);
  EXPECT_EQ(f32(ScalarOp::mul, {0x1p-100, 0x1p-49}), 0x1p-149);
  EXPECT_EQ(f32(ScalarOp::log2, {0x1p-149}), -149);
}

TEST(SpecialValues, ExactCases) {
  EXPECT_EQ(f32(ScalarOp::exp, {0}), 1);
  EXPECT_EQ(f32(ScalarOp::log10, {1000}), 3);
  EXPECT_EQ(f32(ScalarOp::cbrt, {27}), 3);
  EXPECT_EQ(f32(ScalarOp::pow, {2, 10}), 1024);
  EXPECT_EQ(f32(ScalarOp::pow, {-8, 3}), -512);
  EXPECT_EQ(f32(ScalarOp::round, {2.5}), 2);
  EXPECT_EQ(f32(ScalarOp::round, {-3.5}), -4);
  EXPECT_EQ(f32(ScalarOp::mod, {-7, 2}), 1);
  EXPECT_EQ(f32(ScalarOp::floordiv, {-7, 2}), -4);
  EXPECT_EQ(f32(ScalarOp::fmod, {-7, 2}), -1);
  EXPECT_EQ(f32(ScalarOp::hypot, {3, 4}), 5);
}

}  // namespace
}  // namespace mintor
