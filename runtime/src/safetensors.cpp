// SPDX-License-Identifier: Apache-2.0
// The header of a file of the safetensors format (github.com/huggingface/safetensors): JSON, of
// each array {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]} under its name, and
// strings under "__metadata__". Takes the bytes of a header; gives its arrays one by one. Keeps
// true: the text is hostile: nothing is read beyond its end, and what is not of this form is
// refused.
#include "runtime.h"

#if __STDC_HOSTED__

namespace MT_PACKAGE {

namespace {

struct Reader {
  char* at;
  char* end;
  const char* problem;  // null: none so far

  bool refuse(const char* why) {
    if (!problem) problem = why;
    return false;
  }
  void skip_space() {
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')) ++at;
  }
  bool accept(char wanted) {
    skip_space();
    if (at == end || *at != wanted) return false;
    ++at;
    return true;
  }
  bool expect(char wanted, const char* why) { return accept(wanted) || refuse(why); }
};

int32_t hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// The four digits of \uXXXX; -1: they are none.
int32_t read_code_unit(Reader* in) {
  int32_t value = 0;
  for (int32_t i = 0; i < 4; ++i) {
    const int32_t digit = in->at < in->end ? hex_digit(*in->at) : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
    ++in->at;
  }
  return value;
}

// A code point that \u gave, as UTF-8, which is never longer.
bool read_code_point(Reader* in, char** out) {
  int32_t point = read_code_unit(in);
  if (point >= 0xd800 && point < 0xdc00) {
    const bool pair = in->end - in->at >= 2 && in->at[0] == '\\' && in->at[1] == 'u';
    if (pair) in->at += 2;
    const int32_t low = pair ? read_code_unit(in) : -1;
    point = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((point - 0xd800) << 10) + low - 0xdc00 : -1;
  } else if (point >= 0xdc00 && point < 0xe000) {
    point = -1;
  }
  if (point <= 0) return in->refuse("a string has a wrong \\u");
  char*& to = *out;
  if (point < 0x80) {
    *to++ = char(point);
    return true;
  }
  const int32_t more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  static const int32_t lead[] = {0, 0xc0, 0xe0, 0xf0};
  *to++ = char(lead[more] | point >> (6 * more));
  for (int32_t i = more; i-- > 0;) *to++ = char(0x80 | (point >> (6 * i) & 0x3f));
  return true;
}

// Decoded where it stands; its end is overwritten by 0.
const char* read_string(Reader* in) {
  if (!in->expect('"', "a string is missing")) return nullptr;
  char* const begin = in->at;
  char* to = begin;
  while (in->at < in->end && *in->at != '"') {
    const char c = *in->at++;
    if ((unsigned char)c < 0x20) return in->refuse("a string has a control character"), nullptr;
    if (c != '\\') {
      *to++ = c;
      continue;
    }
    const char escaped = in->at < in->end ? *in->at++ : 0;
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    const char* known = escaped ? strchr(from, escaped) : nullptr;
    if (known) {
      *to++ = into[known - from];
    } else if (escaped != 'u') {
      return in->refuse("a string has an unknown escape"), nullptr;
    } else if (!read_code_point(in, &to)) {
      return nullptr;
    }
  }
  if (in->at == in->end) return in->refuse("a string does not end"), nullptr;
  ++in->at;
  *to = 0;
  return begin;
}

bool read_number(Reader* in, int64_t* value) {
  in->skip_space();
  const char* begin = in->at;
  *value = 0;
  while (in->at < in->end && *in->at >= '0' && *in->at <= '9') {
    if (__builtin_mul_overflow(*value, int64_t(10), value) ||
        __builtin_add_overflow(*value, int64_t(*in->at - '0'), value)) {
      return in->refuse("a number is beyond 64 bits");
    }
    ++in->at;
  }
  return in->at > begin || in->refuse("a number that is no size");
}

// [1, 2, 3], of at most `room` numbers.
bool read_numbers(Reader* in, int64_t* values, int32_t room, int32_t* count) {
  *count = 0;
  if (!in->expect('[', "'[' is missing")) return false;
  if (in->accept(']')) return true;
  do {
    if (*count == room) return in->refuse("too many dimensions");
    if (!read_number(in, &values[(*count)++])) return false;
  } while (in->accept(','));
  return in->expect(']', "']' is missing");
}

bool read_tensor(Reader* in, StoredTensor* tensor) {
  int64_t offsets[2] = {};
  int32_t dtypes = 0, shapes = 0, ranges = 0, bounds = 0;
  if (!in->expect('{', "'{' is missing")) return false;
  do {
    const char* key = read_string(in);
    if (!key || !in->expect(':', "':' is missing")) return false;
    if (strcmp(key, "dtype") == 0) {
      ++dtypes;
      tensor->dtype = read_string(in);
    } else if (strcmp(key, "shape") == 0) {
      ++shapes;
      read_numbers(in, tensor->shape, MT_MAX_RANK, &tensor->rank);
    } else if (strcmp(key, "data_offsets") == 0) {
      ++ranges;
      read_numbers(in, offsets, 2, &bounds);
    } else {
      return in->refuse("an array has an unknown field");
    }
    if (in->problem) return false;
  } while (in->accept(','));
  if (dtypes != 1 || shapes != 1 || ranges != 1 || bounds != 2) {
    return in->refuse("an array needs one dtype, one shape and two data_offsets");
  }
  tensor->begin = offsets[0];
  tensor->end = offsets[1];
  return in->expect('}', "'}' is missing");
}

bool skip_metadata(Reader* in) {
  if (!in->expect('{', "'{' is missing")) return false;
  if (in->accept('}')) return true;
  do {
    if (!read_string(in) || !in->expect(':', "':' is missing") || !read_string(in)) return false;
  } while (in->accept(','));
  return in->expect('}', "'}' is missing");
}

}  // namespace

const char* stored_dtype(int32_t dtype) {
  static const char* const names[] = {"F64", "F32", "F16", "BF16", "I8",  "I16", "I32",
                                      "I64", "U8",  "U16", "U32",  "U64", "BOOL"};
  return names[dtype];
}

mt_status read_header(char* header, int64_t bytes, const char* path, VisitStored visit,
                      void* data) {
  Reader in = {header, header + bytes, nullptr};
  bool more = in.expect('{', "'{' is missing") && !in.accept('}');
  while (more) {
    StoredTensor tensor = {};
    tensor.name = read_string(&in);
    if (!tensor.name || !in.expect(':', "':' is missing")) break;
    if (strcmp(tensor.name, "__metadata__") == 0) {
      if (!skip_metadata(&in)) break;
    } else {
      if (!read_tensor(&in, &tensor)) break;
      const mt_status status = visit(data, tensor);
      if (status) return status;
    }
    more = in.accept(',');
    if (!more) in.expect('}', "'}' is missing");
  }
  in.skip_space();
  if (!in.problem && in.at != in.end) in.refuse("text follows its end");
  if (!in.problem) return MT_OK;
  return fail(MT_IO_ERROR, "%s: the header of this file is no safetensors header: %s at byte %lld",
              path, in.problem, (long long)(in.at - header));
}

}  // namespace MT_PACKAGE
#endif
