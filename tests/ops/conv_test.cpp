// SPDX-License-Identifier: Apache-2.0
// conv and conv_transpose in one and two dimensions against plain loops over whole numbers.
// Each case runs with fixed and with symbolic sizes; the comment says why its shape is there.
#include <ostream>

#include "tests/ops/ops_helper.h"

namespace mintor::test {
namespace {

struct Case {
  int64_t n, c, h, w, o, kh, kw, groups, sh, sw, dh, dw, ph, pw, qh, qw;  // p before, q after
};

void PrintTo(const Case& t, std::ostream* out) {
  *out << "x[" << t.n << ", " << t.c << ", " << t.h << ", " << t.w << "] to " << t.o
       << " channels, window " << t.kh << " x " << t.kw << ", groups " << t.groups << ", stride "
       << t.sh << " " << t.sw << ", dilation " << t.dh << " " << t.dw;
}

size_t at(int64_t a, int64_t b, int64_t bs, int64_t c, int64_t cs, int64_t d, int64_t ds) {
  return static_cast<size_t>(((a * bs + b) * cs + c) * ds + d);
}

std::vector<double> direct(const Case& t, const std::vector<double>& x,
                           const std::vector<double>& w) {
  int64_t ho = (t.h + t.ph + t.qh - t.dh * (t.kh - 1) - 1) / t.sh + 1,
          wo = (t.w + t.pw + t.qw - t.dw * (t.kw - 1) - 1) / t.sw + 1;
  int64_t cg = t.c / t.groups, og = t.o / t.groups;
  std::vector<double> y(static_cast<size_t>(t.n * t.o * ho * wo), 0);
  for (int64_t n = 0; n < t.n; ++n)
    for (int64_t o = 0; o < t.o; ++o)
      for (int64_t i = 0; i < ho; ++i)
        for (int64_t j = 0; j < wo; ++j)
          for (int64_t c = 0; c < cg; ++c)
            for (int64_t a = 0; a < t.kh; ++a)
              for (int64_t b = 0; b < t.kw; ++b) {
                int64_t r = i * t.sh + a * t.dh - t.ph, s = j * t.sw + b * t.dw - t.pw;
                if (r < 0 || r >= t.h || s < 0 || s >= t.w) continue;
                y[at(n, o, t.o, i, ho, j, wo)] += x[at(n, o / og * cg + c, t.c, r, t.h, s, t.w)] *
                                                  w[at(o, c, cg, a, t.kh, b, t.kw)];
              }
  return y;
}

ops::ConvAttr attr_of(const Case& t) {
  return {{t.sh, t.sw}, {t.dh, t.dw}, {t.ph, t.pw}, {t.qh, t.qw}, t.groups};
}

class ConvCases : public testing::TestWithParam<Case> {};

TEST_P(ConvCases, equals_plain_loops) {
  const Case& t = GetParam();
  int64_t cg = t.c / t.groups;
  std::vector<double> x = numbers(t.n * t.c * t.h * t.w), w = numbers(t.o * cg * t.kh * t.kw);
  Op fixed;
  Value y = ops::conv(fixed.b, fixed.f32({t.n, t.c, t.h, t.w}), fixed.f32({t.o, cg, t.kh, t.kw}),
                      {}, attr_of(t));
  EXPECT_EQ(fixed.list(y), direct(t, x, w));
  Op symbolic;
  Shape shape = {symbolic.symbol("batch"), t.c, symbolic.symbol("height"),
                 symbolic.symbol("width")};
  Value xs = symbolic.in(tensor(DType::f32, {t.n, t.c, t.h, t.w}, x), shape);
  Value ys = ops::conv(symbolic.b, xs, symbolic.f32({t.o, cg, t.kh, t.kw}), {}, attr_of(t));
  EXPECT_EQ(symbolic.list(ys), direct(t, x, w));
}

INSTANTIATE_TEST_SUITE_P(
    shapes, ConvCases,
    testing::Values(
        Case{1, 3, 5, 5, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},  // same padding
        Case{2, 3, 7, 6, 4, 3, 3, 1, 2, 2, 1, 1, 1, 1, 1, 1},  // stride 2, odd and even size
        Case{1, 4, 6, 6, 6, 3, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0},  // two groups, window not square
        Case{1, 6, 5, 5, 6, 3, 3, 6, 1, 1, 1, 1, 1, 1, 1, 1},  // depthwise
        Case{1, 3, 5, 5, 6, 3, 3, 3, 2, 1, 1, 1, 1, 1, 1,
             1},  // depthwise with two outputs a channel
        Case{1, 2, 9, 9, 3, 3, 3, 1, 1, 1, 2, 3, 2, 3, 2, 3},    // dilation
        Case{1, 2, 5, 6, 3, 2, 2, 1, 2, 2, 1, 1, 0, 1, 1, 0},    // padding on one side only
        Case{1, 5, 1, 1, 7, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},    // one pixel
        Case{1, 1, 4, 4, 1, 4, 4, 1, 1, 1, 1, 1, 0, 0, 0, 0},    // window is the image
        Case{1, 2, 3, 3, 2, 3, 3, 1, 1, 1, 1, 1, 4, 4, 4, 4}));  // windows wholly in the padding

TEST(conv, bias_in_one_and_three_dimensions) {
  Op one;
  Value y = ops::conv(one.b, one.f32({1, 1, 4}, {1, 2, 3, 4}), one.f32({2, 1, 2}, {1, 1, 1, -1}),
                      one.f32({2}, {10, 20}), {});
  EXPECT_EQ(one.list(y), (std::vector<double>{13, 15, 17, 19, 19, 19}));
  Op three;
  Value z = ops::conv(three.b, three.f32({1, 1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}),
                      three.f32({1, 1, 2, 2, 2}, std::vector<double>(8, 1)), {}, {});
  EXPECT_EQ(three.list(z), std::vector<double>{36});
}

// The transposed convolution scatters what the convolution gathers.
std::vector<double> scattered(const Case& t, int64_t ho, int64_t wo, const std::vector<double>& x,
                              const std::vector<double>& w) {
  int64_t cg = t.c / t.groups, og = t.o / t.groups;
  std::vector<double> y(static_cast<size_t>(t.n * t.o * ho * wo), 0);
  for (int64_t n = 0; n < t.n; ++n)
    for (int64_t c = 0; c < t.c; ++c)
      for (int64_t o = 0; o < og; ++o)
        for (int64_t i = 0; i < t.h; ++i)
          for (int64_t j = 0; j < t.w; ++j)
            for (int64_t a = 0; a < t.kh; ++a)
              for (int64_t b = 0; b < t.kw; ++b) {
                int64_t r = i * t.sh + a * t.dh - t.ph, s = j * t.sw + b * t.dw - t.pw;
                if (r < 0 || r >= ho || s < 0 || s >= wo) continue;
                y[at(n, c / cg * og + o, t.o, r, ho, s, wo)] +=
                    x[at(n, c, t.c, i, t.h, j, t.w)] * w[at(c, o, og, a, t.kh, b, t.kw)];
              }
  return y;
}

class TransposedCases : public testing::TestWithParam<Case> {};

TEST_P(TransposedCases, equals_plain_scatter) {
  const Case& t = GetParam();
  int64_t ho = t.sh * (t.h - 1) + t.dh * (t.kh - 1) + 1 - t.ph - t.qh + 1,
          wo = t.sw * (t.w - 1) + t.dw * (t.kw - 1) + 1 - t.pw - t.qw;
  Op op;
  Value y = ops::conv_transpose(op.b, op.f32({t.n, t.c, t.h, t.w}),
                                op.f32({t.c, t.o / t.groups, t.kh, t.kw}), {}, attr_of(t), {1, 0});
  EXPECT_EQ(y.shape(), (Shape{t.n, t.o, ho, wo}));
  EXPECT_EQ(op.list(y), scattered(t, ho, wo, numbers(t.n * t.c * t.h * t.w),
                                  numbers(t.c * (t.o / t.groups) * t.kh * t.kw)));
}

INSTANTIATE_TEST_SUITE_P(shapes, TransposedCases,
                         testing::Values(Case{1, 2, 3, 3, 4, 3, 3, 1, 1, 1, 1, 1, 0, 0, 0, 0},
                                         Case{2, 4, 3, 4, 6, 4, 4, 2, 2, 2, 1, 1, 1, 1, 1, 1},
                                         Case{1, 3, 4, 4, 3, 3, 3, 3, 2, 3, 2, 1, 1, 0, 0, 2}));

TEST(conv, errors_name_the_values) {
  Op op;
  auto text = [&](std::vector<int64_t> x, std::vector<int64_t> w, ops::ConvAttr attr) {
    return error_of([&] { ops::conv(op.b, op.f32(x), op.f32(w), {}, attr); });
  };
  EXPECT_NE(text({1, 3, 5, 5}, {4, 2, 3, 3}, {})
                .find("weight does not fit 3 channels in 1 groups: x f32[1, 3, 5, 5], weight "
                      "f32[4, 2, 3, 3]"),
            std::string::npos);
  EXPECT_NE(
      text({1, 3, 5, 5}, {4, 1, 3, 3}, {{}, {}, {}, {}, 2}).find("do not divide into 2 groups"),
      std::string::npos);
  EXPECT_NE(text({1, 3, 2, 2}, {4, 3, 3, 3}, {}).find("exceeds the padded size 2 of dimension 2"),
            std::string::npos);
  EXPECT_NE(text({1, 3, 5, 5}, {4, 3, 3, 3}, {{0, 1}, {}, {}, {}, 1}).find("must be at least 1"),
            std::string::npos);
  EXPECT_NE(text({1, 3, 5, 5}, {4, 3, 3, 3}, {{1}, {}, {}, {}, 1}).find("2 entries each"),
            std::string::npos);
}

}  // namespace
}  // namespace mintor::test
