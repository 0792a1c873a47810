/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 4. The exact32 part of the table.
 */
#include "exact32.h"

const struct vae_exact32 K(exact32) = {
    .kl_diag = K(kl_diag32),
    .kl_pair = K(kl_pair32),
    .reparam = K(reparam32),
    .reparam_grad = K(reparam_grad32),
    .bernoulli = K(bernoulli32),
    .gauss = K(gauss32),
    .laplace = K(laplace32),
};
