/* SPDX-License-Identifier: BSD-2-Clause
 * What is walked: matrices of n rows and d columns, their strides, weights and sums; the same in both
 * precisions.
 */
#ifndef VAE_LIB_KERNELS_EXACT_ROWS_H
#define VAE_LIB_KERNELS_EXACT_ROWS_H

#include <stddef.h>

#define ROWS_MATRICES 4

/* Outputs are added to; with `overwrite` they are written, and may be inputs. */
#define ROWS_FIELDS(REAL)                                                                                    \
    size_t n, d;                                                                                             \
    int inputs, outputs, overwrite;                                                                          \
    const REAL *in[ROWS_MATRICES];                                                                           \
    size_t ld_in[ROWS_MATRICES];                                                                             \
    REAL *out[ROWS_MATRICES]; /* NULL to skip */                                                             \
    size_t ld_out[ROWS_MATRICES];                                                                            \
    const REAL *w; /* [n]; NULL = ones */                                                                    \
    double *value  /* [n]; NULL to skip */

#endif
