/* SPDX-License-Identifier: BSD-2-Clause
 * Double-double arithmetic: a number is the unevaluated sum h + l, h being that sum rounded, some 105
 * bits.
 *
 * The error-free sum and product are Knuth's and Dekker's (the latter by fma); they give NaN for infinite
 * operands, so every result that may overflow passes dd_guard() or dd_scale(), and factors of unlimited range
 * are kept as numbers of a wide exponent, struct dd_wide. Branch-free, so that loops around it vectorise and
 * give the same bits on every instruction set.
 */
#ifndef VAE_LIB_KERNELS_DD_H
#define VAE_LIB_KERNELS_DD_H

#include "bits.h"
#include "kernels/isa.h"

#include <float.h>
#include <math.h>

/* What is short costs less than a call, everywhere; what is long, only where it makes loops vectorise. */
#define DD_INLINE static inline __attribute__((always_inline))
#define DD_LONG VAE_INLINE

/* Before a loop of constant bounds inside a loop of lanes */
#if defined(VAE_SIMD_LOOPS)
#define DD_UNROLL VAE_UNROLL
#else
#define DD_UNROLL
#endif

struct dd {
    double h, l;
};

/* v * 2^e, e an integer of any size; v within 2^+-64 unless the number comes near to a plain double's range
 */
struct dd_wide {
    struct dd v;
    double e;
};

/* Adding it to |x| < 2^51 rounds to an integer, held in the low bits. */
#define DD_SHIFT 0x1.8p52
#define DD_INF ((double)INFINITY)

DD_INLINE int dd_finite(double x)
{
    return fabs(x) <= DBL_MAX;
}

DD_INLINE struct dd dd_of(double x)
{
    return (struct dd){x, 0.0};
}

DD_INLINE struct dd dd_neg(struct dd x)
{
    return (struct dd){-x.h, -x.l};
}

/* a where the mask is all ones, b where it is 0: gcc makes branches of two ?: with the same condition. */
DD_INLINE double dd_mask_select(uint64_t mask, double a, double b)
{
    return double_of_bits((bits_of_double(a) & mask) | (bits_of_double(b) & ~mask));
}

DD_INLINE struct dd dd_select(int first, struct dd a, struct dd b)
{
    uint64_t mask = first ? ~(uint64_t)0 : 0;
    return (struct dd){dd_mask_select(mask, a.h, b.h), dd_mask_select(mask, a.l, b.l)};
}

/* a + b exactly, |a| >= |b| or a = 0 */
DD_INLINE struct dd dd_fast_sum(double a, double b)
{
    double s = a + b;
    return (struct dd){s, b - (s - a)};
}

/* a + b exactly */
DD_INLINE struct dd dd_sum(double a, double b)
{
    double s = a + b, t = s - a;
    return (struct dd){s, (a - (s - t)) + (b - t)};
}

/* a b exactly, as far as the last bit is not subnormal */
DD_INLINE struct dd dd_prod(double a, double b)
{
    double p = a * b;
    return (struct dd){p, fma(a, b, -p)};
}

/* Error 2^-104 of the larger operand. */
DD_INLINE struct dd dd_add(struct dd a, struct dd b)
{
    struct dd s = dd_sum(a.h, b.h);
    return dd_fast_sum(s.h, s.l + (a.l + b.l));
}

DD_INLINE struct dd dd_sub(struct dd a, struct dd b)
{
    return dd_add(a, dd_neg(b));
}

DD_INLINE struct dd dd_mul(struct dd a, struct dd b)
{
    struct dd p = dd_prod(a.h, b.h);
    return dd_fast_sum(p.h, p.l + fma(a.h, b.l, a.l * b.h));
}

DD_INLINE struct dd dd_mul_by(struct dd a, double b)
{
    struct dd p = dd_prod(a.h, b);
    return dd_fast_sum(p.h, fma(a.l, b, p.l));
}

/* a times a power of two */
DD_INLINE struct dd dd_times(struct dd a, double power)
{
    return (struct dd){a.h * power, a.l * power};
}

DD_INLINE struct dd dd_div(struct dd a, struct dd b)
{
    double q = a.h / b.h;
    double rest = fma(-q, b.h, a.h) + fma(-q, b.l, a.l);
    return dd_fast_sum(q, rest / b.h);
}

/* x; where `plain`, the same computed without low parts, is infinite or NaN, that */
DD_INLINE struct dd dd_guard(struct dd x, double plain)
{
    int fine = dd_finite(plain);
    return (struct dd){fine ? x.h : plain, fine ? x.l : 0.0};
}

/* dd_add() that overflows to an infinity */
DD_INLINE struct dd dd_add_guarded(struct dd a, struct dd b)
{
    return dd_guard(dd_add(a, b), a.h + b.h);
}

/* The nearest integer, |x| < 2^51. */
DD_INLINE double dd_round(double x)
{
    return (x + DD_SHIFT) - DD_SHIFT;
}

DD_INLINE double dd_clamp(double x, double low, double high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}

/* 2^n, n an integer within -1022..1023 */
DD_INLINE double dd_power2(double n)
{
    return double_of_bits(bits_of_double(n + (DD_SHIFT + 1023.0)) << 52);
}

/* x 2^n, rounded where it is subnormal, infinite where it overflows; x.h within 2^+-900 */
DD_LONG struct dd dd_scale(struct dd x, double n)
{
    double m = dd_clamp(n, -2000.0, 2000.0), half = dd_round(0.5 * m);
    double a = dd_power2(half), b = dd_power2(m - half), h = x.h * a * b;
    return (struct dd){h, dd_finite(h) ? x.l * a * b : 0.0};
}

/* x 2^e as v 2^e' with 1 <= |v| < 2; 0 stays 0. Infinities become NaN. */
DD_LONG struct dd_wide dd_normalise(struct dd x, double e)
{
    int small = fabs(x.h) < 0x1p-900;
    double lift = small ? 0x1p128 : 1.0, h = x.h * lift;
    double n = double_of_bits((bits_of_double(h) >> 52 & 0x7ff) | 0x4330000000000000u) - (0x1p52 + 1023.0);
    n = n < -1000.0 ? 0.0 : n;
    double s = dd_power2(1.0 - n);
    struct dd v = {h * s * 0.5, x.l * lift * s * 0.5};
    return (struct dd_wide){v, e + n - (small ? 128.0 : 0.0)};
}

DD_INLINE struct dd_wide dd_wide_of(double x)
{
    return dd_normalise(dd_of(x), 0.0);
}

DD_INLINE struct dd dd_narrow(struct dd_wide x)
{
    return dd_scale(x.v, x.e);
}

DD_INLINE struct dd_wide dd_wide_mul(struct dd_wide a, struct dd_wide b)
{
    return (struct dd_wide){dd_mul(a.v, b.v), a.e + b.e};
}

/* The sum, at the larger exponent of the two that are not 0. */
DD_LONG struct dd_wide dd_wide_add(struct dd_wide a, struct dd_wide b)
{
    double ea = a.v.h == 0.0 ? -0x1p40 : a.e, eb = b.v.h == 0.0 ? -0x1p40 : b.e;
    double e = ea > eb ? ea : eb;
    return (struct dd_wide){dd_add(dd_scale(a.v, ea - e), dd_scale(b.v, eb - e)), e};
}

/* g + w x, rounded once. A weight of 0 makes 0 of an infinite x, and x = 0 of an infinite weight. */
DD_LONG double dd_add_weighted(double g, double w, struct dd_wide x)
{
    struct dd_wide u = dd_wide_of(w), v = dd_normalise(x.v, x.e);
    struct dd p = dd_scale(dd_mul_by(v.v, u.v.h), u.e + v.e);
    double limit = w * x.v.h;
    limit = (w == 0.0 && x.v.h == x.v.h) || (x.v.h == 0.0 && w == w) ? 0.0 : limit;
    int fine = dd_finite(w) && dd_finite(x.v.h);
    double instead = fine ? 0.0 : limit; /* next to an infinite g a finite product counts as 0 */
    fine = fine && dd_finite(g);
    p = (struct dd){fine ? p.h : instead, fine ? p.l : 0.0};
    struct dd s = dd_sum(g, p.h);
    return dd_finite(s.h) ? s.h + (s.l + p.l) : s.h;
}

#endif
