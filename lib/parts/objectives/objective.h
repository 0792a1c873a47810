/* SPDX-License-Identifier: BSD-2-Clause
 * What training maximises: log-likelihoods of each row's draws and its divergences in, a value and weights
 * out.
 *
 * An objective is one file in this folder and one row of the table in kinds.c. It sees numbers alone, never
 * a layer: the passes multiply gradients by the weights that it gives.
 */
#ifndef VAE_LIB_PARTS_OBJECTIVES_OBJECTIVE_H
#define VAE_LIB_PARTS_OBJECTIVES_OBJECTIVE_H

#include "kernels/table.h"

#include <vae/vae.h>

/* Draw s of row i is element s * ld + i. All weights are of the loss, minus the objective. */
struct vae_bound {
    const vae_training *training;
    const struct vae_kernels *kernels;
    size_t n, draws, ld, z_dim;
    const double *row_weight; /* [n], or NULL: ones */
    double sum, total;        /* of the row weights, and what sums are divided by */
    /* in */
    const double *loglik;    /* [draws][ld] log p(x|z) */
    const double *kl;        /* [n] closed form; NULL where the prior has none */
    double *latent;          /* [z_dim]: means of the divergence by latent; with `whole` */
    const double *log_ratio; /* [draws][ld] log p(z) - log q(z|x); with `by_ratio` */
    /* out */
    double *relative; /* [draws][ld]: the share of a draw in its row's value, times the row's weight */
    float *w_loglik;  /* [draws][ld]: of d log p(x|z_s) */
    float *w_ratio;   /* [draws][ld]: of d (log p(z) - log q(z|x)); with `by_ratio` */
    float *w_path;    /* [draws][ld]: factors of what reaches q through z; with `scaled` */
    float *w_kl;      /* [n]: of d KL; with `by_kl` */
    float *w_latent;  /* [z_dim]: factors of w_kl by latent; with `whole` */
    double *value;    /* [n]: of what is maximised */
    double *work;     /* [3][draws][ld] */
};

/* What the pass has to prepare, given the settings. */
struct vae_bound_needs {
    int early;    /* the weights of draws are known before their log-likelihoods */
    int by_kl;    /* the closed form takes part in the gradient */
    int by_ratio; /* log p(z) - log q(z|x) of each draw takes part */
    int whole;    /* divergences by latent of all rows, before any row's gradient at q */
    int path;     /* log q(z|x) takes part through z alone: q's parameters in it are held */
    int scaled;   /* q's gradient through a draw has a factor that the decoder's has not */
};

struct vae_objective_kind {
    int32_t number;
    /* `closed`: the prior has the divergence in closed form. */
    struct vae_bound_needs (*needs)(const vae_training *training, int closed);
    /* Weights of rows first .. last - 1: of draws before their log-likelihoods are known (if early), or
     * after. */
    void (*weigh)(const struct vae_bound *bound, size_t first, size_t last);
    /* Once all of `latent` is known; NULL where nothing is whole. */
    void (*weigh_latents)(const struct vae_bound *bound);
    /* bound->value of all rows, at the end. */
    void (*value)(const struct vae_bound *bound);
};

/* NULL for a number that names no objective. */
const struct vae_objective_kind *vae_objective_of(int32_t number);

static inline double vae_bound_weight(const struct vae_bound *b, size_t i)
{
    return b->row_weight ? b->row_weight[i] : 1.0;
}

#endif
