/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 2. Weight gradients and the update by them, piece by piece: together where no gradient can overflow.
 */
#ifndef VAE_LIB_OPTIMIZER_H
#define VAE_LIB_OPTIMIZER_H

#include "net.h"

struct vae_optimizer {
    double learning_rate, beta1, beta2, epsilon;
    double power1, power2; /* beta^steps, by multiplication: pow() differs between C libraries */
    uint64_t steps;
    float *m, *v;    /* moments, in the order of the flat parameters */
    float *grads;    /* likewise */
    float *scratch;  /* [threads][vae_optimizer_scratch()]: a piece's gradient on its way into the update */
    double *partial; /* [vae_optimizer_pieces()]: sums of squares */
};

/* Floats that one thread needs, and pieces that the layers fall into. */
size_t vae_optimizer_scratch(const struct vae_net *net);
uint64_t vae_optimizer_pieces(const struct vae_net *net);

/* May the fused update run: can no gradient, and no square of one, overflow after this training pass of n
 * rows? */
int vae_optimizer_bounded(const struct vae_net *net, size_t n);
/* After vae_objective_train: the gradient of -(mean bound) into grads. Returns its squared l2 norm. */
double vae_optimizer_gradient(
    struct vae_optimizer *optimizer, struct vae_net *net, const struct vae_rows *rows);
/* One update by grads. */
void vae_optimizer_apply(struct vae_optimizer *optimizer, struct vae_net *net);
/* Both at once, grads left alone; the same bits. */
double vae_optimizer_fused(struct vae_optimizer *optimizer, struct vae_net *net, const struct vae_rows *rows);

#endif
