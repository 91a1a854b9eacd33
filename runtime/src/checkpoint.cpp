// SPDX-License-Identifier: Apache-2.0
// All parameters and states of a context as a file of the safetensors format: the length of the
// header (little-endian u64), the header (safetensors.cpp), the arrays.
// Takes a context and a path; gives the file, or what a file holds. Keeps true: a file is whole or
// not there, for it is written beside and renamed; a load that fails has changed nothing.
#include "runtime.h"

#if __STDC_HOSTED__
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace MT_PACKAGE {

namespace {

const int64_t kMostHeader = 100 * 1000 * 1000;  // as other readers of the format have it
const int64_t kLength = 8;                      // bytes of the header's length

// --- save ---

char* write_text(char* to, const char* text) {
  while (*text) *to++ = *text++;
  return to;
}

char* write_string(char* to, const char* text) {
  *to++ = '"';
  for (; *text; ++text) {
    const unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\') *to++ = '\\';
    if (c < 0x20) {
      to += snprintf(to, 8, "\\u%04x", c);
    } else {
      *to++ = *text;
    }
  }
  *to++ = '"';
  return to;
}

char* write_tensor(char* to, const NamedValue& value, int64_t begin) {
  to = write_string(to, value.info->name);
  to = write_text(to, ":{\"dtype\":\"");
  to = write_text(to, stored_dtype(value.info->dtype));
  to = write_text(to, "\",\"shape\":[");
  for (int32_t dim = 0; dim < value.info->rank; ++dim) {
    to += snprintf(to, 32, dim ? ",%lld" : "%lld", (long long)value.info->shape[dim]);
  }
  to += snprintf(to, 80, "],\"data_offsets\":[%lld,%lld]}", (long long)begin,
                 (long long)(begin + value.bytes));
  return to;
}

// Calls visit(value) for each, wide elements first: so each lies on a boundary of its own.
template <class Visit>
void visit_by_width(const Context& context, Visit visit) {
  for (int64_t width = 8; width > 0; width /= 2) {
    for (int32_t i = 0; i < value_count(context); ++i) {
      const NamedValue value = value_at(context, i);
      if (dtype_bytes(value.info->dtype) == width) visit(value);
    }
  }
}

// The length and the header, padded to 8 bytes.
bool make_header(const Context& context, Block* header) {
  size_t room = kLength + 64;
  visit_by_width(context, [&](const NamedValue& value) {
    room += 6 * strlen(value.info->name) + 160 + 32 * MT_MAX_RANK;
  });
  if (!allocate(context.memory, header, int64_t(room), Fill::undefined)) return false;
  char* to = write_text(header->data + kLength, "{\"__metadata__\":{\"format\":\"pt\"}");
  int64_t begin = 0;
  visit_by_width(context, [&](const NamedValue& value) {
    *to++ = ',';
    to = write_tensor(to, value, begin);
    begin += value.bytes;
  });
  *to++ = '}';
  while ((to - header->data) % 8) *to++ = ' ';
  header->bytes = to - header->data;
  const uint64_t length = uint64_t(header->bytes - kLength);
  for (int32_t i = 0; i < kLength; ++i) header->data[i] = char(length >> (8 * i));
  return true;
}

bool write_all(int file, const char* data, int64_t bytes) {
  while (bytes > 0) {
    const ssize_t written = ::write(file, data, size_t(bytes));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    data += written;
    bytes -= written;
  }
  return true;
}

bool write_values(const Context& context, const Block& header, int file) {
  bool good = write_all(file, header.data, header.bytes);
  visit_by_width(context, [&](const NamedValue& value) {
    good = good && write_all(file, value.data, value.bytes);
  });
  return good && fsync(file) == 0;
}

mt_status write_file(const Context& context, const Block& header, const char* path) {
  char beside[PATH_MAX];
  int file = -1;
  for (int32_t n = 0; n < 100 && file < 0; ++n) {
    const int length = snprintf(beside, sizeof(beside), "%s.%ld.%d.part", path, long(getpid()), n);
    if (length >= int(sizeof(beside))) return fail(MT_IO_ERROR, "%s: path is too long", path);
    file = ::open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0 && errno != EEXIST) break;
  }
  if (file < 0) return fail(MT_IO_ERROR, "%s: %s", beside, strerror(errno));
  bool good = write_values(context, header, file);
  int problem = errno;
  if (::close(file) != 0 && good) good = false, problem = errno;
  if (good && rename(beside, path) != 0) good = false, problem = errno;
  if (good) return MT_OK;
  unlink(beside);
  return fail(MT_IO_ERROR, "%s: %s", path, strerror(problem));
}

// --- load ---

struct Range {
  int64_t begin, end;
};

struct Loading {
  const Context* context;
  const char* path;
  int32_t allow;
  const char* payload;
  int64_t payload_bytes;
  const char** sources;  // of each value, null: not in the file
  Block ranges;          // Range of each array of the file, in the header's order
  int64_t count;
};

// The least text of an array: "":{"dtype":"","shape":[],"data_offsets":[0,0]}
const int64_t kLeastText = 47;

mt_status check_stored(const Loading& loading, const StoredTensor& tensor, const NamedValue& own) {
  const mt_tensor_info& info = *own.info;
  if (strcmp(tensor.dtype, stored_dtype(info.dtype)) != 0 || tensor.rank != info.rank) {
    return fail(MT_INVALID_ARGUMENT, "%s: '%s' is %s of rank %d, expected %s of rank %d",
                loading.path, tensor.name, tensor.dtype, tensor.rank, stored_dtype(info.dtype),
                info.rank);
  }
  for (int32_t dim = 0; dim < info.rank; ++dim) {
    if (tensor.shape[dim] != info.shape[dim]) {
      return fail(MT_SHAPE_MISMATCH, "%s: '%s': dimension %d is %lld, expected %lld", loading.path,
                  tensor.name, dim, (long long)tensor.shape[dim], (long long)info.shape[dim]);
    }
  }
  if (tensor.end - tensor.begin == own.bytes) return MT_OK;
  return fail(MT_IO_ERROR, "%s: '%s' has %lld bytes, expected %lld", loading.path, tensor.name,
              (long long)(tensor.end - tensor.begin), (long long)own.bytes);
}

mt_status take_stored(void* data, const StoredTensor& tensor) {
  Loading& loading = *static_cast<Loading*>(data);
  if (tensor.begin > tensor.end || tensor.end > loading.payload_bytes) {
    return fail(MT_IO_ERROR, "%s: '%s' lies in bytes %lld..%lld, the file has %lld", loading.path,
                tensor.name, (long long)tensor.begin, (long long)tensor.end,
                (long long)loading.payload_bytes);
  }
  at<Range>(loading.ranges.data, 0)[loading.count++] = {tensor.begin, tensor.end};
  const int32_t index = find_value(loading.context->model->info, tensor.name);
  if (index < 0) {
    if (loading.allow & MT_ALLOW_UNKNOWN) return MT_OK;
    return fail(MT_INVALID_ARGUMENT, "%s: '%s' is no parameter of this model", loading.path,
                tensor.name);
  }
  if (loading.sources[index]) {
    return fail(MT_IO_ERROR, "%s: '%s' is there twice", loading.path, tensor.name);
  }
  loading.sources[index] = loading.payload + tensor.begin;
  return check_stored(loading, tensor, value_at(*loading.context, index));
}

int compare_ranges(const void* left, const void* right) {
  const Range &a = *static_cast<const Range*>(left), &b = *static_cast<const Range*>(right);
  if (a.begin != b.begin) return a.begin < b.begin ? -1 : 1;
  return a.end == b.end ? 0 : a.end < b.end ? -1 : 1;
}

// Each byte behind the header is of one array.
mt_status check_ranges(const Loading& loading) {
  Range* const ranges = at<Range>(loading.ranges.data, 0);
  if (loading.count) qsort(ranges, size_t(loading.count), sizeof(Range), compare_ranges);
  int64_t end = 0;
  for (int64_t i = 0; i < loading.count; ++i) {
    const Range& range = ranges[i];
    if (range.begin != end) {
      const bool gap = range.begin > end;
      return fail(MT_IO_ERROR, "%s: byte %lld of its arrays is of %s", loading.path,
                  (long long)(gap ? end : range.begin), gap ? "none" : "two of them");
    }
    end = range.end;
  }
  if (end == loading.payload_bytes) return MT_OK;
  return fail(MT_IO_ERROR, "%s: arrays of %lld bytes in a file that has %lld for them",
              loading.path, (long long)end, (long long)loading.payload_bytes);
}

mt_status check_whole(const Loading& loading) {
  const mt_status status = check_ranges(loading);
  if (status) return status;
  for (int32_t i = 0; i < value_count(*loading.context); ++i) {
    if (loading.sources[i] || loading.allow & MT_ALLOW_MISSING) continue;
    return fail(MT_INVALID_ARGUMENT, "%s: '%s' is missing", loading.path,
                value_at(*loading.context, i).info->name);
  }
  return MT_OK;
}

mt_status take_values(Context* context, const Loading& loading) {
  const int32_t states = context->model->info.state_count, count = value_count(*context);
  // What can fail comes first.
  for (int32_t i = states; i < count; ++i) {
    if (!loading.sources[i]) continue;
    const mt_status status = own_weights(*context->model, context->parameters);
    if (status) return status;
    break;
  }
  for (int32_t i = 0; i < count; ++i) {
    if (loading.sources[i]) change_value(context, i, loading.sources[i]);
  }
  return MT_OK;
}

// `file` as it is mapped.
mt_status load_mapped(Context* context, Loading* loading, const char* file, int64_t bytes) {
  uint64_t length = 0;
  for (int32_t i = 0; i < kLength; ++i) length |= uint64_t((unsigned char)file[i]) << (8 * i);
  if (length > uint64_t(kMostHeader) || int64_t(length) > bytes - kLength) {
    return fail(MT_IO_ERROR, "%s: a header of %llu bytes in a file of %lld", loading->path,
                (unsigned long long)length, (long long)bytes);
  }
  loading->payload = file + kLength + length;
  loading->payload_bytes = bytes - kLength - int64_t(length);
  Block header;
  const size_t values = size_t(value_count(*context)) + 1;
  loading->sources =
      static_cast<const char**>(allocate_object(context->memory, values * sizeof(char*)));
  const int64_t most = int64_t(length) / kLeastText + 1;
  if (!loading->sources ||
      !allocate(context->memory, &loading->ranges, most * sizeof(Range), Fill::undefined) ||
      !allocate(context->memory, &header, int64_t(length), Fill::undefined)) {
    return fail(MT_OUT_OF_MEMORY, "no memory for the header of %s", loading->path);
  }
  if (length) memcpy(header.data, file + kLength, length);
  mt_status status = read_header(header.data, int64_t(length), loading->path, take_stored, loading);
  release(context->memory, &header);
  if (!status) status = check_whole(*loading);
  if (!status) status = take_values(context, *loading);
  return status;
}

}  // namespace

mt_status save_parameters(Context* context, const char* path) {
  if (!context || !path) return fail(MT_INVALID_ARGUMENT, "save_parameters: a pointer is null");
  Block header;
  mt_status status = begin_use(context->parameters, Use::read, "save_parameters");
  if (status) return status;
  status = make_header(*context, &header)
               ? write_file(*context, header, path)
               : fail(MT_OUT_OF_MEMORY, "no memory for the header of %s", path);
  end_use(context->parameters, Use::read);
  release(context->memory, &header);
  return status;
}

mt_status load_parameters(Context* context, const char* path, int32_t allow) {
  if (!context || !path) return fail(MT_INVALID_ARGUMENT, "load_parameters: a pointer is null");
  if (allow & ~(MT_ALLOW_MISSING | MT_ALLOW_UNKNOWN)) {
    return fail(MT_INVALID_ARGUMENT, "load_parameters: allow is %d", allow);
  }
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return fail(MT_IO_ERROR, "%s: %s", path, strerror(errno));
  struct stat status;
  const bool regular = fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  void* mapping = regular && status.st_size >= kLength
                      ? mmap(nullptr, size_t(status.st_size), PROT_READ, MAP_PRIVATE, file, 0)
                      : MAP_FAILED;
  ::close(file);
  if (mapping == MAP_FAILED) {
    return fail(MT_IO_ERROR, "%s: is no safetensors file", path);
  }
  Loading loading = {};
  loading.context = context;
  loading.path = path;
  loading.allow = allow;
  mt_status loaded = begin_use(context->parameters, Use::change, "load_parameters");
  if (!loaded) {
    loaded = load_mapped(context, &loading, static_cast<const char*>(mapping), status.st_size);
    end_use(context->parameters, Use::change);
  }
  release_object(context->memory, loading.sources);
  release(context->memory, &loading.ranges);
  munmap(mapping, size_t(status.st_size));
  return loaded;
}

}  // namespace MT_PACKAGE
#endif
