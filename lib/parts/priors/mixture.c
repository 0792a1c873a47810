/* SPDX-License-Identifier: BSD-2-Clause
 * The mixture prior, sum_k pi_k N(z; m_k, diag exp(v_k)): weights, means and log-variances are learned.
 *
 * The divergence of q has no closed form; draws of z estimate it. Components begin at draws from N(0, I),
 * with unit variances and equal weights.
 */
#include "prior.h"

#include <math.h>

static int tensor(const vae_config *c, size_t i, struct vae_prior_tensor *to)
{
    uint64_t k = c->prior_components, d = c->z_dim;
    const struct vae_prior_tensor tensors[] = {{"prior.mu", 2, {k, d}, 1, 0, 0},
        {"prior.logvar", 2, {k, d}, 0, 0, 0}, {"prior.logits", 1, {k, 1}, 0, 0, 0}};
    if (i >= sizeof tensors / sizeof *tensors)
        return 0;
    *to = tensors[i];
    return 1;
}

void vae_mixture_log_density(
    const struct vae_prior_call *c, size_t n, const float *z, size_t ldz, double *value)
{
    c->kernels->mixture->density(c->mixture, n, z, ldz, value, c->share, c->ldshare);
}

void vae_mixture_log_density_grad(const struct vae_prior_call *c, size_t n, const float *z, size_t ldz,
    const float *w, float *gz, size_t ldgz)
{
    c->kernels->mixture->density_grad(c->mixture, n, z, ldz, c->share, c->ldshare, w, gz, ldgz);
}

/* The first component up to which the weights add up to more than u. */
static size_t choose(const struct vae_prior_call *c, double u)
{
    const struct vae_mixture *m = c->mixture;
    size_t k = 0;
    for (double sum = m->weight[0]; sum <= u && k + 1 < m->components; sum += m->weight[k])
        k++;
    return k;
}

void vae_mixture_draw(
    const struct vae_prior_call *c, uint64_t seed, uint64_t stream, uint64_t element, size_t n, float *z)
{
    const struct vae_mixture *m = c->mixture;
    size_t d = c->z_dim;
    uint64_t purpose = (uint64_t)(VAE_STREAM_PRIOR ^ VAE_STREAM_MIXTURE) << 56;
    c->kernels->rng->normal32(seed, stream, element, n * d, z);
    for (size_t i = 0; i < n; i++) {
        uint32_t word;
        c->kernels->rng->random_u32(seed, stream ^ purpose, element / d + i, 1, &word);
        size_t k = choose(c, ((double)word + 0.5) * 0x1p-32);
        for (size_t j = 0; j < d; j++) {
            double scale = 1 / sqrt(m->precision[j * m->ld + k]);
            z[i * d + j] = (float)fma(scale, (double)z[i * d + j], m->mean[j * m->ld + k]);
        }
    }
}

const struct vae_prior_kind vae_prior_mixture = {
    .number = VAE_PRIOR_MIXTURE,
    .has_components = 1,
    .tensor = tensor,
    .log_density = vae_mixture_log_density,
    .log_density_grad = vae_mixture_log_density_grad,
    .draw = vae_mixture_draw,
};
