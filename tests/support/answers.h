/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: all that vae_infer() gives for the models of models.h, and a model of several likelihoods.
 */
#ifndef VAE_TESTS_ANSWERS_H
#define VAE_TESTS_ANSWERS_H

#include "models.h"
#include "noise.h"

enum { ROWS = 37, X_DIM = 13, Z_DIM = 3 };

/* Outputs by number. */
enum {
    ELBO,
    LOGLIK,
    KL,
    LOG_EVIDENCE,
    LOG_EVIDENCE_ERROR,
    KL_BY_LATENT,
    LOGLIK_BY_COLUMN,
    MU,
    LOGVAR,
    Z,
    X_MEAN,
    X_LOCATION,
    X_SCALE,
    X_SHAPE,
    X_DRAW,
    TERMS,
    ANSWERS
};

/* Sets of them, one bit each: all, and what is granted for latents that are given and for the prior's. */
#define ONLY(number) (1u << (number))
#define ALL_ANSWERS ((1u << ANSWERS) - 1)
#define ANSWERS_OF_PRIOR                                                                                     \
    (ONLY(Z) | ONLY(X_MEAN) | ONLY(X_LOCATION) | ONLY(X_SCALE) | ONLY(X_SHAPE) | ONLY(X_DRAW))
#define ANSWERS_OF_Z (ANSWERS_OF_PRIOR | ONLY(LOGLIK) | ONLY(LOGLIK_BY_COLUMN))

struct answers {
    double elbo[ROWS], loglik[ROWS], kl[ROWS], log_evidence[ROWS], log_evidence_error[ROWS],
        kl_by_latent[Z_DIM];
    float loglik_by_column[ROWS * X_DIM], mu[ROWS * Z_DIM], logvar[ROWS * Z_DIM], z[ROWS * Z_DIM],
        x_mean[ROWS * X_DIM], x_location[ROWS * X_DIM], x_scale[ROWS * X_DIM], x_shape[ROWS * X_DIM],
        x_draw[ROWS * X_DIM];
    vae_terms terms;
};

extern const char *const answer_names[ANSWERS];

/* Fills all answers with a pattern and asks for a set of them, of at most ROWS rows; returns the status. With
 * samples 0 there is no evidence to ask for. */
int ask(vae_model *model, const vae_batch *batch, uint64_t samples, unsigned which, struct answers *answers);
/* Fails the test unless the call succeeds. */
void must_ask(
    vae_model *model, const vae_batch *batch, uint64_t samples, unsigned which, struct answers *answers);
/* Fails the test unless the answers of the set are equal to the bit. */
void same_answers(const struct answers *a, const struct answers *b, unsigned which, const char *what);
/* Fails the test unless the answers of the set still hold the pattern. */
void untouched(const struct answers *answers, unsigned which, const char *what);
/* The same for one row of each, of the answers that have rows. */
void same_row(const struct answers *a, size_t row_a, const struct answers *b, size_t row_b, unsigned which,
    const char *what);
/* Row `row` of an answer: its address and bytes; of KL_BY_LATENT and TERMS all. */
const void *answer_row(const struct answers *answers, int number, size_t row, size_t *bytes);

/* Adds a span's log-likelihoods to `loglik` [n], by the float64 functions of section 2. The arrays have
 * rows of `ld` values, of which d belong to the span; `scale` is ignored where the likelihood has none. */
void add_loglik(int32_t likelihood, size_t n, size_t d, size_t ld, const float *x, const float *location,
    const float *scale, double *loglik);
/* log p(x|z) of n rows of a model, span by span, from x_location and x_scale. */
void loglik_of(const vae_model *model, size_t n, const float *x, const float *location, const float *scale,
    double *loglik);

/* Kinds of model, 0 to likelihood_count: those of likelihoods[], then plan_mixed(). */
const char *kind_name(size_t i);
void plan_any(struct plan *plan, size_t i, int32_t activation);
/* Spans: Bernoulli [4], Gauss with a variance for each cell [3], Gauss with one for the span [2], Poisson
 * [4]; two hidden layers, the second one gated. */
void plan_mixed(struct plan *plan, int32_t activation);

#endif
