/* SPDX-License-Identifier: BSD-2-Clause
 * The importance-weighted bound, with log w = log p(x|z) + kl_weight (log p(z) - log q(z|x)):
 *
 *   (1 - a) mean_m log mean_k w_mk + a mean_mk log w_mk,  a = elbo_weight
 *
 * Burda, Grosse & Salakhutdinov, arXiv:1509.00519, eq. (8); m = 1 .. estimates and a: MIWAE and CIWAE of
 * Rainforth et al., arXiv:1802.04537. Each draw's share of the gradient is its normalised weight w~. The
 * gradient is the total one, through z. With VAE_ESTIMATOR_STL q's parameters in log q are held (Roeder et
 * al., arXiv:1703.09194). With VAE_ESTIMATOR_DREG they are held, too, and what reaches q through a draw has
 * the factor w~ (Tucker et al., arXiv:1810.04152), or 1 - c + c w~ with c = kl_weight: see
 * docs/derivation.md.
 */
#include "objective.h"

static struct vae_bound_needs needs(const vae_training *t, int closed)
{
    int scaled = t->estimator == VAE_ESTIMATOR_DREG;
    (void)closed;
    return (struct vae_bound_needs){
        .by_ratio = 1, .path = scaled || t->estimator == VAE_ESTIMATOR_STL, .scaled = scaled};
}

/* One row: log w of its draws, their normalised weights in each estimate, and the estimates. */
struct row {
    double *log_w, *share, *estimate;
};

static struct row row_of(const struct vae_bound *b, size_t i)
{
    double *work = b->work + 3 * b->draws * i;
    return (struct row){work, work + b->draws, work + 2 * b->draws};
}

/* A share below this is none. It is far below what a float32 gradient shows, and through the layers it would
 * become numbers so small that they take a processor many times as long. */
#define LEAST_SHARE 0x1p-48

static void weigh_row(const struct vae_bound *b, size_t i, const struct row *row)
{
    const vae_training *t = b->training;
    for (size_t s = 0; s < b->draws; s++)
        row->log_w[s] = b->loglik[s * b->ld + i] + t->kl_weight * b->log_ratio[s * b->ld + i];
    b->kernels->exact64->logmeanexp((size_t)t->estimates, (size_t)t->samples, row->log_w, (size_t)t->samples,
        row->estimate, row->share, (size_t)t->samples);
    for (size_t s = 0; s < b->draws; s++)
        row->share[s] = row->share[s] < LEAST_SHARE ? 0 : row->share[s];
}

static void weigh(const struct vae_bound *b, size_t first, size_t last)
{
    const vae_training *t = b->training;
    double a = t->elbo_weight, draws = (double)b->draws, estimates = (double)t->estimates;
    for (size_t i = first; i < last; i++) {
        struct row row = row_of(b, i);
        weigh_row(b, i, &row);
        for (size_t s = 0; s < b->draws; s++) {
            double share = vae_bound_weight(b, i) * ((1 - a) * row.share[s] / estimates + a / draws);
            b->relative[s * b->ld + i] = share;
            b->w_loglik[s * b->ld + i] = (float)(-share / b->total);
            b->w_ratio[s * b->ld + i] = (float)(-t->kl_weight * share / b->total);
            b->w_path[s * b->ld + i] = (float)(1 - t->kl_weight + t->kl_weight * row.share[s]);
        }
    }
}

static double mean(const double *x, size_t n)
{
    double sum = x[0];
    for (size_t i = 1; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

static void value(const struct vae_bound *b)
{
    double a = b->training->elbo_weight;
    for (size_t i = 0; i < b->n; i++) {
        struct row row = row_of(b, i);
        double bound = mean(row.estimate, (size_t)b->training->estimates);
        b->value[i] = a == 0 ? bound : (1 - a) * bound + a * mean(row.log_w, b->draws);
    }
}

const struct vae_objective_kind vae_objective_iwae = {
    .number = VAE_IWAE,
    .needs = needs,
    .weigh = weigh,
    .value = value,
};
