/* SPDX-License-Identifier: BSD-2-Clause
 * What follows a product: bias and activation, or the activation's derivative.
 *
 * The forms are float32, their errors stand in math32.h. relu, leaky relu, tanh, sigmoid and elu give their
 * derivative from their value, so nothing but the value is kept; softplus, silu and gelu need the value
 * before.
 */
#include "note.h"
#include "train.h"

#include "kernels/math/math32.h"

#include <string.h>
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

static inline float elu(float x)
{
    return x > 0 ? x : m32_expm1_neg(-fabsf(x));
}

/* exp(x) as y + 1: right to half an ULP of 1. */
static inline float elu_slope(float y)
{
    return y > 0 ? 1.0f : y + 1.0f;
}

static inline float tanh_slope(float y)
{
    return fmaf(-y, y, 1.0f);
}

static inline float sigmoid_slope(float y)
{
    return y * (1.0f - y);
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

/* A row of at most VAE_PANEL columns, or longer. Inlined with a constant function, the loops vectorise, one
 * for each activation. */
static inline __attribute__((always_inline)) void each(size_t n, float *restrict c, float (*value)(float x))
{
    for (size_t j = 0; j < n; j++)
        c[j] = value(c[j]);
}

static void activate(int32_t kind, float slope, size_t n, float *restrict c)
{
    switch (kind) {
    case VAE_LEAKY_RELU:
        for (size_t j = 0; j < n; j++)
            c[j] = c[j] > 0 ? c[j] : slope * c[j];
        break;
    case VAE_RELU:
        each(n, c, relu);
        break;
    case VAE_TANH:
        each(n, c, m32_tanh);
        break;
    case VAE_SIGMOID:
        each(n, c, m32_sigmoid);
        break;
    case VAE_SOFTPLUS:
        each(n, c, m32_softplus);
        break;
    case VAE_SILU:
        each(n, c, silu);
        break;
    case VAE_GELU:
        each(n, c, gelu);
        break;
    case VAE_ELU:
        each(n, c, elu);
        break;
    default:
        break;
    }
}

/* The derivative from what is kept: the value, or what was before the activation. */
static inline __attribute__((always_inline)) void each_slope(
    size_t n, const float *restrict kept, float *restrict c, float (*slope)(float kept))
{
    for (size_t j = 0; j < n; j++)
        c[j] = c[j] * slope(kept[j]);
}

static void activate_slope(int32_t kind, float slope, size_t n, const float *restrict y,
    const float *restrict pre, float *restrict c)
{
    switch (kind) {
    case VAE_LEAKY_RELU:
        for (size_t j = 0; j < n; j++)
            c[j] = y[j] > 0 ? c[j] : slope * c[j];
        break;
    case VAE_RELU:
        for (size_t j = 0; j < n; j++)
            c[j] = y[j] > 0 ? c[j] : 0.0f;
        break;
    case VAE_TANH:
        each_slope(n, y, c, tanh_slope);
        break;
    case VAE_SIGMOID:
        each_slope(n, y, c, sigmoid_slope);
        break;
    case VAE_SOFTPLUS:
        each_slope(n, pre, c, m32_sigmoid);
        break;
    case VAE_SILU:
        each_slope(n, pre, c, silu_slope);
        break;
    case VAE_GELU:
        each_slope(n, pre, c, gelu_slope);
        break;
    case VAE_ELU:
        each_slope(n, y, c, elu_slope);
        break;
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
        activate(e->activation, e->slope, n, c);
    }
}

static void backward(
    const struct vae_epilogue *e, size_t row, size_t m, size_t col, size_t n, float *c, size_t ldc)
{
    for (size_t i = 0; i < m; i++)
        activate_slope(e->activation, e->slope, n, e->y + (row + i) * e->ldy + col,
            e->pre ? e->pre + (row + i) * e->ldpre + col : NULL, c + i * ldc);
}

VAE_INLINE void multiply(size_t n, const float *restrict by, float *restrict c)
{
    for (size_t j = 0; j < n; j++)
        c[j] *= by[j];
}

static void times(
    const struct vae_epilogue *e, size_t row, size_t m, size_t col, size_t n, float *c, size_t ldc)
{
    for (size_t i = 0; i < m; i++, c += ldc) {
        size_t at = (row + i) * e->ldother + col;
        if (e->kept)
            memcpy(e->kept + at, c, n * sizeof *c);
        multiply(n, e->other + at, c);
    }
}

VAE_INLINE void add(size_t n, const float *restrict more, float *restrict c)
{
    for (size_t j = 0; j < n; j++)
        c[j] += more[j];
}

static void plus(
    const struct vae_epilogue *e, size_t row, size_t m, size_t col, size_t n, float *c, size_t ldc)
{
    for (size_t i = 0; i < m; i++)
        add(n, e->other + (row + i) * e->ldother + col, c + i * ldc);
}

void epilogue_rows(
    const struct vae_epilogue *e, size_t row, size_t m, size_t col, size_t n, float *c, size_t ldc)
{
    int gated = e->kind == VAE_EPILOGUE_TIMES, added = e->kind == VAE_EPILOGUE_PLUS;
    if (added)
        plus(e, row, m, col, n, c, ldc);
    if (e->kind == VAE_EPILOGUE_FORWARD || gated)
        forward(e, row, m, col, n, c, ldc);
    else if (e->kind == VAE_EPILOGUE_BACKWARD || added)
        backward(e, row, m, col, n, c, ldc);
    if (gated)
        times(e, row, m, col, n, c, ldc);
    if (e->most)
        note_matrix(m, n, c, ldc, col, e->most);
}
