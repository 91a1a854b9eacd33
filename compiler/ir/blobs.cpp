// SPDX-License-Identifier: Apache-2.0
// The side file of a Graph's text: the bytes of large constants and parameters, by SHA-256.
// Layout, little-endian: "MTBLOBS1", u64 count, then per blob 64 hex digits, u8 dtype, u8 rank, i64
// dims[rank], zero bytes up to a multiple of 64, the bytes. Keeps true: what is read has the hash
// it is filed under.
#include <bit>
#include <cstring>
#include <fstream>

#include "compiler/ir/text.h"
#include "compiler/support/error.h"

namespace mintor {

namespace {

constexpr char kMagic[] = "MTBLOBS1";
constexpr uint64_t kMaxRank = 32;
static_assert(std::endian::native == std::endian::little,
              "the side file is written in memory order");

[[noreturn]] void fail(const std::string& path, const std::string& problem) {
  throw CompileError("side file", problem, path);
}

class Reader {
 public:
  explicit Reader(const std::string& path)
      : path_(path), file_(path, std::ios::binary | std::ios::ate) {
    if (!file_) fail(path, "cannot be opened");
    size_ = static_cast<uint64_t>(file_.tellg());
    file_.seekg(0);
  }
  void read(void* to, uint64_t bytes) {
    if (bytes > size_ - position_) fail(path_, "ends too early");
    file_.read(static_cast<char*>(to), static_cast<std::streamsize>(bytes));
    if (!file_) fail(path_, "cannot be read");
    position_ += bytes;
  }
  template <class T>
  T number() {
    T value;
    read(&value, sizeof value);
    return value;
  }
  void align() {
    const uint64_t aligned = (position_ + 63) / 64 * 64;
    if (aligned > size_) fail(path_, "ends too early");
    file_.seekg(static_cast<std::streamoff>(aligned));
    position_ = aligned;
  }
  uint64_t left() const { return size_ - position_; }

 private:
  const std::string& path_;
  std::ifstream file_;
  uint64_t size_ = 0, position_ = 0;
};

}  // namespace

void write_blobs(const Blobs& blobs, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  uint64_t position = 0;
  auto put = [&](const void* bytes, uint64_t size) {
    file.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(size));
    position += size;
  };
  put(kMagic, 8);
  const uint64_t count = blobs.size();
  put(&count, 8);
  for (const auto& [hash, tensor] : blobs) {
    check(hash.size() == 64, "write_blobs", "a blob is filed under something that is no SHA-256");
    put(hash.data(), 64);
    const unsigned char head[2] = {static_cast<unsigned char>(tensor.dtype),
                                   static_cast<unsigned char>(tensor.shape.size())};
    put(head, 2);
    put(tensor.shape.data(), 8 * tensor.shape.size());
    const char zeros[64] = {};
    put(zeros, (64 - position % 64) % 64);
    put(tensor.data, static_cast<uint64_t>(tensor.bytes()));
  }
  if (!file.flush()) fail(path, "cannot be written");
}

Blobs read_blobs(const std::string& path) {
  Reader reader(path);
  char magic[8];
  reader.read(magic, 8);
  if (std::memcmp(magic, kMagic, 8) != 0) fail(path, "is no side file of a graph");
  const auto count = reader.number<uint64_t>();
  Blobs blobs;
  for (uint64_t n = 0; n < count; ++n) {
    std::string hash(64, ' ');
    reader.read(hash.data(), 64);
    const auto dtype = reader.number<uint8_t>(), rank = reader.number<uint8_t>();
    if (dtype >= kDTypeCount || rank > kMaxRank) fail(path, "blob " + hash + " has no valid type");
    std::vector<int64_t> shape(rank);
    reader.read(shape.data(), 8u * rank);
    reader.align();
    uint64_t bytes = static_cast<uint64_t>(size_of(static_cast<DType>(dtype)));
    for (int64_t extent : shape) {
      if (extent < 0 || __builtin_mul_overflow(bytes, static_cast<uint64_t>(extent), &bytes)) {
        fail(path, "blob " + hash + " has no valid shape");
      }
    }
    if (bytes > reader.left()) fail(path, "ends too early");  // before memory is taken
    auto [tensor, memory] = Tensor::make(static_cast<DType>(dtype), std::move(shape));
    reader.read(memory, bytes);
    if (tensor.sha256() != hash) fail(path, "the bytes of blob " + hash + " do not have that hash");
    blobs.emplace(std::move(hash), std::move(tensor));
  }
  return blobs;
}

}  // namespace mintor
