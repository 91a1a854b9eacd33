// SPDX-License-Identifier: Apache-2.0
// mintor verify DIR. Takes a package's folder; gives one line per file that was changed, and per
// level, case and output. Keeps true: the folder is not written to (--compilers build a copy); a
// level or compiler that is not here is reported as skipped, by name.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>

#include "compiler/cli/command.h"
#include "compiler/cli/files.h"
#include "compiler/cli/open_any.h"
#include "compiler/cli/verdict.h"
#include "compiler/codegen/target.h"
#include "compiler/package/builder.h"
#include "compiler/package/package.h"
#include "compiler/support/error.h"
#include "compiler/support/subprocess.h"

namespace mintor {
namespace {

namespace fs = std::filesystem;

// |got - expected| <= atol + rtol * |expected| for every element; NaN equals NaN.
bool within(const Tensor& got, const Tensor& expected, double rtol, double atol) {
  if (got.dtype != expected.dtype || got.shape != expected.shape) return false;
  if (rtol == 0 && atol == 0) return same_bits(got, expected);
  for (int64_t i = 0; i < got.count(); ++i) {
    const Scalar a = got.at(i), b = expected.at(i);
    const double x = is_float(a.dtype) ? a.f : static_cast<double>(a.i);
    const double y = is_float(b.dtype) ? b.f : static_cast<double>(b.i);
    if (x == y || (x != x && y != y)) continue;
    if (!(std::abs(x - y) <= atol + rtol * std::abs(y))) return false;
  }
  return true;
}

void verify_own_case(Verdict& verdict, const std::string& what, const std::string& directory,
                     const ManifestCase& one, LoadedModel& loaded) {
  NamedTensors inputs;
  for (const auto& [name, file] : one.inputs) inputs[name] = read_npy(directory + "/" + file);
  const int32_t entry = find_entry(loaded.info(), one.entry);
  loaded.context().reset();
  const NamedTensors outputs =
      loaded.run(one.entry, with_dtypes_of(std::move(inputs), input_infos(loaded.info(), entry)));
  for (const auto& [name, file] : one.outputs) {
    const std::string which = what + one.folder + " " + name;
    const auto found = outputs.find(name);
    if (found == outputs.end()) {
      verdict.line(which, false, "the package has no such output");
      continue;
    }
    const Tensor expected =
        with_dtype_of_bits(read_npy(directory + "/" + file), found->second.dtype);
    verdict.line(which, within(found->second, expected, one.rtol, one.atol),
                 to_string(compare(found->second, expected)));
  }
  for (const auto& [name, value] : outputs) {
    if (std::ranges::find(one.outputs, name, [](const auto& file) { return file.first; }) ==
        one.outputs.end()) {
      verdict.line(what + one.folder + " " + name, false, "the case does not have it");
    }
  }
}

// A folder whose library is built. `prefix` says which one in each line.
void verify_built(Verdict& verdict, const VerifyArguments& arguments, const Manifest& manifest,
                  const std::string& directory, const std::string& prefix) {
  for (const std::string& level : manifest.levels) {
    const TargetInfo info = find_level(level);
    if (!target_of(info).host_supports(info)) {
      verdict.skipped(prefix + "level " + level, "this CPU lacks it");
      continue;
    }
    LoadOptions load = load_options(arguments.options);
    load.level = level;
    load.check_weights = true;
    std::unique_ptr<LoadedModel> loaded;
    try {
      loaded = open_package(directory, load);
    } catch (const CompileError& error) {
      if (error.op() != "load") throw;
      verdict.line(prefix + level + " opens", false, error.problem());
      continue;
    }
    if (!arguments.cases.empty()) {
      verify_cases(verdict, arguments, prefix + level + " case", *loaded);
      continue;
    }
    for (const ManifestCase& one : manifest.cases) {
      verify_own_case(verdict, prefix + level + " ", directory, one, *loaded);
    }
  }
}

void verify_compilers(Verdict& verdict, const VerifyArguments& arguments,
                      const Manifest& manifest) {
  for (const std::string& compiler : arguments.compilers) {
    if (find_executable({&compiler, 1}).empty()) {
      verdict.skipped("package by " + compiler, "not found on PATH");
      continue;
    }
    const TemporaryFolder folder;
    const std::string copy = folder.path() + "/" + manifest.name;
    for (const auto& [file, hash] : manifest.files) {
      fs::create_directories(fs::path(copy + "/" + file).parent_path());
      fs::copy_file(arguments.model + "/" + file, copy + "/" + file);
    }
    write_file(copy + "/manifest.json", manifest.text);
    BuildOptions build;
    build.compiler = compiler;
    build_package(copy, build);
    verify_built(verdict, arguments, manifest, copy, "by " + compiler + " ");
  }
}

void check_arguments(const VerifyArguments& arguments) {
  const char* by_model = " needs the model's file; a package does not hold it";
  if (!arguments.against.empty()) throw UsageError(std::string("--against") + by_model);
  if (!arguments.inputs.empty() || arguments.seed_given) {
    throw UsageError(std::string(arguments.inputs.empty() ? "--seed" : "--input") +
                     " gives a package nothing to compare with\n"
                     "  help: --case in.npz,out.npz brings inputs and expected outputs");
  }
  if (arguments.tolerance_given && arguments.cases.empty()) {
    throw UsageError("--tolerance is that of --case; the package's own cases have theirs");
  }
  refuse_options(arguments.options, {"threads"},
                 "says how to compile, and a package is compiled already; give the model's file");
}

}  // namespace

int verify_package(const VerifyArguments& arguments) {
  check_arguments(arguments);
  Verdict verdict(arguments.json);
  const Manifest manifest = read_manifest(arguments.model);
  for (const std::string& file : damaged_files(arguments.model)) {
    verdict.line(file, false, "is missing or differs from the manifest");
  }
  if (manifest.cases.empty() && arguments.cases.empty()) {
    verdict.line("cases", false,
                 "the package has none to compare with; give --case in.npz,out.npz, here or when "
                 "it is compiled");
  }
  verify_built(verdict, arguments, manifest, arguments.model, "");
  if (verdict.failed() == 0) {
    verify_compilers(verdict, arguments, manifest);
  } else if (!arguments.compilers.empty()) {
    verdict.skipped("--compilers", "the package as it lies there fails");
  }
  return verdict.close();
}

}  // namespace mintor
