/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Models of several likelihoods: which part of the decoder's head is whose, log-likelihoods as sums
 * over spans, where scales come from and what their floor does to values. Slopes are in
 * test_span_gradients.c.
 */
#include "../support/answers.h"
#include "../support/runner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLANS = 2, VALUES = ROWS * X_DIM };

static void set_span(struct plan *plan, size_t i, int32_t likelihood, uint64_t columns, int32_t scale)
{
    plan->spans[i].likelihood = likelihood;
    plan->spans[i].columns = columns;
    plan_scale(plan, i, scale);
}

/* The mixed model, and one with two spans whose scales come from the decoder. */
static void plan_spans(struct plan *plan, int which)
{
    plan_mixed(plan, VAE_TANH);
    if (which == 0)
        return;
    set_span(plan, 0, VAE_CBERNOULLI, 3, VAE_PARAM_CELL);
    set_span(plan, 1, VAE_LAPLACE, 4, VAE_PARAM_CELL);
    set_span(plan, 2, VAE_GAUSS, 2, VAE_PARAM_FIXED);
    set_span(plan, 3, VAE_GAUSS, 4, VAE_PARAM_CELL);
    plan->spans[1].mean_activation = VAE_SIGMOID;
    plan->spans[2].mean_activation = VAE_IDENTITY;
    plan->spans[2].scale_value = -1.3;
}

static int has_scale(const vae_span *span)
{
    return span->likelihood == VAE_GAUSS || span->likelihood == VAE_LAPLACE;
}

/* Trained a little, so that nothing is at its first value. */
static vae_model *trained(const struct plan *plan)
{
    vae_model *model = model_of(plan);
    train_some(model, 3, 16);
    return model;
}

/* ---- values ---- */

/* What x_scale is, column by column; the floors of these plans are far below. */
static void check_scales(vae_model *model, const struct plan *plan, const struct answers *a)
{
    for (size_t k = 0, at = 0; k < 4; at += (size_t)plan->spans[k++].columns) {
        const vae_span *span = &plan->spans[k];
        float scale = 0;
        if (has_scale(span) && span->scale == VAE_PARAM_CELL)
            continue;
        if (has_scale(span) && span->scale == VAE_PARAM_FIXED)
            scale = (float)span->scale_value;
        if (has_scale(span) && span->scale == VAE_PARAM_SPAN) {
            must(vae_get_tensor(model, "spans.2.scale", &scale, 1));
            ck_assert(scale != (float)span->scale_value);
        }
        for (size_t i = 0; i < VALUES; i++)
            if (i % X_DIM >= at && i % X_DIM < at + span->columns)
                ck_assert_msg(a->x_scale[i] == scale, "span %zu: scale %g, not %g", k, (double)a->x_scale[i],
                    (double)scale);
    }
    for (size_t i = 0; i < VALUES; i++)
        ck_assert(a->x_shape[i] == 0);
}

/* The sum of section 2's functions over the parts is the model's, with one draw and with the mean. */
START_TEST(loglik_is_a_sum_over_spans)
{
    for (int which = 0; which < PLANS; which++)
        for (uint64_t samples = 0; samples <= 1; samples++) {
            struct plan plan;
            struct answers a;
            double loglik[ROWS];
            plan_spans(&plan, which);
            vae_model *model = trained(&plan);
            float *x = rows_for(model, ROWS, 4);
            vae_batch batch = batch_of(model, x, ROWS);
            must_ask(model, &batch, samples, ALL_ANSWERS, &a);
            check_scales(model, &plan, &a);
            loglik_of(model, ROWS, x, a.x_location, a.x_scale, loglik);
            for (int i = 0; i < ROWS; i++)
                ck_assert_double_eq_tol(a.loglik[i], loglik[i], 1e-8 * (fabs(loglik[i]) + X_DIM));
            free(x);
            vae_destroy(model);
        }
}
END_TEST

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* Row `row` of a linear head by hand. */
static double head_by_hand(const float *weight, const float *bias, size_t row, const float *z)
{
    double sum = (double)bias[row];
    for (size_t j = 0; j < Z_DIM; j++)
        sum += (double)weight[row * Z_DIM + j] * (double)z[j];
    return sum;
}

/* Locations in x's order, then the scales of cells, span by span. */
START_TEST(layout_of_the_head)
{
    for (int which = 0; which < PLANS; which++) {
        struct plan plan;
        struct answers a;
        plan_spans(&plan, which);
        plan.config.n_encoder = plan.config.n_decoder = 0;
        vae_model *model = trained(&plan);
        vae_tensor_info weight = tensor_of(model, "decoder.0.weight"),
                        bias = tensor_of(model, "decoder.0.bias");
        float *params = params_of(model), z[Z_DIM] = {0.5f, -1.25f, 0.75f};
        const float *w = params + weight.offset, *b = params + bias.offset;
        vae_batch batch = batch_of(model, NULL, 1);
        batch.z = z;
        must_ask(model, &batch, 1, ANSWERS_OF_PRIOR, &a);
        size_t scale = X_DIM, column = 0;
        for (size_t k = 0; k < 4; k++)
            for (size_t j = 0; j < plan.spans[k].columns; j++, column++) {
                double location = head_by_hand(w, b, column, z);
                if (plan.spans[k].mean_activation == VAE_SIGMOID)
                    location = sigmoid(location);
                ck_assert_double_eq_tol((double)a.x_location[column], location, 1e-6);
                if (has_scale(&plan.spans[k]) && plan.spans[k].scale == VAE_PARAM_CELL)
                    ck_assert_double_eq_tol((double)a.x_scale[column], head_by_hand(w, b, scale++, z), 1e-6);
            }
        ck_assert_uint_eq(weight.shape[0], scale);
        ck_assert_uint_eq(column, X_DIM);
        free(params);
        vae_destroy(model);
    }
}
END_TEST

/* ---- the same model in other words ---- */

/* config.likelihood without spans, and one span of all columns. */
START_TEST(one_span_is_no_span)
{
    for (size_t kind = 0; kind < likelihood_count; kind++) {
        struct plan plan;
        vae_span span, given;
        vae_config config;
        if (likelihoods[kind].scale != VAE_PARAM_CELL)
            continue;
        plan_any(&plan, kind, VAE_TANH);
        given = plan.spans[0];
        vae_model *with = trained(&plan);
        plan.config.likelihood = likelihoods[kind].kind;
        plan.config.mean_activation = likelihoods[kind].mean_activation;
        plan.config.spans = NULL;
        plan.config.n_spans = 0;
        vae_model *without = trained(&plan);
        same_models(with, without);
        vae_span_init(&span, sizeof span);
        must(vae_get_span(without, 0, &span));
        ck_assert_mem_eq(&span, &given, sizeof span);
        ck_assert_int_eq(vae_get_span(without, 1, &span), VAE_ERR_ARG);
        vae_config_init(&config, sizeof config);
        must(vae_get_config(without, &config));
        ck_assert_uint_eq(config.n_spans, 0);
        vae_destroy(with);
        vae_destroy(without);
    }
}
END_TEST

/* The spans and the configuration come back as they were given. */
START_TEST(spans_are_copied)
{
    struct plan plan;
    vae_span given[4], span;
    vae_config config;
    plan_spans(&plan, 1);
    plan.spans[3].scale_min = -7.25;
    plan.spans[1].scale_value = 3.5;
    memcpy(given, plan.spans, sizeof given);
    vae_model *model = model_of(&plan), *view = view_of(model, 1);
    memset(plan.spans, 0xa5, sizeof plan.spans); /* nothing is kept by reference */
    train_some(model, 1, 16);
    for (uint64_t i = 0; i < 4; i++) {
        vae_span_init(&span, sizeof span);
        must(vae_get_span(i % 2 ? view : model, i, &span));
        ck_assert_mem_eq(&span, &given[i], sizeof span);
    }
    vae_config_init(&config, sizeof config);
    must(vae_get_config(view, &config));
    ck_assert(config.n_spans == 4 && !config.spans && !config.encoder && !config.decoder);
    ck_assert(config.n_encoder == 2 && config.n_decoder == 2 && config.x_dim == X_DIM && config.seed == 5);
    vae_destroy(view);
    vae_destroy(model);
}
END_TEST

/* Terms of a pass, in training and reading. */
static void both_terms(vae_model *model, const float *x, vae_terms *trained_on, vae_terms *read)
{
    vae_batch batch = batch_of(model, x, 16);
    *trained_on = *read = empty_terms();
    must(vae_grad(model, &batch, trained_on));
    must(vae_elbo(model, x, 16, 2, NULL, read));
}

static void near_terms(const vae_terms *a, const vae_terms *b, double tolerance)
{
    ck_assert_double_eq_tol(a->objective, b->objective, tolerance * fabs(a->loglik));
    ck_assert_double_eq_tol(a->loglik, b->loglik, tolerance * fabs(a->loglik));
    ck_assert_double_eq_tol(a->kl, b->kl, 1e-14 * a->kl);
    ck_assert(fabs(a->grad_norm - b->grad_norm) <= 1e-6 * a->grad_norm);
}

/* Columns of one likelihood cut into spans: sums in another order, and nothing else. */
START_TEST(cut_spans_agree)
{
    const int32_t kinds[] = {VAE_BERNOULLI, VAE_CBERNOULLI, VAE_POISSON, VAE_GAUSS};
    for (int k = 0; k < 4; k++) {
        struct plan plan, cut;
        vae_terms one[2], several[2];
        plan_init(&plan, kinds[k], VAE_TANH, 1);
        plan_init(&cut, kinds[k], VAE_TANH, 1);
        cut.config.n_spans = 4;
        for (size_t i = 0; i < 4; i++)
            set_span(&cut, i, kinds[k], i == 2 ? 1 : 4, VAE_PARAM_CELL);
        vae_model *whole = model_of(&plan), *parts = model_of(&cut);
        float *x = rows_for(whole, 16, 3);
        both_terms(whole, x, &one[0], &one[1]);
        both_terms(parts, x, &several[0], &several[1]);
        near_terms(&one[0], &several[0], 1e-7);
        near_terms(&one[1], &several[1], 1e-13);
        free(x);
        vae_destroy(whole);
        vae_destroy(parts);
    }
}
END_TEST

/* Rows in tasks, tasks on threads: scratch of several spans is each task's own. */
START_TEST(threads_do_not_show)
{
    for (int which = 0; which < PLANS; which++)
        for (int32_t objective = VAE_ELBO; objective <= VAE_IWAE; objective++) {
            struct plan plan;
            plan_spans(&plan, which);
            plan.runtime.max_batch = 100;
            plan.training.objective = objective;
            plan.training.samples = 3;
            vae_model *alone = model_of(&plan);
            train_some(alone, 3, 97);
            for (int32_t threads = 2; threads <= 5; threads += 3) {
                plan.runtime.threads = threads;
                vae_model *model = model_of(&plan);
                train_some(model, 3, 97);
                same_models(alone, model);
                vae_destroy(model);
            }
            vae_destroy(alone);
        }
}
END_TEST

/* Every column a span of its own, of all likelihoods in turn. */
START_TEST(a_span_for_each_column)
{
    struct plan plan;
    struct answers a;
    vae_span spans[X_DIM];
    double loglik[ROWS];
    plan_init(&plan, VAE_BERNOULLI, VAE_TANH, 1);
    for (size_t i = 0; i < X_DIM; i++) {
        const struct likelihood *l = &likelihoods[i % likelihood_count];
        vae_span_init(&spans[i], sizeof spans[i]);
        spans[i].columns = 1;
        spans[i].likelihood = l->kind;
        spans[i].mean_activation = l->mean_activation;
        spans[i].scale = l->scale;
        spans[i].scale_value = l->scale == VAE_PARAM_CELL ? 0 : -0.125 * (double)i;
    }
    plan.config.spans = spans;
    plan.config.n_spans = X_DIM;
    vae_model *model = trained(&plan);
    float *x = rows_for(model, ROWS, 4);
    vae_batch batch = batch_of(model, x, ROWS);
    must_ask(model, &batch, 1, ALL_ANSWERS, &a);
    loglik_of(model, ROWS, x, a.x_location, a.x_scale, loglik);
    for (int i = 0; i < ROWS; i++)
        ck_assert_double_eq_tol(a.loglik[i], loglik[i], 1e-8 * (fabs(loglik[i]) + X_DIM));
    for (size_t i = 0; i < X_DIM; i++)
        if (spans[i].scale == VAE_PARAM_FIXED)
            ck_assert(a.x_scale[i] == (float)spans[i].scale_value);
    free(x);
    vae_destroy(model);
}
END_TEST

/* ---- floors ---- */

/* Two models answer alike, draws of x included. */
static void same_readings(vae_model *a, vae_model *b)
{
    struct answers one, other;
    float *x = rows_for(a, ROWS, 4);
    vae_batch batch = batch_of(a, x, ROWS);
    must_ask(a, &batch, 2, ALL_ANSWERS, &one);
    must_ask(b, &batch, 2, ALL_ANSWERS, &other);
    same_answers(&one, &other, ALL_ANSWERS, "floor");
    free(x);
}

/* A scale below its floor is the floor, to the bit, wherever it comes from; one above is itself. */
START_TEST(floors_of_given_scales)
{
    const int32_t kinds[] = {VAE_GAUSS, VAE_LAPLACE}, sources[] = {VAE_PARAM_FIXED, VAE_PARAM_SPAN};
    for (int k = 0; k < 2; k++)
        for (int s = 0; s < 2; s++) {
            struct plan plan;
            plan_init(&plan, kinds[k], VAE_TANH, 1);
            plan_scale(&plan, 0, sources[s]);
            plan.spans[0].scale_value = -2.3;
            vae_model *at = model_of(&plan);
            plan.spans[0].scale_min = -2.3;
            vae_model *equal = model_of(&plan);
            plan.spans[0].scale_value = -5;
            vae_model *below = model_of(&plan);
            plan.spans[0].scale_value = -2.3;
            plan.spans[0].scale_min = -2.5;
            vae_model *above = model_of(&plan);
            same_readings(at, equal);
            same_readings(at, below);
            same_readings(at, above);
            vae_destroy(at);
            vae_destroy(equal);
            vae_destroy(below);
            vae_destroy(above);
        }
}
END_TEST

/* Cell by cell, and only in the span that has the floor. */
START_TEST(floors_of_cells)
{
    struct plan plan;
    struct answers plain, floored;
    int clamped = 0, kept = 0;
    plan_spans(&plan, 1);
    vae_model *model = trained(&plan);
    plan.spans[3].scale_min = 0.03;
    vae_model *other = model_of(&plan);
    float *params = params_of(model), *x = rows_for(model, ROWS, 4);
    must(vae_set_params(other, params, vae_param_count(other)));
    vae_batch batch = batch_of(model, x, ROWS);
    must_ask(model, &batch, 1, ALL_ANSWERS, &plain);
    must_ask(other, &batch, 1, ALL_ANSWERS, &floored);
    same_answers(&plain, &floored, ONLY(Z) | ONLY(X_LOCATION) | ONLY(X_MEAN) | ONLY(KL), "floor");
    for (int i = 0; i < VALUES; i++) {
        float scale = plain.x_scale[i];
        int below = i % X_DIM >= 9 && scale < 0.03f;
        ck_assert(floored.x_scale[i] == (below ? 0.03f : scale));
        clamped += below;
        kept += i % X_DIM >= 9 && !below;
        if (!below)
            ck_assert(plain.loglik_by_column[i] == floored.loglik_by_column[i]);
    }
    ck_assert_msg(clamped > 20 && kept > 20, "%d below, %d above", clamped, kept);
    free(params);
    free(x);
    vae_destroy(model);
    vae_destroy(other);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {loglik_is_a_sum_over_spans, layout_of_the_head, one_span_is_no_span,
        spans_are_copied, cut_spans_agree, threads_do_not_show, a_span_for_each_column,
        floors_of_given_scales, floors_of_cells};
    return RUN_SUITE("spans", tests);
}
