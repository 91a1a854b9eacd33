// SPDX-License-Identifier: Apache-2.0
// Files that commands read and write: text, and NumPy arrays (.npy, .npz).
// Take paths; give text or tensors; throw CompileError naming the file and what is wrong with it.
// Keep true: an .npz or .npy file is hostile input: sizes are checked before memory is taken,
// object arrays (pickles) are refused.
#pragma once

#include <map>
#include <string>

#include "compiler/ir/tensor.h"

namespace mintor {

std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& text);

// C-ordered or Fortran-ordered arrays of the dtypes that Mintor has, little-endian. bf16, which
// NumPy lacks, is `<V2`, as ml_dtypes writes it.
Tensor parse_npy(const std::string& bytes, const std::string& path);
Tensor read_npy(const std::string& path);
void write_npy(const std::string& path, const Tensor& tensor);
// Members "<name>.npy", stored or deflated, by name.
std::map<std::string, Tensor> read_npz(const std::string& path);

}  // namespace mintor
