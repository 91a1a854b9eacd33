# SPDX-License-Identifier: Apache-2.0
"""The scalar table of docs/numerics.md, from scalar_ops.def and the measurements.

Run `python tests/numerics/numerics_table.py [--check]`: rewrites the part of docs/numerics.md
between its two markers, or says whether it is up to date. measured.txt holds lines of
accuracy_tool. A row without a text below is described by its reference.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- scalar table: begin -->\n", "<!-- scalar table: end -->\n"

DTYPES = {
    "numeric": "f32 f64 ints",
    "floating": "f32 f64",
    "single": "f32",
    "integer": "ints",
    "logical": "bool",
    "equality": "f32 f64 ints bool -> bool",
    "compare": "f32 f64 ints -> bool",
    "test": "f32 f64 -> bool",
    "words": "i32",
    "pairs": "f32",
    "select": "bool, any, any",
}

# row: (definition, domain, special cases)
TEXTS = {
    "neg": ("-x", "", "ints wrap; the sign of NaN is not defined"),
    "abs": ("magnitude of x", "", "the most negative integer stays"),
    "sign": ("-1, 0 or 1", "", "keeps -0 and NaN"),
    "relu": ("x < 0 ? 0 : x", "", "keeps -0 and NaN"),
    "reciprocal": ("1 / x", "", "1/0 = inf, 1/-0 = -inf"),
    "sqrt": ("square root", "x >= 0", "sqrt(-0) = -0, below 0 NaN"),
    "floor": ("rounds down", "", ""),
    "ceil": ("rounds up", "", ""),
    "trunc": ("rounds to 0", "", ""),
    "round": ("to nearest, half to even", "", ""),
    "rsqrt": ("1 / sqrt(x), two roundings", "x >= 0", "0 gives inf, -0 gives -inf, below 0 NaN"),
    "cbrt": ("cube root", "", "keeps -0"),
    "exp": ("e^x", "", "overflow inf, gradual underflow"),
    "exp2": ("2^x", "", "exact for whole x"),
    "expm1": ("e^x - 1", "", "keeps -0"),
    "log": ("natural logarithm", "x >= 0", "0 gives -inf, below 0 NaN"),
    "log2": ("logarithm to base 2", "x >= 0", "exact for powers of 2; 0 gives -inf, below 0 NaN"),
    "log10": ("logarithm to base 10", "x >= 0", "0 gives -inf, below 0 NaN"),
    "log1p": ("log(1 + x)", "x >= -1", "-1 gives -inf, below NaN; keeps -0"),
    "sigmoid": ("1 / (1 + e^-x)", "", "gradual underflow"),
    "sin": ("sine", "", "whole range, exact reduction; inf gives NaN; keeps -0"),
    "cos": ("cosine", "", "whole range, exact reduction; inf gives NaN"),
    "tan": ("tangent", "", "whole range, exact reduction; inf gives NaN; keeps -0"),
    "asin": ("arc sine", "-1 .. 1", "NaN outside; keeps -0"),
    "acos": ("arc cosine", "-1 .. 1", "NaN outside"),
    "atan": ("arc tangent", "", "keeps -0"),
    "sinh": ("hyperbolic sine", "", "keeps -0"),
    "cosh": ("hyperbolic cosine", "", ""),
    "tanh": ("hyperbolic tangent", "", "keeps -0"),
    "asinh": ("inverse of sinh", "", "keeps -0"),
    "acosh": ("inverse of cosh", "x >= 1", "below 1 NaN"),
    "atanh": ("inverse of tanh", "-1 .. 1", "1 gives inf, outside NaN; keeps -0"),
    "erf": ("error function", "", "keeps -0"),
    "erfc": ("1 - erf(x)", "", "gradual underflow"),
    "add": ("x + y", "", "ints wrap"),
    "sub": ("x - y", "", "ints wrap"),
    "mul": ("x y", "", "ints wrap"),
    "div": ("x / y; ints truncate", "", "int x / 0 = 0, MIN / -1 wraps"),
    "floordiv": ("x / y rounded down (Python //), from the exact remainder", "",
        "int x // 0 = 0; f x // 0 = x / 0"),
    "mod": ("x - y floor(x / y) (Python %)", "", "sign of y; int x % 0 = 0; f x % 0 = NaN"),
    "fmod": ("x - y trunc(x / y), exact (C)", "", "sign of x; int 0, f NaN for y = 0"),
    "min": ("the smaller", "", "NaN if either is; -0 < +0"),
    "max": ("the larger", "", "NaN if either is; -0 < +0"),
    "pow": ("x^y; ints by wrapping products", "",
        "C's: x^0 = 1, 1^y = 1, NaN for x < 0 and y not whole; int x^-n = 0 but for 1 and -1"),
    "atan2": ("angle of (y, x)", "", "C's: signs of zeros count"),
    "hypot": ("sqrt(x^2 + y^2)", "", "no overflow in between; inf wins over NaN"),
    "copysign": ("x with the sign of y", "", "a NaN y counts as positive"),
    "eq": ("x = y", "", "NaN differs from all"),
    "ne": ("x != y", "", "NaN differs from all"),
    "lt": ("x < y", "", "false with NaN"),
    "le": ("x <= y", "", "false with NaN"),
    "gt": ("x > y", "", "false with NaN"),
    "ge": ("x >= y", "", "false with NaN"),
    "is_nan": ("x is NaN", "", ""),
    "is_inf": ("x is inf or -inf", "", ""),
    "is_finite": ("neither NaN nor inf", "", ""),
    "signbit": ("sign bit", "", "false for NaN"),
    "not": ("logical not", "", ""),
    "and": ("logical and", "", ""),
    "or": ("logical or", "", ""),
    "xor": ("logical xor", "", ""),
    "bit_not": ("~x", "", ""),
    "bit_and": ("x & y", "", ""),
    "bit_or": ("x | y", "", ""),
    "bit_xor": ("x ^ y", "", ""),
    "shl": ("x << y", "", "0 for y >= width or y < 0"),
    "shr": ("x >> y, with the sign for signed", "", "0 or the sign for y >= width or y < 0"),
    "where": ("x ? y : z", "", "moves bits"),
    "fma": ("x y + z, one rounding", "", ""),
    "dot_bytes": ("z + the four bytes of x, unsigned, times those of y, signed", "", "wraps"),
    "dot_bf16": ("fma(high x, high y, fma(low x, low y, z)) of the bf16 in the bits of x and y", "",
                 "CPUs with an instruction for it round as that does"),
    "clamp": ("min(max(x, y), z)", "", "NaN if any is; z where y > z"),
}

# Rows of floats that round once; the others without a measurement are exact.
ROUNDED = ("reciprocal", "sqrt", "add", "sub", "mul", "div", "floordiv", "mod", "fma")


def rows():
    text = (ROOT / "compiler/ir/scalar_ops.def").read_text()
    row = r'^X\((\w+),\s*\d,\s*(\w+),\s*\w+,\s*"[^"]*",\s*(\w+)'
    for match in re.finditer(row, text, re.M):
        yield match.group(1).rstrip("_"), match.group(2), match.group(3)


def measurements():
    result = {}
    for line in (ROOT / "tests/numerics/measured.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            row, dtype, operands, error = line.split()[:4]
            result[row, dtype] = (operands, float(error))
    return result


def how_many(operands):
    if operands == "all":
        return "all 2^32"
    if operands.endswith("-random"):
        return f"{int(operands[:-7]) / 1e6:.3g}e6 random"
    return operands + " of all"


def table():
    measured = measurements()
    heads = ["row", "dtypes", "meaning", "largest error, ulp", "operands tried", "domain",
             "special cases"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for name, signature, reference in rows():
        definition, domain, special = TEXTS.get(name, (reference, "", ""))
        found = [(d, measured[name, d]) for d in ("f32", "f64") if (name, d) in measured]
        if found:
            error = ", ".join(f"{d} {e:.2f}" for d, (_, e) in found)
            tried = ", ".join(how_many(o) for _, (o, _) in found)
        else:
            floats = name in ROUNDED
            error, tried = ("0.5 (rounded once)" if floats else "exact"), ""
        cells = [f"`{name}`", DTYPES[signature], definition, error, tried, domain or "all", special]
        lines.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    return "\n".join(lines) + "\n"


def main(arguments):
    path = ROOT / "docs/numerics.md"
    text = path.read_text()
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    new = head + BEGIN + table() + END + tail
    if "--check" in arguments:
        if new != text:
            print("docs/numerics.md is out of date: run python tests/numerics/numerics_table.py")
            return 1
        return 0
    path.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
