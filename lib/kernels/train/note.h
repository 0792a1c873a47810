/* SPDX-License-Identifier: BSD-2-Clause
 * What kernels note of the numbers that pass: the largest magnitude, as bits with the sign off, which order
 * as integers do; NaN's are above infinity's. Sixteen lanes, so that loops vectorise; the order of the
 * numbers does not matter.
 */
#ifndef VAE_LIB_KERNELS_TRAIN_NOTE_H
#define VAE_LIB_KERNELS_TRAIN_NOTE_H

#include "kernels/isa.h"
#include "kernels/math/bits.h"

#define NOTE_MAGNITUDE 0x7fffffffu

VAE_INLINE uint32_t note_larger(uint32_t most, uint32_t bits)
{
    return bits > most ? bits : most;
}

VAE_INLINE void note_lanes(size_t count, const float *restrict x, uint32_t *restrict most)
{
    VAE_ROLLED
    for (size_t l = 0; l < count; l++)
        most[l] = note_larger(most[l], bits_of_float(x[l]) & NOTE_MAGNITUDE);
}

/* A row whose column 0 belongs to lane 0 */
VAE_INLINE void note_row(size_t n, const float *x, uint32_t lanes[VAE_LANES])
{
    size_t whole = n / VAE_LANES * VAE_LANES;
    for (size_t j = 0; j < whole; j += VAE_LANES)
        note_lanes(VAE_LANES, x + j, lanes);
    if (whole < n)
        note_lanes(n - whole, x + whole, lanes);
}

static inline void note_raise(uint32_t *most, const uint32_t *lanes, size_t count)
{
    for (size_t l = 0; l < count; l++)
        most[l] = note_larger(most[l], lanes[l]);
}

/* Raises most[VAE_LANES] to the magnitudes of an m x n matrix whose column 0 belongs to lane `first`. */
VAE_INLINE void note_matrix(size_t m, size_t n, const float *x, size_t ldx, size_t first, uint32_t *most)
{
    for (size_t j = 0, width; j < n; j += width) {
        size_t lane = (first + j) % VAE_LANES;
        uint32_t lanes[VAE_LANES] = {0};
        width = VAE_LANES - lane < n - j ? VAE_LANES - lane : n - j;
        if (width == VAE_LANES)
            for (size_t i = 0; i < m; i++)
                note_lanes(VAE_LANES, x + i * ldx + j, lanes);
        else
            for (size_t i = 0; i < m; i++)
                note_lanes(width, x + i * ldx + j, lanes);
        note_raise(most + lane, lanes, width);
    }
}

/* What is seen of a row, in lanes */
struct seen_lanes {
    uint32_t most[VAE_LANES], any[VAE_LANES];
};

VAE_INLINE void see_lanes(size_t count, const float *restrict x, struct seen_lanes *restrict seen)
{
    VAE_ROLLED
    for (size_t l = 0; l < count; l++) {
        uint32_t bits = bits_of_float(x[l]);
        seen->most[l] = note_larger(seen->most[l], bits & NOTE_MAGNITUDE);
        seen->any[l] |= bits;
    }
}

/* n is a multiple of VAE_LANES */
VAE_INLINE void see_blocks(size_t n, const float *x, struct seen_lanes *seen)
{
    for (size_t j = 0; j < n; j += VAE_LANES)
        see_lanes(VAE_LANES, x + j, seen);
}

static inline void seen_raise(struct vae_seen *to, const struct seen_lanes *seen)
{
    for (size_t l = 0; l < VAE_LANES; l++) {
        to->most = note_larger(to->most, seen->most[l]);
        to->any |= seen->any[l];
    }
}

#endif
