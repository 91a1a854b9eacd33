// SPDX-License-Identifier: Apache-2.0
// The same bits on other machines: rows and casts of their levels, built by cross compilers and run
// by qemu's user mode (.ci/setup). Also what programs without libm have in its place. Keeps true: a
// compiler or emulator that is not there is a failure, for the set-up brings it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cmath>
#include <cstdio>
#include <memory>
#include <random>
#include <span>
#include <tuple>

#include "compiler/ir/scalar_math_bare.h"
#include "tests/numerics/compilers.h"
#include "tests/numerics/sweep.h"

namespace mintor {
namespace {

constexpr int64_t kElements = 4096;

// level_server.cpp under an emulator; both ends of its pipes.
class Server {
 public:
  Server(const std::string& machine, const char* cpu, const std::string& program) {
    int to[2], from[2];
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) return;
    const std::string emulator = "qemu-" + machine, sysroot = "/usr/" + machine + "-linux-gnu";
    child_ = fork();
    if (child_ == 0) {
      dup2(to[0], 0);
      dup2(from[1], 1);
      execlp(emulator.c_str(), emulator.c_str(), "-cpu", cpu, "-L", sysroot.c_str(),
             program.c_str(), nullptr);
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    to_ = fdopen(to[1], "wb");
    from_ = fdopen(from[0], "rb");
  }
  ~Server() {
    fclose(to_);
    fclose(from_);
    waitpid(child_, nullptr, 0);
  }
  Server(const Server&) = delete;

  // `bytes` of each operand; what comes back goes to `out`.
  bool ask(int64_t first, int64_t second, int64_t lanes, int64_t count,
           std::span<const void* const> x, size_t bytes, void* out, size_t result_bytes) {
    const int64_t head[5] = {first, second, lanes, count, static_cast<int64_t>(x.size())};
    const size_t room = static_cast<size_t>(count) * 8;
    std::vector<char> padded(room);
    fwrite(head, sizeof head, 1, to_);
    for (const void* operand : x) {
      std::memcpy(padded.data(), operand, bytes);
      fwrite(padded.data(), 1, room, to_);
    }
    fflush(to_);
    int64_t has = 0;
    const bool answered =
        fread(&has, sizeof has, 1, from_) == 1 && fread(padded.data(), 1, room, from_) == room;
    EXPECT_TRUE(answered) << "the emulated program ended";
    if (has) std::memcpy(out, padded.data(), result_bytes);
    return answered && has;
  }

 private:
  pid_t child_ = 0;
  FILE* to_ = nullptr;
  FILE* from_ = nullptr;
};

struct Foreign {
  const char* machine;
  const char* cpu;  // of the emulator
  Level level;
};
const Foreign kForeign[] = {
    {"aarch64", "max", {"neon", "-march=armv8-a -DLEVEL_NEON"}},
    {"aarch64", "max", {"neon-dot", "-march=armv8.2-a+dotprod -DLEVEL_NEON"}},
    {"aarch64", "max", {"reference", "-march=armv8-a"}},
    {"riscv64", "rv64,v=true", {"rvv", "-march=rv64gcv -DLEVEL_RVV"}},
    {"riscv64", "rv64", {"reference", "-march=rv64gc"}}};

std::string cross_compiler(const std::string& compiler, const std::string& machine) {
  if (compiler == "g++") return machine + "-linux-gnu-g++";
  return compiler + " --target=" + machine + "-linux-gnu";
}

class ForeignBits : public testing::TestWithParam<std::tuple<std::string, Foreign>> {
 protected:
  std::unique_ptr<Server> serve(const char* unit) {
    const auto& [compiler, foreign] = GetParam();
    const std::string program = folder_.file("server");
    EXPECT_EQ(compile(cross_compiler(compiler, foreign.machine), foreign.level,
                      std::string("-O1 -D") + unit, "level_server.cpp", program, folder_),
              "");
    return std::make_unique<Server>(foreign.machine, foreign.cpu, program);
  }
  Folder folder_;
};

TEST_P(ForeignBits, Rows) {
  const auto server = serve("UNIT_ROWS");
  expect_rows(
      [&](int row, int dtype, int lanes, const void* const* x, void* out, long count) {
        const auto op = static_cast<ScalarOp>(row);
        const auto type = static_cast<DType>(dtype);
        const std::vector<DType> dtypes(static_cast<size_t>(arity(op)), type);
        return server->ask(row, dtype, lanes, count, {x, dtypes.size()},
                           static_cast<size_t>(count * size_of(type)), out,
                           static_cast<size_t>(count * size_of(result_dtype(op, dtypes))));
      },
      kElements);
}

// qemu 7.2 fails an assertion at a vector conversion that truncates, which clang makes of casts to
// integers, unless an instruction before it has asked for the rounding mode.
bool emulator_truncates(const Folder& folder) {
  std::ofstream(folder.file("truncates.cpp")) << R"(
    int main() {
      __asm__ volatile("vsetivli zero, 4, e32, m1, ta, ma\n vfcvt.rtz.x.f.v v8, v8" ::: "v8");
    })";
  const std::string program = folder.file("truncates");
  const std::string build = "clang++-19 --target=riscv64-linux-gnu -march=rv64gcv " + program +
                            ".cpp -o " + program + " 2> /dev/null";
  const std::string run =
      "qemu-riscv64 -cpu rv64,v=true -L /usr/riscv64-linux-gnu " + program + " 2> /dev/null";
  EXPECT_EQ(std::system(build.c_str()), 0);
  return std::system(run.c_str()) == 0;
}

TEST_P(ForeignBits, Casts) {
  const auto& [compiler, foreign] = GetParam();
  if (std::string(foreign.level.name) == "rvv" && compiler != "g++" && !emulator_truncates(folder_))
    GTEST_SKIP() << "this emulator ends at conversions that truncate: qemu 7.2 does";
  const auto server = serve("UNIT_CASTS");
  expect_casts(
      [&](int from, const void* x, int to, void* out, long count) {
        return server->ask(from, to, 0, count, {&x, 1},
                           static_cast<size_t>(count * size_of(static_cast<DType>(from))), out,
                           static_cast<size_t>(count * size_of(static_cast<DType>(to))));
      },
      kElements);
}

std::string case_name(const testing::TestParamInfo<std::tuple<std::string, Foreign>>& info) {
  const auto& [compiler, foreign] = info.param;
  std::string name = compiler + "_" + foreign.machine + "_" + foreign.level.name;
  std::erase_if(name, [](char c) { return c != '_' && !std::isalnum(static_cast<uint8_t>(c)); });
  return name;
}

INSTANTIATE_TEST_SUITE_P(Machines, ForeignBits,
                         testing::Combine(testing::ValuesIn(kCompilers),
                                          testing::ValuesIn(kForeign)),
                         case_name);

// ---- Without libm ----------------------------------------------------------------------------

template <class E>
bool same(E a, E b) {
  return (a != a && b != b) || std::memcmp(&a, &b, sizeof a) == 0;
}

// Operands near each other, near the ends of the range, with few bits, infinite.
template <class E, class U>
E operand(std::mt19937_64& random) {
  constexpr int kMantissa = mt_facts<E>::mantissa, kBias = mt_facts<E>::bias;
  U bits = static_cast<U>(random());
  const U fraction = bits & ((U{1} << kMantissa) - 1), sign = bits & ~(~U{0} >> 1);
  const auto exponent = [&](U lowest) {
    return sign | (lowest + static_cast<U>(random() % 50)) << kMantissa | fraction;
  };
  switch (random() % 6) {
    case 0:
      bits = exponent(U{kBias - 25});
      break;
    case 1:
      bits = exponent(U{0});
      break;
    case 2:
      bits = exponent(U{kBias / 2});
      break;
    case 3:
      bits &= ~U{0} << kMantissa / 2;
      break;
    case 4:
      bits = sign | (random() % 2 ? U{2 * kBias + 1} << kMantissa : U{0});
      break;
    default:
      break;
  }
  return mt_bits<E>(bits);
}

template <class E, class U>
void expect_bare() {
  std::mt19937_64 random(7);
  for (int i = 0; i < 1000000; ++i) {
    const E x = operand<E, U>(random), y = operand<E, U>(random);
    const E z = random() % 3 ? operand<E, U>(random) : -x * y;  // cancels
    ASSERT_TRUE(same(mt_bare_fma(x, y, z), std::fma(x, y, z))) << x << " " << y << " " << z;
    ASSERT_TRUE(same(mt_bare_floor(x), std::floor(x))) << x;
    ASSERT_TRUE(same(mt_bare_ceil(x), std::ceil(x))) << x;
    ASSERT_TRUE(same(mt_bare_trunc(x), std::trunc(x))) << x;
    ASSERT_TRUE(same(mt_bare_round(x), std::rint(x))) << x;
  }
}

TEST(BareMath, HasTheBitsOfTheLibraryInF32) { expect_bare<float, uint32_t>(); }
TEST(BareMath, HasTheBitsOfTheLibraryInF64) { expect_bare<double, uint64_t>(); }

}  // namespace
}  // namespace mintor
