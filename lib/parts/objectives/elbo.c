/* SPDX-License-Identifier: BSD-2-Clause
 * The evidence lower bound, mean_s log p(x|z_s) - kl_weight K.
 *
 * Kingma & Welling, arXiv:1312.6114, eq. (10). K is KL(q||p); or |KL - kl_capacity|, Burgess et al.,
 * arXiv:1804.03599; or sum_j max(free_bits, mean of KL_j over the rows), Kingma et al., arXiv:1606.04934,
 * C.8. Or K is mean_s (log q(z_s|x) - log p(z_s)), Kingma & Welling's estimator A, eq. (6); its gradient is
 * the total one, or with VAE_ESTIMATOR_STL that through z alone, Roeder et al., arXiv:1703.09194.
 */
#include "objective.h"

#include <math.h>

/* Is K the closed form, or made from it? */
static int analytic(const vae_training *t, int closed)
{
    return closed && t->estimator <= VAE_ESTIMATOR_ANALYTIC_KL;
}

static struct vae_bound_needs needs(const vae_training *t, int closed)
{
    int by_kl = analytic(t, closed);
    return (struct vae_bound_needs){.early = 1,
        .by_kl = by_kl,
        .by_ratio = !by_kl,
        .whole = t->free_bits > 0,
        .path = t->estimator == VAE_ESTIMATOR_STL};
}

/* The slope of K in KL. */
static double kl_slope(const vae_training *t, double kl)
{
    return t->kl_capacity == 0 || kl > t->kl_capacity ? 1 : kl < t->kl_capacity ? -1 : 0;
}

static void weigh(const struct vae_bound *b, size_t first, size_t last)
{
    const vae_training *t = b->training;
    double draws = (double)b->draws;
    int by_kl = analytic(t, b->kl != NULL);
    for (size_t i = first; i < last; i++) {
        double w = vae_bound_weight(b, i);
        for (size_t s = 0; s < b->draws; s++) {
            b->relative[s * b->ld + i] = w / draws;
            b->w_loglik[s * b->ld + i] = (float)(-w / (b->total * draws));
            b->w_ratio[s * b->ld + i] = (float)(-t->kl_weight * w / (b->total * draws));
        }
        if (by_kl)
            b->w_kl[i] = (float)(t->kl_weight * kl_slope(t, b->kl[i]) * w / b->total);
    }
}

static void weigh_latents(const struct vae_bound *b)
{
    for (size_t j = 0; j < b->z_dim; j++)
        b->w_latent[j] = b->latent[j] > b->training->free_bits ? 1.0f : 0.0f;
}

/* Of row i, over its draws. */
static double mean(const struct vae_bound *b, const double *values, size_t i)
{
    double sum = values[i];
    for (size_t s = 1; s < b->draws; s++)
        sum += values[s * b->ld + i];
    return sum / (double)b->draws;
}

static double divergence_of_all(const struct vae_bound *b)
{
    double sum = 0;
    for (size_t j = 0; j < b->z_dim; j++)
        sum += b->latent[j] > b->training->free_bits ? b->latent[j] : b->training->free_bits;
    return sum;
}

static double divergence(const struct vae_bound *b, size_t i)
{
    const vae_training *t = b->training;
    if (!analytic(t, b->kl != NULL))
        return -mean(b, b->log_ratio, i);
    return t->kl_capacity > 0 ? fabs(b->kl[i] - t->kl_capacity) : b->kl[i];
}

static void value(const struct vae_bound *b)
{
    const vae_training *t = b->training;
    double all = t->free_bits > 0 ? divergence_of_all(b) : 0;
    for (size_t i = 0; i < b->n; i++)
        b->value[i] = mean(b, b->loglik, i) - t->kl_weight * (t->free_bits > 0 ? all : divergence(b, i));
}

const struct vae_objective_kind vae_objective_elbo = {
    .number = VAE_ELBO,
    .needs = needs,
    .weigh = weigh,
    .weigh_latents = weigh_latents,
    .value = value,
};
