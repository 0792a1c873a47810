/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 3. q(z|x) = N(mu, diag exp(logvar)): draws, KL to the prior, gradients. Its parameters are the
 * encoder's head, mu in columns 0 .. z_dim - 1 and logvar in the next z_dim.
 */
#ifndef VAE_LIB_POSTERIOR_H
#define VAE_LIB_POSTERIOR_H

#include "kernels/table.h"

struct vae_posterior {
    const struct vae_kernels *kernels;
    size_t z_dim;
};

/* Which noise: element row * z_dim + j of stream (seed, purpose << 56 | sample << 40 | step). */
uint64_t vae_noise_stream(int purpose, uint64_t sample, uint64_t step);

/* KL(q || N(0, I)) of n rows of the head. */
void vae_posterior_kl(const struct vae_posterior *q, size_t n, const float *head, size_t ldhead, double *kl);
/* z = mu + exp(logvar / 2) eps, n rows; eps is contiguous. */
void vae_posterior_draw(const struct vae_posterior *q, size_t n, const float *head, size_t ldhead,
    const float *eps, float *z, size_t ldz);
/* g = scale[i] * d KL / d head: overwrites. */
void vae_posterior_kl_grad(const struct vae_posterior *q, size_t n, const float *head, size_t ldhead,
    const float *scale, float *g, size_t ldg);
/* g += the gradient that arrives through one draw. */
void vae_posterior_draw_grad(const struct vae_posterior *q, size_t n, const float *head, size_t ldhead,
    const float *eps, const float *gz, size_t ldgz, float *g, size_t ldg);

#endif
