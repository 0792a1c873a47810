/* SPDX-License-Identifier: BSD-2-Clause
 * Walking strided rows: a kernel is written for blocks of sixteen contiguous elements, and this
 * brings them.
 *
 * Rows are gathered into tiles of whole blocks: in place where the matrices are contiguous or the rows long,
 * else through local copies. Row sums put element j of a row into lane j % 16 and end in one fixed tree, so a
 * result depends neither on tiles nor on copies.
 */
#ifndef VAE_LIB_KERNELS_ROWS_H
#define VAE_LIB_KERNELS_ROWS_H

#include <math.h>
#include <string.h>

#include "kernels/isa.h"
#include "kernels/math/math64.h"

/* What is done to a block of sixteen, with flags that are constant where it is inlined: only then does its
 * loop vectorise. */
#define BLOCK VAE_INLINE void

/* Elements of a tile at most, a multiple of 16 rows of up to 64 elements. */
#define ROWS_TILE 1024
#define ROWS_MATRICES 4

/* What a kernel sees: arrays of 16 * blocks elements that overlap nowhere. */
struct rows_tile {
    const float *in[ROWS_MATRICES];
    float *out[ROWS_MATRICES]; /* all NULL where no output is wanted, else all there */
    const double *weight;      /* one an element */
    double *term;              /* NULL where no sum is wanted */
};
typedef void rows_blocks(size_t blocks, const struct rows_tile *tile);

struct rows_job {
    size_t n, d;
    int inputs, outputs;
    int overwrite; /* outputs are written, not added to, and may be inputs */
    const float *in[ROWS_MATRICES];
    size_t ld_in[ROWS_MATRICES];
    float *out[ROWS_MATRICES]; /* NULL = not wanted */
    size_t ld_out[ROWS_MATRICES];
    const float *weight; /* [n], NULL = ones */
    double *value;       /* [n], NULL = not wanted */
    rows_blocks *blocks;
};

void K(rows_run)(const struct rows_job *job);

/* Defines NAME, a rows_blocks, from NAME_block(tile, offset, value, grad), which does sixteen elements: one
 * loop for each of value, gradient and both, with the two flags constant. */
#define ROWS_BLOCKS(NAME)                                                                                    \
    static void NAME##_value(size_t blocks, const struct rows_tile *tile)                                    \
    {                                                                                                        \
        for (size_t b = 0; b < blocks; b++)                                                                  \
            NAME##_block(tile, b *VAE_LANES, 1, 0);                                                          \
    }                                                                                                        \
    static void NAME##_grad(size_t blocks, const struct rows_tile *tile)                                     \
    {                                                                                                        \
        for (size_t b = 0; b < blocks; b++)                                                                  \
            NAME##_block(tile, b *VAE_LANES, 0, 1);                                                          \
    }                                                                                                        \
    static void NAME##_both(size_t blocks, const struct rows_tile *tile)                                     \
    {                                                                                                        \
        for (size_t b = 0; b < blocks; b++)                                                                  \
            NAME##_block(tile, b *VAE_LANES, 1, 1);                                                          \
    }                                                                                                        \
    static void NAME(size_t blocks, const struct rows_tile *tile)                                            \
    {                                                                                                        \
        (tile->out[0] ? tile->term ? NAME##_both : NAME##_grad : NAME##_value)(blocks, tile);                \
    }

/* g + w dg, rounded once */
static inline float add_grad(float g, double w, double dg)
{
    return (float)fma(w, dg, g);
}

/* clang-format off: it would set the loop into the macro's line */

/* Adds to the sixteen lanes of a row; term is readable to the end of its last block, of which a mask keeps
 * the row's part. */
static inline void lanes_add(double lanes[restrict VAE_LANES], const double *restrict term, size_t count)
{
#define ALL UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX
    static const uint64_t keep[2 * VAE_LANES] = {ALL, ALL, ALL, ALL};
#undef ALL
    size_t j = 0;
    for (; j + VAE_LANES <= count; j += VAE_LANES)
        VAE_ROLLED
    for (int l = 0; l < VAE_LANES; l++)
        lanes[l] += term[j + (size_t)l];
    if (j == count)
        return;
    const uint64_t *mask = keep + VAE_LANES - (count - j);
    VAE_ROLLED
    for (int l = 0; l < VAE_LANES; l++)
        lanes[l] += m64_double(m64_bits(term[j + (size_t)l]) & mask[l]);
}

/* The fixed tree. */
static inline double lanes_total(const double lanes[VAE_LANES])
{
    double eight[8], four[4];
    VAE_ROLLED
    for (int l = 0; l < 8; l++)
        eight[l] = lanes[l] + lanes[l + 8];
    VAE_ROLLED
    for (int l = 0; l < 4; l++)
        four[l] = eight[l] + eight[l + 4];
    return (four[0] + four[2]) + (four[1] + four[3]);
}

/* clang-format on */

#endif
