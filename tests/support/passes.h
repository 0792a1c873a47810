/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: gradients with their terms, and sums of several.
 */
#ifndef VAE_TESTS_PASSES_H
#define VAE_TESTS_PASSES_H

#include "models.h"

/* Calls `check` for every likelihood, objective and estimator: one hidden layer, three draws, every other
 * model in two tasks. */
void each_kind(void (*check)(const struct plan *plan));
void plan_pass(struct plan *plan, size_t kind, int32_t objective);

/* A gradient, which the caller frees, and its terms. */
struct pass {
    float *grads;
    vae_terms terms;
};
struct pass pass_of(vae_model *model, const vae_batch *batch);

/* Sums of several. total_is() ends it. */
struct total {
    double *grads, objective, loglik, kl;
};
void total_open(struct total *total, const vae_model *model);
/* Adds `weight` times the pass over a batch. */
void total_add(struct total *total, vae_model *model, const vae_batch *batch, double weight);
/* Fails the test unless the sums are those of one pass, to 1e-6 of the gradient's norm and of the terms. */
void total_is(struct total *total, const vae_model *model, const struct pass *all);

#endif
