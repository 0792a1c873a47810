/* SPDX-License-Identifier: BSD-2-Clause
 * Elementary functions in double-double for kernels whose results are float64.
 *
 * Relative errors: the exponentials 2^-66 (expm1(x) and expm1(x) - x too, however small x is), the logarithms
 * 2^-90 (log1p(x) and x - log1p(x) too). Results of unlimited range are given as v 2^e. Taylor series; terms
 * below 2^-13 of the first are summed in float64.
 */
#ifndef VAE_LIB_KERNELS_DD_MATH_H
#define VAE_LIB_KERNELS_DD_MATH_H

#include "dd.h"

/* Arguments of exp saturate here: 2^+-5771, beyond all that products of three doubles can bring back. */
#define DD_EXP_MAX 4000.0

/* ln 2 in three parts, the first two short enough for exact products with an integer below 2^13; and in two
 */
#define DD_LN2_1 0x1.62e42fefa2000p-1
#define DD_LN2_2 0x1.9ef35793c6000p-41
#define DD_LN2_3 0x1.673007e5ed5e8p-81
#define DD_LN2 ((struct dd){0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56})
#define DD_LN2PI ((struct dd){0x1.d67f1c864beb5p+0, -0x1.65b5a1b7ff5dfp-54})

/* A polynomial, highest power first: `small` coefficients by Horner's rule in float64, then `large` ones. The
 * loops have constant bounds and must unroll, or the code around them does not vectorise. */
DD_INLINE struct dd dd_poly(
    struct dd x, const double *small, int n_small, const struct dd *large, int n_large)
{
    double t = small[0];
    DD_UNROLL
    for (int i = 1; i < n_small; i++)
        t = fma(t, x.h, small[i]);
    struct dd p = dd_add(large[0], dd_mul_by(x, t));
    DD_UNROLL
    for (int i = 1; i < n_large; i++)
        p = dd_add(large[i], dd_mul(p, x));
    return p;
}

/* exp(x) = 2^n (1 + r + q), q = exp(r) - 1 - r, |r| <= 0.3466; n = 0 and r = x exactly for |x| < 0.3465 */
struct dd_exp {
    struct dd r, q;
    double n;
};

/* exp(r) - 1 - r */
DD_INLINE struct dd dd_exp_tail(struct dd r)
{
    static const double small[13] = {0x1.6827863b97d97p-53, 0x1.952c77030ad4ap-49, 0x1.ae7f3e733b81fp-45,
        0x1.ae7f3e733b81fp-41, 0x1.93974a8c07c9dp-37, 0x1.6124613a86d09p-33, 0x1.1eed8eff8d898p-29,
        0x1.ae64567f544e4p-26, 0x1.27e4fb7789f5cp-22, 0x1.71de3a556c734p-19, 0x1.a01a01a01a01ap-16,
        0x1.a01a01a01a01ap-13, 0x1.6c16c16c16c17p-10};
    static const struct dd large[4] = {{0x1.1111111111111p-7, 0x1.1111111111111p-63},
        {0x1.5555555555555p-5, 0x1.5555555555555p-59}, {0x1.5555555555555p-3, 0x1.5555555555555p-57},
        {0.5, 0.0}};
    return dd_mul(dd_poly(r, small, 13, large, 4), dd_mul(r, r));
}

DD_INLINE struct dd_exp dd_exp_parts(struct dd x)
{
    double h = dd_clamp(x.h, -DD_EXP_MAX, DD_EXP_MAX), l = h == x.h ? x.l : 0.0;
    double n = dd_round(h * 0x1.71547652b82fep+0);
    struct dd r = dd_sum(fma(-n, DD_LN2_1, h), -n * DD_LN2_2);
    r = dd_fast_sum(r.h, r.l + fma(-n, DD_LN2_3, l));
    return (struct dd_exp){r, dd_exp_tail(r), n};
}

DD_INLINE struct dd_wide dd_exp_of(struct dd_exp e)
{
    return (struct dd_wide){dd_add(dd_of(1.0), dd_add(e.r, e.q)), e.n};
}

DD_INLINE struct dd_wide dd_exp(struct dd x)
{
    return dd_exp_of(dd_exp_parts(x));
}

/* 2^min(n, 0), 0 where that underflows: a = 2^min(n, 0) and b = 2^-max(n, 0) stand before exp(r) and before 1
 * once 2^max(n, 0) is taken out. */
DD_INLINE double dd_exp_power(double n)
{
    return dd_power2(dd_clamp(n, -1000.0, 0.0)) * dd_power2(dd_clamp(n + 1000.0, -1000.0, 0.0));
}

/* exp(x) - 1 */
DD_INLINE struct dd_wide dd_expm1_of(struct dd_exp e)
{
    double a = dd_exp_power(e.n), b = dd_exp_power(-e.n);
    struct dd v = dd_add(dd_sum(a, -b), dd_times(dd_add(e.r, e.q), a));
    return (struct dd_wide){v, e.n > 0.0 ? e.n : 0.0};
}

/* exp(x) - 1 - x: the bracket (a - b) + a r - b x is exactly 0 for n = 0 */
DD_INLINE struct dd_wide dd_expm1mx_of(struct dd_exp e, struct dd x)
{
    double a = dd_exp_power(e.n), b = dd_exp_power(-e.n);
    int above = x.h > DD_EXP_MAX;
    struct dd y = {above ? DD_EXP_MAX : x.h, above ? 0.0 : x.l};
    struct dd v = dd_add(dd_sum(a, -b), dd_times(e.r, a));
    v = dd_sub(v, dd_times(y, b));
    return (struct dd_wide){dd_add(v, dd_times(e.q, a)), e.n > 0.0 ? e.n : 0.0};
}

/* atanh(s) / s - 1 = z p, z = s^2 <= 0.0296: p */
DD_INLINE struct dd dd_atanh_tail(struct dd z)
{
    static const double small[10] = {0x1.bacf914c1bad0p-6, 0x1.d41d41d41d41dp-6, 0x1.f07c1f07c1f08p-6,
        0x1.0842108421084p-5, 0x1.1a7b9611a7b96p-5, 0x1.2f684bda12f68p-5, 0x1.47ae147ae147bp-5,
        0x1.642c8590b2164p-5, 0x1.8618618618618p-5, 0x1.af286bca1af28p-5};
    static const struct dd large[8] = {{0x1.e1e1e1e1e1e1ep-5, 0x1.e1e1e1e1e1e1ep-61},
        {0x1.1111111111111p-4, 0x1.1111111111111p-60}, {0x1.3b13b13b13b14p-4, -0x1.3b13b13b13b14p-58},
        {0x1.745d1745d1746p-4, -0x1.745d1745d1746p-59}, {0x1.c71c71c71c71cp-4, 0x1.c71c71c71c71cp-58},
        {0x1.2492492492492p-3, 0x1.2492492492492p-57}, {0x1.999999999999ap-3, -0x1.999999999999ap-57},
        {0x1.5555555555555p-2, 0x1.5555555555555p-56}};
    return dd_poly(z, small, 10, large, 8);
}

/* A logarithm as n ln 2 + log(1 + f), f in [sqrt(1/2) - 1, sqrt(2) - 1] */
struct dd_log {
    double n;
    struct dd f;
};

DD_INLINE struct dd dd_log_of(struct dd_log x)
{
    struct dd s = dd_div(x.f, dd_add(dd_of(2.0), x.f)), z = dd_mul(s, s);
    struct dd log1p = dd_times(dd_add(s, dd_mul(dd_mul(s, z), dd_atanh_tail(z))), 2.0);
    return dd_add(dd_mul_by(DD_LN2, x.n), log1p);
}

/* The n for which x 2^-n is in [sqrt(1/2), sqrt(2)) or at its rim, x > 0 and not subnormal */
DD_INLINE double dd_log_exponent(double x)
{
    uint64_t u = bits_of_double(x) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
    return double_of_bits((u >> 52) | 0x4330000000000000u) - (0x1p52 + 1023.0);
}

/* log(x), x > 0, finite */
DD_INLINE struct dd_log dd_log_parts(struct dd x)
{
    double lift = x.h < 0x1p-900 ? 0x1p128 : 1.0;
    struct dd y = dd_times(x, lift);
    double n = dd_log_exponent(y.h);
    struct dd c = dd_scale(y, -n);
    return (struct dd_log){n - (lift > 1.0 ? 128.0 : 0.0), dd_fast_sum(c.h - 1.0, c.l)};
}

/* log(1 + x), -1 < x < 2^900, x not as small as dd_log1p_or() looks after */
DD_INLINE struct dd_log dd_log1p_parts(struct dd x)
{
    struct dd u = dd_add(dd_of(1.0), x);
    double n = dd_log_exponent(u.h);
    struct dd c = dd_scale(u, -n);
    return (struct dd_log){n, dd_select(n == 0.0, x, dd_fast_sum(c.h - 1.0, c.l))};
}

/* log(1 + x) from its parts; x itself where log1p(x) rounds to x, also where x is subnormal */
DD_INLINE struct dd dd_log1p_or(struct dd x, struct dd log1p)
{
    return dd_select(fabs(x.h) < 0x1p-120, x, log1p);
}

/* x - log(1 + x), the logarithm being given, which is used for x far from 0 */
DD_INLINE struct dd dd_xmlog1p(struct dd x, struct dd log1p)
{
    struct dd s = dd_div(x, dd_add(dd_of(2.0), x)), z = dd_mul(s, s);
    struct dd near = dd_mul(s, dd_sub(x, dd_times(dd_mul(z, dd_atanh_tail(z)), 2.0)));
    return dd_select(x.h > -0.29 && x.h < 0.41, near, dd_sub(x, log1p));
}

#endif
