/* SPDX-License-Identifier: BSD-2-Clause
 * Sums in sixteen lanes of float64: element j of a row goes to lane j % 16 on every instruction set.
 *
 * The lanes are added in one of two orders, whose last bits differ: by a tree (sums over a row) or one after
 * the other (sums of squares over parameters).
 */
#ifndef VAE_LIB_KERNELS_MATH_LANES_H
#define VAE_LIB_KERNELS_MATH_LANES_H

#include "bits.h"
#include "kernels/isa.h"

/* The next multiple of VAE_LANES */
static inline size_t round_up(size_t count)
{
    return (count + VAE_LANES - 1) / VAE_LANES * VAE_LANES;
}

/* clang-format off */

/* Adds a row to its lanes; term is readable to the end of its last block, of which a mask keeps the row's
 * part. */
static inline void lanes_add(double lanes[restrict VAE_LANES], const double *restrict term, size_t count)
{
#define ALL UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX
    static const uint64_t keep[2 * VAE_LANES] = {ALL, ALL, ALL, ALL};
#undef ALL
    size_t j = 0;
    for (; j + VAE_LANES <= count; j += VAE_LANES)
        VAE_ROLLED for (int l = 0; l < VAE_LANES; l++)
            lanes[l] += term[j + (size_t)l];
    if (j == count)
        return;
    const uint64_t *mask = keep + VAE_LANES - (count - j);
    VAE_ROLLED for (int l = 0; l < VAE_LANES; l++)
        lanes[l] += double_of_bits(bits_of_double(term[j + (size_t)l]) & mask[l]);
}

/* Returns the sum by a tree: lane l and lane l + 8, then l + 4, l + 2, l + 1. */
static inline double lanes_sum_by_tree(const double lanes[VAE_LANES])
{
    double eight[8], four[4];
    VAE_ROLLED for (int l = 0; l < 8; l++)
        eight[l] = lanes[l] + lanes[l + 8];
    VAE_ROLLED for (int l = 0; l < 4; l++)
        four[l] = eight[l] + eight[l + 4];
    return (four[0] + four[2]) + (four[1] + four[3]);
}

/* clang-format on */

/* Returns the sum of lane 0, lane 1, ..., lane 15, in this order. */
static inline double lanes_sum_in_order(const double lanes[VAE_LANES])
{
    double sum = 0;
    for (size_t l = 0; l < VAE_LANES; l++)
        sum += lanes[l];
    return sum;
}

#endif
