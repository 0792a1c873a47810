/* SPDX-License-Identifier: BSD-2-Clause
 * Two standard normals from one block's words: Box and Muller's mapping, without libm.
 *
 * float32: u = fmaf((float)a, 2^-32, 2^-33), r = sqrt(-2 ln u), theta = 2 pi b / 2^32, r cos and r sin of it.
 * float64: the same of 64-bit words a and b, u = (a + 1/2) / 2^64 rounded once.
 * Error against the exact mapping of the same u: at most 3.2 * 2^-24 r and 4 * 2^-53 r, 2.85 and 3.38 being
 * the largest of 10^7 pairs (tests/unit/test_random.c). Polynomials: scripts/rng_polynomials.py.
 */
#ifndef VAE_LIB_KERNELS_NORMAL_H
#define VAE_LIB_KERNELS_NORMAL_H

#include "kernels/math/bits.h"

#include <math.h>

/* sqrt(-2 ln u) for 2^-33 <= u <= 1. u = 2^k (1 + f), where 1 + f lies between the roots of 1/2 and of 2. */
static inline float radius32(float u)
{
    uint32_t moved = bits_of_float(u) - 0x3f3504f3u; /* sqrt(1/2) */
    float k = (float)((int32_t)moved >> 23);
    float f = float_of_bits((moved & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
    float p = fmaf(f, -0x1.65c7b4p-3f, 0x1.2504acp-2f);
    p = fmaf(f, p, -0x1.318520p-2f);
    p = fmaf(f, p, 0x1.535d2ep-2f);
    p = fmaf(f, p, -0x1.98d2c0p-2f);
    p = fmaf(f, p, 0x1.00049ap-1f);
    p = fmaf(f, p, -0x1.5556f4p-1f);
    p = fmaf(f, p, 0x1.fffffap-1f);
    p = fmaf(f * f, p, -2.0f * f);
    return sqrtf(fmaf(k, -0x1.62e430p+0f, p));
}

/* The same for 2^-65 <= u <= 1; ln(1 + f) = 2 atanh(f / (2 + f)). */
static inline double radius64(double u)
{
    const uint64_t root_half = 0x3fe6a09e667f3bcdu;
    uint64_t moved = bits_of_double(u) - root_half;
    /* The exponent is read from the high word: 64-bit integers do not convert in every instruction set. */
    double k = (double)((int32_t)(moved >> 32) >> 20);
    double f = double_of_bits((moved & 0x000fffffffffffffu) + root_half) - 1.0;
    double s = f / (2.0 + f), x = s * s;
    double p = fma(x, -0x1.2f02e44adf62bp-2, -0x1.39a1fbc5ccf4ep-2);
    p = fma(x, p, -0x1.74663c519ae85p-2);
    p = fma(x, p, -0x1.c71c521657aaep-2);
    p = fma(x, p, -0x1.24924941e0b19p-1);
    p = fma(x, p, -0x1.999999997feeap-1);
    p = fma(x, p, -0x1.5555555555592p+0);
    p = fma(x * s, p, -4.0 * s);
    return sqrt(fma(k, -0x1.62e42fefa39efp+0, p));
}

/* A word as an angle, counted in quarters of a turn: its nearest quarter in the top bits, the rest in -2^29
 * .. 2^29 - 1. */
static inline uint32_t nearest_quarter(uint32_t word)
{
    return word + 0x20000000u;
}

static inline int32_t rest_of_quarter(uint32_t quarter)
{
    return (int32_t)(quarter & 0x3fffffffu) - 0x20000000;
}

/* r cos theta and r sin theta. */
static inline void normals32(uint32_t a, uint32_t b, float *z0, float *z1)
{
    float r = radius32(fmaf((float)a, 0x1p-32f, 0x1p-33f));
    uint32_t quarter = nearest_quarter(b);
    float t = (float)rest_of_quarter(quarter) * 0x1p-29f, x = t * t;
    float s = fmaf(x, -0x1.2d9300p-15f, 0x1.465e92p-9f);
    s = fmaf(x, s, -0x1.4abbbap-4f);
    s = fmaf(x, s, 0x1.921fb6p-1f) * t;
    float c = fmaf(x, 0x1.d9f7bcp-19f, -0x1.55c664p-12f);
    c = fmaf(x, c, 0x1.03c1dep-6f);
    c = fmaf(x, c, -0x1.3bd3ccp-2f);
    c = fmaf(x, c, 1.0f);
    /* An odd quarter swaps the two; the signs are top bits, of quarter + 1 for the cosine. */
    uint32_t odd = quarter & 0x40000000u;
    float cosine = odd ? s : c, sine = odd ? c : s;
    *z0 = float_of_bits(bits_of_float(r * cosine) ^ ((quarter + 0x40000000u) & 0x80000000u));
    *z1 = float_of_bits(bits_of_float(r * sine) ^ (quarter & 0x80000000u));
}

/* The same from four words: a = a1 2^32 + a0, b = b1 2^32 + b0. */
static inline void normals64(uint32_t a0, uint32_t a1, uint32_t b0, uint32_t b1, double *z0, double *z1)
{
    double r = radius64(fma((double)a1, 0x1p-32, fma((double)a0, 0x1p-64, 0x1p-65)));
    uint32_t quarter = nearest_quarter(b1);
    double t = fma((double)rest_of_quarter(quarter), 0x1p-29, (double)b0 * 0x1p-61), x = t * t;
    double s = fma(x, 0x1.e3eed50189b9cp-38, -0x1.e300639d689dap-30);
    s = fma(x, s, 0x1.50782fca3511fp-22);
    s = fma(x, s, -0x1.32d2cce2d5316p-15);
    s = fma(x, s, 0x1.466bc677586ffp-9);
    s = fma(x, s, -0x1.4abbce625be41p-4);
    s = fma(x, s, 0x1.921fb54442d18p-1) * t;
    double c = fma(x, -0x1.b26fe8b817c89p-42, 0x1.f9cc6ad119c96p-34);
    c = fma(x, c, -0x1.a6d1ecb742022p-26);
    c = fma(x, c, 0x1.e1f50683b42f6p-19);
    c = fma(x, c, -0x1.55d3c7e3c95bcp-12);
    c = fma(x, c, 0x1.03c1f081b5ab0p-6);
    c = fma(x, c, -0x1.3bd3cc9be45dep-2);
    c = fma(x, c, 1.0);
    uint64_t odd = quarter & 0x40000000u;
    double cosine = odd ? s : c, sine = odd ? c : s;
    uint64_t flip0 = (uint64_t)((quarter + 0x40000000u) & 0x80000000u) << 32;
    uint64_t flip1 = (uint64_t)(quarter & 0x80000000u) << 32;
    *z0 = double_of_bits(bits_of_double(r * cosine) ^ flip0);
    *z1 = double_of_bits(bits_of_double(r * sine) ^ flip1);
}

#endif
