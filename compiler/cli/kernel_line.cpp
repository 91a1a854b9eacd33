// SPDX-License-Identifier: Apache-2.0
// Words of a line to attributes, attributes to a Graph by the library's operators. Keeps true: what
// a line does not say is 1, but padding, which is 0; a word that the operator does not know is
// refused.
#include "compiler/cli/kernel_line.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

#include "compiler/ir/builder.h"
#include "compiler/ir/seeded.h"
#include "compiler/ops/library.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

constexpr int64_t kMostSize = int64_t{1} << 20;

[[noreturn]] void refuse(const std::string& problem) {
  throw CompileError("kernel line", problem, "",
                     "as in `conv n1 c64 28x28 k3 s1 p1 o64 f32` or `matmul m128 k768 n3072`");
}

// "28x28" as its numbers; empty: it is not that.
std::vector<int64_t> sizes_in(std::string_view text) {
  std::vector<int64_t> sizes;
  while (!text.empty()) {
    int64_t size = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (problem != std::errc() || size < 0 || size > kMostSize) return {};
    sizes.push_back(size);
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (text.empty()) break;
    if (text.front() != 'x' || text.size() == 1) return {};
    text.remove_prefix(1);
  }
  return sizes;
}

class Line {
 public:
  explicit Line(const std::string& text) {
    std::istringstream words(text);
    words >> op;
    for (std::string word; words >> word;) {
      if (const auto type = parse_dtype(word)) {
        dtype = *type;
        continue;
      }
      const bool named = std::isalpha(static_cast<unsigned char>(word[0])) != 0;
      const std::vector<int64_t> sizes = sizes_in(named ? word.substr(1) : word);
      if (sizes.empty()) refuse("'" + word + "' is no size, attribute or dtype");
      if (!given_.emplace(named ? word[0] : '\0', sizes).second)
        refuse("'" + word + "' says again what an earlier word said");
    }
    if (!is_float(dtype)) refuse("the dtype is " + std::string(name_of(dtype)) + ", not a float");
  }

  std::string op;
  DType dtype = DType::f32;

  std::vector<int64_t> sizes() { return taken('\0'); }
  // One number: `otherwise` where it is not given; -1: it has to be.
  int64_t number(char letter, int64_t otherwise) {
    const std::vector<int64_t> values = taken(letter);
    if (values.size() > 1) refuse(std::string("'") + letter + "' takes one number");
    if (!values.empty()) return values[0];
    if (otherwise < 0) refuse(op + " needs '" + letter + "'");
    return otherwise;
  }
  // One number for each dimension, or one for all.
  std::vector<int64_t> numbers(char letter, size_t count, int64_t otherwise) {
    std::vector<int64_t> values = taken(letter);
    if (values.empty()) values = {otherwise};
    if (values.size() == 1) values.resize(count, values[0]);
    if (values.size() != count)
      refuse(std::string("'") + letter + "' has another number of dimensions than the image");
    return values;
  }
  void check_all_taken() const {
    if (given_.empty()) return;
    const char letter = given_.begin()->first;
    refuse(letter ? op + " takes no '" + letter + "'" : op + " takes no sizes without a letter");
  }

 private:
  std::vector<int64_t> taken(char letter) {
    const auto found = given_.extract(letter);
    return found ? found.mapped() : std::vector<int64_t>{};
  }

  std::map<char, std::vector<int64_t>> given_;
};

Value weight(Builder& b, const Line& line, const std::vector<int64_t>& shape) {
  return b.parameter("weight", seeded_tensor(line.dtype, shape, 1));
}

Value convolution(Builder& b, Line& line, bool transposed) {
  std::vector<int64_t> image = line.sizes();
  if (image.empty()) refuse(line.op + " needs the size of the image");
  const size_t dims = image.size();
  const int64_t channels = line.number('c', -1), out = line.number('o', -1);
  ops::ConvAttr attr;
  attr.groups = line.number('g', 1);
  if (attr.groups < 1 || channels % attr.groups != 0 || out % attr.groups != 0)
    refuse("groups do not divide the channels");
  attr.stride = line.numbers('s', dims, 1);
  attr.dilation = line.numbers('d', dims, 1);
  for (const int64_t padding : line.numbers('p', dims, 0)) {
    attr.pad_before.push_back(padding);
    attr.pad_after.push_back(padding);
  }
  std::vector<int64_t> kernel = line.numbers('k', dims, 1);
  image.insert(image.begin(), {line.number('n', 1), channels});
  line.check_all_taken();
  const Value x = b.input("x", line.dtype, Shape(image.begin(), image.end()));
  const bool from_channels = transposed;
  kernel.insert(kernel.begin(),
                {from_channels ? channels : out, (from_channels ? out : channels) / attr.groups});
  const Value w = weight(b, line, kernel);
  return transposed ? ops::conv_transpose(b, x, w, {}, attr, {}) : ops::conv(b, x, w, {}, attr);
}

Value product(Builder& b, Line& line) {
  const int64_t m = line.number('m', -1), k = line.number('k', -1), n = line.number('n', -1),
                batch = line.number('b', 0);
  line.check_all_taken();
  if (batch == 0) return ops::matmul(b, b.input("x", line.dtype, {m, k}), weight(b, line, {k, n}));
  const Value x = b.input("x", line.dtype, {batch, m, k});
  return ops::matmul(b, x, b.input("y", line.dtype, {batch, k, n}));
}

}  // namespace

Graph graph_of_line(const std::string& text) {
  Line line(text);
  Graph graph;
  Builder b(graph);
  Value made;
  if (line.op == "conv" || line.op == "conv_transpose") {
    made = convolution(b, line, line.op == "conv_transpose");
  } else if (line.op == "matmul") {
    made = product(b, line);
  } else {
    refuse("'" + line.op + "' is none of conv, conv_transpose, matmul");
  }
  graph.results.push_back({"y", made});
  return graph;
}

}  // namespace mintor
