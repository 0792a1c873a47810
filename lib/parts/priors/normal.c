/* SPDX-License-Identifier: BSD-2-Clause
 * The standard normal prior: the divergence in closed form. Kingma & Welling, arXiv:1312.6114, appendix B.
 *
 * A few thousand elements a step: the exact kernels serve training, too.
 */
#include "prior.h"

#include <string.h>

static void kl(const struct vae_prior_call *c, size_t n, const float *head, size_t ldhead, double *to)
{
    c->kernels->exact32->kl_diag(
        n, c->z_dim, head, ldhead, head + c->z_dim, ldhead, NULL, to, NULL, 0, NULL, 0);
}

/* A latent is a row of its own. */
static void kl_by_latent(const struct vae_prior_call *c, const float *head, double *to)
{
    c->kernels->exact32->kl_diag(c->z_dim, 1, head, 1, head + c->z_dim, 1, NULL, to, NULL, 0, NULL, 0);
}

static void kl_grad(const struct vae_prior_call *c, size_t n, const float *head, size_t ldhead,
    const float *w, float *g, size_t ldg)
{
    size_t d = c->z_dim;
    for (size_t i = 0; i < n; i++)
        memset(g + i * ldg, 0, 2 * d * sizeof *g);
    c->kernels->exact32->kl_diag(n, d, head, ldhead, head + d, ldhead, w, NULL, g, ldg, g + d, ldg);
}

static void kl_by_latent_grad(const struct vae_prior_call *c, const float *head, const float *w, float *g)
{
    size_t d = c->z_dim;
    memset(g, 0, 2 * d * sizeof *g);
    c->kernels->exact32->kl_diag(d, 1, head, 1, head + d, 1, w, NULL, g, 1, g + d, 1);
}

static void log_density(const struct vae_prior_call *c, size_t n, const float *z, size_t ldz, double *value)
{
    c->kernels->exact32->std_normal(n, c->z_dim, z, ldz, NULL, value, NULL, 0);
}

static void log_density_grad(const struct vae_prior_call *c, size_t n, const float *z, size_t ldz,
    const float *w, float *gz, size_t ldgz)
{
    c->kernels->exact32->std_normal(n, c->z_dim, z, ldz, w, NULL, gz, ldgz);
}

static void draw(
    const struct vae_prior_call *c, uint64_t seed, uint64_t stream, uint64_t element, size_t n, float *z)
{
    c->kernels->rng->normal32(seed, stream, element, n * c->z_dim, z);
}

static int tensor(const vae_config *config, size_t i, struct vae_prior_tensor *to)
{
    (void)config;
    (void)i;
    (void)to;
    return 0;
}

const struct vae_prior_kind vae_prior_normal = {
    .number = VAE_PRIOR_NORMAL,
    .tensor = tensor,
    .kl = kl,
    .kl_by_latent = kl_by_latent,
    .kl_grad = kl_grad,
    .kl_by_latent_grad = kl_by_latent_grad,
    .log_density = log_density,
    .log_density_grad = log_density_grad,
    .draw = draw,
};
