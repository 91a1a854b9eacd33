// SPDX-License-Identifier: Apache-2.0
// Takes kernels; gives times. Keeps true: integers are 0, so that an index read from memory is
// inside.
#include "compiler/driver/kernel_times.h"

#include <algorithm>
#include <random>

#include "compiler/driver/driver.h"
#include "compiler/ir/scalar_eval.h"
#include "compiler/tune/measuring_program.h"

namespace mintor {
namespace {

// What one measurement takes at least: a clock that is read twice costs some 50 ns.
constexpr double kLeastSeconds = 2e-4;
constexpr int64_t kMostRuns = 64;

Tensor random_tensor(DType dtype, int64_t count) {
  auto [tensor, bytes] = Tensor::make(dtype, {count});
  if (!is_float(dtype)) return tensor;
  // Long arrays repeat: their values decide nothing but that they are no zeros.
  const int64_t period = std::min<int64_t>(count, 4093);
  std::minstd_rand random(1);
  for (int64_t i = 0; i < period; ++i) {
    const double unit = static_cast<double>(random()) / std::minstd_rand::max();
    Scalar::of(dtype, 2 * unit - 1).write(bytes + i * size_of(dtype));
  }
  for (int64_t i = period; i < count; ++i)
    std::copy_n(bytes + (i - period) * size_of(dtype), size_of(dtype), bytes + i * size_of(dtype));
  return tensor;
}

mt_tensor raw_of(const Tensor& tensor) {
  mt_tensor raw{};
  raw.data = const_cast<std::byte*>(tensor.data);
  raw.bytes = static_cast<size_t>(tensor.bytes());
  raw.dtype = static_cast<int32_t>(tensor.dtype);
  raw.rank = 1;
  raw.shape[0] = tensor.shape[0];
  return raw;
}

void add(void* data, const char*, int64_t begin_ns, int64_t end_ns) {
  *static_cast<int64_t*>(data) += end_ns - begin_ns;
}

}  // namespace

KernelTimes::KernelTimes(CompileContext& context, const std::vector<Kernel>& candidates,
                         const TargetInfo& level, const std::map<std::string, int64_t>& symbols,
                         int64_t work)
    : count_(candidates.size(), 0) {
  const Program program = measuring_program(context, candidates, level, symbols, work);
  LoadOptions options;
  options.threads = static_cast<int>(context.options.threads);
  options.profile = &add;
  options.profile_data = &nanoseconds_;
  model_ = jit(context, program, options);
  const auto give = [&](const std::vector<int32_t>& ports, std::vector<mt_tensor>& raw) {
    for (const int32_t id : ports) {
      const Buffer& buffer = program.buffers[id];
      memory_.push_back(random_tensor(buffer.dtype, buffer.shape[0].value()));
      raw.push_back(raw_of(memory_.back()));
    }
  };
  give(program.entries[0].inputs, inputs_);
  give(program.entries[0].outputs, outputs_);
}

double KernelTimes::runs(size_t candidate, int64_t count) {
  nanoseconds_ = 0;
  for (int64_t run = 0; run < count; ++run)
    model_->context().run(inputs_.data(), outputs_.data(), static_cast<int32_t>(candidate));
  return static_cast<double>(nanoseconds_) * 1e-9 / static_cast<double>(count);
}

double KernelTimes::time(size_t candidate) {
  int64_t& count = count_[candidate];
  if (count == 0) {
    runs(candidate, 1);
    const double once = std::max(runs(candidate, 1), 1e-9);
    count = std::clamp(static_cast<int64_t>(kLeastSeconds / once) + 1, int64_t{1}, kMostRuns);
  }
  return runs(candidate, count);
}

}  // namespace mintor
