/* SPDX-License-Identifier: BSD-2-Clause
 * A training pass: from x to the gradients of every layer's values, and what the objective came to.
 */
#ifndef VAE_LIB_PASS_TRAIN_H
#define VAE_LIB_PASS_TRAIN_H

#include "pass.h"
#include "trainer.h"

/* Sums over the rows of a pass, each row by its weight. */
struct vae_sums {
    double objective, loglik, kl;
};

/* The pass of a training step over at most max_batch rows; `sum` and `total` of their weights. */
struct vae_pass vae_train_pass(const struct vae_network *net, struct vae_workspace *ws,
    const struct vae_trainer *trainer, const struct vae_rows *rows);
struct vae_bound vae_train_bound(
    const struct vae_pass *pass, const struct vae_trainer *trainer, double sum, double total);
/* Forward and backward: leaves log-likelihoods, divergences and values of rows, gradients of layers' values
 * and the largest magnitudes of all in the workspace. */
void vae_train_run(
    const struct vae_pass *pass, const struct vae_trainer *trainer, const struct vae_bound *bound);
/* VAE_OK, or an error and words for the first value of x, or term of a row, that is not as it must be. */
int vae_train_check(const char *function, const struct vae_pass *pass, const struct vae_bound *bound);
struct vae_sums vae_train_sums(const struct vae_pass *pass, const struct vae_bound *bound);

#endif
