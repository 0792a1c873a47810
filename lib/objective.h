/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 2. The evidence lower bound, L = E_q[log p(x|z)] - KL(q(z|x) || p(z)), forward and backward.
 */
#ifndef VAE_LIB_OBJECTIVE_H
#define VAE_LIB_OBJECTIVE_H

#include "net.h"

/* At most max_batch rows: leaves loglik and kl of each row in the net, z at mu where samples is 0. */
void vae_objective_evaluate(struct vae_net *net, const struct vae_rows *rows, size_t samples);
/* The same with the training noise of `step`, and the gradient of -(mean bound) with respect to every layer's
 * value before its activation; bounds of all operands. */
void vae_objective_train(struct vae_net *net, const struct vae_rows *rows, uint64_t step);

#endif
