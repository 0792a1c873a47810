/* SPDX-License-Identifier: BSD-2-Clause
 * What follows a product: bias and activation, or the activation's derivative.
 *
 * The forms are float32, their errors stand in math32.h. relu, tanh and sigmoid give their derivative from
 * their value, so nothing but the value is kept; softplus, silu and gelu need the value before.
 */
#include "train.h"

#include "kernels/math/math32.h"

#include <vae/vae.h>

static inline float relu(float x)
{
    return x > 0 ? x : x != x ? x : 0.0f;
}

static inline float silu(float x)
{
    return x < -100.0f ? 0.0f : x * m32_sigmoid(x);
}

static inline float gelu(float x)
{
    float cdf, ignored;
    m32_normal(x, &cdf, &ignored);
    return x < -14.0f ? 0.0f : x * cdf;
}

static inline float silu_slope(float x)
{
    float s = m32_sigmoid(x);
    return x > -100.0f && x < 100.0f ? s * fmaf(x, 1.0f - s, 1.0f) : x != x ? x : s;
}

static inline float gelu_slope(float x)
{
    float cdf, x_density;
    m32_normal(x, &cdf, &x_density);
    return cdf + x_density;
}

/* One row of at most VAE_PANEL columns, or longer; the loops vectorise, one per activation. */
#define EACH(EXPRESSION)                                                                                     \
    for (size_t j = 0; j < n; j++) {                                                                         \
        float x = c[j];                                                                                      \
        c[j] = (EXPRESSION);                                                                                 \
    }                                                                                                        \
    break

static void activate(int32_t kind, size_t n, float *restrict c)
{
    switch (kind) {
    case VAE_RELU:
        EACH(relu(x));
    case VAE_TANH:
        EACH(m32_tanh(x));
    case VAE_SIGMOID:
        EACH(m32_sigmoid(x));
    case VAE_SOFTPLUS:
        EACH(m32_softplus(x));
    case VAE_SILU:
        EACH(silu(x));
    case VAE_GELU:
        EACH(gelu(x));
    default:
        break;
    }
}

#define EACH_SLOPE(FROM, EXPRESSION)                                                                         \
    for (size_t j = 0; j < n; j++) {                                                                         \
        float v = (FROM)[j];                                                                                 \
        c[j] = c[j] * (EXPRESSION);                                                                          \
    }                                                                                                        \
    break

static void activate_slope(
    int32_t kind, size_t n, const float *restrict y, const float *restrict pre, float *restrict c)
{
    switch (kind) {
    case VAE_RELU:
        for (size_t j = 0; j < n; j++)
            c[j] = y[j] > 0 ? c[j] : 0.0f;
        break;
    case VAE_TANH:
        EACH_SLOPE(y, fmaf(-v, v, 1.0f));
    case VAE_SIGMOID:
        EACH_SLOPE(y, v * (1.0f - v));
    case VAE_SOFTPLUS:
        EACH_SLOPE(pre, m32_sigmoid(v));
    case VAE_SILU:
        EACH_SLOPE(pre, silu_slope(v));
    case VAE_GELU:
        EACH_SLOPE(pre, gelu_slope(v));
    default:
        break;
    }
}

static void forward(
    const struct vae_epilogue *e, size_t row, size_t m, size_t col, size_t n, float *c, size_t ldc)
{
    for (size_t i = 0; i < m; i++, c += ldc) {
        if (e->bias)
            for (size_t j = 0; j < n; j++)
                c[j] += e->bias[col + j];
        if (e->pre)
            for (size_t j = 0; j < n; j++)
                e->pre[(row + i) * e->ldpre + col + j] = c[j];
        activate(e->activation, n, c);
    }
}

void epilogue_rows(
    const struct vae_epilogue *e, size_t row, size_t m, size_t col, size_t n, float *c, size_t ldc)
{
    if (e->kind == VAE_EPILOGUE_FORWARD) {
        forward(e, row, m, col, n, c, ldc);
    } else if (e->kind == VAE_EPILOGUE_BACKWARD) {
        for (size_t i = 0; i < m; i++)
            activate_slope(e->activation, n, e->y + (row + i) * e->ldy + col,
                e->pre ? e->pre + (row + i) * e->ldpre + col : NULL, c + i * ldc);
    }
}
