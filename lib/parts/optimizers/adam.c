/* SPDX-License-Identifier: BSD-2-Clause
 * Adam: Kingma & Ba, arXiv:1412.6980, algorithm 1, epsilon outside the root.
 */
#include "optimizer.h"

#include <float.h>
#include <math.h>

static void count(const vae_training *t, struct vae_optimizer_counts *counts)
{
    counts->steps++;
    counts->power[0] *= t->beta1;
    counts->power[1] *= t->beta2;
}

static struct vae_rule prepare(const vae_training *t, const struct vae_optimizer_counts *counts)
{
    struct vae_adam adam = {.beta1 = (float)t->beta1,
        .beta2 = (float)t->beta2,
        .rate = (float)(t->learning_rate / (1 - counts->power[0])),
        .epsilon = (float)t->epsilon,
        .root_correction2 = (float)(1 / sqrt(1 - counts->power[1])),
        .rest1 = (float)(1 - t->beta1),
        .rest2 = (float)(1 - t->beta2)};
    return (struct vae_rule){{.adam = adam}};
}

static double update(const struct vae_train_kernels *kernels, const struct vae_rule *rule, size_t n,
    const float *g, float *p, float *const moment[VAE_MOST_MOMENTS])
{
    return kernels->adam(&rule->of.adam, n, g, p, moment[0], moment[1]);
}

/* Epsilon alone bounds what the product of the rate and the first moment is divided by. */
static double most(const struct vae_rule *rule, double g, double reach[VAE_MOST_MOMENTS])
{
    const struct vae_adam *a = &rule->of.adam;
    reach[0] = ((double)a->beta1 * reach[0] + (double)a->rest1 * g) * VAE_ROUNDED_UP;
    reach[1] = ((double)a->beta2 * reach[1] + (double)a->rest2 * g * g) * VAE_ROUNDED_UP;
    if (!(reach[0] <= FLT_MAX && reach[1] <= FLT_MAX))
        return (double)INFINITY;
    double product = (double)a->rate * reach[0], epsilon = (double)a->epsilon;
    return epsilon < 1 ? product / epsilon : product;
}

const struct vae_optimizer_kind vae_optimizer_adam = {
    .number = VAE_ADAM,
    .moments = 2,
    .squares = 1 << 1,
    .powers = 2,
    .count = count,
    .prepare = prepare,
    .update = update,
    .most = most,
};
