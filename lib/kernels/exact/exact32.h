/* SPDX-License-Identifier: BSD-2-Clause
 * The functions behind struct vae_exact32, one file a family, gathered by exact32.c.
 *
 * All of them compute in float64 and round to float32 once; add_grad() rounds a gradient once more than exact
 * arithmetic would, in its 29th bit past float32's last.
 */
#ifndef VAE_LIB_KERNELS_EXACT32_H
#define VAE_LIB_KERNELS_EXACT32_H

#include "kernels/isa.h"

#define EXACT32_DECLARE(member) extern __typeof__(*((struct vae_exact32 *)0)->member) K(member##32)
#define EXACT32_DECLARE_NARROW(member)                                                                       \
    extern __typeof__(*((struct vae_exact32 *)0)->member) K_NARROW(member##32)

EXACT32_DECLARE(kl_diag);
EXACT32_DECLARE(kl_pair);
EXACT32_DECLARE_NARROW(kl_full);
EXACT32_DECLARE(reparam);
EXACT32_DECLARE(reparam_grad);
EXACT32_DECLARE(bernoulli);
EXACT32_DECLARE(gauss);
EXACT32_DECLARE(laplace);
EXACT32_DECLARE(poisson);
EXACT32_DECLARE(cbernoulli);
EXACT32_DECLARE(categorical);
EXACT32_DECLARE(logmeanexp);

#endif
