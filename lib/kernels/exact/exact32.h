/* SPDX-License-Identifier: BSD-2-Clause
 * The functions behind struct vae_exact32, one file a family, gathered by exact32.c.
 *
 * All of them compute in float64 and round to float32 once; add_grad() rounds a gradient once more than exact
 * arithmetic would, in its 29th bit past float32's last.
 */
#ifndef VAE_LIB_KERNELS_EXACT_EXACT32_H
#define VAE_LIB_KERNELS_EXACT_EXACT32_H

#include "rows32.h"

extern rows32_blocks kl_diag32_blocks, kl_pair32_blocks, reparam32_blocks, reparam_grad32_blocks,
    bernoulli32_blocks, gauss32_blocks, std_normal32_blocks, laplace32_blocks, poisson32_blocks,
    cbernoulli32_blocks;

/* These walk no rows of independent elements: they are members themselves. */
extern __typeof__(*((struct vae_exact32 *)0)->kl_full) kl_full32;
extern __typeof__(*((struct vae_exact32 *)0)->categorical) categorical32;
extern __typeof__(*((struct vae_exact32 *)0)->logmeanexp) logmeanexp32;

#endif
