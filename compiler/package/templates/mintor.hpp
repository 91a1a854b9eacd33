// SPDX-License-Identifier: Apache-2.0
// What the C++ headers of all packages share (C++17): errors, arrays as spans with shapes, and a
// deadline. Takes nothing of any package; gives types over those of mintor_abi.h. Keeps true:
// arrays own nothing; what fails throws mintor::Error, with the status and what was said of it.
#ifndef MINTOR_HPP
#define MINTOR_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "mintor_abi.h"

namespace mintor {

class Error : public std::runtime_error {
 public:
  Error(mt_status status, const std::string& what) : std::runtime_error(what), status_(status) {}
  mt_status status() const { return status_; }

 private:
  mt_status status_;
};

// Storage types that C++17 has no arithmetic for.
struct Float16 {
  std::uint16_t bits;
};
struct BFloat16 {
  std::uint16_t bits;
};

// The mt_dtype of a C++ type.
template <class T>
struct DType;
// clang-format off
template <> struct DType<double> { static constexpr mt_dtype value = MT_F64; };
template <> struct DType<float> { static constexpr mt_dtype value = MT_F32; };
template <> struct DType<Float16> { static constexpr mt_dtype value = MT_F16; };
template <> struct DType<BFloat16> { static constexpr mt_dtype value = MT_BF16; };
template <> struct DType<std::int8_t> { static constexpr mt_dtype value = MT_I8; };
template <> struct DType<std::int16_t> { static constexpr mt_dtype value = MT_I16; };
template <> struct DType<std::int32_t> { static constexpr mt_dtype value = MT_I32; };
template <> struct DType<std::int64_t> { static constexpr mt_dtype value = MT_I64; };
template <> struct DType<std::uint8_t> { static constexpr mt_dtype value = MT_U8; };
template <> struct DType<std::uint16_t> { static constexpr mt_dtype value = MT_U16; };
template <> struct DType<std::uint32_t> { static constexpr mt_dtype value = MT_U32; };
template <> struct DType<std::uint64_t> { static constexpr mt_dtype value = MT_U64; };
template <> struct DType<bool> { static constexpr mt_dtype value = MT_BOOL; };
// clang-format on

// A dense row-major array that somebody else owns: a pointer and a shape.
template <class T>
class Array {
  static constexpr mt_dtype kDType = DType<std::remove_const_t<T>>::value;

 public:
  Array(T* data, std::initializer_list<std::int64_t> shape) : tensor_{} {
    if (shape.size() > MT_MAX_RANK) {
      throw Error(MT_INVALID_ARGUMENT, "an array has 8 dimensions at most");
    }
    tensor_.data = const_cast<std::remove_const_t<T>*>(data);
    tensor_.dtype = kDType;
    for (const std::int64_t extent : shape) tensor_.shape[tensor_.rank++] = extent;
    tensor_.bytes = size() * sizeof(T);
  }
  // What the C functions give; of this element type, or it is an error.
  explicit Array(const mt_tensor& tensor) : tensor_(tensor) {
    if (tensor.dtype == kDType) return;
    throw Error(MT_INVALID_ARGUMENT, "the element type of an array is another");
  }

  T* data() const { return static_cast<T*>(tensor_.data); }
  std::size_t size() const {
    std::size_t count = 1;
    for (std::int32_t dim = 0; dim < tensor_.rank; ++dim) count *= std::size_t(tensor_.shape[dim]);
    return count;
  }
  std::int32_t rank() const { return tensor_.rank; }
  std::int64_t extent(std::int32_t dim) const { return tensor_.shape[dim]; }
  T* begin() const { return data(); }
  T* end() const { return data() + size(); }
  T& operator[](std::size_t flat) const { return data()[flat]; }
  // Element (i, j, ...), an index for each dimension.
  template <class... Index>
  T& operator()(Index... index) const {
    std::int64_t flat = 0;
    std::int32_t dim = 0;
    ((flat = flat * tensor_.shape[dim++] + std::int64_t(index)), ...);
    return data()[flat];
  }
  operator const mt_tensor&() const { return tensor_; }

 private:
  mt_tensor tensor_;
};

// All of a container of contiguous elements; its size has to be that of the shape.
template <class Container>
auto array(Container& values, std::initializer_list<std::int64_t> shape) {
  Array<std::remove_pointer_t<decltype(values.data())>> made(values.data(), shape);
  if (made.size() != values.size()) {
    throw Error(MT_INVALID_ARGUMENT, "a shape of " + std::to_string(made.size()) +
                                         " elements for " + std::to_string(values.size()));
  }
  return made;
}

// What a run gave, by position; valid until the next run of its context.
class Outputs {
 public:
  Outputs(const mt_tensor* tensors, std::int32_t count) : tensors_(tensors), count_(count) {}
  std::int32_t size() const { return count_; }
  const mt_tensor& operator[](std::int32_t position) const { return tensors_[position]; }
  template <class T>
  Array<const T> get(std::int32_t position) const {
    return Array<const T>(tensors_[position]);
  }

 private:
  const mt_tensor* tensors_;
  std::int32_t count_;
};

// A point in time behind which runs end: mt_context_options.cancel = Deadline::passed, cancel_data
// = a Deadline, which may be set anew before each run.
struct Deadline {
  std::chrono::steady_clock::time_point at = std::chrono::steady_clock::time_point::max();

  static std::int32_t passed(void* deadline) {
    return std::chrono::steady_clock::now() > static_cast<const Deadline*>(deadline)->at;
  }
};

}  // namespace mintor
#endif
