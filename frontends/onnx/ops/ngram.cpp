// SPDX-License-Identifier: Apache-2.0
// ONNX TfIdfVectorizer on integers or strings: how often each n-gram of a pool occurs in each row,
// with up to max_skip_count items left out between neighbours.
//   hits[row, start, gram] = all over k of x[row, start + k * step] == gram[k], summed over starts
// Takes x[n] or [rows, n]; gives counts, weights of those that occur, or both multiplied.
#include <algorithm>
#include <set>

#include "compiler/ops/strings.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"

namespace mintor {

namespace {

struct Grams {  // of one length
  int64_t length = 0;
  std::vector<int64_t> items, places;  // one gram after the other; where each is counted
};

constexpr int64_t kLargest = 1 << 16;  // of skips, lengths and columns

// Strings are their places in the list of those that the pool has, each once.
std::vector<std::string> words_of(OnnxNode& n) {
  const std::vector<std::string> pool = n.texts("pool_strings");
  const std::set<std::string> words(pool.begin(), pool.end());
  return {words.begin(), words.end()};
}

std::vector<int64_t> pool_of(OnnxNode& n) {
  std::vector<int64_t> pool = n.integers("pool_int64s");
  const std::vector<std::string> words = words_of(n);
  for (const std::string& item : n.texts("pool_strings"))
    pool.push_back(std::lower_bound(words.begin(), words.end(), item) - words.begin());
  return pool;
}

Value items_of(OnnxNode& n) {
  Builder& b = n.builder();
  if (!n.is_strings(0)) return b.cast(n.in(0), DType::i64);
  const Value words = b.constant(string_constant(n.state(), words_of(n)));
  return ops::find_string(b, n.strings(0), words);  // what is none of them is in no pool
}

std::vector<Grams> grams_of(OnnxNode& n) {
  const std::vector<int64_t> pool = pool_of(n), starts = n.integers("ngram_counts"),
                             places = n.integers("ngram_indexes");
  for (int64_t place : places)
    if (place < 0 || place >= kLargest) n.fail("ngram_indexes has " + std::to_string(place));
  const int64_t least = n.integer("min_gram_length", 1), most = n.integer("max_gram_length", 1);
  std::vector<Grams> out;
  size_t gram = 0;
  for (size_t i = 0; i < starts.size(); ++i) {
    const auto length = static_cast<int64_t>(i) + 1;
    const int64_t end = i + 1 < starts.size() ? starts[i + 1] : static_cast<int64_t>(pool.size());
    if (starts[i] < 0 || end < starts[i] || end > static_cast<int64_t>(pool.size()))
      n.fail("ngram_counts has " + std::to_string(starts[i]));
    Grams grams{length, {}, {}};
    const int64_t count = (end - starts[i]) / length;
    for (int64_t g = 0; g < count; ++g, ++gram) {
      if (gram >= places.size()) n.fail("ngram_indexes has too few entries");
      if (length < least || length > most) continue;
      const auto first = pool.begin() + starts[i] + g * length;
      grams.items.insert(grams.items.end(), first, first + length);
      grams.places.push_back(places[gram]);
    }
    if (!grams.places.empty()) out.push_back(std::move(grams));
  }
  return out;
}

// Counts of these grams in the rows of x[rows, n]: i64[rows, grams].
Value counted(OnnxNode& n, Value x, const Grams& grams, int64_t step) {
  Builder& b = n.builder();
  const Index size = x.shape()[1], span = (grams.length - 1) * step,
              starts = n.state().graph.ranges().simplify(max(size - span, 0));
  const Index count = static_cast<int64_t>(grams.places.size());
  const auto at = [](int d) { return Index::var("i" + std::to_string(d)); };
  const Shape shape = {x.shape()[0], starts, count, grams.length};
  IndexMap map;
  map.coords = {at(0), at(1) + at(3) * step};
  const Value windows = b.reindex(x, shape, map, Scalar::of_int(x.dtype(), 0));
  const Value pool = b.reshape(b.constant_i64(grams.items), {count, grams.length});
  const Value equal = ops::apply(b, ScalarOp::eq, {windows, b.broadcast(pool, shape, {2, 3})});
  const int64_t inner[] = {3}, rows[] = {1};
  const Value hit = ops::reduce(b, ops::Reduction::all, equal, inner, false);
  return ops::reduce(b, ops::Reduction::sum, b.cast(hit, DType::i64), rows, false);
}

void tf_idf(OnnxNode& n) {
  n.need_inputs(1, 1);
  Builder& b = n.builder();
  if (n.is_strings(0) != n.has("pool_strings")) n.fail("the pool does not fit the input");
  const Value given = items_of(n);
  const bool single = given.shape().size() == 1;
  if (!single && given.shape().size() != 2) n.fail("x is " + to_string(given.type()));
  const Value x = single ? b.reshape(given, {1, given.shape()[0]}) : given;
  const int64_t skips = n.integer("max_skip_count", 0);
  if (skips < 0 || skips >= kLargest) n.fail("max_skip_count " + std::to_string(skips));
  int64_t columns = 1;
  for (int64_t place : n.integers("ngram_indexes")) columns = std::max(columns, place + 1);
  const Shape shape = {x.shape()[0], columns};
  Value total = b.broadcast(b.constant_int(DType::i64, 0), shape, {});
  for (const Grams& grams : grams_of(n)) {
    for (int64_t step = 1; step <= (grams.length == 1 ? 1 : skips + 1); ++step) {
      IndexMap map;
      map.loads.push_back({2, {Index::var("i1")}});
      map.coords = {Index::var("i0"), Index::var("l0")};
      const Value places = b.constant_i64(grams.places);
      total = b.reindex_reduce(Combiner::add, total, counted(n, x, grams, step), map, {&places, 1});
    }
  }
  Value y = b.cast(total, DType::f32);
  const std::string mode = n.text("mode", "");
  if (mode == "IDF")
    y = b.cast(b.cast(total, DType::boolean), DType::f32);
  else if (mode != "TF" && mode != "TFIDF")
    n.fail("mode '" + printable(mode) + "' is none of TF, IDF, TFIDF");
  if (mode != "TF" && n.has("weights")) {
    std::vector<float> weights;
    for (double w : n.reals("weights")) weights.push_back(static_cast<float>(w));
    if (static_cast<int64_t>(weights.size()) != columns) n.fail("weights do not fit ngram_indexes");
    y = ops::mul(b, y, b.constant(Tensor::copy_of(DType::f32, {columns}, weights.data())));
  }
  n.out(0, single ? b.reshape(y, {columns}) : y);
}

constexpr OnnxOp kOps[] = {
    {"TfIdfVectorizer", 9, 0, tf_idf, "ints strings",
     "reindex, eq, reduce and, reduce add, reindex_reduce add"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_ngram;
const OnnxOpGroup onnx_ops_ngram{kOps};

}  // namespace mintor
