// SPDX-License-Identifier: Apache-2.0
// Reads model files and external data. Only regular files are opened; external data must lie inside
// the model's folder after symbolic links are followed. An external file is mapped once, read-only:
// its tensors, however many and however large, cost what is read of them.
#include <fcntl.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/stubs/logging.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "compiler/support/error.h"
#include "frontends/onnx/functions.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/limits.h"
#include "frontends/onnx/node.h"
#include "onnx-ml.pb.h"

namespace mintor {

namespace {

namespace fs = std::filesystem;

struct File {
  int fd = -1;
  int64_t size = 0;
  File(const std::string& path, const std::string& what) {
    fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
      throw CompileError(
          "onnx", what + " '" + printable(path) + "' cannot be opened: " + std::strerror(errno));
    struct stat info;
    if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
      ::close(fd);
      throw CompileError("onnx", what + " '" + printable(path) + "' is not a regular file");
    }
    size = info.st_size;
  }
  File(const File&) = delete;
  ~File() { ::close(fd); }
};

// Nesting beyond protobuf's own default is refused; its messages go into our error, not to stderr.
std::shared_ptr<const onnx::ModelProto> parse(google::protobuf::io::ZeroCopyInputStream& stream,
                                              const std::string& name) {
  google::protobuf::LogSilencer silent;
  auto model = std::make_shared<onnx::ModelProto>();
  google::protobuf::io::CodedInputStream coded(&stream);
  bool parsed = model->ParseFromCodedStream(&coded) && coded.ConsumedEntireMessage();
  if (!parsed || !model->has_graph())
    throw CompileError(
        "onnx", name + " is not an ONNX model (it does not parse as a ModelProto with a graph)", "",
        "check that the file is complete and is an .onnx file");
  expand_functions(*model);
  return model;
}

// The path of an external file, after it was seen to lie in the folder.
std::string contained(const std::string& folder, const std::string& location,
                      const std::string& shown) {
  if (folder.empty())
    throw CompileError("onnx", "external data " + shown + " of a model that has no folder");
  fs::path relative(location);
  bool plain =
      !location.empty() && location.find('\0') == std::string::npos && relative.is_relative();
  for (const fs::path& part : relative) plain = plain && part != "..";
  if (!plain)
    throw CompileError("onnx",
                       "external data " + shown + " is not a path inside the model's folder", "",
                       "only relative paths without '..' are opened");
  std::error_code error;
  fs::path root = fs::canonical(folder, error);
  fs::path full = error ? fs::path() : fs::canonical(root / relative, error);
  if (error)
    throw CompileError("onnx", "external data " + shown + " cannot be found: " + error.message());
  fs::path inside = full.lexically_relative(root);
  if (inside.empty() || *inside.begin() == "..")
    throw CompileError(
        "onnx", "external data " + shown + " leads out of the model's folder (a symbolic link)");
  return full.string();
}

}  // namespace

std::shared_ptr<const onnx::ModelProto> read_model(const std::string& path) {
  File file(path, "model");
  if (file.size >= onnx_limits::kFileBytes)
    throw CompileError("onnx",
                       "'" + printable(path) + "' has " + std::to_string(file.size) +
                           " bytes, a model file holds less than 2 GiB",
                       "", "save the weights as external data");
  google::protobuf::io::FileInputStream stream(file.fd);
  return parse(stream, "'" + printable(path) + "'");
}

std::shared_ptr<const onnx::ModelProto> parse_model(std::span<const std::byte> bytes) {
  if (static_cast<int64_t>(bytes.size()) >= onnx_limits::kFileBytes)
    throw CompileError("onnx", "the model has " + std::to_string(bytes.size()) +
                                   " bytes, less than 2 GiB are taken");
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  return parse(stream, "the given bytes");
}

struct OnnxMapping {
  const std::byte* data = nullptr;
  int64_t size = 0;
  OnnxMapping(const std::string& path, const std::string& shown) {
    File file(path, "external data");
    size = file.size;
    if (size == 0) return;
    void* mapped = ::mmap(nullptr, static_cast<size_t>(size), PROT_READ, MAP_PRIVATE, file.fd, 0);
    if (mapped == MAP_FAILED)
      throw CompileError("onnx", "external data " + shown + " of " + std::to_string(size) +
                                     " bytes cannot be mapped: " + std::strerror(errno));
    data = static_cast<const std::byte*>(mapped);
  }
  OnnxMapping(const OnnxMapping&) = delete;
  ~OnnxMapping() {
    if (data) ::munmap(const_cast<std::byte*>(data), static_cast<size_t>(size));
  }
};

std::shared_ptr<const std::byte> read_external(OnnxFiles& files, const std::string& location,
                                               int64_t offset, int64_t length) {
  std::string shown = "'" + printable(location) + "'";
  std::shared_ptr<const OnnxMapping>& mapping = files.mapped[location];
  if (!mapping)
    mapping = std::make_shared<const OnnxMapping>(contained(files.folder, location, shown), shown);
  if (length > onnx_limits::kExternalBytes || offset > mapping->size ||
      length > mapping->size - offset)
    throw CompileError("onnx", "external data " + shown + " has " + std::to_string(mapping->size) +
                                   " bytes, " + std::to_string(length) + " are wanted at " +
                                   std::to_string(offset));
  int64_t& used = files.used[location];
  used += length;
  if (used / onnx_limits::kSharing > mapping->size)
    throw CompileError(
        "onnx", "the tensors in external data " + shown + " of " + std::to_string(mapping->size) +
                    " bytes lie over each other: " + std::to_string(used) + " bytes so far");
  static constexpr std::byte kNothing{};
  if (length == 0) return {mapping, &kNothing};
  return {mapping, mapping->data + offset};
}

}  // namespace mintor
