// SPDX-License-Identifier: Apache-2.0
// Program -> package folder. Takes a Program and cases; writes source, weights and manifest. Keeps
// true: the package is named after its folder; equal Programs, cases and names give equal files.
#include <algorithm>
#include <filesystem>

#include "compiler/codegen/program_emitter.h"
#include "compiler/codegen/target.h"
#include "compiler/driver/driver.h"
#include "compiler/driver/package_cases.h"
#include "compiler/ir/sizes.h"
#include "compiler/jit/jit.h"
#include "compiler/loop/step.h"
#include "compiler/package/folder.h"
#include "compiler/package/package.h"
#include "compiler/report/report.h"
#include "compiler/support/error.h"
#include "compiler/support/parallel.h"
#include "compiler/support/sha256.h"

namespace mintor {
namespace {

namespace fs = std::filesystem;

// Beyond this the formatter takes longer than the compiler.
constexpr size_t kFormatLimit = 1 << 20;

std::string formatted(const SourceFile& source) {
  return source.text.size() > kFormatLimit ? source.text : format_source(source.file, source.text);
}

std::vector<WeightPiece> pieces_of(const Program& program) {
  std::vector<WeightPiece> pieces;
  for (const Weight& weight : program.weights) {
    const std::span<const std::byte> bytes(weight.value.data,
                                           static_cast<size_t>(weight.value.bytes()));
    pieces.push_back({program.buffers[weight.buffer].offset.value(), bytes, weight.value.owner});
  }
  return pieces;
}

std::vector<PackageTensor> tensors_of(const Program& program, const std::vector<int32_t>& ids) {
  std::vector<PackageTensor> tensors;
  for (const int32_t id : ids) {
    const Buffer& buffer = program.buffers[id];
    PackageTensor tensor{port_name(buffer), buffer.dtype, {}, ""};
    for (const Index& extent : buffer.shape) tensor.shape.push_back(extent.str());
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

std::string schedule_hash(const Program& program) {
  Sha256 hash;
  for (const LevelKernels& kernel : program.kernels) {
    for (const Kernel& level : kernel.levels) {
      hash.update(kernel.name + "\n");
      for (const StepCall& call : level.schedule) hash.update(print(call) + "\n");
    }
  }
  return hash.hex();
}

std::map<std::string, std::string> recorded_options(const Options& options) {
  std::map<std::string, std::string> changed;
  const Options defaults;
  for (const OptionInfo& info : option_table()) {
    // Where the compile ran decides nothing about what was made.
    constexpr std::string_view kWhere[] = {"cache_dir", "jit", "explain", "db"};
    if (std::ranges::find(kWhere, info.name) != std::end(kWhere)) continue;
    const std::string value = option_text(options, info.name);
    if (value != option_text(defaults, info.name)) changed[std::string(info.name)] = value;
  }
  return changed;
}

std::string package_name(const std::string& directory) {
  fs::path path = fs::absolute(directory).lexically_normal();
  if (path.filename().empty()) path = path.parent_path();
  return package_name_from(path.filename().string());
}

// Where a link points to: the folder there is replaced, the link stays.
std::string resolved(const std::string& directory) {
  std::error_code error;
  const bool link = fs::is_symlink(fs::path(directory).lexically_normal(), error);
  if (!link) return directory;
  const fs::path target = fs::canonical(directory, error);
  if (!error) return target.string();
  throw CompileError("package", "'" + directory + "' is a link that leads nowhere", "",
                     "remove it, or give another folder");
}

// A package is replaced as a whole; what others put into its folder would be lost with it. build/
// and the library are made from the package.
void check_nothing_lost(const std::string& directory) {
  if (!is_package(directory)) return;  // write_package refuses other folders
  const Manifest manifest = read_manifest(directory);
  std::string found;
  for (fs::recursive_directory_iterator entry(directory), end; entry != end; ++entry) {
    const std::string path = fs::relative(entry->path(), directory).string();
    if (path == "build") entry.disable_recursion_pending();
    const bool folder = entry->is_directory() && !entry->is_symlink();
    if (folder || path == "manifest.json" || manifest.files.contains(path)) continue;
    if (path == "lib" + manifest.name + ".so" || path == "lib" + manifest.name + ".a") continue;
    found += (found.empty() ? "'" : ", '") + path + "'";
    if (found.size() > 200) break;
  }
  if (found.empty()) return;
  throw CompileError("package",
                     "'" + directory + "' holds " + found +
                         ", which the package there does not "
                         "list; replacing it would remove that",
                     "", "move it away, or give another folder");
}

}  // namespace

std::vector<EmittedSource> emit_source(const Program& program) {
  const ProgramSource source =
      emit_program(program, weights_sha256(pieces_of(program), program.weights_bytes));
  std::vector<EmittedSource> files;
  for (const SourceFile& unit : source.units) files.push_back({unit.file, unit.text, unit.flags});
  return files;
}

void write_program_package(CompileContext& context, const Program& given,
                           const std::vector<Case>& cases, const std::string& where,
                           WithoutCases without_cases) {
  const std::string directory = resolved(where);
  check_nothing_lost(directory);
  Program program = given;
  program.name = package_name(directory);
  PackageContents contents;
  contents.name = program.name;
  contents.weights = pieces_of(program);
  contents.weights_bytes = program.weights_bytes;
  contents.weights_sha256 = weights_sha256(contents.weights, contents.weights_bytes);
  contents.embed_weights = context.options.embed_weights && program.weights_bytes > 0;
  const WeightsIn weights = contents.embed_weights ? WeightsIn::library : WeightsIn::file;
  const ProgramSource source =
      emit_program(program, contents.weights_sha256, Facts::left_out, weights);
  contents.units.resize(source.units.size());
  for_each_parallel(source.units.size(), [&](size_t n) {
    const SourceFile& unit = source.units[n];
    contents.units[n] = {unit.file, formatted(unit), unit.flags};
  });
  for (const SourceFile& header : source.headers) {
    const bool ours = header.file == "kernels.h";
    contents.headers.push_back({header.file, ours ? formatted(header) : header.text});
  }
  contents.entries.clear();
  for (const Entry& entry : program.entries) {
    contents.entries.push_back(
        {entry.name, tensors_of(program, entry.inputs), tensors_of(program, entry.outputs)});
    for (const Condition& c : entry.conditions)
      contents.entries.back().conditions.push_back(to_string(c));
  }
  std::vector<int32_t> states;
  for (const State& state : program.states) states.push_back(state.buffer);
  contents.states = tensors_of(program, states);
  for (const Symbol& symbol : program.symbols) {
    contents.symbols.push_back({symbol.name, symbol.lo, symbol.hi, symbol.divisor,
                                symbol.value ? symbol.value->str() : ""});
  }
  for (const std::string& path : context.source_files) {
    contents.sources[fs::path(path).filename().string()] = sha256_of_file(path);
  }
  contents.report = report_page(program, source);
  if (!cases.empty() || without_cases == WithoutCases::seeded)
    contents.cases = package_cases(context, program, cases);
  contents.numerics_hash = program.numerics_hash;
  contents.schedule_hash = schedule_hash(program);
  contents.compiler_version = MINTOR_VERSION;
  contents.machine = machine_of(program.levels);
  for (const TargetInfo& level : program.levels) {
    contents.levels.push_back(level.level);
    contents.target += (contents.target.empty() ? "" : ",") + level.level;
  }
  for (const LevelKernels& kernel : program.kernels) contents.kernels.push_back(kernel.name);
  contents.options = recorded_options(context.options);
  write_package(contents, directory);
}

}  // namespace mintor
