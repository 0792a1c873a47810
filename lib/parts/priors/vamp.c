/* SPDX-License-Identifier: BSD-2-Clause
 * The VampPrior, 1/K sum_k q(z|u_k), a mixture of what the encoder makes of K learned pseudo-inputs u_k.
 * Tomczak & Welling, arXiv:1705.07120, eq. (9).
 *
 * Pseudo-inputs begin uniform between 0 and 1, where most data are that are scaled at all. They are not held
 * there.
 */
#include "prior.h"

static int tensor(const vae_config *c, size_t i, struct vae_prior_tensor *to)
{
    *to = (struct vae_prior_tensor){"prior.inputs", 2, {c->prior_components, c->x_dim}, 0, 0, 1};
    return i == 0;
}

const struct vae_prior_kind vae_prior_vamp = {
    .number = VAE_PRIOR_VAMP,
    .has_components = 1,
    .encoded = 1,
    .tensor = tensor,
    .log_density = vae_mixture_log_density,
    .log_density_grad = vae_mixture_log_density_grad,
    .draw = vae_mixture_draw,
};
