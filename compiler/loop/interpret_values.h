// SPDX-License-Identifier: Apache-2.0
// The interpreter's memory and values: integers of addresses, buffers with what is defined in them
// and who touched it, expression nodes that compute their lanes into a buffer of their own.
// Takes slots and buffers of a Scope; gives values. Keeps true: every access is checked against its
// shape, every read against what is defined, every touch against other parallel iterations.
#pragma once

#include <cstring>
#include <deque>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "compiler/ir/scalar_eval.h"
#include "compiler/loop/ir.h"
#include "compiler/support/error.h"
#include "compiler/support/index_poly.h"

namespace mintor::interpreter {

inline constexpr int kMostLanes = 1024;

// ---- integers ----

struct Int {
  struct Factor {
    int slot = -1;             // a variable, or
    Index::Atom::Kind kind{};  // floordiv, mod, min, max of
    std::unique_ptr<Int> a, b;
  };
  struct Term {
    int64_t coefficient;
    std::vector<Factor> factors;
  };
  std::vector<Term> terms;

  int64_t operator()(const int64_t* slots) const {
    int64_t sum = 0;
    for (const Term& t : terms) {
      int64_t product = t.coefficient;
      for (const Factor& f : t.factors) product *= f.slot >= 0 ? slots[f.slot] : atom(f, slots);
      sum += product;
    }
    return sum;
  }
  static int64_t atom(const Factor& f, const int64_t* slots) {
    using Kind = Index::Atom::Kind;
    int64_t a = (*f.a)(slots), b = (*f.b)(slots);
    if (f.kind == Kind::min) return std::min(a, b);
    if (f.kind == Kind::max) return std::max(a, b);
    if (b <= 0) throw InternalError("interpret", "a divisor is " + std::to_string(b));
    return f.kind == Kind::floordiv ? index_detail::floor_div(a, b) : index_detail::floor_mod(a, b);
  }
};

// ---- memory ----

struct BufferState {
  std::string name;
  DType dtype = DType::f32;
  size_t element = 4;
  std::vector<int64_t> shape;
  std::byte* data = nullptr;
  std::vector<std::byte> own;            // of a local buffer
  std::vector<bool>* defined = nullptr;  // null: all defined
  std::vector<bool> own_defined;
  bool outside = true;  // of the parallel loop: watched for races
  // Per element: which parallel iteration wrote it, or read it (-1 none, -2 several readers).
  std::vector<int64_t> writer, reader;
  bool live = false;
};

struct Scope {  // one per kernel being executed (instructions nest)
  std::string kernel;
  std::deque<BufferState> buffers;
  std::vector<int64_t> slots;
  int64_t iteration = -1;  // of the parallel loop, -1 outside
};

[[noreturn]] inline void fail(const Scope& s, const std::string& what) {
  throw InternalError("interpret", "kernel " + s.kernel + ": " + what);
}

inline std::string element_text(const BufferState& b, int64_t flat) {
  std::string out;
  for (size_t d = b.shape.size(); d-- > 0;) {
    int64_t extent = std::max<int64_t>(b.shape[d], 1);
    out = std::to_string(flat % extent) + (out.empty() ? "" : ", ") + out;
    flat /= extent;
  }
  return b.name + "[" + out + "]";
}

inline void note_read(Scope& s, BufferState& b, int64_t flat) {
  if (b.defined && !(*b.defined)[static_cast<size_t>(flat)])
    fail(s, "read of the undefined element " + element_text(b, flat));
  if (s.iteration < 0 || b.writer.empty()) return;
  int64_t w = b.writer[static_cast<size_t>(flat)];
  if (w >= 0 && w != s.iteration)
    fail(s, "race: one parallel iteration reads " + element_text(b, flat) + ", another writes it");
  int64_t& r = b.reader[static_cast<size_t>(flat)];
  r = r == -1 || r == s.iteration ? s.iteration : -2;
}

inline void note_write(Scope& s, BufferState& b, int64_t flat) {
  if (b.defined) (*b.defined)[static_cast<size_t>(flat)] = true;
  if (s.iteration < 0 || b.writer.empty()) return;
  int64_t& w = b.writer[static_cast<size_t>(flat)];
  int64_t r = b.reader[static_cast<size_t>(flat)];
  if ((w >= 0 && w != s.iteration) || (r != -1 && r != s.iteration))
    fail(s, "race: two parallel iterations touch " + element_text(b, flat) + " and one writes it");
  w = s.iteration;
}

struct Access {
  int buffer = -1;
  std::vector<Int> indices;

  // Of the first of some that lie side by side along the last dimension.
  int64_t flat(Scope& s, int64_t elements = 1) const {
    const BufferState& b = s.buffers[static_cast<size_t>(buffer)];
    if (!b.live) fail(s, "access to " + b.name + " outside of its scope");
    int64_t out = 0;
    for (size_t d = 0; d < indices.size(); ++d) {
      int64_t i = indices[d](s.slots.data());
      const int64_t last = d + 1 < indices.size() ? i : i + elements - 1;
      if (i < 0 || last >= b.shape[d])
        fail(s, "index " + std::to_string(i) + " of dimension " + std::to_string(d) + " of " +
                    b.name + " is outside of 0.." + std::to_string(b.shape[d]));
      out = out * b.shape[d] + i;
    }
    return out;
  }
};

// ---- expressions ----

// Lane l of a node is at out[l * size]; a node of one lane has only lane 0.
struct Value {
  DType dtype;
  int lanes;
  size_t size;
  std::vector<std::byte> out;

  Value(DType t, int n)
      : dtype(t),
        lanes(n),
        size(static_cast<size_t>(size_of(t))),
        out(size * static_cast<size_t>(n)) {}
  virtual ~Value() = default;
  // mask: null, or one byte per lane (of `width` lanes): lanes that are 0 need no value and execute
  // no load.
  virtual void run(Scope& s, const uint8_t* mask, int width) = 0;
};
using ValueRef = std::unique_ptr<Value>;

inline const void* widened(const Value& v, int lanes, std::vector<std::byte>& scratch) {
  if (v.lanes == lanes) return v.out.data();
  scratch.resize(v.size * static_cast<size_t>(lanes));
  for (int l = 0; l < lanes; ++l)
    std::memcpy(&scratch[v.size * static_cast<size_t>(l)], v.out.data(), v.size);
  return scratch.data();
}

struct ConstantValue : Value {
  explicit ConstantValue(const Scalar& c) : Value(c.dtype, 1) { c.write(out.data()); }
  void run(Scope&, const uint8_t*, int) override {}
};

struct IndexValue : Value {
  Int value;
  int lane_slot;
  IndexValue(Int v, int n, int slot) : Value(DType::i64, n), value(std::move(v)), lane_slot(slot) {}
  void run(Scope& s, const uint8_t*, int) override {
    for (int l = 0; l < lanes; ++l) {
      s.slots[static_cast<size_t>(lane_slot)] = l;
      int64_t x = value(s.slots.data());
      std::memcpy(&out[8 * static_cast<size_t>(l)], &x, 8);
    }
  }
};

struct InRangeValue : Value {
  Int value, extent;
  int lane_slot;
  InRangeValue(Int v, Int e, int n, int slot)
      : Value(DType::boolean, n), value(std::move(v)), extent(std::move(e)), lane_slot(slot) {}
  void run(Scope& s, const uint8_t*, int) override {
    for (int l = 0; l < lanes; ++l) {
      s.slots[static_cast<size_t>(lane_slot)] = l;
      int64_t x = value(s.slots.data());
      out[static_cast<size_t>(l)] = std::byte(x >= 0 && x < extent(s.slots.data()));
    }
  }
};

struct VariableValue : Value {
  const Value* let;
  VariableValue(const Value* source, int n) : Value(source->dtype, n), let(source) {}
  void run(Scope&, const uint8_t*, int) override {
    std::memcpy(out.data(), let->out.data(), out.size());
  }
};

struct LoadValue : Value {
  Access access;
  std::optional<Int> count;
  int lane_slot;
  int elements;  // of one value: those of a word
  LoadValue(DType t, int n, Access a, std::optional<Int> c, int slot, int each)
      : Value(t, n), access(std::move(a)), count(std::move(c)), lane_slot(slot), elements(each) {}
  void run(Scope& s, const uint8_t* mask, int width) override {
    int64_t limit = lanes;
    if (count) limit = (*count)(s.slots.data());
    bool wanted = lanes > 1 || !mask;
    for (int l = 0; !wanted && l < width; ++l) wanted = mask[l] != 0;
    for (int l = 0; l < lanes; ++l) {
      std::byte* to = &out[size * static_cast<size_t>(l)];
      if (l >= limit || !wanted || (lanes > 1 && mask && !mask[l])) {
        std::memset(to, 0, size);
        continue;
      }
      s.slots[static_cast<size_t>(lane_slot)] = l;
      BufferState& b = s.buffers[static_cast<size_t>(access.buffer)];
      int64_t at = access.flat(s, elements);
      for (int i = 0; i < elements; ++i) note_read(s, b, at + i);
      std::memcpy(to, b.data + static_cast<size_t>(at) * b.element, size);
    }
  }
};

struct OpValue : Value {
  ScalarOp op;
  std::vector<ValueRef> args;
  std::vector<std::vector<std::byte>> scratch;
  std::vector<const void*> pointers;
  DType operand;
  OpValue(DType t, int n, ScalarOp o, std::vector<ValueRef> a)
      : Value(t, n),
        op(o),
        args(std::move(a)),
        scratch(args.size()),
        pointers(args.size()),
        operand(args.back()->dtype) {}
  void run(Scope& s, const uint8_t* mask, int width) override {
    for (size_t i = 0; i < args.size(); ++i) {
      args[i]->run(s, mask, width);
      pointers[i] = widened(*args[i], lanes, scratch[i]);
    }
    evaluate_array(op, operand, pointers, out.data(), lanes);
  }
};

struct CastValue : Value {
  ValueRef arg;
  CastValue(DType t, ValueRef a) : Value(t, a->lanes), arg(std::move(a)) {}
  void run(Scope& s, const uint8_t* mask, int width) override {
    arg->run(s, mask, width);
    cast_array(arg->dtype, arg->out.data(), dtype, out.data(), lanes);
  }
};

struct BitcastValue : Value {
  ValueRef arg;
  BitcastValue(DType t, ValueRef a) : Value(t, a->lanes), arg(std::move(a)) {}
  void run(Scope& s, const uint8_t* mask, int width) override {
    arg->run(s, mask, width);
    for (int l = 0; l < lanes; ++l) {
      const std::byte* from = &arg->out[size * static_cast<size_t>(l)];
      std::byte* to = &out[size * static_cast<size_t>(l)];
      Scalar in = Scalar::read(arg->dtype, from);
      bool nan = is_float(arg->dtype) && !is_float(dtype) && in.f != in.f;
      if (nan)  // numerics: a NaN becomes the one positive quiet NaN
        Scalar::of(arg->dtype, std::numeric_limits<double>::quiet_NaN()).write(to);
      else
        std::memcpy(to, from, size);
    }
  }
};

struct GuardValue : Value {
  ValueRef cond, value, fill;
  std::vector<uint8_t> yes, no;
  GuardValue(DType t, int n, ValueRef c, ValueRef v, ValueRef f)
      : Value(t, n), cond(std::move(c)), value(std::move(v)), fill(std::move(f)) {}
  void run(Scope& s, const uint8_t* mask, int width) override {
    cond->run(s, mask, width);
    yes.assign(static_cast<size_t>(width), 0);
    no.assign(static_cast<size_t>(width), 0);
    bool any_yes = false, any_no = false;
    for (int l = 0; l < width; ++l) {
      if (mask && !mask[l]) continue;
      bool holds = cond->out[cond->lanes > 1 ? static_cast<size_t>(l) : 0] != std::byte(0);
      (holds ? yes : no)[static_cast<size_t>(l)] = 1;
      (holds ? any_yes : any_no) = true;
    }
    if (any_yes) value->run(s, yes.data(), width);
    if (any_no) fill->run(s, no.data(), width);
    for (int l = 0; l < lanes; ++l) {
      bool holds = lanes > 1 ? yes[static_cast<size_t>(l)] != 0 : any_yes;
      const Value& from = holds ? *value : *fill;
      std::memcpy(&out[size * static_cast<size_t>(l)],
                  &from.out[from.lanes > 1 ? size * static_cast<size_t>(l) : 0], size);
    }
  }
};

}  // namespace mintor::interpreter
