// SPDX-License-Identifier: Apache-2.0
// einsum: diagonals become reindexes, labels that one operand alone has are summed first, every
// pair of operands is one contraction (roles by where a label occurs), the last step orders the
// output. Operands are taken left to right.
#include <algorithm>
#include <map>
#include <set>

#include "compiler/ops/library/contraction.h"

namespace mintor::ops {

namespace {

// One operand: a label for each dimension. Labels of "..." dimensions are digits 0, 1, ... aligned
// right.
struct Term {
  Value value;
  std::string labels;
};

constexpr size_t kMaxEllipsis = 10;

[[noreturn]] void bad(std::string_view equation, std::string problem) {
  fail("einsum", std::string(equation) + ": " + problem);
}

// "ij..." -> "ij" with the digits of `dots` dimensions in the place of the dots.
std::string expand_labels(std::string_view equation, std::string_view text, size_t dots,
                          size_t max_dots) {
  std::string out;
  bool seen = false;
  for (size_t p = 0; p < text.size(); ++p) {
    if (text[p] == '.') {
      if (seen || text.substr(p, 3) != "...") bad(equation, "'...' may stand once in a term");
      seen = true;
      p += 2;
      for (size_t d = max_dots - dots; d < max_dots; ++d) out += static_cast<char>('0' + d);
    } else if ((text[p] >= 'a' && text[p] <= 'z') || (text[p] >= 'A' && text[p] <= 'Z')) {
      out += text[p];
    } else {
      bad(equation, std::string("unexpected '") + text[p] + "'");
    }
  }
  return out;
}

struct Equation {
  std::vector<std::string> terms;
  std::string output;
};

Equation parse(std::string_view given, std::span<const Value> operands) {
  std::string text;
  for (char c : given) {
    if (c != ' ') text += c;
  }
  size_t arrow = text.find("->");
  std::string left = text.substr(0, arrow);
  std::vector<std::string> raw;
  for (size_t start = 0; start <= left.size();) {
    size_t comma = std::min(left.find(',', start), left.size());
    raw.push_back(left.substr(start, comma - start));
    start = comma + 1;
  }
  if (raw.size() != operands.size())
    bad(given,
        std::to_string(raw.size()) + " terms for " + std::to_string(operands.size()) + " operands");
  std::vector<size_t> dots(raw.size(), 0);
  size_t max_dots = 0;
  for (size_t t = 0; t < raw.size(); ++t) {
    if (raw[t].find("...") == std::string::npos) continue;
    size_t named = raw[t].size() - 3, rank = operands[t].shape().size();
    if (named > rank || rank - named > kMaxEllipsis)
      bad(given, "term '" + raw[t] + "' does not fit " + ops::text(operands[t].type()));
    dots[t] = rank - named;
    max_dots = std::max(max_dots, dots[t]);
  }
  Equation e;
  std::map<char, int> count;
  for (size_t t = 0; t < raw.size(); ++t) {
    e.terms.push_back(expand_labels(given, raw[t], dots[t], max_dots));
    if (e.terms[t].size() != operands[t].shape().size())
      bad(given, "term '" + raw[t] + "' does not fit " + ops::text(operands[t].type()));
    for (char c : e.terms[t]) ++count[c];
  }
  if (arrow != std::string::npos) {
    e.output = expand_labels(given, std::string_view(text).substr(arrow + 2), max_dots, max_dots);
  } else {
    for (size_t d = 0; d < max_dots; ++d) e.output += static_cast<char>('0' + d);
    for (auto [label, n] : count) {
      if (n == 1 && label > '9') e.output += label;
    }
  }
  for (char c : e.output) {
    if (!count.contains(c) || std::count(e.output.begin(), e.output.end(), c) != 1)
      bad(given, std::string("output label '") + c + "' is unknown or named twice");
  }
  return e;
}

// A label that occurs twice in one term: its diagonal.
Term without_repeats(Builder& b, Term t) {
  std::string labels;
  Shape shape;
  IndexMap map;
  for (size_t d = 0; d < t.labels.size(); ++d) {
    size_t seen = labels.find(t.labels[d]);
    if (seen == std::string::npos) {
      seen = labels.size();
      labels += t.labels[d];
      shape.push_back(t.value.shape()[d]);
    } else if (!same_size(b, shape[seen], t.value.shape()[d])) {
      fail_unequal(
          "einsum",
          std::string("sizes of label '") + t.labels[d] + "' differ in " + text(t.value.type()),
          shape[seen], t.value.shape()[d]);
    }
    map.coords.push_back(result_index(seen));
  }
  if (labels.size() == t.labels.size()) return t;
  return {b.reindex(t.value, shape, map, Scalar::of_int(t.value.dtype(), 0)), labels};
}

// Sums over the labels that nothing else needs.
Term sum_out(Builder& b, Term t, const std::string& needed) {
  std::vector<int64_t> axes;
  std::string labels;
  for (size_t d = 0; d < t.labels.size(); ++d) {
    if (needed.find(t.labels[d]) == std::string::npos)
      axes.push_back(static_cast<int64_t>(d));
    else
      labels += t.labels[d];
  }
  if (axes.empty()) return t;
  return {reduce(b, Reduction::sum, t.value, axes, false), labels};
}

// One contraction; labels of the result: those of `needed`, in the order of `order`.
Term multiply(Builder& b, const Term& x, const Term& y, const std::string& needed,
              const std::string& order) {
  Contract c;
  std::string labels, all = x.labels;
  for (char l : y.labels) {
    if (all.find(l) == std::string::npos) all += l;
  }
  auto size_in = [](const Term& t, char l) {
    size_t p = t.labels.find(l);
    return p == std::string::npos ? std::optional<Index>() : t.value.shape()[p];
  };
  std::map<char, std::pair<bool, bool>> stretched;
  auto add_axis = [&](char l, bool summed) {
    std::optional<Index> sx = size_in(x, l), sy = size_in(y, l);
    bool one_x = sx && sx->is_const(1), one_y = sy && sy->is_const(1);
    if (sx && sy && !one_x && !one_y && !same_size(b, *sx, *sy))
      fail_unequal("einsum",
                   std::string("sizes of label '") + l + "' differ: " + text(x.value.type()) +
                       ", " + text(y.value.type()),
                   *sx, *sy);
    bool drop_x = one_x && sy && !one_y, drop_y = one_y && sx && !one_x;
    stretched[l] = {drop_x, drop_y};
    AxisRole role = AxisRole::k;
    if (!summed)
      role = sx && sy && !drop_x && !drop_y ? AxisRole::batch
                                            : (sx && !drop_x ? AxisRole::m : AxisRole::n);
    c.axes.push_back(axis(std::string("e_") + l, role, sx && !drop_x ? *sx : *sy));
  };
  for (char l : order) {
    if (all.find(l) != std::string::npos && needed.find(l) != std::string::npos) {
      add_axis(l, false);
      labels += l;
    }
  }
  for (char l : all) {
    if (needed.find(l) == std::string::npos) add_axis(l, true);
  }
  for (char l : x.labels)
    c.x_coords.push_back(stretched[l].first ? Index(0) : Index::var(std::string("e_") + l));
  for (char l : y.labels)
    c.y_coords.push_back(stretched[l].second ? Index(0) : Index::var(std::string("e_") + l));
  return {contract_as("einsum", b, x.value, y.value, std::move(c)), labels};
}

}  // namespace

Value einsum(Builder& b, std::string_view equation, std::span<const Value> operands) {
  OpScope scope(b, "einsum");
  if (operands.empty()) fail("einsum", "no operands");
  Equation e = parse(equation, operands);
  std::vector<Term> terms;
  for (size_t t = 0; t < operands.size(); ++t)
    terms.push_back(without_repeats(b, {operands[t], e.terms[t]}));
  auto needed_after = [&](size_t t) {
    std::string needed = e.output;
    for (size_t u = t; u < terms.size(); ++u) needed += terms[u].labels;
    return needed;
  };
  std::string order = e.output;
  for (const Term& t : terms) {
    for (char l : t.labels) {
      if (order.find(l) == std::string::npos) order += l;
    }
  }
  Term result = sum_out(b, terms[0], needed_after(1));
  for (size_t t = 1; t < terms.size(); ++t) {
    std::string later = needed_after(t + 1);
    Term right = sum_out(b, terms[t], later + result.labels);
    result = multiply(b, result, right, later, order);
  }
  std::vector<int32_t> perm;
  for (char l : e.output) perm.push_back(static_cast<int32_t>(result.labels.find(l)));
  return b.transpose(result.value, perm);
}

}  // namespace mintor::ops
