# SPDX-License-Identifier: Apache-2.0
"""Polynomials of compiler/ir/scalar_math_*.h: where its coefficients come from.

Run `python tests/numerics/minimax.py [name ...]` (needs mpmath). Each entry says which function of
t is approximated, on which interval, with which weight. Weighted least squares on Chebyshev nodes
in 60 digits (within a factor of two of minimax); the coefficients are rounded one after the other,
lowest power first, and the rest is fitted again. The printed error is that of the rounded
polynomial, relative to the function it serves.
"""

import sys

import mpmath as mp

mp.mp.dps = 60


def fit(function, weight, lo, hi, fixed, degree):
    """Coefficients of t^len(fixed) .. t^degree beside the fixed lower ones."""
    count = 16 * degree + 16
    nodes = [(lo + hi) / 2 - (hi - lo) / 2 * mp.cos(mp.pi * (i + mp.mpf("0.5")) / count)
             for i in range(count)]
    powers = range(len(fixed), degree + 1)
    rows = [[weight(t) * t**p for p in powers] for t in nodes]
    right = [weight(t) * (function(t) - sum(c * t**i for i, c in enumerate(fixed))) for t in nodes]
    normal = mp.matrix(len(powers), len(powers))
    moments = mp.matrix(len(powers), 1)
    for i in range(len(powers)):
        moments[i] = mp.fsum(row[i] * r for row, r in zip(rows, right))
        for j in range(len(powers)):
            normal[i, j] = mp.fsum(row[i] * row[j] for row in rows)
    return mp.lu_solve(normal, moments)


def round_to(value, bits):
    if value == 0:
        return value
    mantissa, exponent = mp.frexp(value)
    return mp.ldexp(mp.nint(mp.ldexp(mantissa, bits)), exponent - bits)


def fit_rounded(function, weight, lo, hi, degree, bits):
    function, weight = mp.memoize(function), mp.memoize(weight)
    fixed = []
    while len(fixed) <= degree:
        fixed.append(round_to(fit(function, weight, lo, hi, fixed, degree)[0], bits))
    grid = [lo + (hi - lo) * i / 500 for i in range(501)]
    value = lambda t: sum(c * t**i for i, c in enumerate(fixed))
    return fixed, max(abs(weight(t) * (value(t) - function(t))) for t in grid)


def near(t, direct, series):
    """`direct` where it is stable in 60 digits, else `series`, its value at 0."""
    return direct(t) if abs(t) > mp.mpf(10) ** -12 else mp.mpf(series)


LN2 = mp.log(2)
THIRD = mp.mpf(1) / 3
HALF_LN2 = LN2 / 2 * mp.mpf("1.0001")
QUARTER_PI = mp.pi / 4 * mp.mpf("1.001")
erfcx = lambda x: mp.exp(x * x) * mp.erfc(x)


def odd_tail(function, at_zero):
    """P with function(x) = x + x^3 P(x^2)."""
    return lambda z: near(z, lambda s: (function(mp.sqrt(s)) / mp.sqrt(s) - 1) / s, at_zero)


def odd_tail_weight(function):
    return lambda z: near(z, lambda s: s * mp.sqrt(s) / function(mp.sqrt(s)), 0)


def odd(function, at_zero, end, degree, bits):
    """The entry of such a P on 0 <= x^2 <= end."""
    return odd_tail(function, at_zero), odd_tail_weight(function), mp.mpf(0), end, degree, bits


def cos_tail(z):
    """(cos x - 1 + z/2) / z^2, z = x^2."""
    return near(z, lambda t: (mp.cos(mp.sqrt(t)) - 1 + t / 2) / t**2, mp.mpf(1) / 24)


def erfc_factor(t):
    """exp(x^2) erfc(x) (1 + 2 x), t = (x - 2) / (x + 2)."""
    x = x_of_t(t, 2, 2)
    return erfcx(x) * (1 + 2 * x)


def t_of_x(x):
    return (mp.mpf(x) - 2) / (mp.mpf(x) + 2)


def atanh_tail(z):
    """(atanh(s) / s - 1 - z/3) / z^2, z = s^2."""
    s = mp.sqrt(z)
    return (mp.atanh(s) / s - 1 - z / 3) / z**2 if z > 1e-9 else mp.mpf(1) / 5 + z / 7


def erf_tail(z):
    """erf(x) / x - 1, z = x^2."""
    return near(z, lambda t: mp.erf(mp.sqrt(t)) / mp.sqrt(t) - 1, 2 / mp.sqrt(mp.pi) - 1)


def erf_weight(z):
    return near(z, lambda t: mp.sqrt(t) / mp.erf(mp.sqrt(t)), mp.sqrt(mp.pi) / 2)


def erf_power(a):
    """log2(erfc(a)) / a + 2."""
    return mp.log(mp.erfc(a), 2) / a + 2


def x_of_t(t, c, d):
    """t = (x - c) / (x + d) solved for x."""
    return (c + d * t) / (1 - t)


# name: (function of t, weight, lo, hi, degree, bits)
ENTRIES = {
    # expm1(r) = r + r^2 P(r)
    "exp_f32": (lambda r: near(r, lambda t: (mp.expm1(t) - t) / t**2, 0.5),
                lambda r: near(r, lambda t: t**2 / mp.expm1(t), 0), -HALF_LN2, HALF_LN2, 5, 24),
    "exp_f64": (lambda r: near(r, lambda t: (mp.expm1(t) - t) / t**2, 0.5),
                lambda r: near(r, lambda t: t**2 / mp.expm1(t), 0), -HALF_LN2, HALF_LN2, 10, 53),
    # 2^r = 1 + r P(r)
    "exp2_f32": (lambda r: near(r, lambda t: mp.expm1(t * LN2) / t, LN2),
                 lambda r: r / mp.mpf(2)**r, mp.mpf("-0.5001"), mp.mpf("0.5001"), 6, 24),
    # log(1 + f) = f - f^2/2 + f^3 P(f)
    "log_f32": (lambda f: near(f, lambda t: (mp.log1p(t) - t + t**2 / 2) / t**3, mp.mpf(1) / 3),
                lambda f: near(f, lambda t: t**3 / mp.log1p(t), 0), -THIRD, THIRD, 8, 24),
    # log(1 + f) = f - (f^2/2 - s (f^2/2 + z P(z))), s = f / (2 + f), z = s^2;
    # P from 2 atanh(s) = 2 s + s z P(z)
    "log_f64": (lambda z: 2 * near(z, lambda t: (mp.atanh(mp.sqrt(t)) / mp.sqrt(t) - 1) / t, THIRD),
                lambda z: z, mp.mpf(0), mp.mpf("0.0295"), 7, 53),
    # pow: 2 atanh(s) = 2 s (1 + z/3 + z^2 P(z))
    "pow_f32": (atanh_tail, lambda z: z * z, mp.mpf(0), mp.mpf("0.0295"), 3, 24),
    "pow_f64": (atanh_tail, lambda z: z * z, mp.mpf(0), mp.mpf("0.0295"), 9, 53),
    # sin r = r + r^3 P(z), cos r = 1 - z/2 + z^2 P(z), z = r^2
    "sin_f32": odd(mp.sin, -mp.mpf(1) / 6, QUARTER_PI**2, 3, 24),
    "cos_f32": (cos_tail, lambda z: z * z / mp.cos(mp.sqrt(z)), mp.mpf(0), QUARTER_PI**2, 2, 24),
    "sin_f64": odd(mp.sin, -mp.mpf(1) / 6, QUARTER_PI**2, 6, 53),
    "cos_f64": (cos_tail, lambda z: z * z / mp.cos(mp.sqrt(z)), mp.mpf(0), QUARTER_PI**2, 6, 53),
    "tan_f32": odd(mp.tan, mp.mpf(1) / 3, QUARTER_PI**2, 6, 24),
    # odd functions near 0: x + x^3 P(x^2)
    "sinh_f32": odd(mp.sinh, mp.mpf(1) / 6, mp.mpf(1), 3, 24),
    "asin_f32": odd(mp.asin, mp.mpf(1) / 6, mp.mpf("0.2502"), 5, 24),
    "atan_f32": odd(mp.atan, -mp.mpf(1) / 3, mp.mpf(1), 8, 24),
    "asinh_f32": odd(mp.asinh, -mp.mpf(1) / 6, mp.mpf("0.2502"), 5, 24),
    "atanh_f32": odd(mp.atanh, mp.mpf(1) / 3, mp.mpf("0.2502"), 6, 24),
    # erf x = x + x P(x^2) on [0, 1)
    "erf_f32": (erf_tail, erf_weight, mp.mpf(0), mp.mpf("1.01"), 6, 24),
    # erf a = 1 - 2^(a P(a) - 2 a), 1 <= a <= 4; 2^r = 1 + r P(r), whose error counts a quarter
    "erf_power_f32": (erf_power, lambda a: a * LN2 * mp.erfc(a) / mp.erf(a),
                      mp.mpf("0.99"), mp.mpf("4.01"), 6, 24),
    "erf_exp2_f32": (lambda r: near(r, lambda t: mp.expm1(t * LN2) / t, LN2),
                     lambda r: r / mp.mpf(2)**r, mp.mpf("-0.5001"), mp.mpf("0.5001"), 5, 24),
    "erf_f64": (erf_tail, erf_weight, mp.mpf(0), mp.mpf("0.851"), 14, 53),
    # erfc x = exp(-x^2) P(t) / (1 + 2 x), t = (x - 2) / (x + 2), x >= 0.4
    "erfc_f32": (erfc_factor, lambda t: 1 / erfc_factor(t), t_of_x("0.4"), t_of_x("10.3"), 10, 24),
    # the same for erf in f64, 0.92 <= x <= 6; an error counts against erf, not erfc
    "erfc_f64": (erfc_factor, lambda t: mp.erfc(x_of_t(t, 2, 2)) / erfc_factor(t),
                 t_of_x("0.92"), t_of_x("6.1"), 15, 53),
    # cbrt m on [1, 2)
    "cbrt_f32": (mp.cbrt, lambda m: 1 / mp.cbrt(m), mp.mpf(1), mp.mpf(2), 3, 24),
}


def literal(value, bits):
    return f"{float(value).hex()}{'f' if bits == 24 else ''}"


def main(names):
    for name in names or ENTRIES:
        function, weight, lo, hi, degree, bits = ENTRIES[name]
        coefficients, error = fit_rounded(function, weight, lo, hi, degree, bits)
        text = ", ".join(literal(c, bits) for c in coefficients)
        print(f"{name}: {{{text}}}  error 2^{float(mp.log(error, 2)):.1f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
