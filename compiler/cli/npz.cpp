// SPDX-License-Identifier: Apache-2.0
// Reads .npz archives: the zip central directory, members stored or deflated (zlib).
// Takes a path; gives tensors by name without ".npy". Keeps true: every offset and size is checked
// against the file before it is used, and a member inflates to at most what deflate can reach.
#include <zlib.h>

#include <cstring>

#include "compiler/cli/files.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

constexpr uint32_t kEndSignature = 0x06054b50, kEntrySignature = 0x02014b50;
constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr size_t kEndSize = 22, kEntrySize = 46, kLocalSize = 30;
constexpr uint64_t kMostDeflateGains = 1032;  // zlib's documented limit of compression

struct Zip {
  const std::string& bytes;
  const std::string& path;

  [[noreturn]] void bad(const std::string& what) const {
    throw CompileError("npz", what, path, "write it with numpy.savez");
  }
  uint64_t number(size_t at, size_t width) const {
    if (at > bytes.size() || bytes.size() - at < width) bad("the archive is cut off");
    uint64_t value = 0;
    for (size_t i = 0; i < width; ++i) {
      value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[at + i])) << (8 * i);
    }
    return value;
  }
  std::string text(size_t at, size_t length) const {
    if (at > bytes.size() || bytes.size() - at < length) bad("the archive is cut off");
    return bytes.substr(at, length);
  }
};

size_t find_end(const Zip& zip) {
  if (zip.bytes.size() < kEndSize) zip.bad("this is no .npz file");
  // The end record may be followed by a comment of up to 64 KB.
  const size_t last = zip.bytes.size() - kEndSize;
  for (size_t back = 0; back <= last && back <= 0xffff; ++back) {
    if (zip.number(last - back, 4) == kEndSignature) return last - back;
  }
  zip.bad("this is no .npz file");
}

std::string inflated(const Zip& zip, const std::string& packed, uint64_t size) {
  if (size / kMostDeflateGains > packed.size() + 1) zip.bad("a member claims too large a size");
  std::string result(size, '\0');
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) zip.bad("zlib does not start");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  const int status = inflate(&stream, Z_FINISH);
  const bool whole = status == Z_STREAM_END && stream.avail_out == 0;
  inflateEnd(&stream);
  if (!whole) zip.bad("a member is damaged");
  return result;
}

std::string member(const Zip& zip, size_t entry) {
  const uint64_t method = zip.number(entry + 10, 2);
  const uint64_t packed_size = zip.number(entry + 20, 4), size = zip.number(entry + 24, 4);
  const size_t local = zip.number(entry + 42, 4);
  if (packed_size == 0xffffffff || size == 0xffffffff) zip.bad("members above 4 GB are not read");
  if (zip.number(local, 4) != kLocalSignature) zip.bad("a member's header is damaged");
  const size_t data = local + kLocalSize + zip.number(local + 26, 2) + zip.number(local + 28, 2);
  std::string packed = zip.text(data, packed_size);
  if (method == 0) return packed;
  if (method != 8) zip.bad("compression method " + std::to_string(method) + " is not read");
  return inflated(zip, packed, size);
}

}  // namespace

std::map<std::string, Tensor> read_npz(const std::string& path) {
  const std::string bytes = read_file(path);
  const Zip zip{bytes, path};
  const size_t end = find_end(zip);
  const uint64_t count = zip.number(end + 10, 2);
  size_t entry = zip.number(end + 16, 4);
  std::map<std::string, Tensor> arrays;
  for (uint64_t i = 0; i < count; ++i) {
    if (zip.number(entry, 4) != kEntrySignature) zip.bad("the directory is damaged");
    const size_t name_length = zip.number(entry + 28, 2);
    std::string name = zip.text(entry + kEntrySize, name_length);
    const std::string where = path + ":" + name;
    if (name.size() > 4 && name.ends_with(".npy")) name.resize(name.size() - 4);
    arrays.emplace(name, parse_npy(member(zip, entry), where));
    entry += kEntrySize + name_length + zip.number(entry + 30, 2) + zip.number(entry + 32, 2);
  }
  return arrays;
}

}  // namespace mintor
