/* SPDX-License-Identifier: BSD-2-Clause
 * AdamW: Loshchilov & Hutter, arXiv:1711.05101, algorithm 2 with the rate in the place of its schedule, as
 * PyTorch has it: parameters shrink by learning_rate weight_decay, then Adam's update follows.
 */
#include "optimizer.h"

#include <math.h>

static void count(const vae_training *t, struct vae_optimizer_counts *counts)
{
    vae_optimizer_adam.count(t, counts);
}

static struct vae_rule prepare(const vae_training *t, const struct vae_optimizer_counts *counts)
{
    struct vae_rule rule = vae_optimizer_adam.prepare(t, counts);
    rule.of.adam.shrink = (float)(t->learning_rate * t->weight_decay);
    return rule;
}

static double update(const struct vae_train_kernels *kernels, const struct vae_rule *rule, size_t n,
    const float *g, float *p, float *const moment[VAE_MOST_MOMENTS])
{
    return kernels->adamw(&rule->of.adam, n, g, p, moment[0], moment[1]);
}

/* A parameter that shrinks, be it to the other sign, does not overflow; one that grows may. */
static double most(const struct vae_rule *rule, double g, double reach[VAE_MOST_MOMENTS])
{
    double step = vae_optimizer_adam.most(rule, g, reach);
    return rule->of.adam.shrink <= 2 ? step : (double)INFINITY;
}

const struct vae_optimizer_kind vae_optimizer_adamw = {
    .number = VAE_ADAMW,
    .moments = 2,
    .squares = 1 << 1,
    .powers = 2,
    .decoupled = 1,
    .count = count,
    .prepare = prepare,
    .update = update,
    .most = most,
};
