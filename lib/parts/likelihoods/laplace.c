/* SPDX-License-Identifier: BSD-2-Clause
 * Laplace: medians and log-scales; errors with heavier tails than a Gaussian's.
 */
#include "likelihood.h"

#define LOG_2 0.69314718055994531

static void exact(const struct vae_cells *c, double *value)
{
    c->kernels->exact32->laplace(c->n, c->d, c->x, c->ldx, c->location, c->ldlocation, c->scale, c->ldscale,
        NULL, value, NULL, 0, NULL, 0);
}

static void train(const struct vae_cells *c, const struct vae_cells_out *out)
{
    if (out->glocation)
        vae_cells_clear(c->n, c->d, out->glocation, out->ldg);
    if (out->gscale)
        vae_cells_clear(c->n, c->d, out->gscale, out->ldg);
    c->kernels->exact32->laplace(c->n, c->d, c->x, c->ldx, c->location, c->ldlocation, c->scale, c->ldscale,
        out->w, out->value, out->glocation, out->ldg, out->gscale, out->ldg);
    vae_cells_look(c, out);
}

static void draw(const struct vae_cells *c, const struct vae_cells_noise *noise, float *to, size_t ldto)
{
    for (size_t i = 0; i < c->n; i++)
        c->kernels->rng->laplace32(noise->seed, noise->stream, noise->element + i * noise->row_step, c->d,
            c->location + i * c->ldlocation, c->scale + i * c->ldscale, to + i * ldto);
}

/* With S = sum |x - m| e^-s: loglik = -(d log 2 + d s + S), and the slope is S - d. */
static double scale_slope(double loglik, double d, double logscale)
{
    return -loglik - d * (LOG_2 + logscale + 1.0);
}

const struct vae_likelihood_kind vae_likelihood_laplace = {
    .number = VAE_LAPLACE,
    .name = "VAE_LAPLACE",
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
