/* SPDX-License-Identifier: BSD-2-Clause
 * Poisson on log-rates: counts.
 */
#include "likelihood.h"

static void exact(const struct vae_cells *c, double *value)
{
    c->kernels->exact32->poisson(c->n, c->d, c->x, c->ldx, c->location, c->ldlocation, NULL, value, NULL, 0);
}

static void train(const struct vae_cells *c, const struct vae_cells_out *out)
{
    if (out->glocation)
        vae_cells_clear(c->n, c->d, out->glocation, out->ldg);
    c->kernels->exact32->poisson(
        c->n, c->d, c->x, c->ldx, c->location, c->ldlocation, out->w, out->value, out->glocation, out->ldg);
    vae_cells_look(c, out);
}

/* d loglik / d location = x - E[x], here at x = 0. */
static void mean(const struct vae_cells *c, float *to, size_t ldto)
{
    vae_cells_clear(c->n, c->d, to, ldto);
    c->kernels->exact32->poisson(c->n, c->d, c->zeros, 0, c->location, c->ldlocation, NULL, NULL, to, ldto);
    vae_cells_negate(c->n, c->d, to, ldto);
}

static void draw(const struct vae_cells *c, const struct vae_cells_noise *noise, float *to, size_t ldto)
{
    for (size_t i = 0; i < c->n; i++)
        c->kernels->rng->poisson32(noise->seed, noise->stream, noise->element + i * noise->row_step, c->d,
            c->location + i * c->ldlocation, to + i * ldto);
}

static int takes(float x)
{
    return x >= 0 && x <= 0x1p24f && (float)(int32_t)x == x;
}

static int suspects(const struct vae_seen *seen)
{
    return seen->broken || seen->any >> 31;
}

const struct vae_likelihood_kind vae_likelihood_poisson = {
    .number = VAE_POISSON,
    .name = "VAE_POISSON",
    .domain = "a whole number, 0 to 2^24",
    .takes = takes,
    .suspects = suspects,
    .exact = exact,
    .train = train,
    .mean = mean,
    .draw = draw,
};
