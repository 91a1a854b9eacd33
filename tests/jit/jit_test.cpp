// SPDX-License-Identifier: Apache-2.0
// The JIT on the hand-written program of tests/runtime: both compilers, the cache, damage, two
// processes at once. Takes nothing; gives pass or fail. Keeps true: each test has its own cache.
#include "compiler/jit/jit.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "compiler/jit/cache.h"
#include "compiler/jit/llvm_library.h"
#include "compiler/support/embedded.h"
#include "compiler/support/error.h"
#include "runtime/include/mintor_program.h"

namespace mintor {
namespace {

namespace fs = std::filesystem;
namespace rt = MT_PACKAGE;

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

ProgramSource toy() {
  const std::string folder = MINTOR_SOURCE_DIR "/tests/runtime/";
  ProgramSource source;
  source.headers.push_back({"kernels.h", read(folder + "kernels.h"), {}});
  for (const std::string file : {"x86", "reference"}) {
    const std::string header = "cpu_" + file + ".h";
    const std::string_view text = embedded_text("targets/" + file + "/runtime/" + header);
    source.headers.push_back({header, std::string(text), {}});
  }
  source.units.push_back({"program.cpp", read(folder + "example_program.cpp"), {}});
  source.units.push_back({"kernels_reference.cpp", read(folder + "kernels_reference.cpp"), {}});
  source.units.push_back({"kernels_v3.cpp", read(folder + "kernels_v3.cpp"), {"-mavx2", "-mfma"}});
  return source;
}

struct JitTest : testing::Test {
  CompileContext context;
  fs::path folder;

  void SetUp() override {
    std::string path = (fs::temp_directory_path() / "mintor-jit-test.XXXXXX").string();
    ASSERT_NE(mkdtemp(path.data()), nullptr);
    folder = path;
    context.options.cache_dir = path + "/cache";
  }
  void TearDown() override { fs::remove_all(folder); }

  void use(const std::string& jit) { context.options.jit = jit; }
};

// A skip ends a test only where SetUp says it.
struct LlvmTest : JitTest {
  void SetUp() override {
    if (llvm_library_path().empty()) GTEST_SKIP() << "built without LLVM";
    JitTest::SetUp();
    use("llvm");
  }
};

// y[0][0] of an all-ones input, weights all 0.5, bias 1, scale 2: 2 * (24 * 0.5 + 1) = 26.
void expect_runs(const JitCode& code, const char* level) {
  const auto& program = *static_cast<const rt::Program*>(code.program);
  ASSERT_STREQ(program.info.name, "toy");
  alignas(64) static float weights[500];
  std::fill(weights, weights + 480, 0.5f);
  std::fill(weights + 480, weights + 500, 1.0f);
  mt_options options{};
  options.size = sizeof options;
  options.weights = weights;
  options.weights_bytes = sizeof weights;
  options.level = level;
  rt::Model* model = nullptr;
  ASSERT_EQ(rt::open(program, &options, &model), MT_OK) << rt::last_error();
  rt::Context* run_context = nullptr;
  ASSERT_EQ(rt::context_create(model, nullptr, &run_context), MT_OK) << rt::last_error();
  float x[3 * 24], s[3] = {2, 2, 2};
  std::fill(x, x + 72, 1.0f);
  mt_tensor inputs[2] = {{x, sizeof x, MT_F32, 2, {3, 24}}, {s, sizeof s, MT_F32, 1, {3}}};
  mt_tensor outputs[2] = {};
  ASSERT_EQ(rt::run(run_context, inputs, outputs), MT_OK) << rt::last_error();
  EXPECT_EQ(static_cast<const float*>(outputs[0].data)[0], 26.0f);
  rt::context_destroy(run_context);
  rt::close(model);
}

TEST_F(JitTest, SystemCompilerRuns) {
  use("system");
  const JitCode code = jit_compile(context, toy());
  EXPECT_TRUE(code.compiled);
  expect_runs(code, "reference");
}

TEST_F(LlvmTest, InProcessCompilerRuns) {
  const JitCode code = jit_compile(context, toy());
  EXPECT_TRUE(code.compiled);
  expect_runs(code, "reference");
  expect_runs(code, nullptr);
}

TEST_F(LlvmTest, CompilerInAChildRuns) {
  setenv("MINTOR_JIT", "process", 1);
  const JitCode code = jit_compile(context, toy());
  unsetenv("MINTOR_JIT");
  EXPECT_TRUE(code.compiled);
  expect_runs(code, "reference");
}

TEST_F(JitTest, SecondTimeIsFromTheCache) {
  use("auto");
  EXPECT_TRUE(jit_compile(context, toy()).compiled);
  const JitCode again = jit_compile(context, toy());
  EXPECT_FALSE(again.compiled);
  expect_runs(again, nullptr);
}

TEST_F(JitTest, AChangedTextIsAnotherEntry) {
  use("auto");
  const JitCode first = jit_compile(context, toy());
  ProgramSource changed = toy();
  changed.units[1].text += "// another\n";
  const JitCode second = jit_compile(context, changed);
  EXPECT_TRUE(second.compiled);
  EXPECT_NE(first.library, second.library);
}

TEST_F(JitTest, DamagedEntryIsRebuilt) {
  use("auto");
  std::string path;
  {
    const JitCode code = jit_compile(context, toy());
    path = code.library;
  }
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file.put('\x5a');
  }
  const JitCode again = jit_compile(context, toy());
  EXPECT_TRUE(again.compiled);
  expect_runs(again, nullptr);
}

TEST_F(JitTest, TwoProcessesAtOnce) {
  use("auto");
  pid_t children[3];
  for (pid_t& child : children) {
    child = fork();
    if (child != 0) continue;
    int status = 1;
    try {
      status = jit_compile(context, toy()).program != nullptr ? 0 : 2;
    } catch (...) {
    }
    _exit(status);
  }
  for (const pid_t child : children) {
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_FALSE(jit_compile(context, toy()).compiled);
  for (const auto& item : fs::directory_iterator(context.options.cache_dir)) {
    EXPECT_FALSE(item.path().filename().string().starts_with("work.")) << item.path();
  }
}

// Another process empties the cache at the moment when it hurts: as soon as an entry was looked up,
// which sets its time of use.
struct Emptier {
  fs::path entry;
  std::atomic<bool> stop = false;
  std::thread thread{[this] {
    while (!stop) {
      struct stat info;
      if (stat(entry.c_str(), &info) == 0 && info.st_mtim.tv_sec > 1000) unlink(entry.c_str());
    }
  }};
  ~Emptier() {
    stop = true;
    thread.join();
  }
};

TEST_F(JitTest, AnEntryThatIsRemovedAfterTheLookUpIsCompiledAgain) {
  use("auto");
  const fs::path entry = jit_compile(context, toy()).library, kept = folder / "kept.so";
  fs::rename(entry, kept);
  const Emptier emptier{.entry = entry};
  int compiled = 0;
  for (int i = 0; i < 100 && compiled < 3; ++i) {
    const timespec old[2] = {{1000, 0}, {1000, 0}};
    fs::remove(folder / "copy.so");
    fs::copy_file(kept, folder / "copy.so");
    utimensat(AT_FDCWD, (folder / "copy.so").c_str(), old, 0);
    fs::rename(folder / "copy.so", entry);
    const JitCode code = jit_compile(context, toy());
    expect_runs(code, nullptr);
    compiled += code.compiled;
  }
}

TEST_F(JitTest, WarmStartOpensNoCompiler) {
  use("auto");
  jit_compile(context, toy());
  const pid_t child = fork();
  if (child == 0) {      // a process that never compiled: exec, so that nothing is inherited
    setenv("MINTOR_TEST_CACHE", context.options.cache_dir.c_str(), 1);
    execl("/proc/self/exe", "warm", "--gtest_filter=JitWarm.Child", nullptr);
    _exit(9);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(JitWarm, Child) {
  const char* cache = std::getenv("MINTOR_TEST_CACHE");
  if (cache == nullptr) GTEST_SKIP() << "started by JitTest.WarmStartOpensNoCompiler";
  CompileContext context;
  context.options.cache_dir = cache;
  const JitCode code = jit_compile(context, toy());
  EXPECT_FALSE(code.compiled);
  expect_runs(code, nullptr);
  const std::string maps = read("/proc/self/maps");
  EXPECT_EQ(maps.find("libLLVM"), std::string::npos);
  EXPECT_EQ(maps.find("libclang"), std::string::npos);
}

TEST_F(JitTest, BadTextIsAnInternalErrorWithTheCompilersWords) {
  for (const char* jit : {"llvm", "system"}) {
    if (std::string(jit) == "llvm" && llvm_library_path().empty()) continue;
    context.options.jit = jit;
    ProgramSource bad = toy();
    bad.units[1].text += "int broken = undeclared_name;\n";
    try {
      jit_compile(context, bad);
      FAIL() << jit;
    } catch (const InternalError& error) {
      const std::string text = error.what();
      EXPECT_NE(text.find("undeclared_name"), std::string::npos) << text;
      EXPECT_NE(text.find("kernels_reference.cpp"), std::string::npos) << text;
      EXPECT_EQ(text.find("internal error: jit: "), 0u) << text;
      EXPECT_EQ(text.find("internal error", 1), std::string::npos) << text;
      const size_t at = text.find("sources: ");
      ASSERT_NE(at, std::string::npos) << text;
      EXPECT_TRUE(fs::exists(text.substr(at + 9))) << text;
    }
  }
}

TEST_F(LlvmTest, StagesAreText) {
  EXPECT_NE(emit_stage(context, toy(), 1, "llvm-ir").find("define "), std::string::npos);
  EXPECT_NE(emit_stage(context, toy(), 2, "asm").find("vfmadd"), std::string::npos);
  EXPECT_EQ(emit_stage(context, toy(), 1, "obj").substr(1, 3), "ELF");
}

TEST_F(LlvmTest, FormattingIsCosmetic) {
  EXPECT_EQ(format_source("a.cpp", "int   f( int a ){return a ;}\n"),
            "int f(int a) {\n  return a;\n}\n");
}

TEST(Cache, RefusesAFolderThatOthersCanWrite) {
  std::string path = (fs::temp_directory_path() / "mintor-cache-test.XXXXXX").string();
  ASSERT_NE(mkdtemp(path.data()), nullptr);
  std::ofstream(path + "/something") << "x";
  chmod(path.c_str(), 0777);
  try {
    Cache cache(path);
    FAIL();
  } catch (const CompileError& error) {
    EXPECT_NE(std::string(error.what()).find("can be written by other users"), std::string::npos);
  }
  fs::remove_all(path);
}

TEST(Cache, TheOldestGoWhenItIsFull) {
  std::string path = (fs::temp_directory_path() / "mintor-cache-test.XXXXXX").string();
  ASSERT_NE(mkdtemp(path.data()), nullptr);
  const Cache cache(path + "/cache", 2500);
  for (const char* key : {"a", "b", "c"}) {
    const WorkFolder work(cache.make_work_folder());
    const std::string file = work.path() + "/library.so";
    std::ofstream(file) << std::string(1000, 'x');
    cache.store(key, file);
    usleep(20000);
    if (*key == 'b') {
      EXPECT_NE(cache.find("a"), "");      // used again: now b is the oldest
    }
    usleep(20000);
  }
  EXPECT_NE(cache.find("a"), "");
  EXPECT_EQ(cache.find("b"), "");
  EXPECT_NE(cache.find("c"), "");
  fs::remove_all(path);
}

TEST(Cache, SmallRecordsGoSoonAfterItIsFull) {
  std::string path = (fs::temp_directory_path() / "mintor-cache-test.XXXXXX").string();
  ASSERT_NE(mkdtemp(path.data()), nullptr);
  constexpr size_t kLimit = 100'000;
  const Cache cache(path + "/cache", kLimit);
  for (int i = 0; i < 1000; ++i)
    cache.store_record(std::to_string(i) + ".program", std::string(500, 'x'));
  size_t bytes = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(path + "/cache"))
    bytes += entry.file_size();
  EXPECT_GT(bytes, kLimit / 2);
  EXPECT_LT(bytes, 2 * kLimit);
  fs::remove_all(path);
}

TEST(Cache, RecordsAreSealedAndGoWhenItIsFull) {
  std::string path = (fs::temp_directory_path() / "mintor-cache-test.XXXXXX").string();
  ASSERT_NE(mkdtemp(path.data()), nullptr);
  const Cache cache(path + "/cache", 2500);
  EXPECT_FALSE(cache.find_record("a.program"));
  for (const char* key : {"a", "b", "c"}) {
    cache.store_record(std::string(key) + ".program", std::string(1000, *key));
    usleep(20000);
  }
  EXPECT_FALSE(cache.find_record("a.program"));
  EXPECT_EQ(cache.find_record("b.program"), std::string(1000, 'b'));
  EXPECT_EQ(cache.find("b"), "");      // no library
  std::fstream(path + "/cache/b.program").seekp(500).put('x');
  EXPECT_FALSE(cache.find_record("b.program"));
  EXPECT_FALSE(fs::exists(path + "/cache/b.program"));
  fs::remove_all(path);
}

}  // namespace
}  // namespace mintor
