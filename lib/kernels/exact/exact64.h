/* SPDX-License-Identifier: BSD-2-Clause
 * The functions behind struct vae_exact64, one file a family, gathered by exact64.c.
 *
 * All of them compute in double-double and round to float64 once.
 */
#ifndef VAE_LIB_KERNELS_EXACT_EXACT64_H
#define VAE_LIB_KERNELS_EXACT_EXACT64_H

#include "rows64.h"

extern rows64_function kl_diag64_terms, kl_diag64_grads, kl_pair64_terms, kl_pair64_grads, reparam64_grads,
    reparam_grad64_grads, bernoulli64_terms, bernoulli64_grads, gauss64_terms, gauss64_grads,
    std_normal64_terms, std_normal64_grads, laplace64_terms, laplace64_grads, poisson64_terms,
    poisson64_grads, cbernoulli64_terms, cbernoulli64_grads;

/* These walk no rows of independent elements: they are members themselves. */
extern __typeof__(*((struct vae_exact64 *)0)->kl_full) kl_full64;
extern __typeof__(*((struct vae_exact64 *)0)->categorical) categorical64;
extern __typeof__(*((struct vae_exact64 *)0)->logmeanexp) logmeanexp64;

/* a - b as a number of a wide exponent: exact, and the difference of the ends of the range does not overflow.
 */
DD_INLINE struct dd_wide dd_difference(double a, double b)
{
    int far = fabs(a) > 0x1p1000 || fabs(b) > 0x1p1000;
    double s = far ? 0.25 : 1.0;
    return dd_normalise(dd_sum(a * s, -b * s), far ? 2.0 : 0.0);
}

/* The factor exp(x) contributes next to an infinity: 1 for every finite x. */
DD_INLINE double exp_limit(double x)
{
    double y = x > DBL_MAX ? DD_INF : 1.0;
    y = x < -DBL_MAX ? 0.0 : y;
    return x == x ? y : x;
}

/* y exp(-x) for a finite y, its limit for an infinite one, as given by `plain`. */
DD_INLINE struct dd_wide wide_or(struct dd_wide y, double plain)
{
    int fine = dd_finite(plain);
    return (struct dd_wide){{fine ? y.v.h : plain, fine ? y.v.l : 0.0}, fine ? y.e : 0.0};
}

#endif
