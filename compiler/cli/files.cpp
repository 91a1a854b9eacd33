// SPDX-License-Identifier: Apache-2.0
// Text files and .npy arrays. The .npy header is a Python literal with three keys; only the forms
// that NumPy writes are taken (format versions 1 to 3). Takes paths; gives tensors.
// Keeps true: the product of the shape is checked against the bytes that are there.
#include "compiler/cli/files.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>

#include "compiler/support/error.h"
#include "compiler/support/nearest_file.h"

namespace mintor {
namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File open_file(const std::string& path, const char* mode) {
  File file(std::fopen(path.c_str(), mode), &std::fclose);
  if (!file) {
    const int why = errno;
    throw CompileError("file", "cannot open '" + path + "': " + std::strerror(why), "",
                       why == ENOENT ? did_you_mean_file(path, "") : "");
  }
  return file;
}

[[noreturn]] void bad_npy(const std::string& path, const std::string& what) {
  throw CompileError("npy", what, path, "write it with numpy.save, dtype one of Mintor's");
}

std::optional<DType> dtype_of_descr(const std::string& descr) {
  static constexpr struct {
    const char* descr;
    DType dtype;
  } kTypes[] = {{"<f8", DType::f64}, {"<f4", DType::f32}, {"<f2", DType::f16},
                {"|i1", DType::i8},  {"<i2", DType::i16}, {"<i4", DType::i32},
                {"<i8", DType::i64}, {"|u1", DType::u8},  {"<u2", DType::u16},
                {"<u4", DType::u32}, {"<u8", DType::u64}, {"|b1", DType::boolean},
                // NumPy has no bf16; ml_dtypes and packages write two bytes without a kind.
                {"<V2", DType::bf16}, {"|V2", DType::bf16}};
  for (const auto& [name, dtype] : kTypes) {
    if (descr == name) return dtype;
  }
  return std::nullopt;
}

// The bytes of a string of dtype S: "|S5" has 5. They are a last dimension of u8.
std::optional<int64_t> string_bytes(const std::string& descr) {
  int64_t bytes = 0;
  if (descr.rfind("|S", 0) != 0 || descr.size() < 3 || descr.size() > 12) return std::nullopt;
  for (const char c : descr.substr(2)) {
    if (c < '0' || c > '9') return std::nullopt;
    bytes = bytes * 10 + (c - '0');
  }
  return bytes;
}

std::string descr_of(DType dtype) {
  switch (dtype) {
    case DType::f64: return "<f8";
    case DType::f32: return "<f4";
    case DType::f16: return "<f2";
    case DType::bf16: return "<V2";
    case DType::i8: return "|i1";
    case DType::i16: return "<i2";
    case DType::i32: return "<i4";
    case DType::i64: return "<i8";
    case DType::u8: return "|u1";
    case DType::u16: return "<u2";
    case DType::u32: return "<u4";
    case DType::u64: return "<u8";
    case DType::boolean: return "|b1";
  }
  return "";
}

// The text after `'key':` in the header's literal.
std::string header_value(const std::string& header, const std::string& key,
                         const std::string& path) {
  const size_t at = header.find("'" + key + "'");
  const size_t colon = at == std::string::npos ? at : header.find(':', at);
  const size_t begin = colon == std::string::npos ? colon
                                                  : header.find_first_not_of(' ', colon + 1);
  if (begin == std::string::npos) bad_npy(path, "the header has no '" + key + "'");
  return header.substr(begin);
}

std::vector<int64_t> parse_shape(const std::string& text, const std::string& path) {
  const size_t close = text.find(')');
  if (text.empty() || text[0] != '(' || close == std::string::npos) {
    bad_npy(path, "the header's shape is no tuple");
  }
  std::vector<int64_t> shape;
  int64_t number = 0;
  bool digits = false;
  for (const char c : text.substr(1, close)) {
    if (c >= '0' && c <= '9') {
      if (number > (int64_t{1} << 48)) bad_npy(path, "a size in the header is too large");
      number = number * 10 + (c - '0');
      digits = true;
    } else if (c == ',' || c == ')') {
      if (digits) shape.push_back(number);
      number = 0;
      digits = false;
    } else if (c != ' ') {
      bad_npy(path, "the header's shape is no tuple of whole numbers");
    }
  }
  if (shape.size() > 8) bad_npy(path, "rank " + std::to_string(shape.size()) + " is above 8");
  return shape;
}

// Bytes of a shape, checked against what the file can hold.
int64_t checked_bytes(const std::vector<int64_t>& shape, DType dtype, size_t available,
                      const std::string& path) {
  int64_t bytes = size_of(dtype);
  for (const int64_t dim : shape) {
    if (__builtin_mul_overflow(bytes, dim, &bytes)) bad_npy(path, "the shape overflows");
  }
  if (static_cast<uint64_t>(bytes) > available) {
    bad_npy(path, "the shape needs " + std::to_string(bytes) + " bytes, the file has " +
                      std::to_string(available));
  }
  return bytes;
}

// Column-major bytes to row-major.
void transpose_into(const std::vector<int64_t>& shape, int64_t width, const char* from,
                    std::byte* to) {
  int64_t count = 1;
  for (const int64_t dim : shape) count *= dim;
  std::vector<int64_t> index(shape.size(), 0);
  for (int64_t flat = 0; flat < count; ++flat) {
    int64_t source = 0, stride = 1;
    for (size_t d = 0; d < shape.size(); ++d) {
      source += index[d] * stride;
      stride *= shape[d];
    }
    std::memcpy(to + flat * width, from + source * width, static_cast<size_t>(width));
    for (size_t d = shape.size(); d-- > 0 && ++index[d] == shape[d];) index[d] = 0;
  }
}

}  // namespace

std::string read_file(const std::string& path) {
  const File file = open_file(path, "rb");
  std::string text;
  char buffer[1 << 16];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, file.get())) > 0;) {
    text.append(buffer, n);
  }
  if (std::ferror(file.get())) {
    throw CompileError("file", "cannot read '" + path + "': " + std::strerror(errno));
  }
  return text;
}

void write_file(const std::string& path, const std::string& text) {
  File file = open_file(path, "wb");
  const bool written = std::fwrite(text.data(), 1, text.size(), file.get()) == text.size();
  if (std::fclose(file.release()) != 0 || !written) {
    throw CompileError("file", "cannot write '" + path + "': " + std::strerror(errno));
  }
}

Tensor parse_npy(const std::string& bytes, const std::string& path) {
  if (bytes.size() < 10 || bytes.compare(0, 6, "\x93NUMPY") != 0) {
    bad_npy(path, "this is no .npy file");
  }
  const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<uint8_t>(bytes[i])); };
  const size_t version = byte(6), length_bytes = version == 1 ? 2 : 4;
  if (version < 1 || version > 3 || bytes.size() < 8 + length_bytes) {
    bad_npy(path, "unknown format version " + std::to_string(version));
  }
  size_t length = 0;
  for (size_t i = 0; i < length_bytes; ++i) length |= byte(8 + i) << (8 * i);
  const size_t begin = 8 + length_bytes;
  if (length > bytes.size() - begin) bad_npy(path, "the header is cut off");
  const std::string header = bytes.substr(begin, length);
  const std::string descr = header_value(header, "descr", path);
  const std::string kind = descr.substr(1, descr.find('\'', 1) - 1);
  const std::optional<int64_t> text = string_bytes(kind);
  const std::optional<DType> dtype = text ? DType::u8 : dtype_of_descr(kind);
  if (kind.rfind("<U", 0) == 0) {
    throw CompileError("npy", "strings of dtype " + kind + " are no bytes", path,
                       "write them as numpy.char.encode(x), dtype S");
  }
  if (!dtype) bad_npy(path, "dtype " + descr.substr(0, 6) + " has no counterpart");
  const bool fortran = header_value(header, "fortran_order", path).rfind("True", 0) == 0;
  const std::vector<int64_t> shape = parse_shape(header_value(header, "shape", path), path);
  const size_t data = begin + length;
  std::vector<int64_t> all = shape;
  if (text) all.push_back(*text);
  const int64_t wanted = checked_bytes(all, *dtype, bytes.size() - data, path);
  auto [tensor, to] = Tensor::make(*dtype, all);
  if (fortran && shape.size() > 1) {
    transpose_into(shape, text.value_or(size_of(*dtype)), bytes.data() + data, to);
  } else if (wanted > 0) {
    std::memcpy(to, bytes.data() + data, static_cast<size_t>(wanted));
  }
  if (*dtype == DType::boolean) {
    for (int64_t i = 0; i < wanted; ++i) to[i] = std::byte{to[i] != std::byte{0}};
  }
  return tensor;
}

Tensor read_npy(const std::string& path) { return parse_npy(read_file(path), path); }

void write_npy(const std::string& path, const Tensor& tensor) {
  std::string shape;
  for (const int64_t dim : tensor.shape) shape += std::to_string(dim) + ", ";
  if (tensor.shape.size() > 1) shape.resize(shape.size() - 2);
  if (tensor.shape.size() == 1) shape.pop_back();
  std::string header = "{'descr': '" + descr_of(tensor.dtype) +
                       "', 'fortran_order': False, 'shape': (" + shape + "), }";
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(tensor.data), static_cast<size_t>(tensor.bytes()));
  write_file(path, bytes);
}

}  // namespace mintor
