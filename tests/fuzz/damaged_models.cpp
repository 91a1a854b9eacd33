// SPDX-License-Identifier: Apache-2.0
// Damaged model files through the whole compiler.
//   mintor_damaged_models FOLDER FIRST..LAST [KEEP]
// Takes right models, FOLDER/*.onnx, and seeds: seed s damages one of them (damage.h). Gives a line
// per file that is neither refused with a CompileError nor compiled and right, which it copies to
// KEEP, and counts of verdicts; exit status 1 when there was such a file.
// Each file has a process of its own: loaded, optimised, made a Program, its source written; where
// that is quick, the reference evaluator and the Program's interpreter have to have equal bits.
// Beyond 2 s of CPU or 1 GiB of address space it is ended.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "compiler/driver/driver.h"
#include "compiler/driver/package_cases.h"
#include "compiler/graph/cost.h"
#include "compiler/ir/evaluate.h"
#include "compiler/support/error.h"
#include "tests/fuzz/damage.h"

namespace mintor::test {
namespace {

namespace fs = std::filesystem;

constexpr rlim_t kSeconds = 2, kBytes = rlim_t{1} << 30;
constexpr unsigned kWaits = 600;          // seconds of wall time, which others share
constexpr int64_t kQuickFlops = 200'000;  // of a run in the interpreters
constexpr int64_t kQuickBytes = 1 << 20;

// How a file's process ends when it ends by itself.
enum Verdict : int { equal = 0, refused, compiled, differs, internal, memory, other };
constexpr const char* kVerdicts[] = {"compiled and run, bits equal",
                                     "refused",
                                     "compiled",
                                     "bits differ",
                                     "internal error",
                                     "memory",
                                     "other exception"};

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<fs::path> models_in(const fs::path& folder) {
  std::vector<fs::path> models;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".onnx") models.push_back(entry.path());
  std::ranges::sort(models);
  return models;
}

bool quick(const Graph& graph) {
  const GraphCost cost = cost_of(graph, typical_symbols(graph));
  int64_t bytes = cost.parameter_bytes + cost.peak_live_bytes;
  for (const NodeCost& node : cost.nodes) bytes = std::max(bytes, node.result_bytes);
  return cost.flops <= kQuickFlops && bytes <= kQuickBytes;
}

Verdict run_both(const Graph& graph, const Program& program) {
  const std::vector<Tensor> inputs = seeded_inputs(program, program.entries[0], 1);
  std::map<std::string, Tensor> named;
  for (size_t i = 0; i < inputs.size(); ++i)
    named[port_name(program.buffers[program.entries[0].inputs[i]])] = inputs[i];
  const std::vector<Tensor> want = evaluate(graph, named).results;
  const std::vector<Tensor> got = interpret(program, inputs, 0);
  return std::ranges::equal(got, want, same_bits) ? equal : differs;
}

Verdict compile(const std::string& path) {
  CompileContext context;
  const Graph graph = optimise(context, load_model(context, path));
  const Program program = build_program(context, graph, {"reference", "v3"});
  emit_source(program);
  if (!quick(graph)) return compiled;
  try {
    return run_both(graph, program);
  } catch (const CompileError&) {  // sizes or indices that this run does not have
    return compiled;
  }
}

// In the process of a file.
Verdict judge(const std::string& path, std::string& said) {
  try {
    return compile(path);
  } catch (const CompileError& error) {
    said = error.what();
    return refused;
  } catch (const InternalError& error) {
    said = error.what();
    return internal;
  } catch (const std::bad_alloc&) {
    return memory;
  } catch (const std::exception& error) {
    said = error.what();
    return other;
  }
}

// Address space that this process has now: a file may take kBytes beyond it.
rlim_t address_space() {
  std::ifstream pages("/proc/self/statm");
  rlim_t count = 0;
  pages >> count;
  return count * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

void set_limits() {
  const rlim_t bytes = address_space() + kBytes;
  const rlimit space{bytes, bytes}, time{kSeconds, kSeconds}, core{0, 0};
  setrlimit(RLIMIT_AS, &space);
  setrlimit(RLIMIT_CPU, &time);
  setrlimit(RLIMIT_CORE, &core);
  alarm(kWaits);
}

struct Outcome {
  std::string verdict, said;
  bool right = false;
  double seconds = 0;
};

std::string read_pipe(int from) {
  std::string text;
  char part[4096];
  for (ssize_t got; (got = ::read(from, part, sizeof part)) > 0;)
    text.append(part, static_cast<size_t>(got));
  return text;
}

Outcome outcome_of(int status, const rusage& used) {
  Outcome outcome;
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  outcome.seconds = seconds(used.ru_utime) + seconds(used.ru_stime);
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    const bool time = signal == SIGKILL || signal == SIGXCPU || signal == SIGALRM;
    outcome.verdict = time ? "time" : strsignal(signal);
  } else {
    const auto verdict = static_cast<Verdict>(WEXITSTATUS(status));
    outcome.verdict = verdict <= other ? kVerdicts[verdict] : "exit status";
    outcome.right = verdict <= compiled;
  }
  return outcome;
}

Outcome in_own_process(const std::string& path) {
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    set_limits();
    std::string said;
    const Verdict verdict = judge(path, said);
    const std::string head = said.substr(0, 4000);
    if (write(ends[1], head.data(), head.size()) < 0) _exit(other);
    _exit(verdict);
  }
  close(ends[1]);
  std::string said = read_pipe(ends[0]);
  close(ends[0]);
  int status = 0;
  rusage used{};
  wait4(child, &status, 0, &used);
  Outcome outcome = outcome_of(status, used);
  outcome.said = std::move(said);
  return outcome;
}

int run(const fs::path& folder, uint64_t first, uint64_t last, const fs::path& keep) {
  const std::vector<fs::path> models = models_in(folder);
  if (models.empty()) {
    std::fprintf(stderr, "no .onnx file in %s\n", folder.c_str());
    return 2;
  }
  const fs::path place = fs::temp_directory_path() / ("mintor-damaged-" + std::to_string(getpid()));
  fs::create_directories(place);
  const std::string path = (place / "model.onnx").string();
  std::map<std::string, int> counts;
  double longest = 0;
  bool right = true;
  for (uint64_t seed = first; seed <= last; ++seed) {
    const fs::path& from = models[seed % models.size()];
    std::ofstream(path, std::ios::binary) << damaged(read(from), seed);
    const Outcome outcome = in_own_process(path);
    ++counts[outcome.verdict];
    longest = std::max(longest, outcome.seconds);
    if (outcome.right) continue;
    right = false;
    std::printf("seed %llu: %s: %s: %s\n", static_cast<unsigned long long>(seed),
                from.stem().c_str(), outcome.verdict.c_str(), outcome.said.c_str());
    if (!keep.empty())
      fs::copy_file(path, keep / (std::to_string(seed) + ".onnx"),
                    fs::copy_options::overwrite_existing);
  }
  fs::remove_all(place);
  for (const auto& [verdict, count] : counts) std::printf("%6d %s\n", count, verdict.c_str());
  std::printf("longest: %.2f s\n", longest);
  return right ? 0 : 1;
}

}  // namespace
}  // namespace mintor::test

int main(int argc, char** argv) {
  setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s FOLDER FIRST..LAST [KEEP]\n", argv[0]);
    return 2;
  }
  char* rest = nullptr;
  const uint64_t first = std::strtoull(argv[2], &rest, 10);
  const uint64_t last = *rest == '.' ? std::strtoull(rest + 2, nullptr, 10) : first;
  return mintor::test::run(argv[1], first, last, argc > 3 ? argv[3] : "");
}
