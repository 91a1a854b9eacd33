// SPDX-License-Identifier: Apache-2.0
// Takes a DType or a NumPy dtype; gives the other. NumPy's dtypes are found by name. NumPy itself
// has no bf16: ml_dtypes adds it, imported where it is met.
#include "frontends/python/module/numpy_dtype.h"

#include <array>
#include <string>

namespace py = pybind11;

namespace mintor {
namespace {

const char* numpy_name(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return "float64";
    case DType::f32:
      return "float32";
    case DType::f16:
      return "float16";
    case DType::bf16:
      return "bfloat16";
    case DType::i8:
      return "int8";
    case DType::i16:
      return "int16";
    case DType::i32:
      return "int32";
    case DType::i64:
      return "int64";
    case DType::u8:
      return "uint8";
    case DType::u16:
      return "uint16";
    case DType::u32:
      return "uint32";
    case DType::u64:
      return "uint64";
    case DType::boolean:
      return "bool";
  }
  return "";
}

}  // namespace

py::dtype numpy_dtype(DType dtype) {
  if (dtype == DType::bf16) {
    return py::dtype::from_args(py::module_::import("ml_dtypes").attr("bfloat16"));
  }
  // Made once: arrays ask for them at every read. Left to the system at exit.
  static auto* const known = [] {
    auto* dtypes = new std::array<py::object, kDTypeCount>;
    for (int i = 0; i < kDTypeCount; ++i) {
      const auto one = static_cast<DType>(i);
      if (one != DType::bf16) (*dtypes)[static_cast<size_t>(i)] = py::dtype(numpy_name(one));
    }
    return dtypes;
  }();
  return py::reinterpret_borrow<py::dtype>((*known)[static_cast<size_t>(dtype)]);
}

DType dtype_of_numpy(const py::dtype& dtype) {
  for (int i = 0; i < kDTypeCount; ++i) {
    const auto one = static_cast<DType>(i);
    if (one == DType::bf16) continue;
    const py::dtype known = numpy_dtype(one);
    if (dtype.is(known) || dtype.equal(known)) return one;
  }
  if (py::str(dtype.attr("name")).cast<std::string>() == "bfloat16") return DType::bf16;
  throw py::type_error("an array cannot have the dtype " + py::repr(dtype).cast<std::string>());
}

}  // namespace mintor
