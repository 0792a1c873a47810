/* SPDX-License-Identifier: BSD-2-Clause
 * Gaussian: means and log-variances. Kingma & Welling, arXiv:1312.6114, appendix C.2.
 */
#include "likelihood.h"

#define LOG_2PI 1.8378770664093453

static void exact(const struct vae_cells *c, double *value)
{
    c->kernels->exact32->gauss(c->n, c->d, c->x, c->ldx, c->location, c->ldlocation, c->scale, c->ldscale,
        NULL, value, NULL, 0, NULL, 0);
}

static void train(const struct vae_cells *c, const struct vae_cells_out *out)
{
    c->kernels->train->gauss(c->n, c->d, c->x, c->ldx, c->location, c->ldlocation, c->scale, c->ldscale,
        out->w, out->value, out->glocation, out->ldg, out->gscale, out->ldg, out->seen, out->most);
}

/* Standard normals into the target, then the reparameterised draw in place. */
static void draw(const struct vae_cells *c, const struct vae_cells_noise *noise, float *to, size_t ldto)
{
    for (size_t i = 0; i < c->n; i++)
        c->kernels->rng->normal32(
            noise->seed, noise->stream, noise->element + i * noise->row_step, c->d, to + i * ldto);
    c->kernels->exact32->reparam(
        c->n, c->d, c->location, c->ldlocation, c->scale, c->ldscale, to, ldto, to, ldto);
}

/* With S = sum t^2: loglik = -(d log 2 pi + d logvar + S) / 2, and the slope is (S - d) / 2. */
static double scale_slope(double loglik, double d, double logvar)
{
    return -loglik - 0.5 * d * (LOG_2PI + logvar + 1.0);
}

const struct vae_likelihood_kind vae_likelihood_gauss = {
    .number = VAE_GAUSS,
    .name = "VAE_GAUSS",
    .has_scale = 1,
    .takes_means = 1,
    .domain = "finite",
    .takes = vae_takes_finite,
    .suspects = vae_suspects_finite,
    .exact = exact,
    .train = train,
    .mean = vae_cells_copy_location,
    .draw = draw,
    .scale_slope = scale_slope,
};
