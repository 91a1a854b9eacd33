// SPDX-License-Identifier: Apache-2.0
// SHA-256, the name of a constant's bytes, of a numerics plan and of a cached object; by OpenSSL's
// libcrypto, which uses the CPU's instructions for it (hashing the weights was two thirds of a warm
// start when it was plain C++). Takes bytes in any number of pieces; gives 64 lower-case hex
// digits.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace mintor {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void update(std::span<const std::byte> bytes);
  void update(std::string_view text) { update(std::as_bytes(std::span(text.data(), text.size()))); }
  std::string hex();  // finishes; the object is not to be used further

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

std::string sha256_hex(std::span<const std::byte> bytes);
std::string sha256_hex(std::string_view text);

}  // namespace mintor
