// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4), for a caller who asks whether the weights are those that were written.
// Takes bytes; gives 32 bytes. Keeps true: plain C++, so the baseline CPU runs it; some 200 MB a
// second.
#include "runtime.h"

namespace MT_PACKAGE {

// The first 32 bits of the fractions of the cube roots of the first 64 primes.
static const uint32_t kRounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static inline uint32_t turned(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void add_block(uint32_t state[8], const unsigned char* block) {
  uint32_t w[64];
  for (int i = 0; i < 16; ++i) {
    w[i] = uint32_t(block[4 * i]) << 24 | uint32_t(block[4 * i + 1]) << 16 |
           uint32_t(block[4 * i + 2]) << 8 | block[4 * i + 3];
  }
  for (int i = 16; i < 64; ++i) {
    const uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + (turned(a, 7) ^ turned(a, 18) ^ a >> 3) + w[i - 7] +
           (turned(b, 17) ^ turned(b, 19) ^ b >> 10);
  }
  uint32_t s[8];
  memcpy(s, state, sizeof(s));
  for (int i = 0; i < 64; ++i) {
    const uint32_t e = s[4], a = s[0];
    const uint32_t x = s[7] + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) +
                       ((e & s[5]) ^ (~e & s[6])) + kRounds[i] + w[i];
    const uint32_t y = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) +
                       ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof(s[0]));
    s[4] += x;
    s[0] = x + y;
  }
  for (int i = 0; i < 8; ++i) state[i] += s[i];
}

void sha256(const void* data, uint64_t bytes, unsigned char hash[32]) {
  uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  const unsigned char* at = static_cast<const unsigned char*>(data);
  uint64_t rest = bytes;
  for (; rest >= 64; rest -= 64, at += 64) add_block(state, at);
  // The end: a bit, zeros, the number of bits in the last 8 bytes of a block.
  unsigned char tail[128] = {0};
  if (rest) memcpy(tail, at, size_t(rest));
  tail[rest] = 0x80;
  const int tail_bytes = rest < 56 ? 64 : 128;
  for (int i = 0; i < 8; ++i) tail[tail_bytes - 1 - i] = (unsigned char)(bytes * 8 >> 8 * i);
  for (int i = 0; i < tail_bytes; i += 64) add_block(state, tail + i);
  for (int i = 0; i < 32; ++i) hash[i] = (unsigned char)(state[i / 4] >> (24 - i % 4 * 8));
}

}  // namespace MT_PACKAGE
