/* SPDX-License-Identifier: BSD-2-Clause
 * q(z|x) between encoder and decoder: draws of z, the divergence from the prior, and their gradients.
 */
#ifndef VAE_LIB_PASS_POSTERIOR_H
#define VAE_LIB_PASS_POSTERIOR_H

#include "pass.h"

/* Clamps the log-variances that the encoder has just given; everything behind sees them so. Backward: sets
 * the gradient to 0 where they are clamped, or at a limit by themselves. */
void vae_posterior_clamp(const struct vae_pass *pass, struct vae_range range);
void vae_posterior_clamp_back(const struct vae_pass *pass, struct vae_range range);

/* The closed form of KL(q || p) of a task's rows into the workspace; and by latent. */
void vae_posterior_kl(const struct vae_pass *pass, struct vae_range range);
void vae_posterior_kl_by_latent(const struct vae_pass *pass, struct vae_range range);

/* z = mu + exp(logvar / 2) eps for each row: draw number `sample`, from `stream`, into rows draw, draw +
 * draws, ... */
void vae_posterior_draw(
    const struct vae_pass *pass, struct vae_range range, uint64_t stream, size_t draw, size_t worker);
/* z = mu, the draw whose noise is 0. */
void vae_posterior_copy_mu(const struct vae_pass *pass, struct vae_range range);
/* z of the given latents of the batch, or from the prior. */
void vae_posterior_copy_z(const struct vae_pass *pass, struct vae_range range);
void vae_posterior_draw_prior(
    const struct vae_pass *pass, struct vae_range range, uint64_t stream, size_t draw);

/* log p(z) - log q(z|x) of one draw of rows, once the sums of q's logarithms are there; of every draw of a
 * pass, with them. */
void vae_posterior_sum_logs(const struct vae_pass *pass, struct vae_range range);
void vae_posterior_log_ratio_of_draw(const struct vae_pass *pass, struct vae_range range, size_t draw);
void vae_posterior_log_ratio(const struct vae_pass *pass, struct vae_range range);
/* The divergence by those, where there is no closed form: minus their mean. */
void vae_posterior_kl_of_draws(const struct vae_pass *pass, struct vae_range range);
/* The gradient at the encoder's head from that at z, by the objective's weights. */
void vae_posterior_backward(
    const struct vae_pass *pass, const struct vae_bound_needs *needs, struct vae_range range, size_t worker);
/* The gradient at the encoder's head from a loss of the program's own: [n][z_dim] each, or NULL: zeros. */
void vae_posterior_adjoint(
    const struct vae_pass *pass, struct vae_range range, const float *mu, const float *logvar);

#endif
