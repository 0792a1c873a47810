/* SPDX-License-Identifier: BSD-2-Clause
 * Float32 vector maths for what runs inside a training step: plain C that compilers turn into
 * vectors, compare and select instead of branches and of min or max, no libm. Polynomials are Remez fits of
 * our own, relative error below 2^-27. Worst error against float64 on every 397th float32, in ULP: exp 0.95,
 * expm1 0.85, log1p(0..1) 1.1, sigmoid 2.5, softplus 2.0, tanh 2.5, the normal's Phi 4.0 and x phi(x) 3.3
 * (`tests/unit/test_train_kernels`).
 */
#ifndef VAE_LIB_KERNELS_MATH32_H
#define VAE_LIB_KERNELS_MATH32_H

#include "bits.h"

#include <math.h>

/* x = n ln 2 + r with |r| <= ln 2 / 2: n comes out of the low bits of x log2(e) + 1.5 * 2^23. */
static inline float m32_reduce(float x, uint32_t *n)
{
    const float magic = 0x1.8p23f;
    float shifted = fmaf(x, 0x1.715476p+0f, magic);
    float whole = shifted - magic;
    *n = bits_of_float(shifted);
    return fmaf(whole, 0x1.05c61p-29f, fmaf(whole, -0x1.62e43p-1f, x));
}

/* (e^r - 1 - r) / r^2 on the reduced range. */
static inline float m32_expm1_tail(float r)
{
    float p = fmaf(0x1.a17dfcp-13f, r, 0x1.6d4318p-10f);
    p = fmaf(p, r, 0x1.1110acp-7f);
    p = fmaf(p, r, 0x1.5554eap-5f);
    p = fmaf(p, r, 0x1.555556p-3f);
    return fmaf(p, r, 0.5f);
}

/* 2^n for -127 < n < 128; anything when the reduced argument is NaN. */
static inline float m32_power_of_two(uint32_t n)
{
    return float_of_bits(0x3f800000u + (n << 23));
}

/* e^x for x <= 0; 0 below -87.3 (where the result would be subnormal). NaN stays NaN by arithmetic alone:
 * compilers turn a select at the end into two paths, with two divisions in what follows. */
static inline float m32_exp_neg(float x)
{
    uint32_t n;
    float clamped = x < -87.3f ? -87.3f : x;
    float r = m32_reduce(clamped, &n);
    float p = fmaf(m32_expm1_tail(r) * r, r, r) + 1.0f;
    return x < -87.3f ? 0.0f : p * m32_power_of_two(n);
}

/* e^x - 1 for x <= 0, with relative accuracy at 0; -1 below -40. */
static inline float m32_expm1_neg(float x)
{
    uint32_t n;
    float clamped = x < -40.0f ? -40.0f : x;
    float r = m32_reduce(clamped, &n);
    float p = fmaf(m32_expm1_tail(r) * r, r, r);
    float scale = m32_power_of_two(n);
    return fmaf(scale, p, scale - 1.0f);
}

/* log(1 + e) for e in [0, 1]. */
static inline float m32_log1p_unit(float e)
{
    float p = fmaf(0x1.0a1d6ep-9f, e, -0x1.b758a2p-7f);
    p = fmaf(p, e, 0x1.53cb2cp-5f);
    p = fmaf(p, e, -0x1.51aefcp-4f);
    p = fmaf(p, e, 0x1.fca914p-4f);
    p = fmaf(p, e, -0x1.49d846p-3f);
    p = fmaf(p, e, 0x1.975cd2p-3f);
    p = fmaf(p, e, -0x1.ffbd44p-3f);
    p = fmaf(p, e, 0x1.55534ep-2f);
    p = fmaf(p, e, -0x1.fffff4p-2f);
    return fmaf(p * e, e, e);
}

/* 1 / (1 + e^-x), from e = e^-|x|. */
static inline float m32_sigmoid_from(float x, float e)
{
    float q = 1.0f / (1.0f + e);
    return x < 0 ? e * q : q;
}

static inline float m32_sigmoid(float x)
{
    return m32_sigmoid_from(x, m32_exp_neg(-fabsf(x)));
}

static inline float m32_softplus(float x)
{
    float tail = m32_log1p_unit(m32_exp_neg(-fabsf(x)));
    return x > 0 ? x + tail : tail;
}

static inline float m32_tanh(float x)
{
    float t = m32_expm1_neg(-2.0f * fabsf(x));
    float y = -t / (2.0f + t);
    return x < 0 ? -y : x > 0 ? y : x;
}

/* Phi(x) and x phi(x) of the standard normal: Phi(-a) = phi(a) M(a), where (1 + a) M(a) is a polynomial in
 * (a - 3) / (a + 3), the constant of the density folded in. */
static inline void m32_normal(float x, float *cdf, float *x_density)
{
    float a = fabsf(x);
    a = a > 14.0f ? 14.0f : a;
    float hi = a * a, lo = fmaf(a, a, -hi);
    float e = m32_exp_neg(-0.5f * hi);
    e = fmaf(e, -0.5f * lo, e);
    float u = (a - 3.0f) / (a + 3.0f);
    float p = fmaf(0x1.5df294p-16f, u, 0x1.66bdfp-14f);
    p = fmaf(p, u, 0x1.9017d4p-18f);
    p = fmaf(p, u, -0x1.0ce192p-11f);
    p = fmaf(p, u, -0x1.6d715p-12f);
    p = fmaf(p, u, 0x1.8a4bd8p-9f);
    p = fmaf(p, u, 0x1.2ff0e6p-10f);
    p = fmaf(p, u, -0x1.74669p-6f);
    p = fmaf(p, u, 0x1.71fbcap-5f);
    p = fmaf(p, u, -0x1.0d399p-6f);
    p = fmaf(p, u, -0x1.8b5fa6p-4f);
    p = fmaf(p, u, 0x1.f1b89cp-2f);
    float tail = e * p / (1.0f + a);
    *cdf = x != x ? x : x < 0 ? tail : 1.0f - tail;
    *x_density = (x < 0 ? -a : a) * (0x1.988454p-2f * e);
}

#endif
