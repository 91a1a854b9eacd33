// SPDX-License-Identifier: Apache-2.0
// Reads model files and external data. Only regular files are opened; external data must lie inside
// the model's folder after symbolic links are followed.
#include <fcntl.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/stubs/logging.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "compiler/support/error.h"
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
  return model;
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

std::shared_ptr<const std::vector<std::byte>> read_external(const std::string& folder,
                                                            const std::string& location,
                                                            int64_t offset, int64_t length) {
  std::string shown = "'" + printable(location) + "'";
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
  File file(full.string(), "external data");
  if (length > onnx_limits::kExternalBytes || offset > file.size || length > file.size - offset)
    throw CompileError("onnx", "external data " + shown + " has " + std::to_string(file.size) +
                                   " bytes, " + std::to_string(length) + " are wanted at " +
                                   std::to_string(offset));
  auto bytes = std::make_shared<std::vector<std::byte>>(static_cast<size_t>(length));
  for (int64_t done = 0; done < length;) {
    ssize_t got =
        ::pread(file.fd, bytes->data() + done, static_cast<size_t>(length - done), offset + done);
    if (got <= 0)
      throw CompileError("onnx",
                         "external data " + shown + " cannot be read: " + std::strerror(errno));
    done += got;
  }
  return bytes;
}

}  // namespace mintor
