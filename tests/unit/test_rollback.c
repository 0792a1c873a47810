/* SPDX-License-Identifier: BSD-2-Clause
 * Test. What training does about NaN, infinity and overflow: VAE_ERR_NONFINITE, or VAE_ERR_DATA where the
 * likelihood does not take a finite value, with words that name the term and the row or the tensor, and a
 * model that is bit for bit what it was, moments included.
 */
#include "../support/models.h"
#include "../support/runner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 11, X = 13, BAD = 7 };

struct pair {
    vae_model *model, *twin; /* the twin never sees a bad row */
    float *x;
};

static void pair_of(struct pair *p, const struct plan *plan)
{
    p->model = model_of(plan);
    p->twin = model_of(plan);
    train_some(p->model, 2, ROWS);
    train_some(p->twin, 2, ROWS);
    p->x = rows_for(p->model, ROWS, 1);
}

static void pair_open(struct pair *p, size_t kind, int32_t activation, int32_t threads)
{
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, activation, 1);
    plan_kind(&plan, kind);
    plan.runtime.threads = threads;
    pair_of(p, &plan);
}

/* The same parameters, step counts and, by further steps, moments. */
static void pair_close(struct pair *p)
{
    same_models(p->model, p->twin);
    train_some(p->model, 3, ROWS);
    train_some(p->twin, 3, ROWS);
    same_models(p->model, p->twin);
    free(p->x);
    vae_destroy(p->model);
    vae_destroy(p->twin);
}

/* Do the last error's words begin with the function's name, and contain all of `what`? NULL ends the list. */
static void words_name(const char *function, const char *const *what)
{
    const char *words = vae_last_error();
    ck_assert_msg(strncmp(words, function, strlen(function)) == 0, "\"%s\" is not of %s", words, function);
    for (; *what; what++)
        ck_assert_msg(strstr(words, *what), "\"%s\" lacks \"%s\"", words, *what);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Nothing was written, and no gradient is open. */
static void nothing_changed(struct pair *p, const vae_terms *terms)
{
    double norm = 9;
    ck_assert(terms->objective == 9 && terms->elbo == 9 && terms->loglik == 9 && terms->kl == 9 &&
              terms->grad_norm == 9);
    ck_assert_int_eq(vae_apply(p->model, &norm), VAE_ERR_STATE);
    ck_assert(norm == 9);
    same_models(p->model, p->twin);
}

/* All calls refuse the rows; `what` is in their words. */
static void refused(struct pair *p, int status, const char *const *what)
{
    vae_terms terms = {sizeof terms, 9, 9, 9, 9, 9};
    vae_batch batch = batch_of(p->model, p->x, ROWS);
    ck_assert_int_eq(vae_step(p->model, p->x, ROWS, &terms), status);
    words_name("vae_step: ", what);
    ck_assert_int_eq(vae_step_batch(p->model, &batch, &terms), status);
    words_name("vae_step_batch: ", what);
    ck_assert_int_eq(vae_grad(p->model, &batch, &terms), status);
    words_name("vae_grad: ", what);
    batch.total_weight = ROWS;
    ck_assert_int_eq(vae_grad_add(p->model, &batch, &terms), status);
    words_name("vae_grad_add: ", what);
    nothing_changed(p, &terms);
}

static int takes_everything(size_t kind)
{
    return likelihoods[kind].kind == VAE_GAUSS || likelihoods[kind].kind == VAE_LAPLACE;
}

/* A finite value of a likelihood that takes all of them: what overflows first is named, a term of the row
 * or the gradient that it would give. Under Laplace, whose slope does not grow with x, nothing need
 * overflow. */
static void too_large(struct pair *p, size_t kind)
{
    int status = vae_step(p->model, p->x, ROWS, NULL);
    if (status == VAE_OK) {
        ck_assert_int_eq(likelihoods[kind].kind, VAE_LAPLACE);
        must(vae_step(p->twin, p->x, ROWS, NULL));
        return;
    }
    int by_gradient = strstr(vae_last_error(), "gradient of ") != NULL;
    refused(p, VAE_ERR_NONFINITE, by_gradient ? WORDS("gradient of ", ", element ") : WORDS(" of row 7 "));
}

/* NaN and infinity are named by their place, a finite value that the likelihood does not take by itself, too.
 * Where it takes all, what overflows first is named: a term of the row, or the gradient that it would give.
 */
static void bad_value(size_t kind, int32_t activation, float value)
{
    struct pair p;
    char shown[32];
    snprintf(shown, sizeof shown, "%g", (double)value);
    pair_open(&p, kind, activation, activation == VAE_TANH ? 2 : 1);
    p.x[BAD * X + 3] = value;
    if (!isfinite(value)) {
        refused(&p, VAE_ERR_NONFINITE, WORDS("row 7", "column 3"));
    } else if (!takes_everything(kind)) {
        refused(&p, VAE_ERR_DATA, WORDS("row 7", "column 3", shown));
    } else {
        too_large(&p, kind);
    }
    pair_close(&p);
}

START_TEST(bad_rows)
{
    const float values[] = {NAN, INFINITY, -INFINITY, -1e30f, 1e30f, 3e38f};
    for (size_t i = 0; i < likelihood_count; i++)
        for (int32_t activation = VAE_IDENTITY; activation <= VAE_ELU; activation++)
            for (size_t v = 0; v < sizeof values / sizeof *values; v++)
                bad_value(i, activation, values[v]);
}
END_TEST

/* The first bad row is named, whichever thread finds it. */
START_TEST(first_row_is_named)
{
    for (int32_t threads = 1; threads <= 3; threads++) {
        struct pair p;
        pair_open(&p, KIND_BERNOULLI, VAE_RELU, threads);
        p.x[10 * X] = p.x[9 * X + 12] = p.x[4 * X + 5] = NAN;
        refused(&p, VAE_ERR_NONFINITE, WORDS("row 4", "column 5"));
        p.x[9 * X + 12] = p.x[4 * X + 5] = 2;
        refused(&p, VAE_ERR_DATA, WORDS("row 4", "column 5", "2"));
        pair_close(&p);
    }
}
END_TEST

/* One parameter set to `value`, which makes one term leave the range; the reading calls do not mind. */
static void term_of(size_t kind, const char *tensor, uint64_t element, float value, const char *term)
{
    struct pair p;
    double elbo[ROWS];
    pair_open(&p, kind, VAE_TANH, 1);
    float *before = params_of(p.model), *params = params_of(p.model);
    params[tensor_of(p.model, tensor).offset + element] = value;
    must(vae_set_params(p.model, params, vae_param_count(p.model)));
    ck_assert_int_eq(vae_step(p.model, p.x, ROWS, NULL), VAE_ERR_NONFINITE);
    words_name("vae_step: ", WORDS(term));
    must(vae_elbo(p.model, p.x, ROWS, 0, elbo, NULL));
    must(vae_set_params(p.model, before, vae_param_count(p.model)));
    free(before);
    free(params);
    pair_close(&p);
}

START_TEST(terms_are_named)
{
    const char *posterior = "encoder.1.bias";
    term_of(KIND_BERNOULLI, posterior, 4, 1e3f, "kl of row 0");   /* a log-variance of 1000 */
    term_of(KIND_BERNOULLI, posterior, 0, 3e38f, "gradient of "); /* a mean whose square fits float64 alone */
    term_of(KIND_GAUSS_CELL, "decoder.1.bias", 20, -1e3f, "loglik of row 0");
    term_of(KIND_GAUSS_SPAN, "spans.0.scale", 0, -1e3f, "loglik of row 0");
    term_of(KIND_POISSON, "decoder.1.bias", 3, 1e3f, "loglik of row 0");
}
END_TEST

static void data_of_magnitude(double log_variance, float magnitude, const char *what)
{
    struct plan plan;
    struct pair p;
    plan_init(&plan, VAE_GAUSS, VAE_TANH, 1);
    plan_scale(&plan, 0, VAE_PARAM_FIXED);
    plan.spans[0].scale_value = log_variance;
    pair_of(&p, &plan);
    for (int i = 0; i < ROWS * X; i++)
        p.x[i] *= magnitude;
    refused(&p, VAE_ERR_NONFINITE, WORDS(what));
    pair_close(&p);
}

/* Finite terms, but a gradient whose square leaves float32: the tensor is named. With a log-variance near 0
 * the square of x leaves the range first; with one of -30 the gradient, x exp(30), does. */
START_TEST(gradients_are_named)
{
    data_of_magnitude(-0.5, 1e20f, "loglik of row 0");
    data_of_magnitude(-30, 1e10f, "gradient of encoder.1.weight");
}
END_TEST

/* A gradient spoilt in its buffer: nothing happens but that it is no longer open; the next one can be
 * applied. */
START_TEST(bad_gradient_buffer)
{
    const float values[] = {NAN, INFINITY, -INFINITY, 2e19f};
    for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
        struct pair p;
        pair_open(&p, KIND_GAUSS_SPAN, VAE_TANH, 1);
        vae_batch batch = batch_of(p.model, p.x, ROWS);
        for (uint64_t i = 0; i < vae_param_count(p.model); i += 101) {
            must(vae_grad(p.model, &batch, NULL));
            vae_grad_buffer(p.model, NULL)[i] = values[v];
            double norm = 9;
            ck_assert_int_eq(vae_apply(p.model, &norm), VAE_ERR_NONFINITE);
            words_name("vae_apply: ", WORDS("gradient of "));
            ck_assert(norm == 9);
            ck_assert_ptr_null(vae_grad_buffer(p.model, NULL));
            same_models(p.model, p.twin);
        }
        must(vae_grad(p.model, &batch, NULL));
        must(vae_apply(p.model, NULL));
        must(vae_step(p.twin, p.x, ROWS, NULL));
        pair_close(&p);
    }
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        bad_rows, first_row_is_named, terms_are_named, gradients_are_named, bad_gradient_buffer};
    return RUN_SUITE("rollback", tests);
}
