// SPDX-License-Identifier: Apache-2.0
// mintor doctor: what this machine can do with Mintor, and what to install for the rest. Takes
// nothing; gives one line per check (levels of the CPU, compilers, the in-process compiler, cache
// folder, tools, Python), as text or --json. Exit code 1 when nothing could be compiled here.
// Keeps true: it changes nothing; what is not needed to compile and run a model says what it is
// for.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "compiler/cli/command.h"
#include "compiler/cli/terminal.h"
#include "compiler/codegen/target.h"
#include "compiler/jit/cache.h"
#include "compiler/jit/llvm_library.h"
#include "compiler/support/error.h"
#include "compiler/support/subprocess.h"

namespace mintor {
namespace {

using Json = nlohmann::ordered_json;

struct Check {
  std::string name;
  bool ok;
  std::string detail;
  std::string help = "";  // what to install; of what is not there
};

// Programs that may be of use, in the order in which they are shown.
struct Tool {
  const char* name;
  const char* purpose;
  const char* install;
  int oldest = 0;  // major version; 0: any
};
constexpr Tool kTools[] = {
    {"cc", "builds packages", "apt install gcc"},
    {"c++", "the JIT where there is no in-process compiler", "apt install g++"},
    {"gcc", "builds packages", "apt install gcc", 12},
    {"g++", "builds packages", "apt install g++", 12},
    {"clang-19", "builds packages", "apt install clang-19", 16},
    {"clang-16", "builds packages", "apt install clang-16", 16},
    {"make", "builds packages by their Makefile", "apt install make"},
    {"cmake", "builds packages by their CMakeLists.txt", "apt install cmake", 3},
};

// Packages of the Python that `verify --against` starts, and of the module `mintor`.
struct Module {
  const char* name;
  const char* purpose;
};
constexpr Module kModules[] = {{"numpy", "import mintor; verify --against"},
                               {"ml_dtypes", "import mintor: bf16 arrays"},
                               {"onnx", "mintor.backend"},
                               {"onnxruntime", "verify --against onnxruntime"}};

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// The number before the first dot that has one on both sides: "gcc (Debian 12.2.0-14) 12.2.0".
int major_version(const std::string& text) {
  for (size_t dot = text.find('.'); dot != std::string::npos; dot = text.find('.', dot + 1)) {
    size_t begin = dot;
    while (begin > 0 && std::isdigit(static_cast<unsigned char>(text[begin - 1]))) --begin;
    const bool number = dot - begin > 0 && dot - begin < 5 && dot + 1 < text.size() &&
                        std::isdigit(static_cast<unsigned char>(text[dot + 1]));
    if (number) return std::stoi(text.substr(begin, dot - begin));
  }
  return 0;
}

Check check_tool(const Tool& tool) {
  const std::string name = tool.name;
  const std::string path = find_executable({&name, 1});
  if (path.empty()) return {name, false, std::string("not found: ") + tool.purpose, tool.install};
  const CommandResult result = run_command({path, "--version"});
  const std::string version = first_line(result.output);
  if (result.status != 0) return {name, false, path + " --version fails", tool.install};
  if (major_version(version) >= tool.oldest) return {name, true, version};
  return {name, false, version + ": " + std::to_string(tool.oldest) + " or later is needed",
          tool.install};
}

Check check_llvm() {
  if (MINTOR_HAS_LLVM == 0)
    return {"llvm", false, "built without; the system's compiler is the JIT",
            "build with -DMINTOR_LLVM=ON"};
  if (!llvm_library_path().empty()) return {"llvm", true, "built with the in-process compiler"};
  return {"llvm", false,
          "libmintor_jit is not where it belongs: the system's compiler is the JIT, some kernels "
          "are slower",
          "install Mintor again, or set MINTOR_JIT_LIBRARY"};
}

// Looks and makes nothing: a folder that is not there is made by who needs it, where it can be.
Check check_cache() {
  namespace fs = std::filesystem;
  const std::string help = "set MINTOR_CACHE_DIR to a folder of yours";
  const std::string folder = Cache::folder_of("");
  std::error_code error;
  if (!fs::exists(fs::symlink_status(folder, error))) {
    fs::path parent = fs::absolute(folder, error).parent_path();
    while (parent.has_relative_path() && !fs::exists(parent, error)) parent = parent.parent_path();
    if (access(parent.c_str(), W_OK | X_OK) == 0)
      return {"cache", true, folder + ", made when it is needed"};
    return {"cache", false, "'" + folder + "' cannot be made in '" + parent.string() + "'", help};
  }
  try {
    return {"cache", true, Cache("").folder()};
  } catch (const CompileError& refused) {
    return {"cache", false, refused.problem(), help};
  }
}

std::vector<Check> python_checks() {
  const char* chosen = std::getenv("MINTOR_PYTHON");
  const std::string name = chosen != nullptr ? chosen : "python3";
  const std::string python = find_executable({&name, 1});
  if (python.empty())
    return {{"python", false, "'" + name + "' is not found: verify --against",
             "apt install python3, or set MINTOR_PYTHON"}};
  const std::string version = first_line(run_command({python, "--version"}).output);
  std::vector<Check> checks{{"python", true, version}};
  for (const Module& module : kModules) {
    const std::string code =
        "import importlib.metadata as m; print(m.version('" + std::string(module.name) + "'))";
    const CommandResult result = run_command({python, "-c", code});
    const std::string what = std::string("python ") + module.name;
    if (result.status == 0)
      checks.push_back({what, true, first_line(result.output)});
    else
      checks.push_back({what, false, std::string("not installed: ") + module.purpose,
                        python + " -m pip install " + module.name});
  }
  return checks;
}

std::vector<Check> all_checks() {
  std::vector<Check> checks;
  for (const Target* target : all_targets()) {
    for (const TargetInfo& level : target->levels()) {
      const bool runs = target->host_supports(level);
      checks.push_back({"level " + level.level, runs,
                        runs ? "runs here" : "this CPU lacks it; packages for it can be made"});
    }
  }
  checks.push_back({"cores", true, std::to_string(std::thread::hardware_concurrency())});
  for (const Tool& tool : kTools) checks.push_back(check_tool(tool));
  checks.push_back(check_llvm());
  checks.push_back(check_cache());
  checks.push_back(
      {"onnx", MINTOR_HAS_ONNX != 0,
       MINTOR_HAS_ONNX ? "built with the ONNX frontend" : "built without; models are Graph text",
       MINTOR_HAS_ONNX ? "" : "build with -DMINTOR_ONNX=ON"});
  for (Check& check : python_checks()) checks.push_back(std::move(check));
  return checks;
}

bool usable(const std::vector<Check>& checks) {
  bool level = false, compiler = false;
  for (const Check& check : checks) {
    level |= check.ok && check.name.starts_with("level ");
    compiler |= check.ok && (check.name == "c++" || check.name == "llvm");
  }
  return level && compiler;
}

void print(const Check& check) {
  const std::string mark =
      toned(stdout, check.ok ? Tone::good : Tone::warning, check.ok ? "ok  " : "-   ");
  std::printf("%s %-18s %s\n", mark.c_str(), check.name.c_str(), check.detail.c_str());
  if (!check.help.empty())
    std::printf("%25s%s %s\n", "", toned(stdout, Tone::help, "help:").c_str(), check.help.c_str());
}

RunCommand declare(CLI::App& app) {
  const auto json = std::make_shared<bool>(false);
  app.add_flag("--json", *json, "the same for machines");
  return [json] {
    const std::vector<Check> checks = all_checks();
    if (*json) {
      Json result = Json::array();
      for (const auto& [name, ok, detail, help] : checks) {
        result.push_back({{"check", name}, {"ok", ok}, {"detail", detail}});
        if (!help.empty()) result.back()["help"] = help;
      }
      std::puts(result.dump(2).c_str());
    } else {
      for (const Check& check : checks) print(check);
    }
    return usable(checks) ? 0 : 1;
  };
}

}  // namespace

extern const Command cmd_doctor = {
    "doctor", "what this machine can do: CPU levels, compilers, what was built in",
    "  mintor doctor\n"
    "  mintor doctor --json\n",
    declare};

}  // namespace mintor
