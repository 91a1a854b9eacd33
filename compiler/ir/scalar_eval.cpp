// SPDX-License-Identifier: Apache-2.0
// Evaluates rows of the scalar table over arrays by calling scalar_math.h, one plain loop each.
// Takes an operator, a dtype, element arrays; gives the result array.
// Keeps true: no arithmetic of its own, except the loops.
#include "compiler/ir/scalar_eval.h"

#include <array>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "compiler/ir/scalar_math.h"

namespace mintor {
namespace {

// A bool in memory: read as true when its byte is not 0.
struct BoolByte {
  uint8_t byte;
};

template <class T>
auto load(const void* array, int64_t i) {
  T value;
  std::memcpy(&value, static_cast<const char*>(array) + i * static_cast<int64_t>(sizeof(T)),
              sizeof(T));
  if constexpr (std::is_same_v<T, BoolByte>) return value.byte != 0;
  else return value;
}

template <class T>
void store(void* array, int64_t i, T value) {
  if constexpr (std::is_same_v<T, bool>) {
    static_cast<uint8_t*>(array)[i] = value ? 1 : 0;
  } else {
    std::memcpy(static_cast<char*>(array) + i * static_cast<int64_t>(sizeof(T)), &value, sizeof(T));
  }
}

using Arrays = std::span<const void* const>;

template <class T, class F>
void loop1(Arrays x, void* result, int64_t count, F f) {
  for (int64_t i = 0; i < count; ++i) store(result, i, f(load<T>(x[0], i)));
}
template <class T, class F>
void loop2(Arrays x, void* result, int64_t count, F f) {
  for (int64_t i = 0; i < count; ++i) store(result, i, f(load<T>(x[0], i), load<T>(x[1], i)));
}
template <class T, class F>
void loop3(Arrays x, void* result, int64_t count, F f) {
  for (int64_t i = 0; i < count; ++i) {
    store(result, i, f(load<T>(x[0], i), load<T>(x[1], i), load<T>(x[2], i)));
  }
}

template <class T>
constexpr bool fits(Signature signature) {
  constexpr bool is_bool = std::is_same_v<T, BoolByte>;
  switch (signature) {
    case Signature::numeric:
    case Signature::compare: return !is_bool;
    case Signature::floating:
    case Signature::test: return std::is_floating_point_v<T>;
    case Signature::single:
    case Signature::pairs: return std::is_same_v<T, float>;
    case Signature::integer: return std::is_integral_v<T>;
    case Signature::logical: return is_bool;
    case Signature::equality: return true;
    case Signature::select: return false;
    case Signature::words: return std::is_same_v<T, int32_t>;
  }
  return false;
}

// One row of the table for operands of type T.
template <class T>
void apply(ScalarOp op, Arrays x, void* result, int64_t count) {
  switch (op) {
#define X(name, arity, signature, spelling, ...)                                     \
  case ScalarOp::name:                                                               \
    if constexpr (fits<T>(Signature::signature)) {                                   \
      loop##arity<T>(x, result, count, [](auto... v) { return spelling(v...); });    \
      return;                                                                        \
    }                                                                                \
    break;
#include "compiler/ir/scalar_ops.def"
#undef X
  }
  throw InternalError("evaluate_array", std::string(name_of(op)) + " does not take this dtype");
}

// `where` moves bits, whatever they mean.
template <class Bits>
void apply_where(Arrays x, void* result, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    store(result, i, load<BoolByte>(x[0], i) ? load<Bits>(x[1], i) : load<Bits>(x[2], i));
  }
}

// Calls f with a value whose type is the host's for an arithmetic dtype.
template <class F>
void with_type(DType dtype, F f) {
  switch (dtype) {
    case DType::f64: return f(double{});
    case DType::f32: return f(float{});
    case DType::i8: return f(int8_t{});
    case DType::i16: return f(int16_t{});
    case DType::i32: return f(int32_t{});
    case DType::i64: return f(int64_t{});
    case DType::u8: return f(uint8_t{});
    case DType::u16: return f(uint16_t{});
    case DType::u32: return f(uint32_t{});
    case DType::u64: return f(uint64_t{});
    case DType::boolean: return f(BoolByte{});
    case DType::f16:
    case DType::bf16: break;
  }
  throw InternalError("scalar evaluation", std::string(name_of(dtype)) + " is a storage type");
}

template <class From, class To>
void cast_loop(const void* x, void* result, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const auto value = load<From>(x, i);
    if constexpr (std::is_same_v<To, BoolByte>) {
      if constexpr (std::is_same_v<From, BoolByte>) store(result, i, value);
      else store(result, i, mt_cast_to_mask(value));
    } else if constexpr (std::is_same_v<From, BoolByte>) {
      store(result, i, mt_cast_mask<To>(value));
    } else {
      store(result, i, mt_cast<To>(value));
    }
  }
}

template <class From>
void cast_to_half(DType to, const void* x, void* result, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    if constexpr (std::is_same_v<From, BoolByte>) {
      const float value = mt_cast_mask<float>(load<From>(x, i));
      store(result, i, to == DType::f16 ? mt_to_f16(value) : mt_to_bf16(value));
    } else {
      const From value = load<From>(x, i);
      store(result, i, to == DType::f16 ? mt_to_f16(value) : mt_to_bf16(value));
    }
  }
}

constexpr int64_t kBlock = 512;  // 16-bit floats pass through f32 in blocks on the stack

}  // namespace

void evaluate_array(ScalarOp op, DType operand_dtype, Arrays operands, void* result,
                    int64_t count) {
  check(operands.size() == static_cast<size_t>(arity(op)), "evaluate_array", "wrong operand count");
  if (op == ScalarOp::where) {
    switch (size_of(operand_dtype)) {
      case 1: return apply_where<uint8_t>(operands, result, count);
      case 2: return apply_where<uint16_t>(operands, result, count);
      case 4: return apply_where<uint32_t>(operands, result, count);
      default: return apply_where<uint64_t>(operands, result, count);
    }
  }
  with_type(operand_dtype, [&](auto type) { apply<decltype(type)>(op, operands, result, count); });
}

void cast_array(DType from, const void* operand, DType to, void* result, int64_t count) {
  if (count == 0) return;  // of nothing the pointers may be null
  if (from == to) {
    if (result != operand) {
      std::memmove(result, operand, static_cast<size_t>(count * size_of(from)));
    }
    return;
  }
  if (is_storage_float(from)) {
    // In place is only safe per block: a wider result overwrites what is not read yet, so such a
    // cast goes through a copy.
    std::vector<char> copy;
    const char* source = static_cast<const char*>(operand);
    if (operand == result && size_of(to) > 2) {
      copy.assign(source, source + 2 * count);
      source = copy.data();
    }
    std::array<float, kBlock> wide;
    for (int64_t begin = 0; begin < count; begin += kBlock) {
      const int64_t n = count - begin < kBlock ? count - begin : kBlock;
      for (int64_t i = 0; i < n; ++i) {
        const uint16_t h = load<uint16_t>(source, begin + i);
        wide[static_cast<size_t>(i)] = from == DType::f16 ? mt_f16_to_f32(h) : mt_bf16_to_f32(h);
      }
      cast_array(DType::f32, wide.data(), to, static_cast<char*>(result) + begin * size_of(to), n);
    }
    return;
  }
  if (is_storage_float(to)) {
    return with_type(from, [&](auto x) { cast_to_half<decltype(x)>(to, operand, result, count); });
  }
  with_type(from, [&](auto x) {
    with_type(to, [&](auto y) { cast_loop<decltype(x), decltype(y)>(operand, result, count); });
  });
}

Scalar evaluate(ScalarOp op, std::span<const Scalar> operands) {
  std::array<DType, 3> dtypes;
  std::array<uint64_t, 3> bytes = {};
  std::array<const void*, 3> pointers;
  check(operands.size() == static_cast<size_t>(arity(op)), "evaluate", "wrong operand count");
  for (size_t i = 0; i < operands.size(); ++i) {
    dtypes[i] = operands[i].dtype;
    operands[i].write(&bytes[i]);
    pointers[i] = &bytes[i];
  }
  const std::span<const DType> types(dtypes.data(), operands.size());
  if (Refusal refusal = accepts(op, types)) throw InternalError("evaluate", refusal.reason);
  uint64_t result = 0;
  evaluate_array(op, dtypes[operands.size() - 1], {pointers.data(), operands.size()}, &result, 1);
  return Scalar::read(result_dtype(op, types), &result);
}

Scalar cast(Scalar value, DType dtype) {
  uint64_t operand = 0, result = 0;
  value.write(&operand);
  cast_array(value.dtype, &operand, dtype, &result, 1);
  return Scalar::read(dtype, &result);
}

}  // namespace mintor
