// SPDX-License-Identifier: Apache-2.0
// mintor bench: how fast a model runs here. Takes MODEL (or DIR), thread counts; gives for each
// the median and the best time of a run, GFLOP/s, the share of the measured peak of fused
// multiply-adds, and with --profile the kernels by time, with what bounds them. Operations are
// counted from the Graph, so a package alone (DIR) has times without rates. --kernel takes an
// operator in place of a model.
// Keeps true: runs are warm, at least ten and at least --seconds long; nothing is averaged away:
// the fastest and the slowest run are in the JSON.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>
#include <utility>

#include "compiler/cli/command.h"
#include "compiler/cli/files.h"
#include "compiler/cli/kernel_line.h"
#include "compiler/cli/model_io.h"
#include "compiler/cli/open_any.h"
#include "compiler/cli/peak.h"
#include "compiler/codegen/target.h"
#include "compiler/report/kernel_costs.h"
#include "compiler/report/report.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

struct Arguments {
  std::string model, kernel, report;
  std::vector<std::string> inputs;
  std::vector<int> threads = {1};
  int64_t seed = 0;
  double seconds = 1;
  bool profile = false, json = false, no_peak = false;
  Options options;
};

// What the profile hook collects; it is called on the thread that runs the model.
struct Profile {
  struct Kernel {
    int64_t calls = 0, nanoseconds = 0;
  };
  std::unordered_map<std::string, Kernel> kernels;

  static void add(void* data, const char* kernel, int64_t begin_ns, int64_t end_ns) {
    Kernel& entry = static_cast<Profile*>(data)->kernels[kernel];
    entry.calls += 1;
    entry.nanoseconds += end_ns - begin_ns;
  }
};

// Inputs by position as C tensors; outputs left to the context's memory.
struct RawRun {
  std::vector<Tensor> tensors;
  std::vector<mt_tensor> inputs, outputs;

  RawRun(const mt_model_info& info, const NamedTensors& named) {
    for (int32_t i = 0; i < info.input_count; ++i) {
      tensors.push_back(named.at(info.inputs[i].name));
      const Tensor& tensor = tensors.back();
      mt_tensor raw{};
      raw.data = const_cast<std::byte*>(tensor.data);
      raw.bytes = static_cast<size_t>(tensor.bytes());
      raw.dtype = static_cast<int32_t>(tensor.dtype);
      raw.rank = static_cast<int32_t>(tensor.shape.size());
      std::ranges::copy(tensor.shape, raw.shape);
      inputs.push_back(raw);
    }
    outputs.resize(static_cast<size_t>(info.output_count));
  }
  void run(ModelContext& context) {
    std::ranges::fill(outputs, mt_tensor{});
    context.run(inputs.data(), outputs.data());
  }
};

std::vector<double> time_runs(ModelContext& context, RawRun& raw, double seconds) {
  for (int warm = 0; warm < 3; ++warm) raw.run(context);
  std::vector<double> times;
  const auto begin = Clock::now();
  while (times.size() < 10 ||
         std::chrono::duration<double>(Clock::now() - begin).count() < seconds) {
    const auto start = Clock::now();
    raw.run(context);
    times.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  return times;
}

double median_of(std::vector<double> times) {
  std::ranges::nth_element(times, times.begin() + static_cast<ptrdiff_t>(times.size() / 2));
  return times[times.size() / 2];
}

// A kernel's rates, and which of the machine's limits it is nearer to. Arrays that fit the caches
// are read faster than memory: shares of its bandwidth may be above 1.
void add_rates(Json& kernel, const KernelCost& cost, double seconds, const Json& peaks) {
  const double gflops = static_cast<double>(cost.flops) / seconds * 1e-9,
               gbs = static_cast<double>(cost.bytes) / seconds * 1e-9;
  kernel.update({{"contraction", cost.multiplies},
                 {"flops", cost.flops},
                 {"bytes", cost.bytes},
                 {"gflops", gflops},
                 {"gbs", gbs}});
  if (!peaks.contains("peak_gflops") || !peaks.contains("peak_gbs")) return;
  const double compute = gflops / peaks["peak_gflops"].get<double>(),
               memory = gbs / peaks["peak_gbs"].get<double>();
  kernel.update({{"share_of_peak", compute},
                 {"share_of_bandwidth", memory},
                 {"bound", compute > memory ? "arithmetic" : "memory"}});
}

Json kernels_json(const Profile& profile, const std::map<std::string, KernelCost>& costs,
                  const Json& peaks, size_t runs, double wall) {
  std::vector<std::pair<std::string, Profile::Kernel>> sorted(profile.kernels.begin(),
                                                              profile.kernels.end());
  std::ranges::sort(sorted, [](const auto& a, const auto& b) {
    return std::pair(-a.second.nanoseconds, a.first) < std::pair(-b.second.nanoseconds, b.first);
  });
  Json kernels = Json::array();
  double total = 0;
  for (const auto& [name, kernel] : sorted) {
    const double seconds =
        static_cast<double>(kernel.nanoseconds) * 1e-9 / static_cast<double>(runs);
    total += seconds;
    kernels.push_back({{"kernel", name},
                       {"launches", kernel.calls / static_cast<int64_t>(runs)},
                       {"ms", seconds * 1e3},
                       {"share", seconds / wall}});
    if (const auto cost = costs.find(name); cost != costs.end())
      add_rates(kernels.back(), cost->second, seconds, peaks);
  }
  return {{"kernels", kernels}, {"kernels_ms", total * 1e3}, {"kernels_share", total / wall}};
}

// The model once per thread count; the Graph is compiled once.
class Bench {
 public:
  explicit Bench(const Arguments& arguments)
      : arguments_(arguments), context_(make_context(arguments.options)) {
    check_one_level(arguments.options);
    if (arguments.kernel.empty() && is_package_folder(arguments.model)) return;
    const Graph graph =
        optimise(context_, arguments.kernel.empty() ? load_model(context_, arguments.model)
                                                    : graph_of_line(arguments.kernel));
    flops_ = cost_of(graph, typical_symbols(graph)).flops;
    inputs_ = input_infos(graph);
    program_ = build_program(context_, graph, levels_of(context_, DefaultLevels::native));
    costs_ = kernel_costs(*program_);
    level_ = program_->levels.back();
  }

  Json run(int threads) {
    Json result = {{"threads", threads}};
    std::unique_ptr<LoadedModel> loaded = load(threads, nullptr);
    if (!std::exchange(reported_, true)) report(context_);
    if (inputs_.empty()) inputs_ = input_infos(loaded->info());
    if (!level_ && loaded->info().level) level_ = find_level(loaded->info().level);
    const NamedTensors named = read_inputs(arguments_.inputs, inputs_, arguments_.seed);
    RawRun raw(loaded->info(), named);
    const std::vector<double> times = time_runs(loaded->context(), raw, arguments_.seconds);
    const double median = median_of(times);
    result["level"] = level_ ? level_->level : "";
    result["runs"] = times.size();
    result["median_ms"] = median * 1e3;
    result["fastest_ms"] = *std::ranges::min_element(times) * 1e3;
    result["slowest_ms"] = *std::ranges::max_element(times) * 1e3;
    add_rates(result, median, threads);
    if (arguments_.profile) add_profile(result, named, threads);
    return result;
  }

  // The report of what was benched, with a result of it.
  std::string page(const Json& result) const {
    const std::string file = arguments_.model + "/report.html";
    const std::string plain =
        program_ ? report_page(*program_, emit_program(*program_, "")) : read_file(file);
    return with_measurements(plain, result);
  }

 private:
  std::unique_ptr<LoadedModel> load(int threads, Profile* profile) {
    context_.options.threads = threads;
    const mt_profile hook = profile ? &Profile::add : nullptr;
    if (!program_) return open_any(context_, arguments_.model, hook, profile);
    LoadOptions options = load_options(context_.options);
    options.profile = hook;
    options.profile_data = profile;
    return jit(context_, *program_, options);
  }

  void add_rates(Json& result, double seconds, int threads) {
    const double rate = static_cast<double>(flops_) / seconds * 1e-9;
    if (flops_ > 0) result.update({{"flops", flops_}, {"gflops", rate}});
    const bool limits = flops_ > 0 || !arguments_.report.empty();
    if (arguments_.no_peak || !level_ || !limits) return;
    if (const auto peak = measured_peak_gflops(*level_, threads)) {
      result["peak_gflops"] = *peak;
      if (flops_ > 0) result["share_of_peak"] = rate / *peak;
    }
    if (!arguments_.profile) return;
    if (const auto read = measured_read_gbs(*level_, threads)) result["peak_gbs"] = *read;
  }

  // Profiled runs are their own: reading the clock around each kernel costs a little.
  void add_profile(Json& result, const NamedTensors& named, int threads) {
    Profile profile;
    const auto loaded = load(threads, &profile);
    RawRun raw(loaded->info(), named);
    time_runs(loaded->context(), raw, 0);
    profile.kernels.clear();
    size_t runs = 0;
    const auto begin = Clock::now();
    double wall = 0;
    do {
      raw.run(loaded->context());
      runs += 1;
      wall = std::chrono::duration<double>(Clock::now() - begin).count();
    } while (runs < 10 || wall < arguments_.seconds / 2);
    result.update(kernels_json(profile, costs_, result, runs, wall / static_cast<double>(runs)));
  }

  const Arguments& arguments_;
  CompileContext context_;
  int64_t flops_ = 0;
  std::map<std::string, KernelCost> costs_;
  std::vector<InputInfo> inputs_;
  std::optional<Program> program_;
  std::optional<TargetInfo> level_;
  bool reported_ = false;
};

// Of its nearer limit, in columns; empty: neither is known.
std::string rates_text(const Json& kernel) {
  if (!kernel.contains("bound")) return "";
  const bool memory = kernel["bound"] == "memory";
  char text[96];
  std::snprintf(text, sizeof text, "%7.1f %-7s %4.0f %% of %-10s  ",
                kernel[memory ? "gbs" : "gflops"].get<double>(), memory ? "GB/s" : "GFLOP/s",
                kernel[memory ? "share_of_bandwidth" : "share_of_peak"].get<double>() * 100,
                memory ? "memory" : "arithmetic");
  return text;
}

void print_text(const Json& result) {
  const auto time = [&](const char* field) {
    return time_text(result[field].get<double>() * 1e-3);
  };
  std::printf("threads %d, level %s: median %s, fastest %s, %lld runs\n",
              result["threads"].get<int>(), result["level"].get<std::string>().c_str(),
              time("median_ms").c_str(), time("fastest_ms").c_str(),
              static_cast<long long>(result["runs"].get<int64_t>()));
  if (result.contains("gflops")) {
    std::printf("  %.2f GFLOP/s", result["gflops"].get<double>());
    if (result.contains("peak_gflops")) {
      std::printf(", %.1f %% of the measured peak of %.1f GFLOP/s",
                  result["share_of_peak"].get<double>() * 100, result["peak_gflops"].get<double>());
    }
    std::printf(" (%.4g Gflop)\n", result["flops"].get<double>() * 1e-9);
  }
  if (!result.contains("kernels")) return;
  if (result.contains("peak_gbs"))
    std::printf("  memory is read at %.1f GB/s\n", result["peak_gbs"].get<double>());
  size_t shown = 0;
  for (const Json& kernel : result["kernels"]) {
    if (++shown > 20) break;
    std::printf("  %12s %5.1f %% %4lld x  %s%s\n",
                time_text(kernel["ms"].get<double>() * 1e-3).c_str(),
                kernel["share"].get<double>() * 100,
                static_cast<long long>(kernel["launches"].get<int64_t>()),
                rates_text(kernel).c_str(), kernel["kernel"].get<std::string>().c_str());
  }
  std::printf("  %12s %5.1f %% in all %zu kernels\n", time("kernels_ms").c_str(),
              result["kernels_share"].get<double>() * 100, result["kernels"].size());
}

int run(const Arguments& arguments) {
  if (arguments.model.empty() == arguments.kernel.empty())
    throw UsageError("expected a MODEL, or an operator after --kernel");
  if (!arguments.report.empty() && arguments.threads.size() != 1)
    throw UsageError("--report is of one thread count, --threads names several");
  Bench bench(arguments);
  Json results = Json::array();
  for (const int threads : arguments.threads) {
    if (threads < 1 || threads > 1024) {
      throw UsageError("--threads is " + std::to_string(threads) + ", expected 1 to 1024");
    }
    results.push_back(bench.run(threads));
    if (!arguments.json) print_text(results.back());
  }
  if (!arguments.report.empty()) write_file(arguments.report, bench.page(results[0]));
  if (arguments.json) {
    const std::string& what = arguments.kernel.empty() ? arguments.model : arguments.kernel;
    std::puts(Json{{"model", what}, {"results", results}}.dump(2).c_str());
  }
  return 0;
}

RunCommand declare(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("MODEL", arguments->model, "an .onnx file, the text of a graph, or a package");
  app.add_option("--kernel", arguments->kernel,
                 "one operator instead: 'conv n1 c64 28x28 k3 s1 p1 o64 f32', 'matmul m8 k64 n32'");
  app.add_option("--threads", arguments->threads, "thread counts: 1,2")->delimiter(',');
  app.add_flag("--profile", arguments->profile, "the kernels by time");
  app.add_option("--report", arguments->report,
                 "file for the model's report.html with these times; implies --profile");
  app.add_flag("--json", arguments->json, "the same for machines");
  app.add_flag("--no-peak", arguments->no_peak, "leave out the measured peak");
  app.add_option("--seconds", arguments->seconds, "how long each measurement takes at least")
      ->check(CLI::Range(0.0, 3600.0));
  app.add_option("--input", arguments->inputs, "name=file.npy; repeatable")
      ->allow_extra_args(false);
  app.add_option("--seed", arguments->seed, "seed of the inputs that are not given")
      ->check(CLI::NonNegativeNumber);
  add_options(app, arguments->options,
              {"target", "shapes", "states", "numerics", "db", "disable_pass", "jit", "cache_dir",
               "explain", "llvm_pass_plugin"});
  return [arguments] {
    arguments->profile |= !arguments->report.empty();
    return run(*arguments);
  };
}

}  // namespace

extern const Command cmd_bench = {
    "bench", "time a model: GFLOP/s, share of the machine's peak, top kernels",
    "  mintor bench model.onnx --threads 1,2 --profile\n"
    "  mintor bench out --json\n"
    "  mintor bench out --report times.html\n"
    "  mintor bench --kernel 'conv n1 c64 28x28 k3 s1 p1 o64' --profile\n"
    "  mintor bench bert.onnx --shape input_ids=1x128 --target v3\n",
    declare};

}  // namespace mintor
