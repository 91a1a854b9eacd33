// SPDX-License-Identifier: Apache-2.0
// Program toy: the shape of every generated program.cpp, written by hand.
//   forward(x[batch, 24], s[batch]) -> y[batch, 20], total[2 * batch]
//   hidden = relu(x * w + b) ; y = hidden * s ; total = sums of y's rows, twice
//   scale(x[many, 20], s[many]) -> y[many, 20]
// Weights: w 24x20 f32 at 0 (1920 B), b 20 f32 at 1920 (80 B). Packed: w [2][24][16] at 0 (3072 B),
// b[32] at 3072 (128 B). Arena: hidden [batch, 20], then the outputs.
#include "cpu_reference.h"
#include "cpu_x86.h"
#include "kernels.h"
#include "mintor_program.h"
#include "mintor_size.h"

namespace MT_PACKAGE {

static const mt_symbol_info kSymbols[] = {
    {"batch", 0, 64, 1, 4},
    {"rows", 0, 128, 1, 8},
    {"many", 0, 1000, 1, 4},
};

static const Level kLevels[] = {
    {"reference", supports_reference, &kernels_reference},
    {"v3", supports_v3, &kernels_v3},
};

namespace entry_prepare {

static const char* const kNames[] = {"pack_w", "pack_b"};

static int64_t arena_bytes(const int64_t*) { return 0; }

static int64_t tasks(const int64_t*, int32_t phase) {
  switch (phase) {
    case 0:
      return 2;
    case 1:
      return 1;
  }
  return 0;
}
static void run(const void* kernels, const Args& a, int32_t phase, int32_t part, int32_t parts) {
  const Kernels& k = *static_cast<const Kernels*>(kernels);
  switch (phase) {
    case 0: {  // pack_w: panels of 16 columns
      const Share tasks = share(2, part, parts);
      k.pack_w(at<float>(a.weights, 0), at<float>(a.packed, 0), tasks.begin, tasks.end);
      break;
    }
    case 1:  // pack_b
      k.pack_b(at<float>(a.weights, 1920), at<float>(a.packed, 3072));
      break;
  }
}

}  // namespace entry_prepare

namespace entry_forward {

static const mt_tensor_info kInputs[] = {
    {"x", MT_F32, 2, {-1, 24}, {"batch"}},
    {"s", MT_F32, 1, {-1}, {"batch"}},
};
static const mt_tensor_info kOutputs[] = {
    {"y", MT_F32, 2, {-1, 20}, {"batch"}},
    {"total", MT_F32, 1, {-1}, {"rows"}},
};
static const char* const kNames[] = {"dense_relu", "scale", "row_sum"};

static int64_t round_up(int64_t bytes) { return (bytes + 63) / 64 * 64; }

// Symbols that no input binds.
static void derive(int64_t* symbols) { symbols[1] = 2 * symbols[0]; }

// Buffer offsets in the arena, each an expression of the symbols.
static int64_t hidden_offset(const int64_t*) { return 0; }
static int64_t y_offset(const int64_t* symbols) { return round_up(symbols[0] * 80); }
static int64_t total_offset(const int64_t* symbols) {
  return y_offset(symbols) + round_up(symbols[0] * 80);
}
static int64_t arena_bytes(const int64_t* symbols) {
  return total_offset(symbols) + round_up(symbols[1] * 4);
}

static int64_t output_dim(const int64_t* symbols, int32_t output, int32_t dim) {
  switch (output * MT_MAX_RANK + dim) {
    case 0 * MT_MAX_RANK + 0:
      return symbols[0];
    case 0 * MT_MAX_RANK + 1:
      return 20;
    case 1 * MT_MAX_RANK + 0:
      return symbols[1];
  }
  return 0;
}
static int64_t output_bytes(const int64_t* symbols, int32_t output) {
  switch (output) {
    case 0:
      return symbols[0] * 80;
    case 1:
      return symbols[1] * 4;
  }
  return 0;
}
static int64_t output_offset(const int64_t* symbols, int32_t output) {
  switch (output) {
    case 0:
      return y_offset(symbols);
    case 1:
      return total_offset(symbols);
  }
  return 0;
}

// What may be negative or leave 64 bits.
static SizeFault check_sizes(const int64_t* symbols) {
  const Size batch = symbols[0], rows = symbols[1];
  if (const Size s = 80 * batch; !s.good()) return fault(s, "y", -1);
  if (const Size s = 4 * rows; !s.good()) return fault(s, "total", -1);
  const Size rounded = (80 * batch + 63) / 64 * 64;
  const Size arena = rounded + rounded + (4 * rows + 63) / 64 * 64;
  if (!arena.good()) return fault(arena, nullptr, -1);
  return {SizeFault::none, nullptr, 0, 0};
}

static int64_t tasks(const int64_t* symbols, int32_t phase) {
  switch (phase) {
    case 0:
      return symbols[0];
    case 1:
      return symbols[0];
    case 2:
      return 1;
  }
  return 0;
}
static void run(const void* kernels, const Args& a, int32_t phase, int32_t part, int32_t parts) {
  const Kernels& k = *static_cast<const Kernels*>(kernels);
  const int64_t batch = a.symbols[0];
  float* const hidden = at<float>(a.arena, hidden_offset(a.symbols));
  switch (phase) {
    case 0: {  // dense/matmul, dense/bias, relu
      const Share tasks = share(batch, part, parts);
      k.dense_relu(static_cast<const float*>(a.inputs[0]), at<float>(a.packed, 0),
                   at<float>(a.packed, 3072), hidden, tasks.begin, tasks.end);
      break;
    }
    case 1: {  // scale
      const Share tasks = share(batch, part, parts);
      k.scale(hidden, static_cast<const float*>(a.inputs[1]), static_cast<float*>(a.outputs[0]),
              tasks.begin, tasks.end);
      break;
    }
    case 2:  // row_sum
      k.row_sum(static_cast<const float*>(a.outputs[0]), static_cast<float*>(a.outputs[1]), batch);
      break;
  }
}

}  // namespace entry_forward

namespace entry_scale {

static const mt_tensor_info kInputs[] = {
    {"x", MT_F32, 2, {-1, 20}, {"many"}},
    {"s", MT_F32, 1, {-1}, {"many"}},
};
static const mt_tensor_info kOutputs[] = {
    {"y", MT_F32, 2, {-1, 20}, {"many"}},
};
static const char* const kNames[] = {"scale"};

static int64_t arena_bytes(const int64_t* symbols) { return (symbols[2] * 80 + 63) / 64 * 64; }
static int64_t output_dim(const int64_t* symbols, int32_t, int32_t dim) {
  return dim == 0 ? symbols[2] : 20;
}
static int64_t output_bytes(const int64_t* symbols, int32_t) { return symbols[2] * 80; }
static int64_t output_offset(const int64_t*, int32_t) { return 0; }

static int64_t tasks(const int64_t* symbols, int32_t) { return symbols[2]; }
static void run(const void* kernels, const Args& a, int32_t, int32_t part, int32_t parts) {
  const Kernels& k = *static_cast<const Kernels*>(kernels);
  const Share tasks = share(a.symbols[2], part, parts);
  k.scale(static_cast<const float*>(a.inputs[0]), static_cast<const float*>(a.inputs[1]),
          static_cast<float*>(a.outputs[0]), tasks.begin, tasks.end);
}

}  // namespace entry_scale

static const mt_entry_info kEntryInfos[] = {
    {"forward", 2, 2, 3, entry_forward::kInputs, entry_forward::kOutputs, entry_forward::kNames},
    {"scale", 2, 1, 1, entry_scale::kInputs, entry_scale::kOutputs, entry_scale::kNames},
};
static const Entry kEntries[] = {
    {entry_forward::run, 3, entry_forward::kNames, entry_forward::tasks, nullptr, 3u,
     entry_forward::arena_bytes, 0, entry_forward::output_bytes, entry_forward::output_dim,
     entry_forward::output_offset, entry_forward::derive, entry_forward::check_sizes, nullptr,
     nullptr, nullptr, nullptr, 0},
    {entry_scale::run, 1, entry_scale::kNames, entry_scale::tasks, nullptr, 4u,
     entry_scale::arena_bytes, 0, entry_scale::output_bytes, entry_scale::output_dim,
     entry_scale::output_offset, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, 0},
};

const Program program = {
    {"toy",
     "0123456789abcdef",
     "reference,v3",
     nullptr,
     2,
     2,
     3,
     3,
     entry_forward::kInputs,
     entry_forward::kOutputs,
     kSymbols,
     entry_forward::kNames,
     2000,
     3200,
     0,
     nullptr,
     2,
     kEntryInfos,
     nullptr,
     0,
     nullptr},
    kLevels,
    2,
    {entry_prepare::run, 2, entry_prepare::kNames, entry_prepare::tasks, nullptr, 0u,
     entry_prepare::arena_bytes, 0, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
     nullptr, nullptr, 0},
    kEntries,
    "",
    nullptr,
    0,
    3,
    nullptr,
    0,
    nullptr,
    nullptr,
};

}  // namespace MT_PACKAGE
