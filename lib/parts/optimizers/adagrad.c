/* SPDX-License-Identifier: BSD-2-Clause
 * Adagrad: Duchi, Hazan & Singer 2011, with a diagonal matrix and epsilon outside the root, as PyTorch has
 * it.
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
    return (struct vae_rule){{.adagrad = {.rate = (float)t->learning_rate, .epsilon = (float)t->epsilon}}};
}

static double update(const struct vae_train_kernels *kernels, const struct vae_rule *rule, size_t n,
    const float *g, float *p, float *const moment[VAE_MOST_MOMENTS])
{
    return kernels->adagrad(&rule->of.adagrad, n, g, p, moment[0]);
}

/* The sum contains the gradient's own square, so that their quotient is about 1 at most, unless the square
 * is not a normal number: then epsilon alone is the divisor. */
static double most(const struct vae_rule *rule, double g, double reach[VAE_MOST_MOMENTS])
{
    double rate = (double)rule->of.adagrad.rate, tiny = 0x1p-62 / (double)rule->of.adagrad.epsilon;
    reach[0] = (reach[0] + g * g) * VAE_ROUNDED_UP;
    if (!(reach[0] <= FLT_MAX))
        return (double)INFINITY;
    return rate * (tiny > 2 ? tiny : 2);
}

const struct vae_optimizer_kind vae_optimizer_adagrad = {
    .number = VAE_ADAGRAD,
    .moments = 1,
    .squares = 1 << 0,
    .count = count,
    .prepare = prepare,
    .update = update,
    .most = most,
};
