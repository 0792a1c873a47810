/* SPDX-License-Identifier: BSD-2-Clause
 * The expressions of papers and of common code, in float32 with the C library's functions: what the error
 * table compares with. in[] and out[] as the functions of error_table.c have them.
 */
#ifndef VAE_TESTS_TEXTBOOK32_H
#define VAE_TESTS_TEXTBOOK32_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_2PI 1.8378770664093453f

static inline float kl_textbook(float mu, float lv)
{
    return 0.5f * (expf(lv) + mu * mu - 1.0f - lv);
}

static inline void kl_diag_textbook(const float *in, float *out)
{
    out[0] = kl_textbook(in[0], in[1]);
    out[1] = in[0];
    out[2] = 0.5f * (expf(in[1]) - 1.0f);
}

static inline void kl_pair_textbook(const float *in, float *out)
{
    float t = in[0] - in[2], v1 = expf(in[1]), v2 = expf(in[3]), ratio = (v1 + t * t) / v2;
    out[0] = 0.5f * (in[3] - in[1] + ratio - 1.0f);
    out[1] = t / v2;
    out[2] = 0.5f * (v1 / v2 - 1.0f);
    out[3] = -t / v2;
    out[4] = 0.5f * (1.0f - ratio);
}

static inline void gauss_textbook(const float *in, float *out)
{
    float t = in[0] - in[1], v = expf(in[2]);
    out[0] = -0.5f * (LOG_2PI + in[2] + t * t / v);
    out[1] = t / v;
    out[2] = 0.5f * (t * t / v - 1.0f);
}

static inline void std_normal_textbook(const float *in, float *out)
{
    out[0] = -0.5f * (LOG_2PI + in[0] * in[0]);
    out[1] = -in[0];
}

static inline void laplace_textbook(const float *in, float *out)
{
    float t = in[0] - in[1], b = expf(in[2]);
    out[0] = -logf(2.0f * b) - fabsf(t) / b;
    out[1] = t > 0.0f ? 1.0f / b : t < 0.0f ? -1.0f / b : 0.0f;
    out[2] = fabsf(t) / b - 1.0f;
}

/* The form of binary_cross_entropy_with_logits */
static inline void bernoulli_textbook(const float *in, float *out)
{
    float x = in[0], l = in[1];
    out[0] = -((l > 0.0f ? l : 0.0f) - l * x + log1pf(expf(-fabsf(l))));
    out[1] = x - 1.0f / (1.0f + expf(-l));
}

static inline void cbernoulli_textbook(const float *in, float *out)
{
    float x = in[0], p = 1.0f / (1.0f + expf(-in[1])), odds = logf(1.0f - p) - logf(p);
    out[0] = x * logf(p) + (1.0f - x) * logf(1.0f - p) + logf(odds / (1.0f - 2.0f * p));
    out[1] = x - (p / (2.0f * p - 1.0f) + 1.0f / odds);
}

static inline void poisson_textbook(const float *in, float *out)
{
    float rate = expf(in[1]);
    out[0] = in[0] * in[1] - rate - lgammaf(in[0] + 1.0f);
    out[1] = in[0] - rate;
}

static inline void reparam_textbook(const float *in, float *out)
{
    float scale = expf(0.5f * in[1]);
    out[0] = in[0] + scale * in[2];
    out[1] = 0.5f * scale * in[2];
}

static inline void kl_rows_textbook(size_t d, const float *const *in, uint32_t label, float *out, float *list)
{
    float sum = 0.0f;
    (void)label, (void)list;
    for (size_t j = 0; j < d; j++)
        sum += kl_textbook(in[0][j], in[1][j]);
    *out = sum;
}

static inline float row_max_textbook(size_t k, const float *x)
{
    float max = x[0];
    for (size_t j = 1; j < k; j++)
        max = x[j] > max ? x[j] : max;
    return max;
}

static inline float row_sum_textbook(size_t k, const float *x, float max)
{
    float sum = 0.0f;
    for (size_t j = 0; j < k; j++)
        sum += expf(x[j] - max);
    return sum;
}

static inline void categorical_textbook(
    size_t k, const float *const *in, uint32_t label, float *out, float *list)
{
    const float *x = in[0];
    float max = row_max_textbook(k, x), log_sum = logf(row_sum_textbook(k, x, max));
    *out = x[label] - max - log_sum;
    for (size_t j = 0; j < k; j++)
        list[j] = (j == label ? 1.0f : 0.0f) - expf(x[j] - max - log_sum);
}

static inline void logmeanexp_textbook(
    size_t k, const float *const *in, uint32_t label, float *out, float *list)
{
    const float *x = in[0];
    float max = row_max_textbook(k, x), sum = row_sum_textbook(k, x, max);
    (void)label;
    *out = max + logf(sum) - logf((float)k);
    for (size_t j = 0; j < k; j++)
        list[j] = expf(x[j] - max) / sum;
}

/* log det S_p - log det S_q + tr(S_p^-1 S_q) + t' S_p^-1 t - d, by triangular solves */
static inline void kl_full_textbook(size_t d, const float *const *in, uint32_t label, float *out, float *list)
{
    const float *lq = in[1], *lp = in[3];
    float logs = 0.0f, trace = 0.0f, square = 0.0f, column[64], *y = column;
    (void)label, (void)list;
    for (size_t j = 0; j <= d; j++) {
        for (size_t i = j < d ? j : 0; i < d; i++) {
            float sum = j < d ? lq[i * d + j] : in[0][i] - in[2][i];
            for (size_t k = j < d ? j : 0; k < i; k++)
                sum -= lp[i * d + k] * y[k];
            y[i] = sum / lp[i * d + i];
            *(j < d ? &trace : &square) += y[i] * y[i];
        }
        if (j < d)
            logs += logf(lp[j * d + j]) - logf(lq[j * d + j]);
    }
    *out = logs + 0.5f * (trace + square - (float)d);
}

#endif
