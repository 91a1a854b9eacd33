// SPDX-License-Identifier: Apache-2.0
// Writes, builds and runs the peak programs. Takes a level's vector bytes, registers and flags;
// gives the best of several runs. -ffp-contract=fast is right here and only here: the program
// measures the fused unit and its numbers are thrown away.
#include "compiler/cli/peak.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "compiler/cli/files.h"
#include "compiler/cli/model_io.h"
#include "compiler/support/subprocess.h"

namespace mintor {
namespace {

// Around `work`, which each thread does: the best rate of several runs, in units of 1e9 a second.
constexpr const char* kBefore = R"(
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
typedef float vector __attribute__((vector_size(VECTOR_BYTES)));
enum { kLanes = VECTOR_BYTES / 4 };
static volatile float sink;
static int threads = 1;
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}
)";
constexpr const char* kMultiplyAdds = R"(
enum { kRounds = 4000000 };
static void prepare(void) {}
static double units(void) { return 2.0 * kLanes * ACCUMULATORS * kRounds * threads; }
static void* work(void* argument) {
  vector a[ACCUMULATORS], x, y;
  for (int l = 0; l < kLanes; ++l) { x[l] = 0.999f; y[l] = 1e-3f * l; }
  for (int i = 0; i < ACCUMULATORS; ++i) a[i] = y * (float)i;
  for (int r = 0; r < kRounds; ++r) {
#pragma GCC unroll 32
    for (int i = 0; i < ACCUMULATORS; ++i) a[i] = a[i] * x + y;
  }
  vector sum = y;
  for (int i = 0; i < ACCUMULATORS; ++i) sum += a[i];
  sink = sum[0] + sum[kLanes - 1];
  return argument;
}
)";
constexpr const char* kReads = R"(
enum { kBytes = 1 << 28 };
static char* array;
static void prepare(void) {
  array = aligned_alloc(64, kBytes);
  memset(array, 0, kBytes);
}
static double units(void) { return (double)(kBytes / threads / 4096 * 4096) * threads; }
static void* work(void* argument) {
  const int64_t share = kBytes / threads / 4096 * 4096;
  const vector* at = (const vector*)(array + (intptr_t)argument * share);
  const vector* end = (const vector*)((const char*)at + share);
  vector a[4] = {0};
  for (; at < end; at += 4)
    for (int i = 0; i < 4; ++i) a[i] += at[i];
  a[0] += a[1] + a[2] + a[3];
  sink = a[0][0] + a[0][kLanes - 1];
  return 0;
}
)";
constexpr const char* kAfter = R"(
int main(int argc, char** argv) {
  threads = argc > 1 ? atoi(argv[1]) : 1;
  pthread_t ids[1024];
  double best = 0;
  prepare();
  for (int repeat = 0; repeat < 4; ++repeat) {
    const double begin = now();
    for (intptr_t i = 1; i < threads; ++i) pthread_create(&ids[i], 0, work, (void*)i);
    work(0);
    for (int i = 1; i < threads; ++i) pthread_join(ids[i], 0);
    const double rate = units() / (now() - begin) * 1e-9;
    if (rate > best) best = rate;
  }
  printf("%.3f\n", best);
  return 0;
}
)";

std::optional<double> measured(const std::string& work, const TargetInfo& level, int threads) {
  if (!level.vectors()) return std::nullopt;
  const std::vector<std::string> names = {"cc", "gcc", "clang-19", "clang"};
  const std::string compiler = find_executable(names);
  if (compiler.empty()) return std::nullopt;
  // Two units of latency 4 need 8 chains; 12 leave room and fit 16 registers.
  const int accumulators = std::clamp(level.vector_registers - 4, 4, 16);
  const TemporaryFolder folder;
  const std::string source = folder.path() + "/peak.c", program = folder.path() + "/peak";
  write_file(source, kBefore + work + kAfter);
  std::vector<std::string> command = {compiler,
                                      "-O2",
                                      "-ffp-contract=fast",
                                      "-pthread",
                                      "-DVECTOR_BYTES=" + std::to_string(level.vector_bytes),
                                      "-DACCUMULATORS=" + std::to_string(accumulators)};
  command.insert(command.end(), level.compile_flags.begin(), level.compile_flags.end());
  command.insert(command.end(), {source, "-o", program});
  if (run_command(command).status != 0) return std::nullopt;
  const CommandResult result = run_command({program, std::to_string(threads)});
  if (result.status != 0) return std::nullopt;
  const double rate = std::strtod(result.output.c_str(), nullptr);
  return rate > 0 ? std::optional(rate) : std::nullopt;
}

}  // namespace

std::optional<double> measured_peak_gflops(const TargetInfo& level, int threads) {
  return measured(kMultiplyAdds, level, threads);
}

std::optional<double> measured_read_gbs(const TargetInfo& level, int threads) {
  return measured(kReads, level, threads);
}

}  // namespace mintor
