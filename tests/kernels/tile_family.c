/* SPDX-License-Identifier: BSD-2-Clause
 * The matrix products of a training step under test: chains of operations in a written order, held to their
 * bits.
 */
#include "train_frame.h"

#include <math.h>
#include <string.h>
#include <vae/vae.h>

/* ---- products: n rows, d summed, columns and the side that A lies on by choice ---- */

static const size_t widths[] = {32, 31, 17, 16, 15, 7, 1};

static size_t width_of(const struct frame *f)
{
    return widths[f->choice / 3];
}

/* 0: A as gemm_pack left it; 1: A by columns; 2: the first with bias and relu. */
static void gemm_block_arrays(struct frame *f)
{
    int by_columns = f->choice % 3 == 1;
    size_t n = width_of(f), readable = (n + 15) / 16 * 16;
    matrix(f, "a", IN, by_columns ? f->d : f->n, by_columns ? f->n : f->d, 1);
    matrix(f, "b", IN, f->d, readable, 1);
    array_bound(written(f, "c", F32, OUT, f->n, n), 24, 0, 99);
    matrix(f, "bias", WEIGHT, 1, n, 1);
    f->elements = f->n * f->d * n;
}

static void gemm_block_call(const struct vae_kernels *k, struct frame *f)
{
    struct vae_block block = {.m = f->n,
        .n = width_of(f),
        .k = f->d,
        .a = AT(0),
        .a_step = LD(0),
        .b = AT(1),
        .ldb = LD(1),
        .c = AT(2),
        .ldc = LD(2)};
    if (f->choice % 3 != 1) {
        float *packed = workspace(f->n * f->d);
        k->train->gemm_pack(f->n, f->d, M(0), packed);
        block.a = packed;
        block.a_step = 0;
    }
    if (f->choice % 3 == 2)
        block.epilogue =
            (struct vae_epilogue){.kind = VAE_EPILOGUE_FORWARD, .activation = VAE_RELU, .bias = AT(3)};
    k->train->gemm_block(&block);
}

static void gemm_block_reference(struct frame *f)
{
    static float a[1000], b[1000][32];
    for (size_t p = 0; p < f->d; p++)
        for (size_t j = 0; j < width_of(f); j++)
            b[p][j] = (float)GIVEN(1, p, j);
    for (size_t i = 0; i < f->n; i++) {
        for (size_t p = 0; p < f->d; p++)
            a[p] = (float)(f->choice % 3 == 1 ? GIVEN(0, p, i) : GIVEN(0, i, p));
        for (size_t j = 0; j < width_of(f); j++) {
            float sum = 0;
            for (size_t p = 0; p < f->d; p++)
                sum = fmaf(a[p], b[p][j], sum);
            if (f->choice % 3 == 2) {
                sum += f->array[3].at ? (float)GIVEN(3, 0, j) : 0;
                sum = sum > 0 ? sum : 0;
            }
            array_expect(&f->array[2], i, j, sum, 0);
        }
    }
}

/* n rows of A by a matrix of weights, [width][d], in panels of 32 columns. */
static void gemm_back_block_arrays(struct frame *f)
{
    size_t n = widths[f->choice];
    matrix(f, "a", IN, f->n, f->d, 1);
    matrix(f, "b", IN, (f->d + VAE_PANEL - 1) / VAE_PANEL, n * VAE_PANEL, 1);
    array_bound(written(f, "c", F32, OUT, f->n, n), 24, 0, 99);
    f->elements = f->n * f->d * n;
}

static void gemm_back_block_call(const struct vae_kernels *k, struct frame *f)
{
    float *packed = workspace((f->n + VAE_PANEL) * f->d);
    memset(packed, 0, (f->n + VAE_PANEL) * f->d * sizeof *packed);
    for (size_t i = 0; i < f->n; i += VAE_PANEL)
        k->train->transpose(f->n - i < VAE_PANEL ? f->n - i : VAE_PANEL, f->d, AT(0) + i * LD(0), LD(0),
            packed + i * f->d, VAE_PANEL);
    struct vae_back_block block = {.m = f->n,
        .n = widths[f->choice],
        .k = f->d,
        .a = packed,
        .b = AT(1),
        .rest = AT(1) + f->d / VAE_PANEL * LD(1),
        .b_step = LD(1),
        .ldrest = VAE_PANEL,
        .c = AT(2),
        .ldc = LD(2)};
    k->train->gemm_back_block(&block);
}

static void gemm_back_block_reference(struct frame *f)
{
    for (size_t i = 0; i < f->n; i++)
        for (size_t j = 0; j < widths[f->choice]; j++) {
            float sum = 0;
            for (size_t p = 0; p < f->d; p++)
                sum = fmaf((float)GIVEN(0, i, p),
                    (float)GIVEN(1, p / VAE_PANEL, j * VAE_PANEL + p % VAE_PANEL), sum);
            array_expect(&f->array[2], i, j, sum, 0);
        }
}

/* In tiles whose order is the kernel's own: every element's bits are there, by a sum and a parity that know
 * no order. */
static void gemm_pack_arrays(struct frame *f)
{
    matrix(f, "a", IN, f->n, f->d, 1);
    array_bound(written(f, "sums", F64, OUT, 1, 2), 53, 0, 99);
}

static void add_bits(float value, uint64_t sums[2])
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    sums[0] += bits;
    sums[1] ^= bits;
}

static void gemm_pack_call(const struct vae_kernels *k, struct frame *f)
{
    float *packed = workspace(f->n * f->d);
    uint64_t sums[2] = {0, 0};
    k->train->gemm_pack(f->n, f->d, M(0), packed);
    for (size_t i = 0; i < f->n * f->d; i++)
        add_bits(packed[i], sums);
    VALUES(1)[0] = (double)sums[0];
    VALUES(1)[1] = (double)sums[1];
}

static void gemm_pack_reference(struct frame *f)
{
    uint64_t sums[2] = {0, 0};
    for (size_t i = 0; i < f->n; i++)
        for (size_t j = 0; j < f->d; j++)
            add_bits((float)GIVEN(0, i, j), sums);
    array_expect(&f->array[1], 0, 0, (long double)sums[0], 0);
    array_expect(&f->array[1], 0, 1, (long double)sums[1], 0);
}

/* One row by d and n panels of 32 columns, at most 9: as many as the kernel takes, the others one at a time.
 */
static size_t panels_of(const struct frame *f)
{
    return f->n < 9 ? f->n : 9;
}

static void gemm_row_arrays(struct frame *f)
{
    size_t panels = panels_of(f);
    matrix(f, "a", IN, 1, f->d, 1);
    matrix(f, "b", IN, panels, f->d * VAE_PANEL, 1);
    array_bound(written(f, "c", F32, OUT, 1, panels * VAE_PANEL), 24, 0, 99);
    f->elements = f->d * panels * VAE_PANEL;
}

static void gemm_row_call(const struct vae_kernels *k, struct frame *f)
{
    size_t panels = panels_of(f);
    struct vae_block block = {.m = 1,
        .n = VAE_PANEL,
        .k = f->d,
        .a = AT(0),
        .a_step = 1,
        .b = AT(1),
        .ldb = VAE_PANEL,
        .c = AT(2),
        .ldc = panels * VAE_PANEL};
    size_t done = k->train->gemm_row(&block, panels, LD(1), f->choice);
    for (block.b += done * LD(1), block.c += done * VAE_PANEL; done < panels; done++) {
        k->train->gemm_block(&block);
        block.b += LD(1);
        block.c += VAE_PANEL;
    }
}

static void gemm_row_reference(struct frame *f)
{
    for (size_t i = 0; i < panels_of(f); i++)
        for (size_t j = 0; j < VAE_PANEL; j++) {
            float sum = 0;
            for (size_t p = 0; p < f->d; p++)
                sum = fmaf((float)GIVEN(0, 0, p), (float)GIVEN(1, i, p * VAE_PANEL + j), sum);
            array_expect(&f->array[2], 0, i * VAE_PANEL + j, sum, 0);
        }
}

static const struct kernel kernels[] = {
    TRAIN_KERNEL(gemm_block, 3 * sizeof widths / sizeof *widths),
    TRAIN_KERNEL(gemm_back_block, sizeof widths / sizeof *widths),
    TRAIN_KERNEL(gemm_pack, 1),
    TRAIN_KERNEL(gemm_row, 2),
};

const struct family tile_family = {"train, products", 0, kernels, sizeof kernels / sizeof *kernels};
