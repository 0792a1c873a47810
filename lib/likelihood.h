/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 3. log p(x|z): one row of a table for each family, over the decoder's last layer (its head).
 */
#ifndef VAE_LIB_LIKELIHOOD_H
#define VAE_LIB_LIKELIHOOD_H

#include "kernels/table.h"

struct vae_likelihood {
    const struct vae_likelihood_family *family;
    const struct vae_kernels *kernels;
    size_t x_dim;
    int32_t mean_activation;
    double gauss_logvar;        /* fixed, or the first value of the shared one */
    const float *shared_logvar; /* the parameter, where it is learned */
    float *logvar_row;          /* [x_dim] copies of the one log-variance; NULL for the other families */
};

/* Head rows: n rows of ld floats, heads * x_dim of them in use. */
struct vae_likelihood_family {
    unsigned heads;
    int has_logvar;     /* does the family have a variance? */
    int logvar_in_head; /* and is it the head's second half? */
    /* log p(x|z) by the exact kernels */
    void (*exact)(const struct vae_likelihood *l, size_t n, const float *x, size_t ldx, const float *head,
        size_t ldhead, double *value);
    /* the same by the fast ones, and scale * gradient with respect to the head */
    void (*train)(const struct vae_likelihood *l, size_t n, const float *x, size_t ldx, const float *head,
        size_t ldhead, float scale, double *value, float *g, size_t ldg);
};

/* NULL for a number that names no family. */
const struct vae_likelihood_family *vae_likelihood_family_of(int32_t likelihood);
/* Before each use: the learned parameter may have changed. */
void vae_likelihood_prepare(const struct vae_likelihood *l);
/* The head's own activation, applied once after the decoder's forward pass. */
void vae_likelihood_finish_head(const struct vae_likelihood *l, size_t n, float *head, size_t ldhead);
/* E[x|z] for each row, and the rows' location (logits or means) and log-variance parameters; contiguous
 * outputs. */
void vae_likelihood_mean(
    const struct vae_likelihood *l, size_t n, const float *head, size_t ldhead, float *x_mean);
void vae_likelihood_params(const struct vae_likelihood *l, size_t n, const float *head, size_t ldhead,
    float *location, float *logvar);
/* d loglik / d shared logvar of one row, given its log-likelihood. */
double vae_likelihood_shared_slope(const struct vae_likelihood *l, double loglik);

#endif
