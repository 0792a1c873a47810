/* SPDX-License-Identifier: BSD-2-Clause
 * The exact32 part of the table.
 */
#include "exact32.h"

#define REAL float
#define ROWS_JOB rows32_job
#define ROWS_RUN rows32_run
#define WALK(family) .blocks = family##32_blocks
#define DRAW(family) .blocks = family##32_blocks
#include "entries_tmpl.h"

const struct vae_exact32 K(exact32) = {
    .kl_diag = kl_diag,
    .kl_pair = kl_pair,
    .kl_full = kl_full32,
    .reparam = reparam,
    .reparam_grad = reparam_grad,
    .bernoulli = bernoulli,
    .gauss = gauss,
    .std_normal = std_normal,
    .laplace = laplace,
    .poisson = poisson,
    .cbernoulli = cbernoulli,
    .categorical = categorical32,
    .logmeanexp = logmeanexp32,
};
