// SPDX-License-Identifier: Apache-2.0
// The text of a regular expression, parsed (pattern.h).
// Takes text; gives a tree. Keeps true: groups capture nothing and repetition is neither lazy nor
// greedy, for both decide how a text matches, not whether.
#include <algorithm>
#include <optional>
#include <string>

#include "compiler/support/error.h"
#include "compiler/support/pattern.h"

namespace mintor {

namespace {

constexpr int kDeepest = 200, kMostRepeats = 1000;
constexpr int32_t kLast = 0x10FFFF;

using Ranges = std::vector<Pattern::Range>;

Ranges merged(Ranges ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const auto& x, const auto& y) { return x.lo < y.lo; });
  Ranges out;
  for (const auto& r : ranges) {
    if (!out.empty() && r.lo <= out.back().hi + 1)
      out.back().hi = std::max(out.back().hi, r.hi);
    else
      out.push_back(r);
  }
  return out;
}

Ranges all_but(Ranges ranges) {
  Ranges out;
  int32_t from = 0;
  for (const auto& r : merged(std::move(ranges))) {
    if (from < r.lo) out.push_back({from, r.lo - 1});
    from = r.hi + 1;
  }
  if (from <= kLast) out.push_back({from, kLast});
  return out;
}

struct Named {
  std::string_view name;
  std::string_view pairs;  // first and last of each range
};
constexpr Named kPosix[] = {{"alnum", "09AZaz"},
                            {"alpha", "AZaz"},
                            {"ascii", std::string_view("\0\x7F", 2)},
                            {"blank", "\t\t  "},
                            {"cntrl", std::string_view("\0\x1F\x7F\x7F", 4)},
                            {"digit", "09"},
                            {"graph", "!~"},
                            {"lower", "az"},
                            {"print", " ~"},
                            {"punct", "!/:@[`{~"},
                            {"space", "\t\r  "},
                            {"upper", "AZ"},
                            {"word", "09AZaz__"},
                            {"xdigit", "09AFaf"}};

Ranges of_pairs(std::string_view pairs) {
  Ranges out;
  for (size_t i = 0; i < pairs.size(); i += 2) out.push_back({pairs[i], pairs[i + 1]});
  return out;
}

// \d \w \s and what is not in them.
std::optional<Ranges> perl_class(char c) {
  std::optional<Ranges> out;
  switch (c | 0x20) {
    case 'd':
      out = of_pairs("09");
      break;
    case 'w':
      out = of_pairs("09AZaz__");
      break;
    case 's':
      out = of_pairs("\t\n\f\r  ");
      break;
    default:
      return out;
  }
  return c & 0x20 ? out : all_but(std::move(*out));
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Pattern run() {
    Pattern p = choice(0);
    if (!at_end()) fail("a ')' closes nothing");
    return p;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw CompileError("pattern", why + ", at byte " + std::to_string(at_), "",
                       "the syntax is RE2's: github.com/google/re2/wiki/Syntax");
  }
  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool take(std::string_view what) {
    if (!text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }

  int32_t character() {
    if (at_end()) fail("ends where a character is due");
    const auto byte = [&](size_t k) {
      return at_ + k < text_.size() ? static_cast<unsigned char>(text_[at_ + k]) : 0u;
    };
    const unsigned first = byte(0);
    const size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    unsigned point = length == 1 ? first : first & (0x7Fu >> length);
    bool good = first < 0x80 || (first >= 0xC2 && first <= 0xF4);
    for (size_t k = 1; k < length; ++k) {
      good = good && (byte(k) & 0xC0) == 0x80;
      point = point << 6 | (byte(k) & 0x3F);
    }
    constexpr unsigned kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (!good || point < kLeast[length] || point > kLast || (point >> 11) == 0x1B)
      fail("is no UTF-8");
    at_ += length;
    return static_cast<int32_t>(point);
  }

  Pattern choice(int depth) {
    if (depth > kDeepest) fail("groups are more than " + std::to_string(kDeepest) + " deep");
    const Flags before = flags_;
    Pattern out{Pattern::Kind::choice, {}, {}};
    do out.parts.push_back(sequence(depth));
    while (take("|"));
    flags_ = before;
    return out.parts.size() == 1 ? std::move(out.parts[0]) : out;
  }

  Pattern sequence(int depth) {
    Pattern out;
    while (!at_end() && peek() != '|' && peek() != ')') {
      if (take("\\Q")) {
        const size_t before = out.parts.size();
        while (!at_end() && !take("\\E")) out.parts.push_back(literal(character()));
        if (out.parts.size() > before) out.parts.back() = repeated(std::move(out.parts.back()));
        continue;
      }
      if (std::optional<Pattern> one = atom(depth)) out.parts.push_back(repeated(std::move(*one)));
    }
    return out;
  }

  // Behind it * + ? {n} {n,} {n,m}, lazy or not.
  Pattern repeated(Pattern x) {
    const size_t start = at_;
    int least = 0, most = Pattern::kNoEnd;
    if (take("+"))
      least = 1;
    else if (take("?"))
      most = 1;
    else if (!take("*") && !counts(least, most))
      return x;
    take("?");
    if (most != Pattern::kNoEnd && least > most) {
      at_ = start;
      fail("a repetition ends before it begins");
    }
    int again = 0;
    if (peek() == '*' || peek() == '+' || peek() == '?' || counts(again, again))
      fail("a repetition is repeated");
    Pattern out{Pattern::Kind::repeat, {}, {}};
    out.parts.push_back(std::move(x));
    out.least = least;
    out.most = most;
    return out;
  }

  // "{2,5}"; anything else in braces is itself.
  bool counts(int& least, int& most) {
    const size_t start = at_;
    const auto number = [&](int& value) {
      const size_t first = at_;
      for (value = 0; peek() >= '0' && peek() <= '9'; ++at_)
        value = std::min(value * 10 + (peek() - '0'), kMostRepeats + 1);
      return at_ > first;
    };
    bool good = take("{") && number(least);
    if (good && take(","))
      good = peek() == '}' || number(most);
    else
      most = least;
    if (!good || !take("}")) {
      at_ = start;
      least = 0;
      most = Pattern::kNoEnd;
      return false;
    }
    if (least > kMostRepeats || most > kMostRepeats)
      fail("is repeated more than " + std::to_string(kMostRepeats) + " times");
    return true;
  }

  Pattern characters(Ranges ranges) {
    Pattern out{Pattern::Kind::characters, {}, {}};
    out.ranges = merged(std::move(ranges));
    return out;
  }
  Pattern literal(int32_t point) { return characters(folded({{point, point}})); }
  Pattern assertion(Pattern::Assertion what) {
    Pattern out{Pattern::Kind::assertion, {}, {}};
    out.assertion = what;
    return out;
  }

  // In both cases where the pattern asks for that.
  Ranges folded(Ranges ranges) {
    if (!flags_.folds) return ranges;
    for (size_t i = 0, count = ranges.size(); i < count; ++i) {
      const auto [lo, hi] = ranges[i];
      if (lo > 0x7F && !(lo == 0x80 && hi == kLast))
        fail("case is folded for letters of ASCII alone");
      for (int32_t c = std::max(lo, 0x41); c <= std::min(hi, 0x7A); ++c) {
        const bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (letter) ranges.push_back({c ^ 0x20, c ^ 0x20});
        if ((c | 0x20) == 'k') ranges.push_back({0x212A, 0x212A});  // Kelvin
        if ((c | 0x20) == 's') ranges.push_back({0x17F, 0x17F});    // long s
      }
    }
    return ranges;
  }

  std::optional<Pattern> atom(int depth) {
    using A = Pattern::Assertion;
    if (take("(")) return group(depth);
    if (take("[")) return characters(bracket());
    if (take(".")) return characters(flags_.dot_is_all ? all_but({}) : all_but({{'\n', '\n'}}));
    if (take("^")) return assertion(flags_.lines ? A::line_begin : A::text_begin);
    if (take("$")) return assertion(flags_.lines ? A::line_end : A::text_end);
    if (take("\\A")) return assertion(A::text_begin);
    if (take("\\z")) return assertion(A::text_end);
    if (take("\\b")) return assertion(A::word);
    if (take("\\B")) return assertion(A::no_word);
    if (peek() == '*' || peek() == '+' || peek() == '?') fail("repeats nothing");
    if (take("\\")) {
      if (std::optional<Ranges> named = perl_class(peek())) {
        ++at_;
        return characters(std::move(*named));
      }
      return literal(escape());
    }
    return literal(character());
  }

  // Behind "(".
  std::optional<Pattern> group(int depth) {
    const Flags before = flags_;
    if (take("?P<") || take("?<")) {
      const size_t end = text_.find('>', at_);
      if (end == std::string_view::npos || end == at_) fail("a group's name does not end");
      at_ = end + 1;
    } else if (take("?")) {
      if (!read_flags()) return std::nullopt;  // "(?i)": for the rest of the group around it
    }
    Pattern out = choice(depth + 1);
    if (!take(")")) fail("a '(' is not closed");
    flags_ = before;
    return out;
  }

  // "i-s:" or "i)"; whether a group follows.
  bool read_flags() {
    bool on = true;
    for (;; ++at_) {
      switch (peek()) {
        case 'i':
          flags_.folds = on;
          break;
        case 'm':
          flags_.lines = on;
          break;
        case 's':
          flags_.dot_is_all = on;
          break;
        case 'U':
          break;
        case '-':
          if (!on) fail("flags have two '-'");
          on = false;
          break;
        case ':':
          ++at_;
          return true;
        case ')':
          ++at_;
          return false;
        default:
          fail("is no flag of a group: i, m, s and U are");
      }
    }
  }

  // Behind "[".
  Ranges bracket() {
    const bool negated = take("^");
    Ranges ranges;
    for (bool first = true; first || peek() != ']'; first = false) {
      if (at_end()) fail("a '[' is not closed");
      if (take("[:")) {
        const bool but = take("^");
        Ranges named = posix();
        if (but) named = all_but(std::move(named));
        ranges.insert(ranges.end(), named.begin(), named.end());
        continue;
      }
      if (peek() == '\\' && at_ + 1 < text_.size())
        if (std::optional<Ranges> named = perl_class(text_[at_ + 1])) {
          at_ += 2;
          ranges.insert(ranges.end(), named->begin(), named->end());
          continue;
        }
      const int32_t lo = take("\\") ? escape() : character();
      int32_t hi = lo;
      if (peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        hi = take("\\") ? escape() : character();
      }
      if (hi < lo) fail("a range of characters ends before it begins");
      for (const auto& r : folded({{lo, hi}})) ranges.push_back(r);
    }
    ++at_;
    return negated ? all_but(std::move(ranges)) : ranges;
  }

  Ranges posix() {
    for (const Named& named : kPosix) {
      if (take(std::string(named.name) + ":]")) return of_pairs(named.pairs);
    }
    fail("is no class of characters");
  }

  // Behind "\".
  int32_t escape() {
    constexpr std::string_view kLetters = "aftnrv", kMeans = "\a\f\t\n\r\v";
    const char c = peek();
    if (const size_t i = kLetters.find(c); !at_end() && i != std::string_view::npos) {
      ++at_;
      return kMeans[i];
    }
    if (take("x")) return take("{") ? digits(16, 8, true) : digits(16, 2, false);
    const auto octal = [](char d) { return d >= '0' && d <= '7'; };
    const bool two = at_ + 1 < text_.size() && octal(text_[at_ + 1]);
    if (c == '0' || (octal(c) && two)) return digits(8, 3, false);  // \1 alone is a reference
    const bool word = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    if (at_end() || word) fail("has a '\\' that means nothing here");
    return character();
  }

  int32_t digits(int base, int most, bool braced) {
    int32_t value = 0;
    int count = 0;
    for (; count < most; ++count, ++at_) {
      const char c = peek(), low = static_cast<char>(c | 0x20);
      const int digit = c >= '0' && c <= '9'       ? c - '0'
                        : low >= 'a' && low <= 'f' ? low - 'a' + 10
                                                   : 99;
      if (digit >= base) break;
      value = std::min(value * base + digit, kLast + 1);
    }
    if (count == 0 || (base == 16 && !braced && count < 2) || value > kLast ||
        (braced && !take("}")))
      fail("has a bad code of a character");
    return value;
  }

  struct Flags {
    bool folds = false, lines = false, dot_is_all = false;
  };
  std::string_view text_;
  size_t at_ = 0;
  Flags flags_;
};

}  // namespace

Pattern parse_pattern(std::string_view text) { return Parser(text).run(); }

}  // namespace mintor
