// SPDX-License-Identifier: Apache-2.0
// Checks weights, those in the library or the caller's memory and what weights_file.cpp maps.
// Takes the options of open; gives a pointer to the payload. Keeps true: the size and the trailer
// (64 bytes: "MINTORW1", payload bytes as u64, SHA-256 of the payload, 16 zeros) agree with the
// program before a byte is used. The hash itself is computed again only when
// mt_options.check_weights asks: that reads all of them.
#include "runtime.h"

namespace MT_PACKAGE {

static int hex_digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

mt_status check_trailer(const Program& program, const unsigned char* trailer, const char* source) {
  uint64_t bytes = 0;
  for (int i = 7; i >= 0; --i) bytes = bytes << 8 | trailer[8 + i];
  if (memcmp(trailer, "MINTORW1", 8) != 0 || bytes != uint64_t(program.info.weights_bytes)) {
    return fail(MT_IO_ERROR, "%s: has no valid trailer; it is damaged or no weights file", source);
  }
  const char* hash = program.weights_sha256;
  for (int i = 0; has_hash(program) && i < 32; ++i) {
    if (hex_digit(hash[2 * i]) * 16 + hex_digit(hash[2 * i + 1]) != trailer[16 + i]) {
      return fail(MT_IO_ERROR, "%s: holds the weights of another model than '%s'", source,
                  program.info.name);
    }
  }
  return MT_OK;
}

// The payload against the hash that the program names; a program without one, against the trailer's
// (null: there is none either).
mt_status check_contents(const Program& program, const char* payload, const unsigned char* trailer,
                         const char* source) {
  unsigned char found[32], expected[32];
  if (!has_hash(program) && !trailer) {
    return fail(MT_INVALID_ARGUMENT,
                "check_weights is set, but neither '%s' nor the weights in memory say their hash",
                program.info.name);
  }
  for (int i = 0; i < 32; ++i) {
    expected[i] = trailer ? trailer[16 + i] : 0;
    if (!has_hash(program)) continue;
    const char* digits = program.weights_sha256 + 2 * i;
    expected[i] = (unsigned char)(hex_digit(digits[0]) * 16 + hex_digit(digits[1]));
  }
  sha256(payload, uint64_t(program.info.weights_bytes), found);
  if (memcmp(found, expected, 32) == 0) return MT_OK;
  return fail(MT_IO_ERROR,
              "%s: is damaged: the SHA-256 of its %lld bytes begins with %02x%02x%02x%02x, "
              "expected %02x%02x%02x%02x",
              source, (long long)program.info.weights_bytes, found[0], found[1], found[2], found[3],
              expected[0], expected[1], expected[2], expected[3]);
}

static mt_status use_memory(const Program& program, const mt_options& options, Weights* weights) {
  const int64_t expected = program.info.weights_bytes;
  const char* data = static_cast<const char*>(options.weights);
  if (reinterpret_cast<uintptr_t>(data) % 64 != 0) {
    return fail(MT_INVALID_ARGUMENT, "weights in memory have to lie on a 64-byte boundary");
  }
  const uint64_t given = options.weights_bytes;
  if (given != uint64_t(expected) && given != uint64_t(expected + kTrailerBytes)) {
    return fail(MT_IO_ERROR, "weights in memory: %llu bytes, expected %lld (or %lld with trailer)",
                (unsigned long long)given, (long long)expected,
                (long long)(expected + kTrailerBytes));
  }
  weights->data = data;
  const unsigned char* trailer = given == uint64_t(expected)
                                     ? nullptr
                                     : reinterpret_cast<const unsigned char*>(data + expected);
  const char* source = "weights in memory";
  const mt_status checked = trailer ? check_trailer(program, trailer, source) : MT_OK;
  if (checked || !options.check_weights) return checked;
  return check_contents(program, data, trailer, source);
}

// What stands in the library is read like the caller's memory.
static mt_status use_library(const Program& program, const mt_options& options, Weights* weights) {
  mt_options embedded = options;
  embedded.weights = program.weights;
  embedded.weights_bytes = size_t(program.info.weights_bytes + kTrailerBytes);
  return use_memory(program, embedded, weights);
}

mt_status open_weights(const Program& program, const mt_options& options, Weights* weights) {
  memset(weights, 0, sizeof(*weights));
  if (options.weights) return use_memory(program, options, weights);
  if (!options.weights_path && program.weights) return use_library(program, options, weights);
  if (!options.weights_path && program.info.weights_bytes == 0) return MT_OK;
  return open_weights_file(program, options, weights);
}

}  // namespace MT_PACKAGE
