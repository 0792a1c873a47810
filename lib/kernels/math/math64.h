/* SPDX-License-Identifier: BSD-2-Clause
 * Elementary functions in float64 for kernels whose results are float32: 2^-39 relative or better,
 * which leaves a rounded float32 result at 0.501 ULP.
 *
 * Branch-free and free of libm (fma apart), so that a loop around them vectorises and gives the same bits on
 * every instruction set. Selections are written `a < b ? a : b`, so that a NaN in b passes. Polynomials
 * interpolate at Chebyshev nodes of the interval named; the error named is that of the rounded coefficients,
 * by mpmath.
 */
#ifndef VAE_LIB_KERNELS_MATH64_H
#define VAE_LIB_KERNELS_MATH64_H

#include "bits.h"

#include <math.h>

/* exp saturates here: 2^433 is infinite for float32 even after a product with its smallest number, and finite
 * for float64 in every product that the kernels form, so that 0 * exp(x) is 0 for every finite x. */
#define M64_EXP_MAX 300.0
/* Replaces infinity where a later factor may be 0: above every product of float32 numbers that counts as
 * finite. */
#define M64_HUGE 0x1p500
/* Squares saturate here, so that they stay finite and outweigh every logarithm. */
#define M64_SQUARE_MAX 0x1p800
/* Logarithms given as inputs saturate here: beyond M64_SUM_MAX, below the squares. */
#define M64_LOG_MAX 0x1p270
/* Row sums beyond this are infinite. */
#define M64_SUM_MAX 0x1p256

static inline double m64_at_most(double limit, double x)
{
    return limit < x ? limit : x;
}

static inline double m64_at_least(double limit, double x)
{
    return limit > x ? limit : x;
}

static inline double m64_clamp(double limit, double x)
{
    return m64_at_least(-limit, m64_at_most(limit, x));
}

/* exp(x) = s + s r + p with s = 2^n, |r| <= ln 2 / 2, p = s (exp(r) - 1 - r). */
struct m64_exp {
    double s, r, p;
};

/* x within +-M64_EXP_MAX, or NaN. n = 0 (s = 1, r = x exactly) for |x| < 0.3465. */
static inline struct m64_exp m64_exp_parts(double x)
{
    const double shift = 0x1.8p52; /* adding it rounds to an integer, held in the low bits */
    double t = fma(x, 0x1.71547652b82fep0, shift);
    double r = fma(t - shift, -0x1.62e42fefa39efp-1, x);
    double s = double_of_bits((bits_of_double(t) << 52) + 0x3ff0000000000000u);
    /* (exp(r) - 1 - r) / r^2 on +-0.3468, 2^-39.9 */
    double q = 0x1.72ad803971e4dp-19;
    q = fma(q, r, 0x1.a1370fcaa88e3p-16);
    q = fma(q, r, 0x1.a019c3487562dp-13);
    q = fma(q, r, 0x1.6c166bae0aca2p-10);
    q = fma(q, r, 0x1.1111111710d7bp-7);
    q = fma(q, r, 0x1.55555565d5e1ep-5);
    q = fma(q, r, 0x1.5555555554f90p-3);
    q = fma(q, r, 0x1.fffffffffe03ep-2);
    return (struct m64_exp){s, r, s * (r * r) * q};
}

static inline double m64_exp_of(struct m64_exp e)
{
    return fma(e.s, e.r, e.s) + e.p;
}

/* exp(x) - 1, relative accuracy near 0 */
static inline double m64_expm1_of(struct m64_exp e)
{
    return fma(e.s, e.r, e.s - 1.0) + e.p;
}

/* exp(x) - 1 - x, relative accuracy near 0: for n = 0 the bracket is exactly 0. x may lie below the range of
 * e. */
static inline double m64_expm1mx_of(struct m64_exp e, double x)
{
    return fma(e.s, e.r, (e.s - 1.0) - x) + e.p;
}

/* exp(x), any x; saturates at exp(+-M64_EXP_MAX) */
static inline double m64_exp(double x)
{
    return m64_exp_of(m64_exp_parts(m64_clamp(M64_EXP_MAX, x)));
}

/* (atanh(s) / s - 1) / s^2 for z = s^2 in [0, 1/9], 2^-45 */
static inline double m64_atanh_poly(double z)
{
    double p = 0x1.6cb6b520b2eb7p-4;
    p = fma(p, z, 0x1.f1cd3c3f72266p-5);
    p = fma(p, z, 0x1.3d6fb1589de81p-4);
    p = fma(p, z, 0x1.743cf2e7a943ep-4);
    p = fma(p, z, 0x1.c71d5d8ecb89dp-4);
    p = fma(p, z, 0x1.2492477e1dce5p-3);
    p = fma(p, z, 0x1.9999999bd81f3p-3);
    return fma(p, z, 0x1.5555555555157p-2);
}

/* log(x) = n ln 2 + log(1 + f), f in [sqrt(1/2) - 1, sqrt(2) - 1] */
struct m64_log {
    double n, f;
};

/* x > 0 and not subnormal; other x give numbers without a meaning */
static inline struct m64_log m64_log_parts(double x)
{
    uint64_t u = bits_of_double(x) + (0x3ff0000000000000u - 0x3fe6a09e00000000u);
    double n = double_of_bits((u >> 52) | 0x4330000000000000u) - (0x1p52 + 1023.0);
    double m = double_of_bits((u & 0x000fffffffffffffu) + 0x3fe6a09e00000000u);
    return (struct m64_log){n, m - 1.0};
}

/* log from its parts and s = f / (2 + f); the polynomial is that of atanh for z in [0, 0.0296], 2^-57 */
static inline double m64_log_of(struct m64_log l, double s)
{
    double z = s * s;
    double p = 0x1.2b7fa64da1a6ap-4;
    p = fma(p, z, 0x1.39fb2efe206abp-4);
    p = fma(p, z, 0x1.7462cd53e5318p-4);
    p = fma(p, z, 0x1.c71c628e9e0c9p-4);
    p = fma(p, z, 0x1.2492492e35998p-3);
    p = fma(p, z, 0x1.9999999995077p-3);
    p = fma(p, z, 0x1.5555555555558p-2);
    return fma(l.n, 0x1.62e42fefa39efp-1, fma(s + s, z * p, s + s));
}

static inline double m64_log(double x)
{
    struct m64_log l = m64_log_parts(x);
    return m64_log_of(l, l.f / (2.0 + l.f));
}

/* log(1 + x), x > -1: what 1 + x loses is added back */
static inline double m64_log1p(double x)
{
    double u = 1.0 + x;
    return m64_log(u) + (x - (u - 1.0)) / u;
}

/* x - log(1 + x), relative accuracy; 1 + x is given for the x whose own last bits are lost in 1 + x */
static inline double m64_xmlog1p(double x, double one_plus_x)
{
    double s = x / (2.0 + x);
    double z = s * s;
    double near = s * fma(-2.0 * z, m64_atanh_poly(z), x);
    double far = x - m64_log(one_plus_x);
    return x >= -0.5 && x <= 1.0 ? near : far;
}

/* stirlerr(x) / v, the tail of Stirling's series, for v = 1 / (x + 1/2) in [0, 2/3], 2^-42 */
static inline double m64_stirlerr_poly(double v)
{
    double p = -0x1.8cac73516e05ep-13;
    p = fma(p, v, 0x1.189b18fb059f2p-10);
    p = fma(p, v, -0x1.3c6a7bde40deap-9);
    p = fma(p, v, 0x1.968bdd1029638p-9);
    p = fma(p, v, -0x1.01f5aacc335d9p-9);
    p = fma(p, v, 0x1.1bf6304f95391p-11);
    p = fma(p, v, 0x1.0b64050abc7c7p-10);
    p = fma(p, v, 0x1.2679f0370fb74p-10);
    p = fma(p, v, 0x1.e0f6700908d82p-10);
    p = fma(p, v, 0x1.999a18580b1d8p-8);
    p = fma(p, v, 0x1.27d27c4ca3638p-6);
    p = fma(p, v, 0x1.555555568d9b4p-5);
    return fma(p, v, 0x1.5555555555079p-4);
}

#endif
