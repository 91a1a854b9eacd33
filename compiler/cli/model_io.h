// SPDX-License-Identifier: Apache-2.0
// What run, verify and bench have in common: MODEL or DIR, levels, inputs, a model ready to run.
// Takes paths and options as they stand on the command line; gives loaded models and tensors;
// throws CompileError for what the user can fix. Keeps true: seeded inputs depend on the name of
// the input and the seed alone.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "compiler/graph/cost.h"
#include "compiler/driver/driver.h"

namespace mintor {

using NamedTensors = std::map<std::string, Tensor>;

std::vector<std::string> split_list(const std::string& text, char separator);

// Levels by name, lowest first: those given, or `native`, or every level with vectors.
enum class DefaultLevels { native, all_with_vectors };
std::vector<std::string> levels_of(CompileContext& context, DefaultLevels otherwise);
// All levels that this machine runs, lowest first, the scalar one included.
std::vector<std::string> host_levels();

// For commands that run one level at a time: UsageError when --target names several.
void check_one_level(const Options& options);

// Threads that the options mean: 0 is every core.
int threads_of(const Options& options);

// A model is a file; a folder is a package, or read_manifest says why it is none.
bool is_package_folder(const std::string& path);

// What a model takes, whether it is a Graph or a package.
struct InputInfo {
  std::string name;
  DType dtype = DType::f32;
  std::vector<int64_t> shape;  // symbols at typical values
};
std::vector<InputInfo> input_infos(const Graph& graph);
std::vector<InputInfo> input_infos(const mt_model_info& info, int32_t entry = 0);
NamedTensors seeded_inputs(const std::vector<InputInfo>& inputs, int64_t seed);
// NumPy has no bf16: arrays of its bits, u16, become bf16 where that is wanted.
Tensor with_dtype_of_bits(Tensor tensor, DType wanted);
NamedTensors with_dtypes_of(NamedTensors tensors, const std::vector<InputInfo>& inputs);
// "in.npz,out.npz" in two; UsageError otherwise.
std::pair<std::string, std::string> split_case(const std::string& item);
// `name=file.npy` items; inputs that are not given are seeded when `seed` is not negative.
NamedTensors read_inputs(const std::vector<std::string>& given,
                         const std::vector<InputInfo>& inputs, int64_t seed);

// The largest difference of two tensors and where it is.
struct Difference {
  double largest = 0;           // |got - expected|, infinite where only one is NaN or infinite
  double largest_expected = 0;  // largest finite |expected|
  std::vector<int64_t> index;
  double got = 0, expected = 0;
  bool same_bits = true, same_shape = true;
};
Difference compare(const Tensor& got, const Tensor& expected);
std::string to_string(const Difference& difference);

// "3.142 ms", below a millisecond "314.200 us".
std::string time_text(double seconds);
// A tensor as text for the user: "f32[1, 10] 0.1 0.2 ...".
std::string summary_of(const Tensor& tensor);

// A folder below the system's place for temporary files, removed with its contents at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace mintor
