/* SPDX-License-Identifier: BSD-2-Clause
 * Test. The matrix product, to the bit: each output one chain of fmaf() in order of k, for every small shape,
 * both layouts of A, strides with gaps, on every instruction set that runs; then whole products in panels,
 * with either provider. Buffers end where the kernels' promise ends, so that a sanitizer or valgrind sees a
 * step beyond.
 */
#include "../support/runner.h"

#include "gemm.h"

#include <math.h>
#include <string.h>
#include <vae/vae.h>

static const char *const isas[] = {"scalar", "avx2", "avx512", "neon"};

static uint32_t state = 1;

static float *numbers(size_t n)
{
    float *values = malloc((n + (n == 0)) * sizeof *values);
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = (float)(int32_t)state * 0x1p-31f;
    }
    return values;
}

static size_t round_up(size_t n)
{
    return (n + 15) / 16 * 16;
}

static float chain(const struct vae_block *b, size_t i, size_t j)
{
    float sum = 0;
    for (size_t p = 0; p < b->k; p++)
        sum = fmaf(b->a[i * b->a_row + p * b->a_col], b->b[p * b->ldb + j], sum);
    return sum;
}

/* No assertion for each element: Check notes every one in a file. */
static void same(float found, float wanted, const struct vae_block *b, size_t i, size_t j)
{
    if (memcmp(&found, &wanted, sizeof found) != 0)
        ck_abort_msg("%zu x %zu x %zu, a_col %zu, ldb %zu: (%zu, %zu) is %a, not %a", b->m, b->n, b->k,
            b->a_col, b->ldb, i, j, (double)found, (double)wanted);
}

/* One block with gaps of `gap` elements in every stride; what is between C's rows stays. */
static void check_block(
    const struct vae_train_kernels *kernels, size_t m, size_t n, size_t k, int contiguous, size_t gap)
{
    struct vae_block b = {.m = m, .n = n, .k = k, .ldb = n + gap, .ldc = n + gap};
    b.a_row = contiguous ? k + gap : 1;
    b.a_col = contiguous ? 1 : m + gap;
    float *a = numbers(k > 0 ? (m - 1) * b.a_row + (k - 1) * b.a_col + 1 : 0);
    float *right = numbers(k > 0 ? (k - 1) * b.ldb + round_up(n) : 0), *c = numbers(m * b.ldc);
    float *before = malloc(m * b.ldc * sizeof *before);
    memcpy(before, c, m * b.ldc * sizeof *before);
    b.a = a;
    b.b = right;
    b.c = c;
    kernels->gemm_block(&b);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < b.ldc; j++)
            same(c[i * b.ldc + j], j < n ? chain(&b, i, j) : before[i * b.ldc + j], &b, i, j);
    free(a);
    free(right);
    free(c);
    free(before);
}

START_TEST(blocks)
{
    const size_t depths[] = {0, 1, 2, 17, 33}, heights[] = {1, 2, 3, 4, 5, 6, 7, 11, 13, 14, 15, 28, 31};
    for (size_t t = 0; t < sizeof isas / sizeof *isas; t++) {
        const struct vae_kernels *kernels = vae_kernels_named(isas[t]);
        for (size_t i = 0; kernels && i < sizeof heights / sizeof *heights; i++)
            for (size_t n = 1; n <= VAE_PANEL; n++)
                for (size_t d = 0; d < sizeof depths / sizeof *depths; d++)
                    for (int layout = 0; layout < 4; layout++)
                        check_block(kernels->train, heights[i], n, depths[d], layout & 1, layout & 2 ? 3 : 0);
    }
}
END_TEST

/* Bias last, the value before the activation kept, at every place of a ragged block. */
START_TEST(epilogues)
{
    enum { M = 29, N = 27, K = 9 };
    for (size_t t = 0; t < sizeof isas / sizeof *isas; t++) {
        const struct vae_kernels *kernels = vae_kernels_named(isas[t]);
        if (!kernels)
            continue;
        float *a = numbers(M * K), *right = numbers(K * 32), *bias = numbers(N), c[M * N], pre[M * N];
        struct vae_block b = {
            .m = M, .n = N, .k = K, .a = a, .a_row = K, .a_col = 1, .b = right, .ldb = 32, .c = c, .ldc = N};
        b.epilogue = (struct vae_epilogue){
            .kind = VAE_EPILOGUE_FORWARD, .activation = VAE_RELU, .bias = bias, .pre = pre, .ldpre = N};
        kernels->train->gemm_block(&b);
        for (size_t i = 0; i < M; i++)
            for (size_t j = 0; j < N; j++) {
                float before = chain(&b, i, j) + bias[j];
                same(pre[i * N + j], before, &b, i, j);
                same(c[i * N + j], before > 0 ? before : 0, &b, i, j);
            }
        b.epilogue =
            (struct vae_epilogue){.kind = VAE_EPILOGUE_BACKWARD, .activation = VAE_RELU, .y = pre, .ldy = N};
        kernels->train->gemm_block(&b);
        for (size_t i = 0; i < M; i++)
            for (size_t j = 0; j < N; j++)
                same(c[i * N + j], pre[i * N + j] > 0 ? chain(&b, i, j) : 0, &b, i, j);
        free(a);
        free(right);
        free(bias);
    }
}
END_TEST

/* ---- whole products ---- */

static void check_product(
    const struct vae_gemm *gemm, size_t m, size_t n, size_t k, int contiguous, int packed)
{
    size_t width = vae_gemm_panel(gemm->provider), slack = 64;
    float *a = numbers(m * k), *right = numbers(k * n + slack), *c = numbers(m * n);
    struct vae_product p = {.m = m, .k = k, .a = a, .a_row = contiguous ? k : 1, .a_col = contiguous ? 1 : m};
    p.b = packed ? vae_panels_packed(right, k, n, width) : vae_panels_rows(right, n, n);
    p.c = vae_panels_rows(c, n, n);
    vae_gemm_run(gemm, &p);
    for (size_t j = 0; j < n; j++) {
        struct vae_panels one = vae_panels_one(&p.b, j / p.b.width, 0);
        struct vae_block b = {.m = m,
            .n = n,
            .k = k,
            .a = a,
            .a_row = p.a_row,
            .a_col = p.a_col,
            .b = one.data + j % p.b.width,
            .ldb = one.ld};
        for (size_t i = 0; i < m; i++)
            if (gemm->provider == VAE_GEMM_NATIVE)
                same(c[i * n + j], chain(&b, i, 0), &b, i, j);
            else
                ck_assert(fabsf(c[i * n + j] - chain(&b, i, 0)) < 1e-6f * (float)k);
    }
    free(a);
    free(right);
    free(c);
}

START_TEST(products)
{
    const size_t widths[] = {1, 2, 31, 32, 33, 64, 96, 127, 128, 129, 130, 160, 257},
                 heights[] = {1, 2, 15, 40};
    for (size_t t = 0; t < sizeof isas / sizeof *isas; t++) {
        const struct vae_kernels *kernels = vae_kernels_named(isas[t]);
        for (int32_t provider = VAE_GEMM_NATIVE; kernels && provider <= VAE_GEMM_CBLAS; provider++) {
            struct vae_gemm gemm = {kernels->train, provider};
            for (size_t w = 0; vae_gemm_available(provider) && w < sizeof widths / sizeof *widths; w++)
                for (size_t h = 0; h < 4; h++)
                    for (size_t k = 1; k <= 40; k += 13)
                        for (int layout = 0; layout < 4; layout++)
                            check_product(&gemm, heights[h], widths[w], k, layout & 1, layout & 2);
        }
    }
}
END_TEST

/* ---- what else runs over whole arrays ---- */

START_TEST(sums_and_transposes)
{
    for (size_t t = 0; t < sizeof isas / sizeof *isas; t++) {
        const struct vae_kernels *kernels = vae_kernels_named(isas[t]);
        for (size_t m = 1; kernels && m <= 35; m += 2)
            for (size_t n = 1; n <= 35; n++) {
                float *from = numbers(m * (n + 1)), *to = numbers(n * (m + 2)), sums[35];
                kernels->train->column_sums(m, n, from, n + 1, sums);
                kernels->train->transpose(m, n, from, n + 1, to, m + 2);
                for (size_t j = 0; j < n; j++) {
                    float sum = 0;
                    for (size_t i = 0; i < m; i++) {
                        sum += from[i * (n + 1) + j];
                        if (to[j * (m + 2) + i] != from[i * (n + 1) + j])
                            ck_abort_msg("%zu x %zu: (%zu, %zu) is elsewhere", m, n, i, j);
                    }
                    ck_assert_msg(sums[j] == sum, "%zu x %zu: sum %zu is %a, not %a", m, n, j,
                        (double)sums[j], (double)sum);
                }
                free(from);
                free(to);
            }
    }
}
END_TEST

int main(void)
{
    const TTest *tests[] = {blocks, epilogues, products, sums_and_transposes};
    return RUN_SUITE("gemm", tests);
}
