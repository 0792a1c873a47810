/* SPDX-License-Identifier: BSD-2-Clause
 * The functions behind struct vae_exact64, one file a family, gathered by exact64.c.
 *
 * All of them compute in double-double and round to float64 once.
 */
#ifndef VAE_LIB_KERNELS_EXACT64_H
#define VAE_LIB_KERNELS_EXACT64_H

#include "rows64.h"

#define EXACT64_DECLARE(member) extern __typeof__(*((struct vae_exact64 *)0)->member) K(member##64)
#define EXACT64_DECLARE_NARROW(member)                                                                       \
    extern __typeof__(*((struct vae_exact64 *)0)->member) K_NARROW(member##64)

EXACT64_DECLARE(kl_diag);
EXACT64_DECLARE(kl_pair);
EXACT64_DECLARE_NARROW(kl_full);
EXACT64_DECLARE(reparam);
EXACT64_DECLARE(reparam_grad);
EXACT64_DECLARE(bernoulli);
EXACT64_DECLARE(gauss);
EXACT64_DECLARE(laplace);
EXACT64_DECLARE(poisson);
EXACT64_DECLARE(cbernoulli);
EXACT64_DECLARE(categorical);
EXACT64_DECLARE(logmeanexp);

/* a - b as a number of a wide exponent: exact, and the difference of the ends of the range does not overflow.
 */
DD_INLINE struct dd_wide dd_difference(double a, double b)
{
    int far = fabs(a) > 0x1p1000 || fabs(b) > 0x1p1000;
    double s = far ? 0.25 : 1.0;
    return dd_normalise(dd_sum(a * s, -b * s), far ? 2.0 : 0.0);
}

/* exp(x) where x is no number beside an infinite factor: 1 stands for every finite x. */
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
