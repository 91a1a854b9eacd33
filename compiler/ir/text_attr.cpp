// SPDX-License-Identifier: Apache-2.0
// The attributes of each kind, read back from their text. See text_attr.h; the forms stand in
// text_print.cpp. A parameter or constant may, in text written by hand, also be `fill 0.5` or
// `random 7`: every element 0.5, or uniform in [-0.5, 0.5) for floats (0..255 wrapped for integers)
// from splitmix64 of that seed.
#include "compiler/ir/text_attr.h"

#include "compiler/ir/lanes.h"
#include "compiler/ir/text_scalar.h"
#include "compiler/support/error.h"
#include "compiler/support/nearest.h"

namespace mintor {

namespace {

// Elements of a leaf that is written out, or filled: memory is taken before they are read.
constexpr int64_t kMaxListed = int64_t{1} << 16, kMaxFilled = int64_t{1} << 28;

std::vector<Index> read_indices(Lexer& lexer) {
  std::vector<Index> list;
  lexer.expect("[");
  while (!lexer.accept("]")) {
    list.push_back(read_index(lexer));
    if (!lexer.at("]")) lexer.expect(",");
  }
  return list;
}

std::vector<int32_t> read_dims(Lexer& lexer) {
  std::vector<int32_t> dims;
  lexer.expect("dims");
  lexer.expect("=");
  lexer.expect("[");
  while (!lexer.accept("]")) {
    dims.push_back(static_cast<int32_t>(lexer.integer("a dimension")));
    if (!lexer.at("]")) lexer.expect(",");
  }
  return dims;
}

int32_t read_dim(Lexer& lexer) {
  lexer.expect("dim");
  return static_cast<int32_t>(lexer.integer("a dimension"));
}

std::vector<IndexCondition> read_conditions(Lexer& lexer) {
  std::vector<IndexCondition> conditions;
  if (!lexer.accept("if")) return conditions;
  do {
    if (lexer.integer("0") != 0) lexer.fail("a condition reads 0 <= value < extent");
    IndexCondition condition;
    lexer.expect("<=");
    condition.value = read_index(lexer);
    lexer.expect("<");
    condition.extent = read_index(lexer);
    conditions.push_back(std::move(condition));
  } while (lexer.accept(","));
  return conditions;
}

IndexMap read_map(Lexer& lexer) {
  IndexMap map;
  map.coords = read_indices(lexer);
  if (lexer.accept("where")) {
    do {
      const std::string wanted = "l" + std::to_string(map.loads.size());
      lexer.expect(wanted);
      lexer.expect("=");
      IndexLoad load;
      load.operand = static_cast<int32_t>(lexer.integer("the number of an operand"));
      load.coords = read_indices(lexer);
      map.loads.push_back(std::move(load));
    } while (lexer.accept(","));
  }
  map.conditions = read_conditions(lexer);
  return map;
}

Order read_order(Lexer& lexer) {
  Order order;
  if (!lexer.accept("order")) return order;
  if (lexer.accept("serial")) {
    order.form = Order::Form::serial;
    return order;
  }
  if (lexer.accept("winograd")) {
    lexer.expect("(");
    order.tile = lexer.integer("the results of a tile");
    lexer.expect(")");
    order.form = Order::Form::winograd;
    return order;
  }
  const bool lanes = lexer.accept("lanes");
  if (!lanes) lexer.expect("chain");
  lexer.expect("(");
  (lanes ? order.block : order.chunk) = lexer.integer("a number of positions");
  if (lanes) order.lanes = kLanes;
  while (lexer.accept(",")) {
    if (!lanes && lexer.accept("pairs")) {
      order.pairs = true;
      break;
    }
    lexer.expect(lanes ? "across" : "inner");
    (lanes ? order.lanes : order.inner) = lexer.integer("a number of positions");
  }
  lexer.expect(")");
  order.form = lanes ? Order::Form::lanes : Order::Form::chain;
  if ((lanes ? order.block : order.chunk) < 1) lexer.fail("an order needs at least one position");
  return order;
}

Combiner read_combiner(Lexer& lexer) {
  const std::string_view name = lexer.peek().text;
  auto combiner = parse_combiner(name);
  if (!combiner || lexer.peek().kind != Token::Kind::name) {
    lexer.fail("unknown combiner '" + std::string(name) + "'",
               "add, mul, min, max, and, or, xor, argmin, argmax, last, custom");
  }
  lexer.next();
  return *combiner;
}

ReduceAttr read_reduce(Lexer& lexer, const NodeText& text, ScanAttr* scan) {
  ReduceAttr attr;
  attr.combiner = read_combiner(lexer);
  attr.dims = read_dims(lexer);
  if (scan != nullptr) {
    scan->reverse = lexer.accept("reverse");
    scan->exclusive = lexer.accept("exclusive");
  }
  lexer.expect("identity");
  for (size_t i = 0; i < text.operands.size(); ++i) {
    if (i > 0) lexer.expect(",");
    attr.identities.push_back(read_scalar(lexer, text.operands[i].dtype()));
  }
  attr.order = read_order(lexer);
  return attr;
}

Contract read_contract(Lexer& lexer) {
  Contract c;
  while (!lexer.accept("|")) {
    ContractAxis axis;
    axis.name = std::string(lexer.name("an axis"));
    std::string_view role = axis.name;
    if (lexer.accept(":")) role = lexer.name("a role");
    auto parsed = parse_role(role);
    if (!parsed)
      lexer.fail("unknown role '" + std::string(role) + "'",
                 "batch, m, n, k or window, as in `oc: n = 64`");
    axis.role = *parsed;
    lexer.expect("=");
    axis.extent = read_index(lexer);
    c.axes.push_back(std::move(axis));
    if (!lexer.at("|")) lexer.expect(",");
  }
  lexer.expect("x");
  c.x_coords = read_indices(lexer);
  lexer.expect("y");
  c.y_coords = read_indices(lexer);
  c.conditions = read_conditions(lexer);
  c.order = read_order(lexer);
  return c;
}

uint64_t splitmix64(uint64_t& state) {
  uint64_t z = state += 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

Tensor read_tensor(Lexer& lexer, const NodeText& text, const Blobs& blobs) {
  if (text.types.size() != 1) lexer.fail("a leaf has one type");
  const DType dtype = text.types[0].dtype;
  std::vector<int64_t> shape;
  for (const Index& extent : text.types[0].shape) {
    if (!extent.is_const()) lexer.fail("a parameter or constant has no symbolic sizes");
    shape.push_back(extent.value());
  }
  if (lexer.accept("sha256")) {
    const std::string hash = lexer.string("a SHA-256");
    auto it = blobs.find(hash);
    if (it == blobs.end()) lexer.fail("the side file has no bytes for SHA-256 " + hash);
    Tensor tensor = it->second;
    tensor.dtype = dtype;
    tensor.shape = shape;
    if (it->second.bytes() != tensor.bytes())
      lexer.fail("the bytes of SHA-256 " + hash + " are not those of its type");
    return tensor;
  }
  const int64_t size = size_of(dtype);
  int64_t most = lexer.at("{") ? kMaxListed : kMaxFilled;
  for (int64_t extent : shape) most = extent > 0 ? most / extent : most;
  if (most < 1) lexer.fail("too many elements to stand in text", "put them in the side file");
  auto [tensor, bytes] = Tensor::make(dtype, shape);
  if (lexer.accept("fill")) {
    const Scalar value = read_scalar(lexer, dtype);
    for (int64_t i = 0; i < tensor.count(); ++i) value.write(bytes + i * size);
  } else if (lexer.accept("random")) {
    auto state = static_cast<uint64_t>(lexer.integer("a seed"));
    for (int64_t i = 0; i < tensor.count(); ++i) {
      const uint64_t bits = splitmix64(state) >> 40;
      const Scalar value = is_float(dtype)
                               ? Scalar::of(dtype, static_cast<double>(bits) / 16777216.0 - 0.5)
                               : Scalar::of_int(dtype, static_cast<int64_t>(bits & 255));
      value.write(bytes + i * size);
    }
  } else if (shape.empty()) {
    read_scalar(lexer, dtype).write(bytes);
  } else {
    lexer.expect("{");
    for (int64_t i = 0; i < tensor.count(); ++i) {
      if (i > 0) lexer.expect(",");
      read_scalar(lexer, dtype).write(bytes + i * size);
    }
    lexer.expect("}");
  }
  return tensor;
}

BindAttr read_bind(Lexer& lexer) {
  BindAttr attr;
  lexer.expect("symbol");
  attr.symbol = std::string(lexer.name("a symbol"));
  attr.lo = lexer.integer("the smallest size");
  lexer.expect("..");
  if (lexer.peek().kind == Token::Kind::number) attr.hi = lexer.integer("the largest size");
  return attr;
}

RegionAttr read_region(Lexer& lexer, Kind kind) {
  RegionAttr attr;
  if (kind != Kind::loop) return attr;
  attr.conditional = lexer.accept("while");
  if (attr.conditional && !lexer.at("trip")) {
    attr.trip = RegionAttr::kNoBound;
  } else {
    lexer.expect("trip");
    attr.trip = read_index(lexer);
  }
  lexer.expect("carried");
  attr.carried = static_cast<int32_t>(lexer.integer("a count"));
  if (attr.conditional) return attr;
  lexer.expect("scanned");
  attr.scanned = static_cast<int32_t>(lexer.integer("a count"));
  return attr;
}

CodeAttr read_code(Lexer& lexer) {
  CodeAttr attr;
  lexer.expect("source");
  attr.source = lexer.string("source text");
  if (lexer.accept("gradient")) attr.gradient = lexer.string("source text");
  return attr;
}

PackAttr read_pack(Lexer& lexer) {
  PackAttr attr;
  attr.bits = static_cast<int32_t>(lexer.integer("a number of bits"));
  lexer.expect("bits");
  attr.is_signed = lexer.accept("signed");
  return attr;
}

}  // namespace

std::pair<Kind, ScalarOp> read_kind(Lexer& lexer) {
  const std::string_view name = lexer.name("the kind of a node");
  if (auto op = parse_scalar_op(name)) {
    return {arity(*op) == 1 ? Kind::unary : arity(*op) == 2 ? Kind::binary : Kind::ternary, *op};
  }
  auto kind = parse_kind(name);
  if (kind && *kind != Kind::unary && *kind != Kind::binary && *kind != Kind::ternary)
    return {*kind, ScalarOp{}};
  std::vector<std::string_view> known;
  for (const ScalarOpRow& row : scalar_op_rows()) known.push_back(row.name);
  for (int k = 0; k <= static_cast<int>(Kind::host); ++k)
    known.push_back(name_of(static_cast<Kind>(k)));
  const std::string_view close = nearest(name, known);
  lexer.fail("there is no kind of node or scalar function '" + std::string(name) + "'",
             close.empty() ? "" : "did you mean '" + std::string(close) + "'?");
}

Attr read_attr(Lexer& lexer, Kind kind, ScalarOp op, const NodeText& text, const Blobs& blobs) {
  switch (kind) {
    case Kind::input:
      return InputAttr{text.leaf_name};
    case Kind::parameter:
      return ParameterAttr{text.leaf_name, read_tensor(lexer, text, blobs)};
    case Kind::constant:
      return ConstantAttr{read_tensor(lexer, text, blobs), ""};
    case Kind::iota:
      return IotaAttr{read_dim(lexer)};
    case Kind::random:
      return RandomAttr{std::string(lexer.name("a distribution"))};
    case Kind::unary:
    case Kind::binary:
    case Kind::ternary:
      return ScalarAttr{op};
    case Kind::cast:
    case Kind::bitcast:
      return CastAttr{};
    case Kind::pack:
    case Kind::unpack:
      return read_pack(lexer);
    case Kind::broadcast:
      return BroadcastAttr{read_dims(lexer)};
    case Kind::reindex: {
      ReindexAttr attr;
      attr.map = read_map(lexer);
      lexer.expect("fill");
      if (text.types.size() != 1) lexer.fail("reindex has one result");
      attr.fill = read_scalar(lexer, text.types[0].dtype);
      return attr;
    }
    case Kind::concat:
      return ConcatAttr{read_dim(lexer)};
    case Kind::reindex_reduce: {
      const Combiner combiner = read_combiner(lexer);
      return ReindexReduceAttr{combiner, read_map(lexer)};
    }
    case Kind::reduce:
      return read_reduce(lexer, text, nullptr);
    case Kind::scan: {
      ScanAttr attr;
      attr.reduce = read_reduce(lexer, text, &attr);
      return attr;
    }
    case Kind::contract:
      return read_contract(lexer);
    case Kind::sort: {
      const int32_t dim = read_dim(lexer);
      return SortAttr{dim, lexer.accept("descending")};
    }
    case Kind::compact:
      lexer.expect("symbol");
      return CompactAttr{std::string(lexer.name("a symbol"))};
    case Kind::size:
      return SizeAttr{read_index(lexer)};
    case Kind::bind:
      return read_bind(lexer);
    case Kind::if_:
    case Kind::loop:
    case Kind::call:
      return read_region(lexer, kind);
    case Kind::code:
      return read_code(lexer);
    case Kind::host:
      return HostAttr{lexer.string("the name of a host function")};
  }
  throw InternalError("text", "unknown kind");
}

}  // namespace mintor
