/* SPDX-License-Identifier: BSD-2-Clause
 * The exact64 part of the table.
 */
#include "exact64.h"

const struct vae_exact64 K(exact64) = {
    .kl_diag = K(kl_diag64),
    .kl_pair = K(kl_pair64),
    .kl_full = K_NARROW(kl_full64),
    .reparam = K(reparam64),
    .reparam_grad = K(reparam_grad64),
    .bernoulli = K(bernoulli64),
    .gauss = K(gauss64),
    .laplace = K(laplace64),
    .poisson = K(poisson64),
    .cbernoulli = K(cbernoulli64),
    .categorical = K(categorical64),
    .logmeanexp = K(logmeanexp64),
};
