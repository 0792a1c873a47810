/* SPDX-License-Identifier: BSD-2-Clause
 * Test, from inside. Updates that would make a parameter or a moment infinite, of every optimizer: the bound
 * that rules them out, and what becomes of those that it does not.
 */
#include "../support/runner.h"
#include "../support/steps.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- the bound ---- */

/* Rates, epsilons, momentum and decay with which an update can be infinite though the gradient is not. */
static const struct setting {
    int32_t optimizer;
    double rate, epsilon, momentum, decay;
    int bounded;
} settings[] = {
    {VAE_ADAM, 1e-3, 1e-8, 0, 0, 1},
    {VAE_ADAM, 1, 1e-8, 0, 0, 1},
    {VAE_ADAM, 1e30, 1e-8, 0, 0, 0},
    {VAE_ADAM, 2e12, 1, 0, 0, 0},
    {VAE_ADAM, 1e9, 1, 0, 0, 1},
    {VAE_ADAM, 1e9, 1e30, 0, 0, 1},
    {VAE_ADAM, 1e-3, (double)FLT_MIN, 0, 0, 0},
    {VAE_ADAM, 0, (double)FLT_MIN, 0, 0, 1},
    {VAE_ADAMW, 1e-3, 1e-8, 0, 0.1, 1},
    {VAE_ADAMW, 1, 1e-8, 0, 2, 1},
    {VAE_ADAMW, 1, 1e-8, 0, 2.01, 0},
    {VAE_ADAMW, 1e-3, (double)FLT_MIN, 0, 0, 0},
    {VAE_ADAGRAD, 0.01, 1e-8, 0, 0, 1},
    {VAE_ADAGRAD, 4e29, 1e-8, 0, 0, 1},
    {VAE_ADAGRAD, 6e29, 1e-8, 0, 0, 0},
    {VAE_ADAGRAD, 0.01, (double)FLT_MIN, 0, 0, 1},
    {VAE_ADAGRAD, 1e12, (double)FLT_MIN, 0, 0, 0},
    {VAE_SGD, 0.01, 1e-8, 0.9, 0, 1},
    {VAE_SGD, 0.9e12, 1e-8, 0, 0, 1},
    {VAE_SGD, 1.1e12, 1e-8, 0, 0, 0},
    {VAE_SGD, 0.9e12, 1e-8, 0.9, 0, 1},
    {VAE_SGD, 1.1e12, 1e-8, 0.9, 0, 0},
};

START_TEST(updates_around_the_limit)
{
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        const struct setting *s = &settings[i];
        struct plan plan;
        plan_overflow(&plan, VAE_PARAM_CELL, 1);
        plan.training.optimizer = s->optimizer;
        plan.training.learning_rate = s->rate;
        plan.training.epsilon = s->epsilon;
        plan.training.momentum = s->momentum;
        plan.training.weight_decay = s->decay;
        vae_model *model = model_of(&plan);
        float *x = rows_for(model, ROWS, 1);
        struct step step = run_step(model, x);
        ck_assert_msg(is_bounded(&step, model) == s->bounded, "setting %zu", i);
        free(x);
        vae_destroy(model);
    }
}
END_TEST

/* What moments may have become by now counts, too. */
START_TEST(moments_around_the_limit)
{
    const struct {
        int32_t optimizer;
        double most[VAE_MOST_MOMENTS];
        int bounded;
    } cases[] = {
        {VAE_ADAM, {1e20, 1e38}, 1},
        {VAE_ADAM, {1e28, 0}, 0},
        {VAE_ADAMW, {3e38, 0}, 0},
        {VAE_ADAM, {0, 1e39}, 0},
        {VAE_ADAGRAD, {3e38, 0}, 1},
        {VAE_ADAGRAD, {3.4e38, 0}, 0},
        {VAE_SGD, {1e30, 0}, 1},
        {VAE_SGD, {2e32, 0}, 0},
        {VAE_SGD, {1e39, 0}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan plan;
        plan_overflow(&plan, VAE_PARAM_CELL, 1);
        plan.training.optimizer = cases[i].optimizer;
        plan.training.learning_rate = 0.01;
        plan.training.momentum = 0.9;
        vae_model *model = model_of(&plan);
        float *x = rows_for(model, ROWS, 1);
        struct step step = run_step(model, x);
        ck_assert_int_eq(is_bounded(&step, model), 1);
        memcpy(model->trainer.reach, cases[i].most, sizeof cases[i].most);
        ck_assert_msg(is_bounded(&step, model) == cases[i].bounded, "case %zu", i);
        free(x);
        vae_destroy(model);
    }
}
END_TEST

/* The bounds of moments hold, and are not much larger than the norms of gradients: fused steps and others. */
START_TEST(bounds_of_moments)
{
    for (int32_t i = VAE_ADAM; i <= VAE_SGD; i++) {
        struct plan plan;
        plan_overflow(&plan, VAE_PARAM_SPAN, 2);
        plan.training.optimizer = i;
        plan.training.learning_rate = 1e-3;
        plan.training.momentum = 0.9;
        vae_model *model = model_of(&plan);
        const struct vae_trainer *t = &model->trainer;
        double norms = 0;
        for (int k = 0; k < 40; k++) {
            float *x = rows_for(model, ROWS, (uint64_t)k);
            vae_terms terms = empty_terms();
            plan.training.clip_norm = k % 4 == 3 ? 1e30 : 0;
            must(vae_set_training(model, &plan.training));
            must(vae_step(model, x, ROWS, &terms));
            norms += fmax(terms.grad_norm, terms.grad_norm * terms.grad_norm);
            for (unsigned m = 0; m < t->optimizer->moments; m++) {
                float most =
                    model->network->kernels->train->max_abs((size_t)model->network->learned, t->moment[m]);
                ck_assert_double_ge(t->reach[m], (double)most);
                ck_assert_double_le(t->reach[m], 1.001 * norms);
            }
            free(x);
        }
        vae_destroy(model);
    }
}
END_TEST

/* ---- the path ---- */

/* A decoupled decay leaves the fused form; clipping, and a decay that is added to the gradient, do not. */
START_TEST(the_path_of_an_optimizer)
{
    for (int32_t i = VAE_ADAM; i <= VAE_SGD; i++)
        for (int k = 0; k < 3; k++) {
            struct plan plan;
            plan_overflow(&plan, VAE_PARAM_SPAN, 1);
            plan.training.optimizer = i;
            plan.training.weight_decay = k == 1 ? 0.1 : 0;
            plan.training.clip_norm = k == 2 ? 1e30 : 0;
            vae_model *model = model_of(&plan);
            float *x = rows_for(model, ROWS, 1);
            ck_assert_int_eq(step_is_fused(model, x), k == 0 || (k == 1 && i == VAE_ADAMW));
            free(x);
            vae_destroy(model);
        }
}
END_TEST

/* ---- updates that would be infinite ---- */

/* The first parameter that the update would make infinite, by its number. */
START_TEST(overflow_is_found)
{
    struct plan plan;
    plan_overflow(&plan, VAE_PARAM_SPAN, 1);
    plan.training.learning_rate = 1e30;
    vae_model *model = model_of(&plan);
    float *x = rows_for(model, ROWS, 1);
    vae_batch batch = batch_of(model, x, ROWS);
    uint64_t count = model->network->learned;
    must(vae_grad(model, &batch, NULL));
    float *grads = vae_grad_buffer(model, NULL), *before = params_of(model);
    for (uint64_t i = 0; i < count; i++)
        grads[i] = 1e-3f;
    ck_assert_uint_eq(vae_gradient_overflows(model->network, &model->trainer, INFINITY), count);
    for (uint64_t i = 0; i < count; i++) {
        grads[i] = -1e18f;
        if (i % 3 == 0 && i + 1 < count)
            grads[i + 1] = 1e18f;
        ck_assert_uint_eq(vae_gradient_overflows(model->network, &model->trainer, INFINITY), i);
        grads[i] = 1e-3f;
        if (i + 1 < count)
            grads[i + 1] = 1e-3f;
    }
    float *after = params_of(model);
    ck_assert_int_eq(memcmp(before, after, (size_t)count * sizeof *after), 0);
    free(before);
    free(after);
    free(x);
    vae_destroy(model);
}
END_TEST

/* A moment that would be infinite, though the parameter would not. */
START_TEST(overflowing_moments_are_found)
{
    for (int32_t i = VAE_ADAM; i <= VAE_SGD; i++) {
        struct plan plan;
        plan_overflow(&plan, VAE_PARAM_SPAN, 1);
        plan.training.optimizer = i;
        plan.training.learning_rate = 0;
        plan.training.momentum = 0.9;
        vae_model *model = model_of(&plan);
        struct vae_trainer *t = &model->trainer;
        float *last = t->moment[t->optimizer->moments - 1];
        uint64_t count = model->network->learned;
        for (uint64_t k = 0; k < count; k++)
            t->grads[k] = 1;
        ck_assert_uint_eq(vae_gradient_overflows(model->network, t, (double)count), count);
        for (uint64_t k = 0; k < count; k += 7) {
            last[k] = 3.4e38f;
            t->grads[k] = i == VAE_SGD ? 1e38f : 1e21f;
            ck_assert_uint_eq(vae_gradient_overflows(model->network, t, (double)INFINITY), k);
            last[k] = 0;
            t->grads[k] = 1;
        }
        vae_destroy(model);
    }
}
END_TEST

static void fill_gradient(vae_model *model, const vae_batch *batch, float value)
{
    uint64_t count;
    must(vae_grad(model, batch, NULL));
    float *grads = vae_grad_buffer(model, &count);
    for (uint64_t i = 0; i < count; i++)
        grads[i] = value;
}

/* An update of value `second` after one of `first`, refused; then both models go on alike with sane
 * settings. */
static void update_is_refused(struct plan *plan, float first, float second)
{
    vae_model *model = model_of(plan), *twin = model_of(plan);
    float *x = rows_for(model, ROWS, 1);
    vae_batch batch = batch_of(model, x, ROWS);
    double norm = 9;
    for (int i = 0; first != 0 && i < 2; i++) {
        vae_model *each = i ? twin : model;
        fill_gradient(each, &batch, first);
        must(vae_apply(each, NULL));
    }
    fill_gradient(model, &batch, second);
    ck_assert_int_eq(vae_apply(model, &norm), VAE_ERR_NONFINITE);
    ck_assert_msg(
        strstr(vae_last_error(), "vae_apply: ") == vae_last_error() && strstr(vae_last_error(), "coder."),
        "%s", vae_last_error());
    ck_assert(norm == 9);
    ck_assert_int_eq(vae_apply(model, NULL), VAE_ERR_STATE);
    same_models(model, twin);
    int32_t optimizer = plan->training.optimizer;
    vae_training_init(&plan->training, sizeof plan->training);
    plan->training.optimizer = optimizer;
    must(vae_set_training(model, &plan->training));
    must(vae_set_training(twin, &plan->training));
    train_some(model, 3, ROWS);
    train_some(twin, 3, ROWS);
    same_models(model, twin);
    free(x);
    vae_destroy(model);
    vae_destroy(twin);
}

START_TEST(infinite_updates_are_refused)
{
    struct plan plan;
    plan_overflow(&plan, VAE_PARAM_CELL, 1);
    plan.training.learning_rate = 1e30;
    update_is_refused(&plan, 0, 1e10f);
    plan_overflow(&plan, VAE_PARAM_CELL, 1);
    plan.training.beta2 = 0;
    plan.training.epsilon = (double)FLT_MIN;
    update_is_refused(&plan, 1e10f, 1e-38f);
}
END_TEST

/* Of each optimizer: a parameter, a moment, or the gradient after the decay was added to it. */
START_TEST(infinite_updates_of_optimizers)
{
    for (int32_t i = VAE_ADAM; i <= VAE_SGD; i++) {
        struct plan plan;
        plan_overflow(&plan, VAE_PARAM_CELL, 1);
        plan.training.optimizer = i;
        plan.training.weight_decay = 1e30;
        plan.training.learning_rate = i == VAE_ADAMW ? 1e10 : 1e-3;
        update_is_refused(&plan, 0, 1e-3f);
    }
    struct plan plan;
    plan_overflow(&plan, VAE_PARAM_CELL, 1);
    plan.training.optimizer = VAE_ADAGRAD;
    update_is_refused(&plan, 1.8e19f, 1.8e19f);
    plan_overflow(&plan, VAE_PARAM_CELL, 1);
    plan.training.optimizer = VAE_SGD;
    plan.training.learning_rate = 1e30;
    update_is_refused(&plan, 0, 1e10f);
}
END_TEST

/* A limit tames a gradient that would be refused. */
START_TEST(clipping_comes_before)
{
    struct plan plan;
    plan_overflow(&plan, VAE_PARAM_CELL, 1);
    plan.training.optimizer = VAE_SGD;
    plan.training.learning_rate = 1e25;
    plan.training.clip_norm = 1e-3;
    vae_model *model = model_of(&plan);
    float *x = rows_for(model, ROWS, 1);
    vae_batch batch = batch_of(model, x, ROWS);
    double norm;
    fill_gradient(model, &batch, 1e18f);
    must(vae_apply(model, &norm));
    ck_assert_double_eq_tol(norm, 1e18 * sqrt((double)vae_param_count(model)), 1e13);
    free(x);
    vae_destroy(model);
}
END_TEST

/* vae_step() and vae_step_batch() refuse them too: rows whose gradient is large, then none at all. */
START_TEST(infinite_steps_are_refused)
{
    struct plan plan;
    vae_terms terms = {sizeof terms, 9, 9, 9, 9, 9};
    plan_overflow(&plan, VAE_PARAM_FIXED, 1);
    plan.training.beta2 = 0;
    plan.training.epsilon = (double)FLT_MIN;
    vae_model *model = model_of(&plan), *twin = model_of(&plan);
    float *x = rows_for(model, ROWS, 1);
    for (int j = 0; j < ROWS * X; j++)
        x[j] *= 1e8f;
    must(vae_step(model, x, ROWS, NULL));
    must(vae_step(twin, x, ROWS, NULL));
    vae_batch none = batch_of(model, NULL, 0);
    none.total_weight = 1;
    ck_assert_int_eq(vae_step_batch(model, &none, &terms), VAE_ERR_NONFINITE);
    ck_assert(terms.elbo == 9 && terms.grad_norm == 9);
    same_models(model, twin);
    must(vae_step(model, x, ROWS, NULL));
    must(vae_step(twin, x, ROWS, NULL));
    same_models(model, twin);
    free(x);
    vae_destroy(model);
    vae_destroy(twin);
}
END_TEST

/* As large as it gets, and finite: the update is done. */
START_TEST(finite_updates_are_done)
{
    struct plan plan;
    plan_overflow(&plan, VAE_PARAM_CELL, 1);
    plan.training.learning_rate = 1e30;
    vae_model *model = model_of(&plan);
    float *x = rows_for(model, ROWS, 1);
    vae_batch batch = batch_of(model, x, ROWS);
    fill_gradient(model, &batch, 1e-3f);
    must(vae_apply(model, NULL));
    float *params = params_of(model);
    for (uint64_t i = 0; i < vae_param_count(model); i++)
        ck_assert(params[i] < -0.9e30f && params[i] > -1.1e30f);
    free(params);
    free(x);
    vae_destroy(model);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {updates_around_the_limit, moments_around_the_limit, bounds_of_moments,
        the_path_of_an_optimizer, overflow_is_found, overflowing_moments_are_found,
        infinite_updates_are_refused, infinite_updates_of_optimizers, clipping_comes_before,
        infinite_steps_are_refused, finite_updates_are_done};
    return RUN_SUITE("updates", tests);
}
