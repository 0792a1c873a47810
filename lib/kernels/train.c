/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 4. The training table, and its small members: optimizer, sums, transposition, checks.
 */
#include "train.h"

#include <math.h>
#include <string.h>

/* Columns side by side, rows in order: one addition chain a column. */
static void column_sums(size_t m, size_t n, const float *g, size_t ldg, float *out)
{
    for (size_t j = 0; j < n; j += VAE_LANES) {
        size_t cols = n - j < VAE_LANES ? n - j : VAE_LANES;
        float sum[VAE_LANES] = {0};
        for (size_t i = 0; i < m; i++)
            for (size_t l = 0; l < cols; l++)
                sum[l] += g[i * ldg + j + l];
        memcpy(out + j, sum, cols * sizeof *sum);
    }
}

/* In squares of a cache line's width, so that both sides are read and written by whole lines. */
static void transpose(size_t rows, size_t cols, const float *from, size_t ldfrom, float *to, size_t ldto)
{
    enum { SIDE = 16 };
    for (size_t r = 0; r < rows; r += SIDE)
        for (size_t c = 0; c < cols; c += SIDE) {
            size_t height = rows - r < SIDE ? rows - r : SIDE, width = cols - c < SIDE ? cols - c : SIDE;
            for (size_t j = 0; j < width; j++)
                for (size_t i = 0; i < height; i++)
                    to[(c + j) * ldto + r + i] = from[(r + i) * ldfrom + c + j];
        }
}

static void adam(const struct vae_adam *a, size_t n, const float *restrict g, float *restrict p, float *restrict m,
    float *restrict v)
{
    float rest1 = 1.0f - a->beta1, rest2 = 1.0f - a->beta2;
    float beta1 = a->beta1, beta2 = a->beta2, rate = a->rate, epsilon = a->epsilon, root = a->root_correction2;
    for (size_t i = 0; i < n; i++) {
        float first = fmaf(beta1, m[i], rest1 * g[i]);
        float second = fmaf(beta2, v[i], rest2 * g[i] * g[i]);
        m[i] = first;
        v[i] = second;
        p[i] = fmaf(-rate, first / fmaf(sqrtf(second), root, epsilon), p[i]);
    }
}

static double sum_squares(size_t n, const float *g)
{
    double lane[VAE_LANES] = {0}, total = 0;
    size_t i = 0;
    for (; i + VAE_LANES <= n; i += VAE_LANES)
        for (size_t l = 0; l < VAE_LANES; l++) {
            double x = g[i + l];
            lane[l] = fma(x, x, lane[l]);
        }
    for (size_t l = 0; i < n; i++, l++)
        lane[l] = fma((double)g[i], (double)g[i], lane[l]);
    for (size_t l = 0; l < VAE_LANES; l++)
        total += lane[l];
    return total;
}

static float max_abs(size_t n, const float *g)
{
    float lane[VAE_LANES] = {0}, largest = 0;
    size_t i = 0;
    for (; i + VAE_LANES <= n; i += VAE_LANES)
        for (size_t l = 0; l < VAE_LANES; l++) {
            float x = fabsf(g[i + l]);
            lane[l] = x <= lane[l] ? lane[l] : x == x ? x : INFINITY;
        }
    for (size_t l = 0; i < n; i++, l++) {
        float x = fabsf(g[i]);
        lane[l] = x <= lane[l] ? lane[l] : x == x ? x : INFINITY;
    }
    for (size_t l = 0; l < VAE_LANES; l++)
        largest = lane[l] > largest ? lane[l] : largest;
    return largest;
}

static void epilogue(const struct vae_epilogue *e, size_t m, size_t n, float *c, size_t ldc)
{
    K(epilogue_rows)(e, 0, m, 0, n, c, ldc);
}

const struct vae_train_kernels K(train) = {
    .gemm_block = K(gemm_block),
    .epilogue = epilogue,
    .column_sums = column_sums,
    .transpose = transpose,
    .bernoulli = K(train_bernoulli),
    .gauss = K(train_gauss),
    .adam = adam,
    .sum_squares = sum_squares,
    .max_abs = max_abs,
};
