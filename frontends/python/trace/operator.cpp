// SPDX-License-Identifier: Apache-2.0
// Attributes as bytes, dtype promotion, operators by name. Takes what a call was given; gives it
// back as the build functions ask. Keeps true: bytes that were written are read, in order.
#include "frontends/python/trace/operator.h"

#include <cstring>

#include "frontends/python/trace/body.h"

namespace mintor::trace {
namespace {

template <class T>
void append(std::string& bytes, T value) {
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof(T));
  bytes.append(raw, sizeof(T));
}

int kind_of(DType dtype) { return dtype == DType::boolean ? 0 : is_int(dtype) ? 1 : 2; }

DType signed_of(int64_t bytes) {
  switch (bytes) {
    case 1:
      return DType::i8;
    case 2:
      return DType::i16;
    case 4:
      return DType::i32;
    default:
      return DType::i64;
  }
}

}  // namespace

void AttributeWriter::integer(int64_t value) {
  bytes_ += 'i';
  append(bytes_, value);
}
void AttributeWriter::number(double value) {
  bytes_ += 'f';
  append(bytes_, value);
}
void AttributeWriter::text(std::string_view value) {
  bytes_ += 's';
  append(bytes_, static_cast<int64_t>(value.size()));
  bytes_ += value;
}
void AttributeWriter::list(int64_t size) {
  bytes_ += '(';
  append(bytes_, size);
}

void AttributeWriter::body(const std::array<uint64_t, 2>& hash) {
  bytes_ += 'b';
  for (const uint64_t half : hash) append(bytes_, half);
}

template <class T>
T AttributeReader::take() {
  T value;
  std::memcpy(&value, left_.data(), sizeof(T));
  left_.remove_prefix(sizeof(T));
  return value;
}

void AttributeReader::expect(char letter, const char* what) {
  if (left_.empty() || left_[0] != letter) {
    throw CompileError(std::string(op_), std::string("an argument is missing or of another kind, "
                                                     "expected ") +
                                             what);
  }
  left_.remove_prefix(1);
}

bool AttributeReader::none() {
  if (!next_is_none()) return false;
  left_.remove_prefix(1);
  return true;
}

Index AttributeReader::index() {
  expect('i', "an integer");
  const int64_t written = take<int64_t>();
  const size_t place = next_integer_++;
  return general_.empty() ? Index(written) : general_[place];
}

int64_t AttributeReader::integer() {
  const Index value = index();
  if (!value.is_const()) throw NotGeneral{};
  return value.value();
}

double AttributeReader::number() {
  if (!left_.empty() && left_[0] == 'i') return static_cast<double>(integer());
  expect('f', "a number");
  return take<double>();
}

std::string AttributeReader::text() {
  expect('s', "a text");
  const auto size = static_cast<size_t>(take<int64_t>());
  std::string value(left_.substr(0, size));
  left_.remove_prefix(size);
  return value;
}

std::vector<int64_t> AttributeReader::integers() {
  if (!left_.empty() && left_[0] == 'i') return {integer()};
  expect('(', "a list of integers");
  std::vector<int64_t> values(static_cast<size_t>(take<int64_t>()));
  for (int64_t& value : values) value = integer();
  return values;
}

std::vector<Index> AttributeReader::indices() {
  if (!left_.empty() && left_[0] == 'i') return {index()};
  expect('(', "a list of integers");
  std::vector<Index> values(static_cast<size_t>(take<int64_t>()));
  for (Index& value : values) value = index();
  return values;
}

BodyAttribute AttributeReader::body() {
  expect('b', "a function of control flow");
  const Hash hash = take<Hash>();
  const Body& body = body_of(hash);
  const size_t first = next_integer_, count = body.integers.size();
  next_integer_ += count;
  return {&body, general_.empty() ? general_ : general_.subspan(first, count)};
}

SplitAttributes split_attributes(std::string_view bytes) {
  SplitAttributes split;
  while (!bytes.empty()) {
    if (bytes[0] == 'b') {
      Hash hash;
      std::memcpy(hash.data(), bytes.data() + 1, sizeof(hash));
      const Body& body = body_of(hash);
      split.bodies.push_back(&body);
      split.integers.insert(split.integers.end(), body.integers.begin(), body.integers.end());
      AttributeWriter(split.rest).body(body.structure);
      bytes.remove_prefix(1 + sizeof(hash));
      continue;
    }
    size_t size = 1;
    int64_t value = 0;
    if (bytes[0] != 'n') {
      std::memcpy(&value, bytes.data() + 1, sizeof(value));
      size += sizeof(value);
    }
    if (bytes[0] == 's') size += static_cast<size_t>(value);
    if (bytes[0] == 'i') {
      split.integers.push_back(value);
      split.rest += 'i';
    } else {
      split.rest += bytes.substr(0, size);
    }
    bytes.remove_prefix(size);
  }
  return split;
}

DType promote(DType a, DType b) {
  if (a == b) return a;
  if (kind_of(a) != kind_of(b)) return kind_of(a) > kind_of(b) ? a : b;
  if (is_float(a)) {
    if (size_of(a) == size_of(b)) return DType::f32;  // f16 with bf16
    return size_of(a) > size_of(b) ? a : b;
  }
  if (is_signed_int(a) == is_signed_int(b)) return size_of(a) > size_of(b) ? a : b;
  const DType with_sign = is_signed_int(a) ? a : b, without = is_signed_int(a) ? b : a;
  if (size_of(with_sign) > size_of(without)) return with_sign;
  return size_of(without) == 8 ? DType::f64 : signed_of(2 * size_of(without));
}

DType default_dtype(int kind) {
  return kind == 0 ? DType::boolean : kind == 1 ? DType::i64 : DType::f32;
}

DType weak_dtype(int kind, DType strong) {
  return kind <= kind_of(strong) ? strong : default_dtype(kind);
}

const TracedOperator* find_traced_operator(std::string_view name) {
  for (const TracedGroup* group : all_traced_groups()) {
    for (const TracedOperator& op : group->operators) {
      if (op.name == name) return &op;
    }
  }
  return nullptr;
}

}  // namespace mintor::trace
