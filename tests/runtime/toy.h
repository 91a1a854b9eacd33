// SPDX-License-Identifier: Apache-2.0
// Program toy as package contents, with weights and cases, and its values computed in plain C++
// for comparison. Takes sizes; gives PackageContents, tensors, folders. Keeps true: the expected
// values come from code of their own, not from the kernels.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "compiler/package/package.h"
#include "compiler/support/embedded.h"

namespace mintor::toy {
// Values that round: a multiply and add that are not fused, or another order, give other bits.
inline Tensor ramp(std::vector<int64_t> shape, uint32_t seed) {
  auto [tensor, bytes] = Tensor::make(DType::f32, std::move(shape));
  auto* values = reinterpret_cast<float*>(bytes);
  for (int64_t i = 0; i < tensor.count(); ++i) {
    seed = seed * 1664525u + 1013904223u;
    values[i] = (static_cast<float>(seed >> 8) / 16777216.0f - 0.5f) / 3.0f;
  }
  return tensor;
}

struct Scratch {
  std::string root;
  ~Scratch() { std::filesystem::remove_all(root); }
};

inline Tensor input_x(int64_t batch) { return ramp({batch, 24}, 1); }
inline Tensor input_s(int64_t batch) { return ramp({batch}, 2); }

// u8[2000]: w 24x20 and b 20, f32.
inline Tensor weights() {
  const Tensor values = ramp({500}, 3);
  return Tensor::copy_of(DType::u8, {2000}, values.data);
}

inline std::vector<Tensor> expected(int64_t batch) {
  const Tensor x = input_x(batch), s = input_s(batch), all = weights();
  const float* w = all.as<float>();
  auto [y, y_bytes] = Tensor::make(DType::f32, {batch, 20});
  auto [total, total_bytes] = Tensor::make(DType::f32, {2 * batch});
  auto* y_values = reinterpret_cast<float*>(y_bytes);
  auto* total_values = reinterpret_cast<float*>(total_bytes);
  for (int64_t row = 0; row < batch; ++row) {
    float sum = 0;
    for (int64_t column = 0; column < 20; ++column) {
      float product = 0;
      for (int64_t k = 0; k < 24; ++k) {
        product = std::fma(x.as<float>()[row * 24 + k], w[k * 20 + column], product);
      }
      const float biased = product + w[480 + column];
      const float value = (biased < 0 ? 0 : biased) * s.as<float>()[row];
      y_values[row * 20 + column] = value;
      sum += value;
    }
    total_values[2 * row] = total_values[2 * row + 1] = sum;
  }
  return {y, total};
}

// A file of the repository.
inline std::string source_text(const std::string& path) {
  std::ifstream file(std::string(MINTOR_SOURCE_DIR) + "/" + path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void write_text(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

// One case of batch 3, bit for bit.
inline PackageContents contents() {
  static const Tensor bytes = weights();
  PackageContents toy;
  toy.name = "toy";
  toy.description = "one dense layer, for tests";
  toy.units = {{"program.cpp", source_text("tests/runtime/example_program.cpp"), {}},
               {"kernels_reference.cpp", source_text("tests/runtime/kernels_reference.cpp"), {}},
               {"kernels_v3.cpp", source_text("tests/runtime/kernels_v3.cpp"),
                {"-march=x86-64-v3", "-mprefer-vector-width=256"}}};
  toy.headers = {
      {"kernels.h", source_text("tests/runtime/kernels.h")},
      {"cpu_x86.h", std::string(embedded_text("targets/x86/runtime/cpu_x86.h"))},
      {"cpu_reference.h", std::string(embedded_text("targets/reference/runtime/cpu_reference.h"))}};
  toy.entries[0].inputs = {{"x", DType::f32, {"batch", "24"}, "rows"},
                           {"s", DType::f32, {"batch"}, ""}};
  toy.entries[0].outputs = {{"y", DType::f32, {"batch", "20"}, ""},
                            {"total", DType::f32, {"rows"}, ""}};
  toy.entries.push_back({"scale",
                         {{"x", DType::f32, {"many", "20"}, ""}, {"s", DType::f32, {"many"}, ""}},
                         {{"y", DType::f32, {"many", "20"}, ""}}});
  toy.symbols = {{"batch", 0, 64}, {"rows", 0, 128}, {"many", 0, 1000}};
  toy.weights = {{0, std::span(bytes.data, 2000), bytes.owner}};
  toy.weights_bytes = 2000;
  const std::vector<Tensor> outputs = expected(3);
  toy.cases = {{{{"x", input_x(3)}, {"s", input_s(3)}},
                {{"y", outputs[0]}, {"total", outputs[1]}}, 0, 0}};
  toy.numerics_hash = "0123456789abcdef";
  toy.levels = {"reference", "v3"};
  toy.kernels = {"dense_relu", "scale", "row_sum"};
  toy.target = "x86";
  toy.compiler_version = "0";
  return toy;
}

// A new empty folder, removed at the end of the process.
inline std::string scratch_folder(const std::string& name) {
  static const Scratch scratch = [] {
    std::string pattern = std::filesystem::temp_directory_path() / "mintor-test-XXXXXX";
    return Scratch{mkdtemp(pattern.data())};
  }();
  static int count = 0;
  const std::string folder = scratch.root + "/" + name + std::to_string(count++);
  std::filesystem::create_directories(folder);
  return folder;
}

}  // namespace mintor::toy
