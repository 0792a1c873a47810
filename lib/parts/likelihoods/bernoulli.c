/* SPDX-License-Identifier: BSD-2-Clause
 * Bernoulli on logits; grey values in 0..1 as they are. Kingma & Welling, arXiv:1312.6114, appendix C.1.
 */
#include "likelihood.h"

#include <string.h>

static void exact(const struct vae_cells *c, double *value)
{
    c->kernels->exact32->bernoulli(
        c->n, c->d, c->x, c->ldx, c->location, c->ldlocation, NULL, value, NULL, 0);
}

/* A slope is at most 1 in magnitude, for x in 0..1; the factor 2 covers the rounding. */
static void note_gradient(const struct vae_cells *c, const struct vae_cells_out *out)
{
    for (size_t i = 0; i < c->n; i++) {
        float w = 2 * out->w[i];
        uint32_t bits;
        memcpy(&bits, &w, sizeof bits);
        bits &= 0x7fffffffu;
        *out->most = bits > *out->most ? bits : *out->most;
    }
}

static void train(const struct vae_cells *c, const struct vae_cells_out *out)
{
    c->kernels->train->bernoulli(c->n, c->d, c->x, c->ldx, c->location, c->ldlocation, out->w, out->value,
        out->glocation, out->ldg, out->seen);
    if (out->most && out->glocation)
        note_gradient(c, out);
}

static void mean(const struct vae_cells *c, float *to, size_t ldto)
{
    struct vae_epilogue sigmoid = {.kind = VAE_EPILOGUE_FORWARD, .activation = VAE_SIGMOID};
    vae_cells_copy_location(c, to, ldto);
    c->kernels->train->epilogue(&sigmoid, c->n, c->d, to, ldto);
}

static void draw(const struct vae_cells *c, const struct vae_cells_noise *noise, float *to, size_t ldto)
{
    mean(c, to, ldto);
    for (size_t i = 0; i < c->n; i++)
        c->kernels->rng->bernoulli32(noise->seed, noise->stream, noise->element + i * noise->row_step, c->d,
            to + i * ldto, to + i * ldto);
}

const struct vae_likelihood_kind vae_likelihood_bernoulli = {
    .number = VAE_BERNOULLI,
    .name = "VAE_BERNOULLI",
    .domain = "0 to 1",
    .takes = vae_takes_unit,
    .suspects = vae_suspects_unit,
    .exact = exact,
    .train = train,
    .mean = mean,
    .draw = draw,
};
