/* SPDX-License-Identifier: BSD-2-Clause
 * Continuous Bernoulli on logits: values in 0..1 with a density. Loaiza-Ganem & Cunningham, arXiv:1907.06845.
 */
#include "likelihood.h"

static void exact(const struct vae_cells *c, double *value)
{
    c->kernels->exact32->cbernoulli(
        c->n, c->d, c->x, c->ldx, c->location, c->ldlocation, NULL, value, NULL, 0);
}

static void train(const struct vae_cells *c, const struct vae_cells_out *out)
{
    if (out->glocation)
        vae_cells_clear(c->n, c->d, out->glocation, out->ldg);
    c->kernels->exact32->cbernoulli(
        c->n, c->d, c->x, c->ldx, c->location, c->ldlocation, out->w, out->value, out->glocation, out->ldg);
    vae_cells_look(c, out);
}

/* d loglik / d location = x - E[x], here at x = 0. */
static void mean(const struct vae_cells *c, float *to, size_t ldto)
{
    vae_cells_clear(c->n, c->d, to, ldto);
    c->kernels->exact32->cbernoulli(
        c->n, c->d, c->zeros, 0, c->location, c->ldlocation, NULL, NULL, to, ldto);
    vae_cells_negate(c->n, c->d, to, ldto);
}

static void draw(const struct vae_cells *c, const struct vae_cells_noise *noise, float *to, size_t ldto)
{
    for (size_t i = 0; i < c->n; i++)
        c->kernels->rng->cbernoulli32(noise->seed, noise->stream, noise->element + i * noise->row_step, c->d,
            c->location + i * c->ldlocation, to + i * ldto);
}

const struct vae_likelihood_kind vae_likelihood_cbernoulli = {
    .number = VAE_CBERNOULLI,
    .name = "VAE_CBERNOULLI",
    .domain = "0 to 1",
    .takes = vae_takes_unit,
    .suspects = vae_suspects_unit,
    .exact = exact,
    .train = train,
    .mean = mean,
    .draw = draw,
};
