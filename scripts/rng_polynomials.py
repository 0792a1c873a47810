#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# The polynomials of lib/kernels/random/normal.h: minimax by Remez' exchange on a Chebyshev grid in mpmath, each
# coefficient
# then rounded to the kernel's precision. Prints C initialisers, lowest degree first, and the largest weighted error
# of the rounded polynomial as a power of two.
import mpmath as mp

mp.mp.dps = 50


def to_precision(bits, x):
    with mp.workprec(bits):
        return +x


def peaks_of(points, count):
    """The largest error of each run of equal sign, cut to the `count` outer ones that matter."""
    peaks = []
    for x, e in points:
        if peaks and mp.sign(e) == mp.sign(peaks[-1][1]):
            if abs(e) > abs(peaks[-1][1]):
                peaks[-1] = (x, e)
        else:
            peaks.append((x, e))
    while len(peaks) > count:
        peaks.pop(0 if abs(peaks[0][1]) < abs(peaks[-1][1]) else -1)
    return [x for x, _ in peaks]


def fit(f, weight, degree, grid):
    """Coefficients of the polynomial p of `degree` with the least max |(p - f) weight| on the grid."""
    values = {x: (f(x), weight(x)) for x in grid}
    nodes = [grid[round((len(grid) - 1) * i / (degree + 1))] for i in range(degree + 2)]
    for _ in range(50):
        rows = mp.matrix(degree + 2, degree + 2)
        right = mp.matrix(degree + 2, 1)
        for i, x in enumerate(nodes):
            for j in range(degree + 1):
                rows[i, j] = x**j
            rows[i, degree + 1] = (-1)**i / values[x][1]
            right[i] = values[x][0]
        coefficients = list(mp.lu_solve(rows, right))[:-1]
        error = [(x, (mp.polyval(coefficients[::-1], x) - v) * w) for x, (v, w) in values.items()]
        peaks = peaks_of(error, degree + 2)
        if len(peaks) < degree + 2 or peaks == nodes:
            return coefficients
        nodes = peaks
    return coefficients


def report(name, f, weight, degree, low, high, bits):
    low, high = mp.mpf(low), mp.mpf(high)
    grid = [low + (high - low) * (1 - mp.cos(mp.pi * i / 800)) / 2 for i in range(801)]
    grid = [x for x in grid if abs(x) > mp.mpf('1e-15')]
    kept = [to_precision(bits, c) for c in fit(f, weight, degree, grid)]
    worst = max(abs((mp.polyval(kept[::-1], x) - f(x)) * weight(x)) for x in grid)
    print(f'/* {name}: error 2^{float(mp.log(worst, 2)):.1f} */')
    print('    ' + ', '.join(float(c).hex() for c in kept))


root = mp.sqrt(mp.mpf(1) / 2)
quarter = mp.pi / 4
# Sine and cosine: the polynomial's argument is the square of an angle counted in quarters of pi.
sine = lambda x: mp.sin(quarter * mp.sqrt(x)) / mp.sqrt(x)
cosine = lambda x: (mp.cos(quarter * mp.sqrt(x)) - 1) / x
# -2 log1p(f) = -2 f + f^2 P(f); and with s = f / (2 + f), -2 log1p(f) = -4 s + s^3 P(s^2).
log_tail = lambda f: (-2 * mp.log1p(f) + 2 * f) / f**2
atanh_tail = lambda x: (-4 * mp.atanh(mp.sqrt(x)) + 4 * mp.sqrt(x)) / mp.sqrt(x)**3
top = ((root - 1) / (1 + root))**2

report('float32: (-2 log1p(f) + 2 f) / f^2, relative to -2 log1p(f)', log_tail,
       lambda f: abs(f**2 / (2 * mp.log1p(f))), 7, root - 1, 1 / root - 1, 24)
report('float32: sin(pi/4 x) / x', sine, lambda x: 1 / sine(x), 3, 0, 1, 24)
report('float32: (cos(pi/4 x) - 1) / x^2', cosine, lambda x: x, 3, 0, 1, 24)
report('float64: (-4 atanh(s) + 4 s) / s^3, relative to -4 atanh(s)', atanh_tail,
       lambda x: mp.sqrt(x)**3 / (4 * mp.atanh(mp.sqrt(x))), 6, 0, top, 53)
report('float64: sin(pi/4 x) / x', sine, lambda x: 1 / sine(x), 6, 0, 1, 53)
report('float64: (cos(pi/4 x) - 1) / x^2', cosine, lambda x: x, 6, 0, 1, 53)
