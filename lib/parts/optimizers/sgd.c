/* SPDX-License-Identifier: BSD-2-Clause
 * Stochastic gradient descent with momentum: Sutskever et al. 2013, the classical form, as PyTorch has it:
 * the rate is outside of the sum, without dampening.
 */
#include "optimizer.h"

#include <float.h>
#include <math.h>

static void count(const vae_training *t, struct vae_optimizer_counts *counts)
{
    (void)t;
    counts->steps++;
}

static struct vae_rule prepare(const vae_training *t, const struct vae_optimizer_counts *counts)
{
    (void)counts;
    return (struct vae_rule){{.sgd = {.momentum = (float)t->momentum, .rate = (float)t->learning_rate}}};
}

/* Without momentum the sum stays as it is: zero, unless there was some before. The first one is then the
 * gradient, whenever it comes. */
static double update(const struct vae_train_kernels *kernels, const struct vae_rule *rule, size_t n,
    const float *g, float *p, float *const moment[VAE_MOST_MOMENTS])
{
    if (rule->of.sgd.momentum > 0)
        return kernels->sgd(&rule->of.sgd, n, g, p, moment[0]);
    kernels->blend(n, -rule->of.sgd.rate, g, 1, p);
    return kernels->sum_squares(n, g);
}

static double most(const struct vae_rule *rule, double g, double reach[VAE_MOST_MOMENTS])
{
    double rate = (double)rule->of.sgd.rate, momentum = (double)rule->of.sgd.momentum;
    if (!(momentum > 0))
        return rate * g;
    reach[0] = (momentum * reach[0] + g) * VAE_ROUNDED_UP;
    return reach[0] <= FLT_MAX ? rate * reach[0] : (double)INFINITY;
}

const struct vae_optimizer_kind vae_optimizer_sgd = {
    .number = VAE_SGD,
    .moments = 1,
    .count = count,
    .prepare = prepare,
    .update = update,
    .most = most,
};
