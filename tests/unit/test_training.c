/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Training: a step is a gradient and an update to the bit, also where operands forbid the fused update;
 * the gradient in place may be changed before it is applied; Adam by hand; noise by row, seed and step.
 */
#include "../support/models.h"
#include "../support/runner.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { ROWS = 11, X = 13 };

static void same_terms(const vae_terms *a, const vae_terms *b)
{
    ck_assert_msg(memcmp(a, b, sizeof *a) == 0, "terms %a %a %a %a %a, %a %a %a %a %a", a->objective, a->elbo,
        a->loglik, a->kl, a->grad_norm, b->objective, b->elbo, b->loglik, b->kl, b->grad_norm);
    ck_assert(a->elbo == a->loglik - a->kl && isfinite(a->elbo) && a->grad_norm > 0);
    ck_assert_double_eq_tol(a->objective, a->elbo, 1e-12 * fabs(a->elbo));
}

/* Both ways of a step, side by side, on rows of magnitude `scale`. */
static void both_ways(const struct plan *plan, int steps, float scale)
{
    vae_model *whole = model_of(plan), *halves = model_of(plan);
    for (int i = 0; i < steps; i++) {
        float *x = rows_for(whole, ROWS, (uint64_t)i);
        for (size_t j = 0; j < ROWS * (size_t)vae_x_dim(whole); j++)
            x[j] *= scale;
        vae_batch batch = batch_of(whole, x, ROWS);
        vae_terms a = empty_terms(), b = empty_terms();
        double norm = 0;
        must(vae_step(whole, x, ROWS, &a));
        must(vae_grad(halves, &batch, &b));
        must(vae_apply(halves, &norm));
        ck_assert(norm == b.grad_norm);
        same_terms(&a, &b);
        free(x);
    }
    same_models(whole, halves);
    vae_destroy(whole);
    vae_destroy(halves);
}

START_TEST(step_is_gradient_and_update)
{
    for (int32_t activation = VAE_IDENTITY; activation <= VAE_ELU; activation++)
        for (size_t i = 0; i < likelihood_count; i++)
            for (uint64_t samples = 1; samples <= 3; samples += 2) {
                struct plan plan;
                plan_init(&plan, VAE_BERNOULLI, activation, i % 3);
                plan_kind(&plan, i);
                plan.training.samples = samples;
                both_ways(&plan, 6, 1);
            }
}
END_TEST

/* Layers of several pieces in both directions, more rows of weights than one piece holds. */
START_TEST(step_of_wide_layers)
{
    const uint64_t widths[] = {250, 97};
    for (int32_t threads = 1; threads <= 3; threads++) {
        struct plan plan;
        plan_init(&plan, VAE_GAUSS, VAE_RELU, 2);
        plan_scale(&plan, 0, VAE_PARAM_SPAN);
        plan_sizes(&plan, 131, 21, widths, 2);
        plan.runtime.threads = threads;
        both_ways(&plan, 4, 1);
    }
}
END_TEST

/* Operands on both sides of the bound within which the update is fused with the gradient (test_overflow.c
 * asserts that it is); all gradients stay in range. The encoder saturates, the decoder's last bias takes the
 * large gradient: with a fixed variance it is (mean - x) / variance. */
START_TEST(step_of_large_operands)
{
    const float scales[] = {1e2f, 1e7f, 1e9f, 1e12f, 1e16f, 1e18f, 3e18f};
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        struct plan plan;
        plan_init(&plan, VAE_GAUSS, VAE_TANH, 1);
        plan_scale(&plan, 0, VAE_PARAM_FIXED);
        both_ways(&plan, 4, scales[i]);
    }
}
END_TEST

START_TEST(batch_of_its_own)
{
    struct plan plan;
    plan_init(&plan, VAE_GAUSS, VAE_GELU, 1);
    vae_model *plain = model_of(&plan), *full = model_of(&plan), *other = model_of(&plan);
    float *x = rows_for(plain, ROWS, 1), wide[ROWS * (X + 4)];
    fill_rows(wide, ROWS, X, X + 4, 1);
    vae_batch batch = batch_of(full, wide, ROWS);
    batch.ldx = X + 4;
    vae_terms a = empty_terms(), b = empty_terms(), c = empty_terms();
    must(vae_step(plain, x, ROWS, &a));
    must(vae_step_batch(full, &batch, &b));
    same_terms(&a, &b);
    same_models(plain, full);
    batch.first_row = 1;
    must(vae_step_batch(other, &batch, &c));
    ck_assert(c.loglik != a.loglik && c.kl == a.kl);
    free(x);
    vae_destroy(plain);
    vae_destroy(full);
    vae_destroy(other);
}
END_TEST

/* A row's terms: those of the batch that holds it alone, if its number, its seed and the step are the same.
 */
START_TEST(rows_add_up)
{
    struct plan plan;
    double loglik = 0, kl = 0;
    plan_init(&plan, VAE_BERNOULLI, VAE_TANH, 1);
    plan.training.samples = 2;
    vae_model *model = model_of(&plan);
    float *x = rows_for(model, ROWS, 1);
    train_some(model, 3, 4);
    vae_batch batch = batch_of(model, x, ROWS);
    vae_terms all = empty_terms(), one = empty_terms(), again = empty_terms();
    batch.first_row = 100;
    batch.seed = 9;
    must(vae_grad(model, &batch, &all));
    must(vae_grad(model, &batch, &again));
    same_terms(&all, &again);
    for (size_t i = 0; i < ROWS; i++) {
        vae_batch row = batch_of(model, x + i * X, 1);
        row.first_row = 100 + i;
        row.seed = 9;
        must(vae_grad(model, &row, &one));
        loglik += one.loglik;
        kl += one.kl;
    }
    ck_assert(all.loglik == loglik / ROWS && all.kl == kl / ROWS);
    must(vae_apply(model, NULL));
    must(vae_grad(model, &batch, &again));
    ck_assert(again.loglik != all.loglik);
    free(x);
    vae_destroy(model);
}
END_TEST

/* ---- the gradient in place ---- */

START_TEST(gradient_buffer)
{
    struct plan plan;
    uint64_t count = 0;
    double squares = 0, in_place = 0, norm = 0;
    plan_init(&plan, VAE_GAUSS, VAE_TANH, 2);
    plan_scale(&plan, 0, VAE_PARAM_SPAN);
    vae_model *model = model_of(&plan);
    float *x = rows_for(model, ROWS, 1);
    vae_batch batch = batch_of(model, x, ROWS);
    vae_terms terms = empty_terms();
    must(vae_grad(model, &batch, &terms));
    float *buffer = vae_grad_buffer(model, &count), *grads = grads_of(model);
    ck_assert_ptr_nonnull(buffer);
    ck_assert_ptr_eq(buffer, vae_grad_buffer(model, NULL));
    ck_assert_uint_eq(count, vae_param_count(model));
    for (uint64_t i = 0; i < count; i++) {
        squares += (double)grads[i] * (double)grads[i];
        in_place += (double)buffer[i] * (double)buffer[i];
        buffer[i] *= 2;
    }
    ck_assert_double_eq_tol(terms.grad_norm, sqrt(squares), 1e-12 * terms.grad_norm);
    ck_assert_double_eq_tol(terms.grad_norm, sqrt(in_place), 1e-12 * terms.grad_norm);
    must(vae_apply(model, &norm)); /* of what the buffer holds now */
    ck_assert_double_eq_tol(norm, 2 * sqrt(squares), 1e-12 * norm);
    must(vae_grad(model, &batch, NULL));
    ck_assert_ptr_eq(buffer, vae_grad_buffer(model, NULL));
    free(grads);
    free(x);
    vae_destroy(model);
}
END_TEST

/* A gradient cut to nothing leaves the parameters, a step's worth of moments aside; halves on two machines
 * add up. */
START_TEST(clipped_gradient)
{
    struct plan plan;
    uint64_t count;
    plan_init(&plan, VAE_GAUSS, VAE_TANH, 1);
    plan_scale(&plan, 0, VAE_PARAM_SPAN);
    vae_model *model = model_of(&plan), *twin = model_of(&plan);
    float *x = rows_for(model, ROWS, 1), *before = params_of(model);
    vae_batch batch = batch_of(model, x, ROWS);
    double norm = 9;
    must(vae_grad(model, &batch, NULL));
    float *buffer = vae_grad_buffer(model, &count);
    memset(buffer, 0, (size_t)count * sizeof *buffer);
    must(vae_apply(model, &norm));
    ck_assert(norm == 0);
    float *after = params_of(model);
    ck_assert_int_eq(memcmp(before, after, (size_t)count * sizeof *after), 0);
    ck_assert_uint_eq(vae_steps(model), 1);
    free(after);

    must(vae_grad(twin, &batch, NULL));
    float *grads = grads_of(twin);
    for (uint64_t i = 0; i < count; i++)
        vae_grad_buffer(twin, NULL)[i] *= 0.25f;
    float *scaled = grads_of(twin);
    for (uint64_t i = 0; i < count; i++)
        ck_assert(scaled[i] == 0.25f * grads[i]);
    free(grads);
    free(scaled);
    free(before);
    free(x);
    vae_destroy(model);
    vae_destroy(twin);
}
END_TEST

static void plan_adam(struct plan *plan, double rate, double beta1, double beta2, double epsilon)
{
    plan_init(plan, VAE_GAUSS, VAE_TANH, 1);
    plan_scale(plan, 0, VAE_PARAM_SPAN);
    plan->training.learning_rate = rate;
    plan->training.beta1 = beta1;
    plan->training.beta2 = beta2;
    plan->training.epsilon = epsilon;
}

/* Adam, Kingma & Ba, algorithm 1, in float64 along the gradients that the model says it has. */
static void check_adam(double rate, double beta1, double beta2, double epsilon)
{
    struct plan plan;
    plan_adam(&plan, rate, beta1, beta2, epsilon);
    vae_model *model = model_of(&plan);
    size_t count = (size_t)vae_param_count(model);
    float *x = rows_for(model, ROWS, 1);
    double *m = calloc(count, sizeof *m), *v = calloc(count, sizeof *v);
    for (int t = 1; t <= 12; t++) {
        vae_batch batch = batch_of(model, x, ROWS);
        if (t == 8) {
            plan.training.learning_rate = rate *= 0.1;
            must(vae_set_training(model, &plan.training));
        }
        must(vae_grad(model, &batch, NULL));
        float *g = grads_of(model), *before = params_of(model);
        must(vae_apply(model, NULL));
        float *after = params_of(model);
        for (size_t i = 0; i < count; i++) {
            m[i] = beta1 * m[i] + (1 - beta1) * (double)g[i];
            v[i] = beta2 * v[i] + (1 - beta2) * (double)g[i] * (double)g[i];
            double step = rate * m[i] / (1 - pow(beta1, t)) / (sqrt(v[i] / (1 - pow(beta2, t))) + epsilon);
            double error = fabs((double)after[i] - ((double)before[i] - step));
            /* A moment that almost cancels has a rounding error of its summands' size, hence rate. */
            ck_assert_msg(error <= 1e-6 * (fabs(step) + rate) + 2e-7 * fabs((double)before[i]),
                "beta2 %g, t %d, parameter %zu: step %g, error %g", beta2, t, i, step, error);
        }
        free(g);
        free(before);
        free(after);
    }
    free(m);
    free(v);
    free(x);
    vae_destroy(model);
}

START_TEST(adam_by_hand)
{
    check_adam(1e-3, 0.9, 0.999, 1e-8);
    check_adam(0.1, 0.9, 0.999, 1e-8);
    check_adam(0.5, 0.0, 0.0, 1e-3);
    check_adam(0.1, 0.5, 0.9999999999, 1e-4);
    check_adam(0.1, 0.99999, 0.9, (double)FLT_MIN);
}
END_TEST

/* Units that never speak have no gradient: the smallest epsilon must not turn 0 / (0 + epsilon) into
 * anything. */
START_TEST(dead_units_and_the_smallest_epsilon)
{
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 1);
    plan.training.epsilon = (double)FLT_MIN;
    vae_model *model = model_of(&plan);
    uint64_t count = vae_param_count(model), offset = tensor_of(model, "encoder.0.bias").offset;
    float *params = params_of(model);
    for (int i = 0; i < 19; i++)
        params[offset + (uint64_t)i] = -1e6f;
    must(vae_set_params(model, params, count));
    train_some(model, 3, 16);
    float *after = params_of(model);
    ck_assert_int_eq(memcmp(params, after, (size_t)(offset + 19) * sizeof *params), 0);
    for (uint64_t i = 0; i < count; i++)
        ck_assert(isfinite(after[i]));
    free(params);
    free(after);
    vae_destroy(model);
}
END_TEST

/* The bound rises: some hundred steps on a few rows. */
START_TEST(training_learns)
{
    for (size_t i = 0; i < likelihood_count; i++) {
        struct plan plan;
        vae_terms first = empty_terms(), last = empty_terms();
        plan_init(&plan, VAE_BERNOULLI, VAE_TANH, 1);
        plan_kind(&plan, i);
        plan.training.learning_rate = 0.01;
        vae_model *model = model_of(&plan);
        float *x = rows_for(model, ROWS, 1);
        for (int t = 0; t < ROWS * X; t++)
            x[t] = i == KIND_POISSON ? (x[t] > 3 ? 5.0f : 1.0f) : (x[t] > 0.5f ? 0.95f : 0.05f);
        must(vae_elbo(model, x, ROWS, 16, NULL, &first));
        for (int t = 0; t < 400; t++)
            must(vae_step(model, x, ROWS, NULL));
        must(vae_elbo(model, x, ROWS, 16, NULL, &last));
        ck_assert_msg(
            last.elbo > first.elbo + 0.3, "%s: %g, then %g", likelihoods[i].name, first.elbo, last.elbo);
        ck_assert_uint_eq(vae_steps(model), 400);
        free(x);
        vae_destroy(model);
    }
}
END_TEST

int main(void)
{
    const TTest *tests[] = {step_is_gradient_and_update, step_of_wide_layers, step_of_large_operands,
        batch_of_its_own, rows_add_up, gradient_buffer, clipped_gradient, adam_by_hand,
        dead_units_and_the_smallest_epsilon, training_learns};
    return RUN_SUITE("training", tests);
}
