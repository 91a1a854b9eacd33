// SPDX-License-Identifier: Apache-2.0
// Finds and keeps objects of kernels. Takes and gives what kernel_objects.h says. Keeps true: an
// object is read when it is found, so that it may leave the cache at any time.
#include "compiler/jit/kernel_objects.h"

#include <algorithm>
#include <fstream>

#include "compiler/jit/backend.h"
#include "compiler/support/error.h"
#include "compiler/support/key.h"
#include "compiler/support/parallel.h"

namespace mintor {

// A file costs what the prelude takes to read (15 ms), whatever is in it; that much text of kernels
// takes about twice as long.
static constexpr size_t kWorthAFile = 4096;
// The thread that compiles program.cpp, and then the last file of kernels, gets fewer kernels. A
// byte of it takes a twelfth of the time of a kernel's: 35 ms for 40 kB beside 410 for 40
// (small_cnn.py at another batch size, AMD EPYC, clang 19, 2026-11-29, machine in use by others).
static constexpr size_t kProgramShare = 12;

KernelObjects::KernelObjects(const Cache& cache, const SharedProgram& program,
                             std::string surroundings)
    : cache_(cache), program_(program), surroundings_(std::move(surroundings)) {
  std::vector<std::vector<const SharedKernel*>> missing(program.levels.size());
  for (const SharedKernel& kernel : program.kernels) {
    if (find(kernel)) continue;
    missing[kernel.level].push_back(&kernel);
    missing_ += 1;
  }
  for (size_t level = 0; level < missing.size(); ++level) add_units(level, missing[level]);
}

std::string KernelObjects::key_of(const SharedKernel& kernel) const {
  Key key;
  key.add("kernel");
  key.add(surroundings_);
  key.add(program_.levels[kernel.level].compile_flags);
  key.add(kernel.name);
  key.add(kernel.text);
  return key.hex() + ".kernel";
}

bool KernelObjects::find(const SharedKernel& kernel) {
  const auto object = cache_.find_record(key_of(kernel));
  if (!object) return false;
  if (objects_.contains(*object)) return true;
  auto bytes = cache_.find_record(*object);
  if (!bytes) return false;
  objects_.emplace(*object, std::move(*bytes));
  return true;
}

void KernelObjects::add_units(size_t level, std::vector<const SharedKernel*> kernels) {
  size_t bytes = 0;
  for (const SharedKernel* kernel : kernels) bytes += kernel->text.size();
  if (kernels.empty()) return;
  const auto most = static_cast<size_t>(compile_threads());
  std::vector<Unit> parts(std::clamp<size_t>(bytes / kWorthAFile, 1, most));
  parts.back().bytes = program_.program.text.size() / kProgramShare;
  std::ranges::stable_sort(kernels, std::ranges::greater(),
                           [](const SharedKernel* kernel) { return kernel->text.size(); });
  for (const SharedKernel* kernel : kernels) {
    Unit& shortest = *std::ranges::min_element(parts, {}, &Unit::bytes);
    shortest.kernels.push_back(kernel);
    shortest.bytes += kernel->text.size();
  }
  for (Unit& part : parts) {
    if (part.kernels.empty()) continue;
    const std::string file = "kernels_" + std::to_string(units_.size()) + ".cpp";
    part.file = shared_unit(file, program_.levels[level], part.kernels);
    units_.push_back(std::move(part));
  }
}

std::vector<SourceFile> KernelObjects::units() const {
  std::vector<SourceFile> files;
  for (const Unit& unit : units_) files.push_back(unit.file);
  return files;
}

std::vector<std::string> KernelObjects::write(const std::string& folder) const {
  std::vector<std::string> paths;
  for (const auto& [name, bytes] : objects_) {
    paths.push_back(folder + "/" + name + ".o");
    std::ofstream out(paths.back(), std::ios::binary);
    out << bytes;
    out.flush();
    if (!out) throw CompileError("jit", "'" + paths.back() + "' cannot be written");
  }
  return paths;
}

void KernelObjects::remember(const std::string& folder) const {
  std::map<std::string, std::string> records;
  for (const Unit& unit : units_) {
    std::ifstream in(object_path(folder, unit.file), std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    const std::string object = sha256_hex(bytes) + ".object";
    for (const SharedKernel* kernel : unit.kernels) records[key_of(*kernel)] = object;
    records[object] = std::move(bytes);
  }
  if (!records.empty()) cache_.store_records(records);
}

}  // namespace mintor
