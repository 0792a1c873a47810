/* SPDX-License-Identifier: BSD-2-Clause
 * The exact32 part of the table.
 */
#include "exact32.h"

const struct vae_exact32 K(exact32) = {
    .kl_diag = K(kl_diag32),
    .kl_pair = K(kl_pair32),
    .kl_full = K_NARROW(kl_full32),
    .reparam = K(reparam32),
    .reparam_grad = K(reparam_grad32),
    .bernoulli = K(bernoulli32),
    .gauss = K(gauss32),
    .laplace = K(laplace32),
    .poisson = K(poisson32),
    .cbernoulli = K(cbernoulli32),
    .categorical = K(categorical32),
    .logmeanexp = K(logmeanexp32),
};
