/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: the error of a computed number in units of its format's last place, as a real number. The
 * reference has the precision of a long double or more; a correctly rounded result is off by 0.5 at most.
 */
#ifndef VAE_TESTS_ULP_H
#define VAE_TESTS_ULP_H

#include <float.h>
#include <math.h>

/* The distance of neighbours at |x| in a format of `digits` bits whose least normal number is 2^(least - 1);
 * for a subnormal x, the least number of all. */
static inline long double ulp_of(long double x, int digits, int least)
{
    int exponent;
    frexpl(x, &exponent);
    if (x == 0.0L || exponent < least)
        exponent = least;
    return ldexpl(1.0L, exponent - digits);
}

/* Infinity where `got` cannot stand for `want`: NaN, or infinite where want rounds to a finite number. */
static inline double ulp_error(long double got, long double want, int digits, int least, long double max)
{
    if (isnan(want))
        return isnan(got) ? 0.0 : (double)INFINITY;
    if (fabsl(want) >= max + 0.5L * ulp_of(max, digits, least))
        return isinf(got) && signbit(got) == signbit(want) ? 0.0 : (double)INFINITY;
    if (!isfinite(got))
        return (double)INFINITY;
    return (double)(fabsl(got - want) / ulp_of(want, digits, least));
}

static inline double ulp_error32(float got, long double want)
{
    return ulp_error(got, want, FLT_MANT_DIG, FLT_MIN_EXP, FLT_MAX);
}

static inline double ulp_error64(double got, long double want)
{
    return ulp_error(got, want, DBL_MANT_DIG, DBL_MIN_EXP, DBL_MAX);
}

/* The rule for values that cancel: as good as `limit` units, or off by at most 2^-bits of the largest term.
 */
static inline int ulp_within(
    double error, double limit, long double got, long double want, long double magnitude, int bits)
{
    return error <= limit || (isfinite(got) && fabsl(got - want) <= ldexpl(magnitude, -bits));
}

#endif
