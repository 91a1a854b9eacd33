// SPDX-License-Identifier: Apache-2.0
// Names of vector types that fill a register of 16 bytes or a part of it, for preludes of targets
// whose registers have that size: f32x4, u8x16, boolx4, ...
// Takes and gives nothing else. Keeps true: GNU vectors, which gcc and clang have for every CPU.
#ifndef MINTOR_SCALAR_MATH_VECTORS_H
#define MINTOR_SCALAR_MATH_VECTORS_H

#define MT_VECTOR(name, type, lanes) \
  typedef type name##x##lanes __attribute__((vector_size(lanes * sizeof(type))))
#define MT_VECTORS_2(name, type) MT_VECTOR(name, type, 2)
#define MT_VECTORS_4(name, type) \
  MT_VECTORS_2(name, type);      \
  MT_VECTOR(name, type, 4)
#define MT_VECTORS_8(name, type) \
  MT_VECTORS_4(name, type);      \
  MT_VECTOR(name, type, 8)
#define MT_VECTORS_16(name, type) \
  MT_VECTORS_8(name, type);       \
  MT_VECTOR(name, type, 16)
MT_VECTORS_2(f64, double);
MT_VECTORS_2(i64, __INT64_TYPE__);
MT_VECTORS_2(u64, __UINT64_TYPE__);
MT_VECTORS_4(f32, float);
MT_VECTORS_4(i32, __INT32_TYPE__);
MT_VECTORS_4(u32, __UINT32_TYPE__);
MT_VECTORS_8(i16, __INT16_TYPE__);
MT_VECTORS_8(u16, __UINT16_TYPE__);
MT_VECTORS_16(i8, __INT8_TYPE__);
MT_VECTORS_16(u8, __UINT8_TYPE__);
#undef MT_VECTORS_16
#undef MT_VECTORS_8
#undef MT_VECTORS_4
#undef MT_VECTORS_2
#undef MT_VECTOR
// A logical vector of bool in registers: a mask. Comparing other widths gives masks of theirs.
typedef i32x2 boolx2;
typedef i32x4 boolx4;

#endif
