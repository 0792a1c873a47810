/* SPDX-License-Identifier: BSD-2-Clause
 * Walking strided rows: a kernel is written for blocks of sixteen contiguous elements, and this
 * brings them.
 *
 * Rows are gathered into tiles of whole blocks: in place where the matrices are contiguous or the rows long,
 * else through local copies. Row sums put element j of a row into lane j % 16 and end in one fixed tree, so a
 * result depends neither on tiles nor on copies.
 */
#ifndef VAE_LIB_KERNELS_EXACT_ROWS32_H
#define VAE_LIB_KERNELS_EXACT_ROWS32_H

#include "kernels/isa.h"
#include "kernels/math/lanes.h"
#include "kernels/math/math64.h"
#include "rows.h"

#include <math.h>
#include <string.h>

/* Precedes a function of sixteen elements, whose flags are constant where it is inlined: only then does its
 * loop vectorise. */
#define BLOCK VAE_INLINE void

/* Elements of a tile at most, a multiple of 16 rows of up to 64 elements. */
#define ROWS_TILE 1024

/* What a kernel sees: arrays of 16 * blocks elements that overlap nowhere. */
struct rows32_tile {
    const float *in[ROWS_MATRICES];
    float *out[ROWS_MATRICES]; /* all NULL, or all given */
    const double *weight;      /* one an element */
    double *term;              /* NULL without a sum */
};
typedef void rows32_blocks(size_t blocks, const struct rows32_tile *tile);

struct rows32_job {
    ROWS_FIELDS(float);
    rows32_blocks *blocks;
};

void rows32_run(const struct rows32_job *job);

/* Defines NAME, a rows32_blocks, from ONE(tile, offset, value, grad), which does sixteen elements: one loop
 * for each of value, gradient and both, with the two flags constant. */
#define ROWS_BLOCKS(NAME, ONE)                                                                               \
    static void ONE##s_value(size_t blocks, const struct rows32_tile *tile)                                  \
    {                                                                                                        \
        for (size_t b = 0; b < blocks; b++)                                                                  \
            ONE(tile, VAE_LANES *b, 1, 0);                                                                   \
    }                                                                                                        \
    static void ONE##s_grad(size_t blocks, const struct rows32_tile *tile)                                   \
    {                                                                                                        \
        for (size_t b = 0; b < blocks; b++)                                                                  \
            ONE(tile, VAE_LANES *b, 0, 1);                                                                   \
    }                                                                                                        \
    static void ONE##s_both(size_t blocks, const struct rows32_tile *tile)                                   \
    {                                                                                                        \
        for (size_t b = 0; b < blocks; b++)                                                                  \
            ONE(tile, VAE_LANES *b, 1, 1);                                                                   \
    }                                                                                                        \
    void NAME(size_t blocks, const struct rows32_tile *tile)                                                 \
    {                                                                                                        \
        (tile->out[0] ? tile->term ? ONE##s_both : ONE##s_grad : ONE##s_value)(blocks, tile);                \
    }

/* g + w dg, rounded once */
static inline float add_grad(float g, double w, double dg)
{
    return (float)fma(w, dg, g);
}

#endif
