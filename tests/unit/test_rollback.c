/* SPDX-License-Identifier: BSD-2-Clause
 * Test. What training does about NaN, infinity and overflow: VAE_ERR_NONFINITE with words that name the term
 * and the row or the tensor, and a model that is bit for bit what it was, moments included.
 */
#include "../support/models.h"
#include "../support/runner.h"

#include <math.h>
#include <string.h>

enum { ROWS = 11, X = 13, BAD = 7 };

struct pair {
    vae_model *model, *twin; /* the twin never sees a bad row */
    float *x;
};

static void pair_open(
    struct pair *p, const struct likelihood *likelihood, int32_t activation, int32_t threads)
{
    struct plan plan;
    plan_init(&plan, likelihood->kind, activation, 1);
    plan.config.mean_activation = likelihood->mean_activation;
    plan.config.threads = threads;
    p->model = model_of(&plan.config);
    p->twin = model_of(&plan.config);
    train_some(p->model, 2, ROWS);
    train_some(p->twin, 2, ROWS);
    p->x = rows_for(p->model, ROWS, 1);
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

static void words_name(const char *function, const char *what)
{
    ck_assert_msg(
        strncmp(vae_last_error(), function, strlen(function)) == 0 && strstr(vae_last_error(), what),
        "\"%s\" lacks \"%s: ... %s\"", vae_last_error(), function, what);
}

/* All three calls refuse the rows; `what` is in their words. */
static void refused(struct pair *p, const char *what)
{
    vae_terms terms = {sizeof terms, 9, 9, 9, 9};
    vae_batch batch = batch_of(p->model, p->x, ROWS);
    ck_assert_int_eq(vae_step(p->model, p->x, ROWS, &terms), VAE_ERR_NONFINITE);
    words_name("vae_step: ", what);
    ck_assert_int_eq(vae_step_batch(p->model, &batch, &terms), VAE_ERR_NONFINITE);
    words_name("vae_step_batch: ", what);
    ck_assert_int_eq(vae_grad(p->model, &batch, &terms), VAE_ERR_NONFINITE);
    words_name("vae_grad: ", what);
    ck_assert_int_eq(vae_apply(p->model), VAE_ERR_STATE);
    ck_assert(terms.elbo == 9 && terms.loglik == 9 && terms.kl == 9 && terms.grad_norm == 9);
    same_models(p->model, p->twin);
}

START_TEST(bad_rows)
{
    const float values[] = {NAN, INFINITY, -INFINITY, -1e30f, 1e30f, 3e38f};
    for (size_t i = 0; i < likelihood_count; i++)
        for (int32_t activation = VAE_IDENTITY; activation <= VAE_GELU; activation++)
            for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
                struct pair p;
                pair_open(&p, &likelihoods[i], activation, activation == VAE_TANH ? 2 : 1);
                p.x[BAD * X + 3] = values[v];
                refused(&p, isfinite(values[v]) ? " " : "row 7");
                pair_close(&p);
            }
}
END_TEST

/* The first bad row is named, whatever the thread that met it. */
START_TEST(first_row_is_named)
{
    for (int32_t threads = 1; threads <= 3; threads++) {
        struct pair p;
        pair_open(&p, &likelihoods[0], VAE_RELU, threads);
        p.x[10 * X] = p.x[9 * X + 12] = p.x[4 * X + 5] = NAN;
        refused(&p, "row 4");
        pair_close(&p);
    }
}
END_TEST

/* One parameter set to `value`, which makes one term leave the range; the reading calls do not mind. */
static void term_of(
    const struct likelihood *likelihood, uint64_t tensor, uint64_t element, float value, const char *term)
{
    struct pair p;
    uint64_t offset;
    double elbo[ROWS];
    pair_open(&p, likelihood, VAE_TANH, 1);
    float *before = params_of(p.model), *params = params_of(p.model);
    must(vae_tensor(p.model, tensor, NULL, &offset, NULL));
    params[offset + element] = value;
    must(vae_set_params(p.model, params, vae_param_count(p.model)));
    ck_assert_int_eq(vae_step(p.model, p.x, ROWS, NULL), VAE_ERR_NONFINITE);
    words_name("vae_step: ", term);
    must(vae_elbo(p.model, p.x, ROWS, 0, elbo, NULL));
    must(vae_set_params(p.model, before, vae_param_count(p.model)));
    free(before);
    free(params);
    pair_close(&p);
}

START_TEST(terms_are_named)
{
    term_of(&likelihoods[0], 3, 4, 1e3f, "kl of row 0");   /* a log-variance of 1000 */
    term_of(&likelihoods[0], 3, 0, 3e38f, "gradient of "); /* a mean whose square fits float64 alone */
    term_of(&likelihoods[5], 7, 20, -1e3f, "loglik of row 0");
    term_of(&likelihoods[3], 8, 0, -1e3f, "loglik of row 0");
}
END_TEST

/* Finite terms, but a gradient whose square leaves float32: the tensor is named. */
START_TEST(gradients_are_named)
{
    struct pair p;
    pair_open(&p, &likelihoods[1], VAE_TANH, 1);
    for (int i = 0; i < ROWS * X; i++)
        p.x[i] *= 1e20f;
    refused(&p, "loglik of row 0"); /* where the variance is fixed the square leaves the range first */
    pair_close(&p);
    pair_open(&p, &likelihoods[0], VAE_TANH, 1);
    for (int i = 0; i < ROWS * X; i++)
        p.x[i] *= 1e22f;
    refused(&p, "gradient of ");
    pair_close(&p);
}
END_TEST

/* A gradient spoilt in its buffer: nothing happens, and once mended it can be applied. */
START_TEST(bad_gradient_buffer)
{
    const float values[] = {NAN, INFINITY, -INFINITY, 2e19f};
    for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
        struct pair p;
        uint64_t count;
        pair_open(&p, &likelihoods[3], VAE_TANH, 1);
        vae_batch batch = batch_of(p.model, p.x, ROWS);
        float *buffer = vae_grad_buffer(p.model, &count);
        for (uint64_t i = 0; i < count; i += 101) {
            must(vae_grad(p.model, &batch, NULL));
            float kept = buffer[i];
            buffer[i] = values[v];
            ck_assert_int_eq(vae_apply(p.model), VAE_ERR_NONFINITE);
            words_name("vae_apply: ", "gradient of ");
            same_models(p.model, p.twin);
            buffer[i] = kept;
        }
        must(vae_apply(p.model));
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
