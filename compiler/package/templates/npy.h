// SPDX-License-Identifier: Apache-2.0
// Reads little-endian, C-ordered .npy files into mt_tensor. Takes a path; gives malloc'ed data.
// Keeps true: header and size of the file agree before memory is taken; on failure a message is
// printed and 0 returned.
#ifndef MINTOR_NPY_H
#define MINTOR_NPY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mintor_abi.h"

static const char* const npy_dtype_names[] = {"f64", "f32", "f16", "bf16", "i8",  "i16", "i32",
                                              "i64", "u8",  "u16", "u32",  "u64", "bool"};
static const size_t npy_dtype_bytes[] = {8, 4, 2, 2, 1, 2, 4, 8, 1, 2, 4, 8, 1};

// bf16 has no letter of its own in .npy: it is stored as '<V2'.
static int npy_dtype(const char* text) {
  static const char* const codes[] = {"<f8", "<f4", "<f2", "<V2", "|i1", "<i2", "<i4",
                                      "<i8", "|u1", "<u2", "<u4", "<u8", "|b1"};
  int i;
  for (i = 0; i < 13; ++i) {
    if (strncmp(text, codes[i], 3) == 0) return i;
  }
  return -1;
}

// Parses {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }.
static int npy_parse_header(const char* header, mt_tensor* tensor) {
  const char* descr = strstr(header, "'descr':");
  const char* order = strstr(header, "'fortran_order':");
  const char* shape = strstr(header, "'shape':");
  if (!descr || !order || !shape || !strstr(order, "False")) return 0;
  descr = strchr(descr + 8, '\'');
  shape = strchr(shape, '(');
  if (!descr || !shape) return 0;
  tensor->dtype = npy_dtype(descr + 1);
  tensor->rank = 0;
  for (++shape; *shape && *shape != ')';) {
    char* end;
    const long long extent = strtoll(shape, &end, 10);
    if (end == shape || extent < 0 || tensor->rank == MT_MAX_RANK) return 0;
    tensor->shape[tensor->rank++] = extent;
    for (shape = end; *shape == ',' || *shape == ' ';) ++shape;
  }
  return tensor->dtype >= 0 && *shape == ')';
}

// Bytes of the elements, or -1 when they are more than `most`.
static long long npy_data_bytes(const mt_tensor* tensor, long long most) {
  long long bytes = (long long)npy_dtype_bytes[tensor->dtype];
  int i;
  for (i = 0; i < tensor->rank; ++i) {
    if (tensor->shape[i] == 0) return 0;
  }
  for (i = 0; i < tensor->rank; ++i) {
    if (bytes > most / tensor->shape[i]) return -1;
    bytes *= tensor->shape[i];
  }
  return bytes <= most ? bytes : -1;
}

static int npy_read_open(FILE* file, mt_tensor* tensor) {
  unsigned char start[12];
  char header[4096];
  size_t header_bytes, start_bytes = 10;
  long long rest, bytes;
  if (fread(start, 1, 10, file) != 10 || memcmp(start, "\x93NUMPY", 6) != 0) return 0;
  header_bytes = (size_t)start[8] | (size_t)start[9] << 8;
  if (start[6] >= 2) {  // the length has four bytes
    if (fread(start + 10, 1, 2, file) != 2) return 0;
    header_bytes |= (size_t)start[10] << 16 | (size_t)start[11] << 24;
    start_bytes = 12;
  }
  if (header_bytes >= sizeof(header)) return 0;
  if (fread(header, 1, header_bytes, file) != header_bytes) return 0;
  header[header_bytes] = 0;
  if (!npy_parse_header(header, tensor)) return 0;
  if (fseek(file, 0, SEEK_END) != 0) return 0;
  rest = (long long)ftell(file) - (long long)(start_bytes + header_bytes);
  if (fseek(file, (long)(start_bytes + header_bytes), SEEK_SET) != 0) return 0;
  bytes = npy_data_bytes(tensor, rest);
  if (bytes < 0) return 0;
  tensor->bytes = (size_t)bytes;
  tensor->data = malloc(tensor->bytes ? tensor->bytes : 1);
  return tensor->data && fread(tensor->data, 1, tensor->bytes, file) == tensor->bytes;
}

static int npy_read(const char* path, mt_tensor* tensor) {
  FILE* file = fopen(path, "rb");
  int ok = 0;
  memset(tensor, 0, sizeof(*tensor));
  if (!file) {
    fprintf(stderr, "%s: cannot be opened\n", path);
    return 0;
  }
  ok = npy_read_open(file, tensor);
  fclose(file);
  if (!ok) {
    fprintf(stderr, "%s: is no little-endian, C-ordered .npy file\n", path);
    free(tensor->data);
    tensor->data = NULL;
  }
  return ok;
}

static double npy_half(unsigned bits, int exponent_bits, int fraction_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = (int)(bits >> fraction_bits) & ((1 << exponent_bits) - 1);
  const unsigned fraction = bits & ((1u << fraction_bits) - 1);
  double value = fraction;
  int scale = (exponent ? exponent : 1) - bias - fraction_bits;
  if (exponent == (1 << exponent_bits) - 1) {
    const double zero = 0;
    return fraction ? zero / zero : (bits >> 15 ? -1 : 1) / zero;
  }
  if (exponent) value += (double)(1u << fraction_bits);
  for (; scale > 0; --scale) value *= 2;
  for (; scale < 0; ++scale) value /= 2;
  return bits >> 15 ? -value : value;
}

// Element `i` as a double (64-bit integers may round).
static double npy_value(const mt_tensor* tensor, size_t i) {
  const void* at = (const char*)tensor->data + i * npy_dtype_bytes[tensor->dtype];
  switch (tensor->dtype) {
    case MT_F64: return *(const double*)at;
    case MT_F32: return *(const float*)at;
    case MT_F16: return npy_half(*(const uint16_t*)at, 5, 10);
    case MT_BF16: return npy_half(*(const uint16_t*)at, 8, 7);
    case MT_I8: return *(const int8_t*)at;
    case MT_I16: return *(const int16_t*)at;
    case MT_I32: return *(const int32_t*)at;
    case MT_I64: return (double)*(const int64_t*)at;
    case MT_U16: return *(const uint16_t*)at;
    case MT_U32: return *(const uint32_t*)at;
    case MT_U64: return (double)*(const uint64_t*)at;
    default: return *(const uint8_t*)at;
  }
}

static size_t npy_count(const mt_tensor* tensor) {
  size_t count = 1;
  int i;
  for (i = 0; i < tensor->rank; ++i) count *= (size_t)tensor->shape[i];
  return count;
}

static void npy_print_shape(FILE* file, const mt_tensor* tensor) {
  int i;
  fprintf(file, "%s[", npy_dtype_names[tensor->dtype]);
  for (i = 0; i < tensor->rank; ++i) {
    fprintf(file, "%s%lld", i ? ", " : "", (long long)tensor->shape[i]);
  }
  fprintf(file, "]");
}

#endif
