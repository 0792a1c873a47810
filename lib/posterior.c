/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 3. q(z|x) = N(mu, diag exp(logvar)): draws, KL to the prior, gradients. Kingma & Welling,
 * arXiv:1312.6114, sec. 2.4 and app. B. A few thousand elements a step: the exact kernels serve the training
 * step too.
 */
#include "posterior.h"

#include <string.h>

uint64_t vae_noise_stream(int purpose, uint64_t sample, uint64_t step)
{
    return (uint64_t)purpose << 56 | (sample & 0xffff) << 40 | (step & (((uint64_t)1 << 40) - 1));
}

void vae_posterior_kl(const struct vae_posterior *q, size_t n, const float *head, size_t ldhead, double *kl)
{
    q->kernels->exact32->kl_diag(
        n, q->z_dim, head, ldhead, head + q->z_dim, ldhead, NULL, kl, NULL, 0, NULL, 0);
}

void vae_posterior_draw(const struct vae_posterior *q, size_t n, const float *head, size_t ldhead,
    const float *eps, float *z, size_t ldz)
{
    q->kernels->exact32->reparam(n, q->z_dim, head, ldhead, head + q->z_dim, ldhead, eps, q->z_dim, z, ldz);
}

void vae_posterior_kl_grad(const struct vae_posterior *q, size_t n, const float *head, size_t ldhead,
    const float *scale, float *g, size_t ldg)
{
    size_t d = q->z_dim;
    for (size_t i = 0; i < n; i++)
        memset(g + i * ldg, 0, 2 * d * sizeof *g);
    q->kernels->exact32->kl_diag(n, d, head, ldhead, head + d, ldhead, scale, NULL, g, ldg, g + d, ldg);
}

void vae_posterior_draw_grad(const struct vae_posterior *q, size_t n, const float *head, size_t ldhead,
    const float *eps, const float *gz, size_t ldgz, float *g, size_t ldg)
{
    size_t d = q->z_dim;
    q->kernels->exact32->reparam_grad(n, d, head + d, ldhead, eps, d, gz, ldgz, g, ldg, g + d, ldg);
}
