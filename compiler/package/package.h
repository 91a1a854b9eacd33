// SPDX-License-Identifier: Apache-2.0
// A package folder: what goes in, writing it, reading back what it says of itself.
// Takes emitted source text, weights and cases; gives the folder that docs/package_format.md
// describes. Keeps true: the same contents give the same bytes in every file; a folder is either
// whole or not there (written beside and renamed); a folder that is no package is never replaced;
// nothing of the building machine (paths, times) is in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compiler/ir/tensor.h"

namespace mintor {

// A file of src/, by its name there ("kernels.h").
struct PackageHeader {
  std::string file, text;
};

// A compiled file of src/ and its own flags, after those that all units share
// (package_compile_flags): {"kernels_<level>.cpp", ..., {"-march=..."}}.
struct PackageUnit {
  std::string file, text;
  std::vector<std::string> flags;
  std::string reads = "";  // a file of the package that is part of it; mostly none
};

// Bytes [offset, offset + bytes.size()) of weights.bin; offset is a multiple of 64.
struct WeightPiece {
  int64_t offset = 0;
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;  // keeps the bytes alive; may be null
};

struct PackageTensor {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::string> shape;  // "224", "batch", "2*batch"
  std::string doc;                 // may be empty
};

struct PackageEntry {
  std::string name;  // an identifier
  std::vector<PackageTensor> inputs, outputs;
  std::vector<std::string> conditions = {};  // between sizes, checked by a run
};

struct PackageSymbol {
  std::string name;
  int64_t lo = 0, hi = -1;  // inclusive; hi < 0: unbounded
  int64_t divisor = 1;      // it is a multiple of this
  std::string value = "";   // what computes it from other symbols; "": inputs bind it
};

struct NamedTensor {
  std::string name;
  Tensor value;
};

// |got - expected| <= atol + rtol * |expected| has to hold; with both 0 the bits are compared.
struct VerifyCase {
  std::vector<NamedTensor> inputs, outputs;  // by position of the entry's tensors
  double rtol = 0, atol = 0;
  size_t entry = 0;  // position; states are as in a new context
};

struct PackageContents {
  std::string name;                    // a C identifier, the prefix of the C functions
  std::string description;             // one line for README.md and the header; may be empty
  std::vector<PackageUnit> units;      // program.cpp, kernels_<level>.cpp, ...
  std::vector<PackageHeader> headers;  // kernels.h, prelude and cpu headers that units include
  std::vector<PackageEntry> entries = {{"forward", {}, {}}};  // the first is what `run` runs
  std::vector<PackageTensor> states = {};  // what a context keeps from run to run, by position
  std::vector<PackageSymbol> symbols;
  std::vector<WeightPiece> weights;  // ascending offsets; gaps are zeros
  int64_t weights_bytes = 0;         // payload: Program::weights_bytes
  std::string weights_sha256;        // what program.cpp says; checked, unless empty
  bool embed_weights = false;        // program.cpp names them: they become a part of the library
  std::vector<VerifyCase> cases;
  std::string report;  // report.html; empty: the package has none
  // Recorded in manifest.json.
  std::string numerics_hash, schedule_hash, compiler_version, target;
  std::string machine;  // of its levels, as `uname -m` says it; "": any
  std::vector<std::string> levels, kernels;
  std::map<std::string, std::string> sources;  // file name without folder -> SHA-256
  std::map<std::string, std::string> options;  // name -> value
};

// Writes the folder. Throws CompileError when the name is no identifier, when `directory` exists
// and is no package, or when the disk refuses.
void write_package(const PackageContents& contents, const std::string& directory);

// SHA-256 of the payload of weights.bin as write_package will write it: for program.cpp.
std::string weights_sha256(std::span<const WeightPiece> pieces, int64_t weights_bytes);

// A name made from any text that is legal as a package name: "resnet-18.onnx" -> "resnet_18_onnx",
// "m" -> "m_model".
std::string package_name_from(std::string_view text);

struct ManifestUnit {
  std::string file;  // "src/program.cpp"
  std::vector<std::string> flags;
};

struct ManifestCase {
  std::string folder;  // "verify/case0"
  std::string entry;
  double rtol = 0, atol = 0;
  std::vector<std::pair<std::string, std::string>> inputs, outputs;  // name -> file from the root
};

struct Manifest {
  int format_version = 0;
  std::string name, numerics_hash, schedule_hash, compiler_version, target, machine;
  std::vector<std::string> levels, kernels, flags;
  std::vector<ManifestUnit> units;
  std::vector<ManifestCase> cases;
  std::vector<PackageEntry> entries;                           // at least one
  std::map<std::string, std::string> files, sources, options;  // files: path -> SHA-256
  int64_t weights_bytes = 0;
  bool embedded_weights = false;  // in the library; weights.bin is for building it
  std::string text;               // the whole manifest.json
};

inline constexpr int kPackageFormatVersion = 1;

// Throws CompileError when there is no manifest, it is no JSON, misses a field, names a file
// outside the folder, or has a newer format version.
Manifest read_manifest(const std::string& directory);
bool is_package(const std::string& directory);

// Files of the package that are missing or whose SHA-256 differs from the manifest's.
std::vector<std::string> damaged_files(const std::string& directory);

// Flags that all units of a package are compiled with, warnings aside.
std::span<const char* const> package_compile_flags();
// Those of its options (PackageContents::options, Manifest::options): before the user's own, so
// that his win, and for the link.
using PackageOptions = std::map<std::string, std::string>;
bool is_small(const PackageOptions& options);  // --size
std::span<const char* const> package_optimisation(const PackageOptions& options);
std::span<const char* const> package_link_flags(const PackageOptions& options);

}  // namespace mintor
