/* SPDX-License-Identifier: BSD-2-Clause
 * The exact64 part of the table.
 */
#include "exact64.h"

#define REAL double
#define ROWS_JOB rows64_job
#define ROWS_RUN rows64_run
#define WALK(family) .term = family##64_terms, .grad = family##64_grads
#define DRAW(family) .grad = family##64_grads
#include "entries_tmpl.h"

const struct vae_exact64 K(exact64) = {
    .kl_diag = kl_diag,
    .kl_pair = kl_pair,
    .kl_full = kl_full64,
    .reparam = reparam,
    .reparam_grad = reparam_grad,
    .bernoulli = bernoulli,
    .gauss = gauss,
    .std_normal = std_normal,
    .laplace = laplace,
    .poisson = poisson,
    .cbernoulli = cbernoulli,
    .categorical = categorical64,
    .logmeanexp = logmeanexp64,
};
