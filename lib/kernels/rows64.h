/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 4. Walking strided rows of float64: a kernel is written for blocks of sixteen elements held in local
 * arrays, and this brings them, adds up the terms in double-double, and takes the gradients back.
 *
 * Element j of a row goes to lane j % 16, and the lanes end in one fixed tree.
 */
#ifndef VAE_LIB_KERNELS_ROWS64_H
#define VAE_LIB_KERNELS_ROWS64_H

#include "dd_math.h"
#include "isa.h"

#define ROWS64_MATRICES 4

/* Sixteen elements; those past the end of a row are 0 on the way in and ignored on the way out. */
struct rows64_block {
    double in[ROWS64_MATRICES][VAE_LANES];
    double out[ROWS64_MATRICES][VAE_LANES];
    double term_h[VAE_LANES], term_l[VAE_LANES];
    double w; /* of the row; read before a loop that stores, or clang does not vectorise it */
};
typedef void rows64_function(struct rows64_block *block);

struct rows64_job {
    size_t n, d;
    int inputs, outputs;
    int overwrite; /* outputs are written, not added to */
    const double *in[ROWS64_MATRICES];
    size_t ld_in[ROWS64_MATRICES];
    double *out[ROWS64_MATRICES]; /* NULL = not wanted */
    size_t ld_out[ROWS64_MATRICES];
    const double *w;       /* [n], NULL = ones */
    double *value;         /* [n], NULL = not wanted */
    rows64_function *term; /* writes term_h and term_l; an infinite or NaN term has a low part of 0 */
    rows64_function *grad; /* brings out[] up to date */
};

void K(rows64_run)(const struct rows64_job *job);

/* The sum of a row so far: finite terms in sixteen lanes, and the others. */
struct rows64_sum {
    double h[VAE_LANES], l[VAE_LANES], odd[VAE_LANES];
};

/* Adds `count` terms, times a power of two. */
DD_INLINE void rows64_add(struct rows64_sum *sum, const double *restrict term_h,
    const double *restrict term_l, size_t count, double power)
{
    for (int64_t l = 0; l < VAE_LANES; l++) {
        int used = l < (int64_t)count, fine = dd_finite(term_h[l]);
        struct dd term = {used && fine ? term_h[l] * power : 0.0, used && fine ? term_l[l] * power : 0.0};
        struct dd s = dd_add((struct dd){sum->h[l], sum->l[l]}, term);
        sum->h[l] = s.h;
        sum->l[l] = s.l;
        sum->odd[l] += used && !fine ? term_h[l] : 0.0;
    }
}

/* The lanes in one; infinite or NaN where a term is. */
DD_INLINE struct dd rows64_total(const struct rows64_sum *sum)
{
    struct rows64_sum s = *sum;
    for (int width = VAE_LANES / 2; width; width /= 2)
        for (int l = 0; l < width; l++) {
            struct dd a = dd_add((struct dd){s.h[l], s.l[l]}, (struct dd){s.h[l + width], s.l[l + width]});
            s.h[l] = a.h;
            s.l[l] = a.l;
            s.odd[l] += s.odd[l + width];
        }
    int fine = s.odd[0] == 0.0;
    return (struct dd){fine ? s.h[0] : s.odd[0], fine ? s.l[0] : 0.0};
}

#endif
