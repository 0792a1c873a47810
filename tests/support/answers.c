/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: all that vae_infer() gives for the models of models.h, and a model of several likelihoods.
 */
#include "answers.h"

#include <check.h>
#include <stddef.h>
#include <string.h>

enum { PATTERN = 0x5a };

struct place {
    size_t pointer, values, row; /* in vae_outputs, in struct answers, bytes of one row; 0: not by row */
    size_t bytes;
};

#define OUTPUT(name, row)                                                                                    \
    {                                                                                                        \
        offsetof(vae_outputs, name), offsetof(struct answers, name), (row),                                  \
            sizeof((struct answers *)0)->name                                                                \
    }
static const struct place places[TERMS] = {
    [ELBO] = OUTPUT(elbo, sizeof(double)),
    [LOGLIK] = OUTPUT(loglik, sizeof(double)),
    [KL] = OUTPUT(kl, sizeof(double)),
    [LOG_EVIDENCE] = OUTPUT(log_evidence, sizeof(double)),
    [LOG_EVIDENCE_ERROR] = OUTPUT(log_evidence_error, sizeof(double)),
    [KL_BY_LATENT] = OUTPUT(kl_by_latent, 0),
    [LOGLIK_BY_COLUMN] = OUTPUT(loglik_by_column, X_DIM * sizeof(float)),
    [MU] = OUTPUT(mu, Z_DIM * sizeof(float)),
    [LOGVAR] = OUTPUT(logvar, Z_DIM * sizeof(float)),
    [Z] = OUTPUT(z, Z_DIM * sizeof(float)),
    [X_MEAN] = OUTPUT(x_mean, X_DIM * sizeof(float)),
    [X_LOCATION] = OUTPUT(x_location, X_DIM * sizeof(float)),
    [X_SCALE] = OUTPUT(x_scale, X_DIM * sizeof(float)),
    [X_SHAPE] = OUTPUT(x_shape, X_DIM * sizeof(float)),
    [X_DRAW] = OUTPUT(x_draw, X_DIM * sizeof(float)),
};

const char *const answer_names[ANSWERS] = {"elbo", "loglik", "kl", "log_evidence", "log_evidence_error",
    "kl_by_latent", "loglik_by_column", "mu", "logvar", "z", "x_mean", "x_location", "x_scale", "x_shape",
    "x_draw", "terms"};

int ask(vae_model *model, const vae_batch *batch, uint64_t samples, unsigned which, struct answers *answers)
{
    vae_outputs outputs;
    memset(answers, PATTERN, sizeof *answers);
    vae_outputs_init(&outputs, sizeof outputs);
    outputs.samples = samples;
    if (samples == 0)
        which &= ~(ONLY(LOG_EVIDENCE) | ONLY(LOG_EVIDENCE_ERROR));
    for (int i = 0; i < TERMS; i++) {
        void *values = (char *)answers + places[i].values;
        if (which & ONLY(i))
            memcpy((char *)&outputs + places[i].pointer, &values, sizeof values);
    }
    answers->terms.size = sizeof answers->terms;
    return vae_infer(model, batch, &outputs, which & ONLY(TERMS) ? &answers->terms : NULL);
}

void must_ask(
    vae_model *model, const vae_batch *batch, uint64_t samples, unsigned which, struct answers *answers)
{
    must(ask(model, batch, samples, which, answers));
}

const void *answer_row(const struct answers *answers, int number, size_t row, size_t *bytes)
{
    const struct place *place = &places[number == TERMS ? 0 : number];
    if (number == TERMS) {
        *bytes = sizeof answers->terms;
        return &answers->terms;
    }
    *bytes = place->row ? place->row : place->bytes;
    return (const char *)answers + place->values + row * place->row;
}

/* All of an answer. */
static const void *whole(const struct answers *answers, int number, size_t *bytes)
{
    const void *first = answer_row(answers, number, 0, bytes);
    if (number != TERMS)
        *bytes = places[number].bytes;
    return first;
}

void same_answers(const struct answers *a, const struct answers *b, unsigned which, const char *what)
{
    for (int i = 0; i < ANSWERS; i++) {
        size_t bytes;
        const void *left = whole(a, i, &bytes), *right = whole(b, i, &bytes);
        if (which & ONLY(i) && memcmp(left, right, bytes) != 0)
            ck_abort_msg("%s: %s has other bits", what, answer_names[i]);
    }
}

void same_row(const struct answers *a, size_t row_a, const struct answers *b, size_t row_b, unsigned which,
    const char *what)
{
    for (int i = 0; i < TERMS; i++) {
        size_t bytes;
        const void *left = answer_row(a, i, row_a, &bytes), *right = answer_row(b, i, row_b, &bytes);
        if (places[i].row && which & ONLY(i) && memcmp(left, right, bytes) != 0)
            ck_abort_msg("%s: %s of row %zu has other bits", what, answer_names[i], row_a);
    }
}

void untouched(const struct answers *answers, unsigned which, const char *what)
{
    struct answers clean;
    memset(&clean, PATTERN, sizeof clean);
    clean.terms.size = sizeof clean.terms;
    for (int i = 0; i < ANSWERS; i++) {
        size_t bytes;
        const void *left = whole(answers, i, &bytes), *right = whole(&clean, i, &bytes);
        if (which & ONLY(i) && memcmp(left, right, bytes) != 0)
            ck_abort_msg("%s: %s was written", what, answer_names[i]);
    }
}

/* ---- log-likelihoods ---- */

/* One value, in float64. */
static double cell_loglik(int32_t likelihood, double x, double location, double scale)
{
    double value = 0;
    if (likelihood == VAE_BERNOULLI)
        must(vae_loglik_bernoulli_f64(1, 1, &x, 1, &location, 1, &value));
    else if (likelihood == VAE_GAUSS)
        must(vae_loglik_gauss_f64(1, 1, &x, 1, &location, 1, &scale, 1, &value));
    else if (likelihood == VAE_LAPLACE)
        must(vae_loglik_laplace_f64(1, 1, &x, 1, &location, 1, &scale, 1, &value));
    else if (likelihood == VAE_POISSON)
        must(vae_loglik_poisson_f64(1, 1, &x, 1, &location, 1, &value));
    else if (likelihood == VAE_CBERNOULLI)
        must(vae_loglik_cbernoulli_f64(1, 1, &x, 1, &location, 1, &value));
    else
        ck_abort_msg("no likelihood %d", (int)likelihood);
    return value;
}

void add_loglik(int32_t likelihood, size_t n, size_t d, size_t ld, const float *x, const float *location,
    const float *scale, double *loglik)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = i * ld; j < i * ld + d; j++)
            loglik[i] += cell_loglik(likelihood, x[j], location[j], scale[j]);
}

void loglik_of(const vae_model *model, size_t n, const float *x, const float *location, const float *scale,
    double *loglik)
{
    size_t ld = (size_t)vae_x_dim(model);
    vae_span span;
    memset(loglik, 0, n * sizeof *loglik);
    for (size_t i = 0, at = 0; at < ld; at += (size_t)span.columns) {
        vae_span_init(&span, sizeof span);
        must(vae_get_span(model, i++, &span));
        add_loglik(span.likelihood, n, (size_t)span.columns, ld, x + at, location + at, scale + at, loglik);
    }
}

/* ---- models ---- */

static void span(struct plan *plan, size_t i, int32_t likelihood, uint64_t columns, int32_t scale)
{
    plan->spans[i].likelihood = likelihood;
    plan->spans[i].columns = columns;
    plan_scale(plan, i, scale);
}

void plan_mixed(struct plan *plan, int32_t activation)
{
    plan_init(plan, VAE_BERNOULLI, activation, 2);
    span(plan, 0, VAE_BERNOULLI, 4, VAE_PARAM_CELL);
    span(plan, 1, VAE_GAUSS, 3, VAE_PARAM_CELL);
    span(plan, 2, VAE_GAUSS, 2, VAE_PARAM_SPAN);
    span(plan, 3, VAE_POISSON, 4, VAE_PARAM_CELL);
    plan->spans[2].mean_activation = VAE_SIGMOID;
    plan->config.n_spans = 4;
    plan->encoder[1].kind = plan->decoder[1].kind = VAE_LAYER_GATED;
}

const char *kind_name(size_t i)
{
    return i < likelihood_count ? likelihoods[i].name : "mixed";
}

void plan_any(struct plan *plan, size_t i, int32_t activation)
{
    if (i >= likelihood_count) {
        plan_mixed(plan, activation);
        return;
    }
    plan_init(plan, likelihoods[i].kind, activation, 2);
    plan_kind(plan, i);
}
