/* SPDX-License-Identifier: BSD-2-Clause
 * What training keeps from step to step: settings, gradient, moments, counts.
 */
#ifndef VAE_LIB_PASS_TRAINER_H
#define VAE_LIB_PASS_TRAINER_H

#include "parts/objectives/objective.h"
#include "parts/optimizers/optimizer.h"

struct vae_trainer {
    vae_training settings;
    const struct vae_objective_kind *objective;
    const struct vae_optimizer_kind *optimizer;
    struct vae_optimizer_counts counts;
    int open;      /* is a gradient waiting to be applied? */
    uint64_t rows; /* rows that it has been made of by vae_grad and vae_grad_add */
    float *grads;  /* [learned], in the order of the flat parameters; likewise: */
    float *moment[VAE_MOST_MOMENTS];
    double reach[VAE_MOST_MOMENTS]; /* no element of a moment is larger */
    size_t *first_piece;            /* [nodes + 1]: pieces before each layer's, and of all */
    double *partial;                /* [pieces]: sums of squares */
    /* [threads][VAE_PIECE_FLOATS]: a piece's gradient on its way into the update or the open gradient; with
     * a CBLAS [learned], for the latter alone */
    float *scratch;
};

static inline size_t vae_trainer_draws(const vae_training *t)
{
    return (size_t)(t->samples * t->estimates);
}

#endif
