/* SPDX-License-Identifier: BSD-2-Clause
 * The size of the workspace of vae_kl_gauss() and vae_kl_gauss_grad(), the same in both precisions.
 */
#include <vae/vae.h>

/* Eight d x d matrices and sixteen vectors of float64: what double-double matrices of the float64 kernel
 * take; the float32 kernel uses less. A little more, so that the kernel may align it. */
size_t vae_kl_gauss_work(size_t d)
{
    const size_t slack = 64, limit = (SIZE_MAX - slack) / sizeof(double) / 8;
    if (d > limit - 2 || (d && d + 2 > limit / d))
        return SIZE_MAX;
    return 8 * d * (d + 2) * sizeof(double) + slack;
}
