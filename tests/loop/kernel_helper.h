// SPDX-License-Identifier: Apache-2.0
// What kernel tests share: text of template kernels, inputs from a seed, bits after interpretation.
// Takes kernel text and inputs; gives outputs of the interpreter.
#pragma once

#include <gtest/gtest.h>

#include <random>

#include "compiler/loop/interpret.h"
#include "compiler/loop/pass.h"
#include "compiler/loop/step.h"

namespace mintor::test {

using Symbols = std::map<std::string, int64_t>;
using Buffers = std::map<std::string, Memory>;

// Written parameters start undefined, the others hold multiples of 1/64 between -16 and 16.
inline Buffers seeded(const Kernel& kernel, const Symbols& symbols, uint64_t seed = 7) {
  Buffers out;
  std::mt19937_64 rng(seed);
  for (const Param& p : kernel.params) {
    int64_t n = 1;
    for (const Index& e : p.shape)
      n *= e.evaluate([&](std::string_view name) { return symbols.at(std::string(name)); });
    Memory m{p.dtype, std::vector<std::byte>(static_cast<size_t>(n * size_of(p.dtype))), {}};
    if (p.written) m.defined.assign(static_cast<size_t>(n), false);
    for (int64_t i = 0; !p.written && i < n; ++i)
      Scalar::of(p.dtype, static_cast<double>(static_cast<int64_t>(rng() % 2049) - 1024) / 64.0)
          .write(&m.bytes[static_cast<size_t>(i * size_of(p.dtype))]);
    out[p.name] = std::move(m);
  }
  return out;
}

inline Buffers run(const Kernel& kernel, const Symbols& symbols, uint64_t seed = 7) {
  Buffers buffers = seeded(kernel, symbols, seed);
  interpret(kernel, buffers, symbols);
  return buffers;
}

inline void expect_same_bits(const Kernel& before, const Kernel& after, const Symbols& symbols) {
  Buffers a = run(before, symbols), b = run(after, symbols);
  for (const auto& [name, memory] : a) {
    EXPECT_TRUE(memory.bytes == b.at(name).bytes) << "buffer " << name << " of\n" << print(after);
    EXPECT_TRUE(memory.defined == b.at(name).defined) << "defined elements of " << name << " of\n"
                                                      << print(after);
  }
}

inline std::string refusal_of(Kernel& kernel, const std::string& call) {
  StepCall step = parse_step(call);
  return apply_step(kernel, step.name, step.args).reason;
}

inline void apply_all(Kernel& kernel, const std::vector<std::string>& calls) {
  for (const auto& call : calls) {
    if (call.find('(') == std::string::npos)
      kernel = run_loop_pass(call, kernel);
    else
      EXPECT_EQ(refusal_of(kernel, call), "") << call << " on\n" << print(kernel);
    verify(kernel);
  }
}

inline const char* const kElementwise =
    R"(kernel scale (x: f32[n, 21], y: out f32[n, 21]; n: 0..40) {
  for i in 0..n {
    for j in 0..21 {
      let t = mul(x[i, j], f32(0.3))
      y[i, j] = add(t, f32(1))
    }
  }
}
)";

inline const char* const kMatmul =
    R"(kernel dense (x: f32[batch, 24], w: f32[3, 24, 16], b: f32[48], r: out )"
R"(f32[batch, 38]; batch: 1..40) {
  for m in 0..batch {
    for n in 0..38 {
      acc: f32[1] in reg
      acc[0] = f32(0)
      for k in 0..24 {
        acc[0] = fma(x[m, k], w[n // 16, k, n % 16], acc[0])
      }
      r[m, n] = relu(add(acc[0], b[n]))
    }
  }
}
)";

inline const char* const kConv =
    R"(kernel conv (x: f32[7, 13, 32], w: f32[2, 2, 3, 3, 16, 16], r: out f32[7, 13, 20]) {
  for oy in 0..7 {
    for ox in 0..13 {
      for o in 0..20 {
        acc: f32[1] in reg
        acc[0] = f32(0)
        for cb in 0..2 {
          for ky in 0..3 {
            for kx in 0..3 {
              for c in 0..16 {
                if and(in_range(ky + oy - 1, 7), in_range(kx + ox - 1, 13)) {
                  acc[0] = fma(x[ky + oy - 1, kx + ox - 1, 16*cb + c], w[o // )"
R"(16, cb, ky, kx, c, o % 16], acc[0])
                }
              }
            }
          }
        }
        r[oy, ox, o] = acc[0]
      }
    }
  }
}
)";

inline const char* const kSoftmax = R"(kernel softmax (x: f32[n, 37], y: out f32[n, 37]; n: 1..20) {
  most: f32[n] in local
  for a in 0..n {
    lanes: f32[16] in reg
    for l in 0..16 {
      lanes[l] = f32(-inf)
    }
    for s in 0..2 {
      for l2 in 0..16 {
        lanes[l2] = max(lanes[l2], x[a, 16*s + l2])
      }
    }
    for l3 in 0..5 {
      lanes[l3] = max(lanes[l3], x[a, l3 + 32])
    }
    part: f32[16] in local
    for l4 in 0..16 {
      part[l4] = lanes[l4]
    }
    for l5 in 0..8 {
      part[l5] = max(part[l5], part[l5 + 8])
    }
    for l6 in 0..4 {
      part[l6] = max(part[l6], part[l6 + 4])
    }
    let top = max(max(part[0], part[1]), max(part[2], part[3]))
    most[a] = top
  }
  e: f32[n, 37] in local
  for b in 0..n {
    for c in 0..37 {
      e[b, c] = exp(sub(x[b, c], most[b]))
    }
  }
  sum: f32[n] in local
  for d in 0..n {
    acc: f32[1] in reg
    acc[0] = f32(-0)
    for g in 0..37 {
      acc[0] = add(acc[0], e[d, g])
    }
    sum[d] = acc[0]
  }
  for r in 0..n {
    for q in 0..37 {
      y[r, q] = div(e[r, q], sum[r])
    }
  }
}
)";

}  // namespace mintor::test
