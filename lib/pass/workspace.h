/* SPDX-License-Identifier: BSD-2-Clause
 * One caller's workspace: threads, values, noise, terms. A model and each of its views have their own.
 */
#ifndef VAE_LIB_PASS_WORKSPACE_H
#define VAE_LIB_PASS_WORKSPACE_H

#include "base/pool.h"
#include "network.h"
#include "parts/objectives/objective.h"

/* Rows that a reading task keeps sums by element of. */
#define VAE_SUM_ROWS 16

struct vae_workspace {
    struct vae_pool pool;
    size_t max_batch; /* rows that one pass holds */
    size_t max_draws; /* draws of each row that a training pass holds */
    int descending;   /* which end of a layer's weights a single row meets first */

    struct vae_value
        *values;         /* [vae_network_values()]; of z and behind it, row r, draw s is row r * draws + s */
    float *x;            /* [max_batch][values[0].ld]: rows that do not lie as a pass needs them */
    size_t *place;       /* [max_batch]: numbers of the rows in the batch, where some are left out */
    double *row_weight;  /* [max_batch] */
    float *eps;          /* [max_draws][max_batch][z_dim] */
    double *kl;          /* [max_batch] */
    double *loglik;      /* [max_draws][max_batch]; in reading: any draws by rows that have room there, */
    double *span_loglik; /* [n_spans] of these */
    double *log_ratio;   /* likewise */
    double *log_sigma;   /* [max_batch]: sums of q's logarithms of standard deviations */
    double *log_eps;     /* as log_ratio: log-densities of the noise */
    float *scales;       /* [x_dim]: the scales that do not come from the decoder, by column */
    float *zeros;        /* [x_dim or z_dim, the larger] */
    struct vae_mixture mixture; /* the prior's components, as they were with version components_of */
    uint64_t components_of;     /* of the parameters; 0: never */
    double *share;              /* [max_batch max_draws][mixture.ld]: parts of the components in p(z) */
    float *component_head;      /* [components][2 z_dim]: q(z|u) of pseudo-inputs */
    size_t packed_size;
    float *packed; /* [threads][packed_size]: the operands of a worker's product */

    /* For reading. */
    double *row_sum;            /* [max_batch]: of a term over draws */
    struct vae_weights weights; /* [max_batch]: importance weights */
    double *latent_kl;          /* [max_batch][z_dim] */
    size_t sum_rows;            /* of a task that keeps sums by element; at most VAE_SUM_ROWS */
    double *sums;               /* [threads][2][sum_rows][x_dim]: E[x] and log-likelihoods, over draws */
    double *cells;              /* [threads][x_dim]: of one row */
    size_t columns_size;        /* sum_rows x_dim, or z_dim if that is more */
    float *columns;             /* [threads][columns_size] */

    /* For training; NULL in views and in models that are only read. */
    struct vae_most *most;              /* [threads][values] */
    struct vae_seen *seen;              /* [threads][n_spans] */
    float *w_loglik, *w_ratio, *w_path; /* [max_draws][max_batch] */
    float *half_logvar;                 /* [max_batch][z_dim] */
    double *relative, *bound_work;      /* [max_draws][max_batch], [3 max_draws][max_batch] */
    float *w_kl, *w_latent;             /* [max_batch], [z_dim] */
    double *latent, *value;             /* [z_dim], [max_batch] */
    /* Of a prior with components: weights of log p(z) by row of z, gradients of its tensors and inputs. */
    float *w_prior, *prior_g; /* [max_batch max_draws], as the tensors */
    float *input_g;           /* [max_batch + components][values[0].ld] */
};

/* How many rows a task takes: a thread's share, because every task reads all weights once; never more than
 * have about 128 draws, whose activations the second-level cache keeps. */
static inline size_t vae_task_rows(size_t threads, size_t n, size_t draws)
{
    size_t most = 128 / draws + (128 % draws != 0);
    size_t share = (n + threads - 1) / threads;
    return share < most ? share + (share == 0) : most;
}

#endif
