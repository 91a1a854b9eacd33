// SPDX-License-Identifier: Apache-2.0
// DType and NumPy's dtypes, both ways. Takes one; gives the other. bf16 is that of ml_dtypes, which
// is imported where it is met.
#pragma once

#include <pybind11/numpy.h>

#include "compiler/support/dtype.h"

namespace mintor {

pybind11::dtype numpy_dtype(DType dtype);
// TypeError names a dtype that has none here (complex, text, objects).
DType dtype_of_numpy(const pybind11::dtype& dtype);

}  // namespace mintor
