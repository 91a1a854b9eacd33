// SPDX-License-Identifier: Apache-2.0
// Values of symbols against what the package declares and against the sizes that follow from them.
// Takes symbol values; gives a status whose message names the tensor and the values. Keeps true:
// no other size function of the program is called before check_sizes has passed.
#include "runtime.h"

namespace MT_PACKAGE {

bool in_range(const mt_symbol_info& symbol, int64_t value) {
  if (value < 0 || value < symbol.lo || (symbol.hi >= 0 && value > symbol.hi)) return false;
  return symbol.divisor <= 1 || value % symbol.divisor == 0;
}

RangeText range_text(const mt_symbol_info& symbol) {
  RangeText range;
  char multiple[40] = "", most[24] = "";  // empty where there is none
  if (symbol.divisor > 1) {
    snprintf(multiple, sizeof(multiple), "a multiple of %lld in ", (long long)symbol.divisor);
  }
  if (symbol.hi >= 0) snprintf(most, sizeof(most), "%lld", (long long)symbol.hi);
  snprintf(range.text, sizeof(range.text), "%s%lld..%s", multiple, (long long)symbol.lo, most);
  return range;
}

bool has_symbol(const Entry& entry, int32_t symbol) {
  return symbol < 32 && (entry.symbols >> symbol & 1);
}

// "h = 1, w = 6", as far as there is room.
static void print_symbols(const mt_model_info& info, const Entry& entry, const int64_t* symbols,
                          char* text, size_t room) {
  size_t used = 0;
  text[0] = 0;
  for (int32_t i = 0; i < info.symbol_count && used < room; ++i) {
    if (!has_symbol(entry, i)) continue;
    const int printed = snprintf(text + used, room - used, "%s%s = %lld", used ? ", " : "",
                                 info.symbols[i].name, (long long)symbols[i]);
    if (printed < 0) return;
    used += size_t(printed);
  }
}

mt_status check_conditions(const Program& program, const Entry& entry, CheckConditions check,
                           const int64_t* symbols) {
  if (!check) return MT_OK;
  const SizeCondition broken = check(symbols);
  if (!broken.left && !broken.because) return MT_OK;
  if (!broken.left) return fail(MT_SHAPE_MISMATCH, "%s", broken.because);
  char values[160];
  print_symbols(program.info, entry, symbols, values, sizeof(values));
  const char *colon = broken.because ? ": " : "", *because = broken.because ? broken.because : "";
  if (!broken.right) {
    return fail(MT_SHAPE_MISMATCH, "%s is %lld, must be %lld%s (%s)%s%s", broken.left,
                (long long)broken.left_value, (long long)broken.right_value, broken.alternative,
                values, colon, because);
  }
  return fail(MT_SHAPE_MISMATCH, "%s is %lld and %s is %lld, they must be equal%s (%s)%s%s",
              broken.left, (long long)broken.left_value, broken.right,
              (long long)broken.right_value, broken.alternative, values, colon, because);
}

mt_status check_sizes(const Program& program, const Entry& entry, CheckSizes check,
                      const int64_t* symbols) {
  if (!check) return MT_OK;
  const SizeFault fault = check(symbols);
  if (fault.kind == SizeFault::none) return MT_OK;
  char values[240], what[160];
  print_symbols(program.info, entry, symbols, values, sizeof(values));
  if (!fault.tensor) {
    snprintf(what, sizeof(what), "the working memory");
  } else if (fault.dim < 0) {
    snprintf(what, sizeof(what), "'%s'", fault.tensor);
  } else {
    snprintf(what, sizeof(what), "dimension %d of '%s'", fault.dim, fault.tensor);
  }
  if (fault.kind == SizeFault::negative) {
    return fail(MT_SHAPE_MISMATCH, "%s would be %lld with %s", what, (long long)fault.size, values);
  }
  return fail(MT_OUT_OF_MEMORY, "%s would have more than 2^63 %s with %s", what,
              fault.dim < 0 ? "bytes" : "elements", values);
}

}  // namespace MT_PACKAGE
