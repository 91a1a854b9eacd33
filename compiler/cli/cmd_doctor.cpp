// SPDX-License-Identifier: Apache-2.0
// mintor doctor: what this machine can do with Mintor. Takes nothing; gives one line per check
// (levels of the CPU, compilers, the in-process compiler, cache folder, ONNX), as text or --json.
// Exit code 1 when nothing could be compiled here. Keeps true: it changes nothing.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "compiler/cli/command.h"
#include "compiler/codegen/target.h"
#include "compiler/jit/llvm_library.h"
#include "compiler/support/subprocess.h"

namespace mintor {
namespace {

using Json = nlohmann::ordered_json;

struct Check {
  std::string name;
  bool ok;
  std::string detail;
};

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

Check check_compiler(const std::string& name) {
  const std::string path = find_executable({&name, 1});
  if (path.empty()) return {name, false, "not found on PATH"};
  const CommandResult result = run_command({path, "--version"});
  return {name, result.status == 0, first_line(result.output)};
}

Check check_llvm() {
  if (MINTOR_HAS_LLVM == 0)
    return {"llvm", false, "built without; the system's compiler is the JIT"};
  if (!llvm_library_path().empty()) return {"llvm", true, "built with the in-process compiler"};
  return {
      "llvm", false,
      "libmintor_jit is not where it belongs: the system's compiler is the JIT, some kernels are "
      "slower"};
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
  for (const char* name : {"cc", "c++", "gcc", "g++", "clang-19", "clang-16", "clang++-19"}) {
    checks.push_back(check_compiler(name));
  }
  checks.push_back(check_llvm());
  checks.push_back(
      {"onnx", MINTOR_HAS_ONNX != 0,
       MINTOR_HAS_ONNX ? "built with the ONNX frontend" : "built without; models are Graph text"});
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

RunCommand declare(CLI::App& app) {
  const auto json = std::make_shared<bool>(false);
  app.add_flag("--json", *json, "the same for machines");
  return [json] {
    const std::vector<Check> checks = all_checks();
    if (*json) {
      Json result = Json::array();
      for (const auto& [name, ok, detail] : checks) {
        result.push_back({{"check", name}, {"ok", ok}, {"detail", detail}});
      }
      std::puts(result.dump(2).c_str());
    } else {
      for (const auto& [name, ok, detail] : checks) {
        std::printf("%-4s %-18s %s\n", ok ? "ok" : "-", name.c_str(), detail.c_str());
      }
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
