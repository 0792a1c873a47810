/* SPDX-License-Identifier: BSD-2-Clause
 * Test. The matrix product, to the bit: each output one chain of fmaf() in order of k, for every small shape,
 * both layouts of A, strides with gaps, on every instruction set that runs; then whole products in panels,
 * the library's and a program's own. Buffers end where the kernels' promise ends, so that a sanitizer or
 * valgrind sees a step beyond.
 */
#include "../support/runner.h"
#include "../support/sgemm.h"

#include "kernels/product.h"

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

/* A as the test wrote it, and B: element (i, p) of A is a[i * a_row + p * a_col], (p, j) of B is b[p * b_row
 * + j * b_col]. */
struct operands {
    const float *a, *b;
    size_t a_row, a_col, b_row, b_col;
};

static float chain(const struct operands *o, size_t k, size_t i, size_t j)
{
    float sum = 0;
    for (size_t p = 0; p < k; p++)
        sum = fmaf(o->a[i * o->a_row + p * o->a_col], o->b[p * o->b_row + j * o->b_col], sum);
    return sum;
}

/* No assertion for each element: Check notes every one in a file. */
static void same(float found, float wanted, const struct vae_block *b, size_t i, size_t j)
{
    if (memcmp(&found, &wanted, sizeof found) != 0)
        ck_abort_msg("%zu x %zu x %zu, a_step %zu, ldb %zu: (%zu, %zu) is %a, not %a", b->m, b->n, b->k,
            b->a_step, b->ldb, i, j, (double)found, (double)wanted);
}

/* A by rows as gemm_block takes it. */
static float *packed(const struct vae_train_kernels *kernels, size_t m, size_t k, const float *a, size_t lda)
{
    float *to = malloc((m * k + 1) * sizeof *to);
    kernels->gemm_pack(m, k, a, lda, to);
    return to;
}

/* One block with gaps of `gap` elements in every stride; what is between C's rows stays. */
static void check_block(
    const struct vae_train_kernels *kernels, size_t m, size_t n, size_t k, int by_rows, size_t gap)
{
    struct vae_block b = {.m = m, .n = n, .k = k, .ldb = n + gap, .ldc = n + gap};
    struct operands o = {
        .a_row = by_rows ? k + gap : 1, .a_col = by_rows ? 1 : m + gap, .b_row = n + gap, .b_col = 1};
    float *a = numbers(k > 0 ? (m - 1) * o.a_row + (k - 1) * o.a_col + 1 : 0);
    float *right = numbers(k > 0 ? (k - 1) * b.ldb + round_up(n) : 0), *c = numbers(m * b.ldc);
    float *before = malloc(m * b.ldc * sizeof *before),
          *tiles = by_rows ? packed(kernels, m, k, a, k + gap) : NULL;
    memcpy(before, c, m * b.ldc * sizeof *before);
    o.a = a;
    o.b = b.b = right;
    b.a = by_rows ? tiles : a;
    b.a_step = by_rows ? 0 : o.a_col;
    b.c = c;
    kernels->gemm_block(&b);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < b.ldc; j++)
            same(c[i * b.ldc + j], j < n ? chain(&o, k, i, j) : before[i * b.ldc + j], &b, i, j);
    free(a);
    free(right);
    free(c);
    free(before);
    free(tiles);
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
        float *tiles = packed(kernels->train, M, K, a, K);
        struct operands o = {.a = a, .a_row = K, .a_col = 1, .b = right, .b_row = 32, .b_col = 1};
        struct vae_block b = {.m = M, .n = N, .k = K, .a = tiles, .b = right, .ldb = 32, .c = c, .ldc = N};
        b.epilogue = (struct vae_epilogue){
            .kind = VAE_EPILOGUE_FORWARD, .activation = VAE_RELU, .bias = bias, .pre = pre, .ldpre = N};
        kernels->train->gemm_block(&b);
        for (size_t i = 0; i < M; i++)
            for (size_t j = 0; j < N; j++) {
                float before = chain(&o, K, i, j) + bias[j];
                same(pre[i * N + j], before, &b, i, j);
                same(c[i * N + j], before > 0 ? before : 0, &b, i, j);
            }
        b.epilogue =
            (struct vae_epilogue){.kind = VAE_EPILOGUE_BACKWARD, .activation = VAE_RELU, .y = pre, .ldy = N};
        kernels->train->gemm_block(&b);
        for (size_t i = 0; i < M; i++)
            for (size_t j = 0; j < N; j++)
                same(c[i * N + j], pre[i * N + j] > 0 ? chain(&o, K, i, j) : 0, &b, i, j);
        free(a);
        free(right);
        free(bias);
        free(tiles);
    }
}
END_TEST

/* ---- whole products ---- */

enum form { BY_ROWS, BY_COLUMNS, BACK, FORMS };

/* The element of row r, column c of a B in panels. */
static const float *element(const struct vae_panels *b, size_t r, size_t c)
{
    return vae_panels_one(b, c / b->width, r).data + c % b->width;
}

static void check_product(const struct vae_gemm *gemm, size_t m, size_t n, size_t k, enum form form,
    int in_panels, int32_t activation)
{
    size_t width = vae_gemm_panel(gemm->sgemm), slack = 64, rows = form == BACK ? n : k,
           cols = form == BACK ? k : n;
    float *a = numbers(m * k), *right = numbers(k * n + slack), *c = numbers(m * n), *y = numbers(m * n);
    float *space = malloc((vae_gemm_packed(m, k) + 1) * sizeof *space);
    struct vae_product p = {.m = m, .k = k, .a = a, .back = form == BACK, .packed = space};
    p.a_row = form == BY_COLUMNS ? 1 : k;
    p.a_col = form == BY_COLUMNS ? m : 1;
    p.b = in_panels ? vae_panels_packed(right, rows, cols, width) : vae_panels_rows(right, cols, cols);
    p.c = vae_panels_rows(c, n, n);
    p.epilogue =
        (struct vae_epilogue){.kind = VAE_EPILOGUE_BACKWARD, .activation = activation, .y = y, .ldy = n};
    vae_gemm_run(gemm, &p);
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < m; i++) {
            float sum = 0;
            for (size_t q = 0; q < k; q++)
                sum = fmaf(a[i * p.a_row + q * p.a_col],
                    *(form == BACK ? element(&p.b, j, q) : element(&p.b, q, j)), sum);
            if (activation == VAE_RELU && y[i * n + j] <= 0)
                sum = 0;
            if (!gemm->sgemm ? memcmp(&sum, &c[i * n + j], sizeof sum) != 0
                             : !(fabsf(c[i * n + j] - sum) < 1e-6f * (float)k))
                ck_abort_msg("%zu x %zu x %zu, form %d: (%zu, %zu) is %a, not %a", m, n, k, form, i, j,
                    (double)c[i * n + j], (double)sum);
        }
    free(a);
    free(right);
    free(c);
    free(y);
    free(space);
}

static void check_products(const struct vae_gemm *gemm, size_t m, size_t n)
{
    for (size_t k = 1; k <= 72; k += k < 40 ? 13 : 31)
        for (enum form form = BY_ROWS; form < FORMS; form++)
            for (int in_panels = 0; in_panels < 2; in_panels++)
                if (in_panels || form != BACK)
                    check_product(gemm, m, n, k, form, in_panels, in_panels ? VAE_RELU : VAE_IDENTITY);
}

START_TEST(products)
{
    const size_t widths[] = {1, 2, 31, 32, 33, 64, 96, 127, 128, 129, 130, 160, 257},
                 heights[] = {1, 2, 15, 31, 40, 65};
    for (size_t t = 0; t < sizeof isas / sizeof *isas; t++) {
        const struct vae_kernels *kernels = vae_kernels_named(isas[t]);
        for (int own = 0; kernels && own < 2; own++) {
            struct vae_gemm gemm = {kernels->train, own ? sgemm_by_the_book : NULL};
            for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
                for (size_t h = 0; h < sizeof heights / sizeof *heights; h++)
                    check_products(&gemm, heights[h], widths[w]);
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
