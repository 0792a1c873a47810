/* SPDX-License-Identifier: BSD-2-Clause
 * Test. vae_set_training(): schedules between steps, what stays, what is refused and then changes nothing.
 */
#include "../support/models.h"
#include "../support/runner.h"

#include <math.h>
#include <string.h>

enum { ROWS = 11, DRAWS = 6, VARIANTS = 12 };

static void plan_settings(struct plan *plan)
{
    plan_init(plan, VAE_GAUSS, VAE_TANH, 1);
    plan_scale(plan, 0, VAE_PARAM_SPAN);
    plan->runtime.max_draws = DRAWS;
}

/* ---- schedules ---- */

static void vary_estimator(size_t i, vae_training *t)
{
    const int32_t estimators[] = {
        VAE_ESTIMATOR_MONTE_CARLO_KL, VAE_ESTIMATOR_STL, VAE_ESTIMATOR_STL, VAE_ESTIMATOR_DREG};
    t->estimator = estimators[i];
    t->objective = i < 2 ? VAE_ELBO : VAE_IWAE;
    t->samples = 3;
    t->estimates = i < 3 ? 1 : 2;
    t->kl_weight = i == 0 ? 0.5 : 1;
}

/* Settings that differ from the defaults, one after the other. */
static vae_training variant(size_t i)
{
    vae_training t;
    vae_training_init(&t, sizeof t);
    t.learning_rate = 1e-3 * (double)(1 + i % 3);
    if (i % VARIANTS >= 8)
        vary_estimator(i % VARIANTS - 8, &t);
    switch (i % VARIANTS) {
    case 1:
        t.kl_weight = 0.1;
        break;
    case 2:
        t.objective = VAE_IWAE;
        t.samples = 3;
        break;
    case 3:
        t.objective = VAE_IWAE;
        t.samples = 2;
        t.estimates = 3;
        t.elbo_weight = 0.5;
        break;
    case 4:
        t.free_bits = 0.05;
        break;
    case 5:
        t.kl_capacity = 2;
        break;
    case 6:
        t.samples = DRAWS;
        break;
    case 7:
        t.beta1 = 0.5;
        t.epsilon = 1e-4;
        t.weight_decay = 0.1;
        t.clip_norm = 0.5;
    }
    return t;
}

/* A model that was made with settings, and one that got them later. */
START_TEST(set_is_as_created)
{
    for (size_t i = 0; i < VARIANTS; i++) {
        struct plan plan;
        vae_training training = variant(i), found;
        plan_settings(&plan);
        vae_model *later = model_of(&plan);
        plan.training = training;
        vae_model *made = model_of(&plan);
        must(vae_set_training(later, &training));
        vae_training_init(&found, sizeof found);
        must(vae_get_training(later, &found));
        ck_assert_int_eq(memcmp(&found, &training, sizeof found), 0);
        train_some(later, 4, ROWS);
        train_some(made, 4, ROWS);
        same_models(later, made);
        vae_destroy(later);
        vae_destroy(made);
    }
}
END_TEST

/* What was set in between and taken back leaves no trace; what holds at a step is what counts. */
START_TEST(schedules)
{
    struct plan plan;
    plan_settings(&plan);
    vae_model *model = model_of(&plan), *other = model_of(&plan);
    for (size_t step = 0; step < 3 * VARIANTS; step++) {
        vae_training now = variant(step), never = variant(step * 5 + 2);
        must(vae_set_training(model, &now));
        must(vae_set_training(other, &never));
        must(vae_set_training(other, &now));
        train_some(model, 1, ROWS);
        train_some(other, 1, ROWS);
    }
    same_models(model, other);
    ck_assert_uint_eq(vae_steps(model), 3 * VARIANTS);
    vae_destroy(model);
    vae_destroy(other);
}
END_TEST

/* A warm-up of the KL term: terms.objective follows, elbo, loglik and kl do not. */
START_TEST(warm_up)
{
    struct plan plan;
    plan_settings(&plan);
    vae_model *model = model_of(&plan);
    float *x = rows_for(model, ROWS, 1);
    vae_batch batch = batch_of(model, x, ROWS);
    vae_terms first = empty_terms(), terms = empty_terms();
    must(vae_grad(model, &batch, &first));
    for (int step = 0; step <= 10; step++) {
        plan.training.kl_weight = step / 10.0;
        must(vae_set_training(model, &plan.training));
        must(vae_grad(model, &batch, &terms));
        ck_assert(terms.loglik == first.loglik && terms.kl == first.kl && terms.elbo == first.elbo);
        ck_assert_double_eq_tol(
            terms.objective, first.loglik - step / 10.0 * first.kl, 1e-12 * fabs(first.loglik));
        ck_assert(step == 10 || terms.grad_norm != first.grad_norm);
    }
    ck_assert(terms.grad_norm == first.grad_norm);
    free(x);
    vae_destroy(model);
}
END_TEST

/* Draws up to the limit: without max_draws, as many as vae_create() was given. */
START_TEST(limit_of_draws)
{
    struct plan plan;
    plan_settings(&plan);
    plan.runtime.max_draws = 0;
    plan.training.samples = 4;
    vae_model *model = model_of(&plan);
    for (uint64_t samples = 1; samples <= 5; samples++)
        for (uint64_t estimates = 1; estimates <= 5; estimates++) {
            plan.training.objective = VAE_IWAE;
            plan.training.samples = samples;
            plan.training.estimates = estimates;
            ck_assert_int_eq(
                vae_set_training(model, &plan.training), samples * estimates <= 4 ? VAE_OK : VAE_ERR_ARG);
            train_some(model, 1, ROWS);
        }
    vae_destroy(model);
}
END_TEST

/* ---- structs of other versions ---- */

/* A newer caller's, longer: zeros beyond what the library knows are taken, anything else is not; one that is
 * shorter than version 0.1.0's, or was never initialised, is none. */
START_TEST(sizes)
{
    struct {
        vae_training training;
        uint64_t more[3];
    } longer = {.more = {0, 0, 0}};
    const uint64_t impossible[] = {
        0, 1, sizeof(vae_training) - 8, sizeof(vae_training) + 4, 65544, UINT64_MAX};
    struct plan plan;
    plan_settings(&plan);
    vae_model *model = model_of(&plan), *twin = model_of(&plan);
    vae_training_init(&longer.training, sizeof longer);
    ck_assert_uint_eq(longer.training.size, sizeof longer);
    longer.training.kl_weight = 0.5;
    must(vae_set_training(model, &longer.training));
    longer.more[2] = 1;
    longer.training.kl_weight = 4;
    ck_assert_int_eq(vae_set_training(model, &longer.training), VAE_ERR_ABI);
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        plan.training.size = impossible[i];
        plan.training.kl_weight = 4;
        ck_assert_int_eq(vae_set_training(model, &plan.training), VAE_ERR_ABI);
    }
    vae_training_init(&plan.training, sizeof plan.training);
    plan.training.kl_weight = 0.5;
    must(vae_set_training(twin, &plan.training));
    train_some(model, 2, ROWS);
    train_some(twin, 2, ROWS);
    same_models(model, twin);
    vae_destroy(model);
    vae_destroy(twin);
}
END_TEST

/* ---- refusals ---- */

static void refused(vae_model *model, const vae_training *training, int status, const char *field)
{
    vae_training before, after;
    vae_training_init(&before, sizeof before);
    vae_training_init(&after, sizeof after);
    must(vae_get_training(model, &before));
    ck_assert_msg(vae_set_training(model, training) == status, "%s: \"%s\"", field, vae_last_error());
    ck_assert_msg(
        strstr(vae_last_error(), "vae_set_training: ") == vae_last_error() && strstr(vae_last_error(), field),
        "\"%s\" lacks \"%s\"", vae_last_error(), field);
    must(vae_get_training(model, &after));
    ck_assert_int_eq(memcmp(&before, &after, sizeof before), 0);
}

#define REFUSED(status, field, value)                                                                        \
    do {                                                                                                     \
        vae_training t = variant(0);                                                                         \
        t.field = value;                                                                                     \
        refused(model, &t, status, #field);                                                                  \
    } while (0)

static void refuse_numbers(vae_model *model)
{
    const double impossible[] = {NAN, INFINITY, -INFINITY, -1, -1e-300, 1.0000001e30};
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        REFUSED(VAE_ERR_ARG, kl_weight, impossible[i]);
        REFUSED(VAE_ERR_ARG, free_bits, impossible[i]);
        REFUSED(VAE_ERR_ARG, kl_capacity, impossible[i]);
        REFUSED(VAE_ERR_ARG, elbo_weight, impossible[i]);
        REFUSED(VAE_ERR_ARG, learning_rate, impossible[i]);
        REFUSED(VAE_ERR_ARG, beta1, impossible[i]);
        REFUSED(VAE_ERR_ARG, beta2, impossible[i]);
        REFUSED(VAE_ERR_ARG, epsilon, impossible[i]);
        REFUSED(VAE_ERR_ARG, momentum, impossible[i]);
        REFUSED(VAE_ERR_ARG, weight_decay, impossible[i]);
        REFUSED(VAE_ERR_ARG, clip_norm, impossible[i]);
    }
    REFUSED(VAE_ERR_ARG, beta1, 1);
    REFUSED(VAE_ERR_ARG, beta2, 1);
    REFUSED(VAE_ERR_ARG, momentum, 1);
    REFUSED(VAE_ERR_ARG, epsilon, 0);
    REFUSED(VAE_ERR_ARG, epsilon, 1.17549e-38);
    REFUSED(VAE_ERR_ARG, samples, 0);
    REFUSED(VAE_ERR_ARG, samples, DRAWS + 1);
    REFUSED(VAE_ERR_ARG, samples, UINT64_MAX);
    REFUSED(VAE_ERR_ARG, estimates, 0);
}

static void refuse_choices(vae_model *model)
{
    REFUSED(VAE_ERR_ARG, objective, 0);
    REFUSED(VAE_ERR_ARG, objective, 3);
    REFUSED(VAE_ERR_ARG, estimator, -1);
    REFUSED(VAE_ERR_ARG, estimator, 5);
    REFUSED(VAE_ERR_ARG, estimator, VAE_ESTIMATOR_DREG);
    REFUSED(VAE_ERR_ARG, optimizer, 0);
    REFUSED(VAE_ERR_ARG, optimizer, 5);
    REFUSED(VAE_ERR_ARG, optimizer, VAE_ADAMW); /* another than that of vae_create() */
    REFUSED(VAE_ERR_ARG, optimizer, VAE_SGD);
    REFUSED(VAE_ERR_ABI, reserved, 1);
}

/* Fields that do not go together. */
static void refuse_pairs(vae_model *model)
{
    vae_training t = variant(4);
    t.kl_capacity = 1;
    refused(model, &t, VAE_ERR_ARG, "kl_capacity");
    t = variant(2);
    t.free_bits = 1;
    refused(model, &t, VAE_ERR_ARG, "free_bits");
    t = variant(2);
    t.kl_capacity = 1;
    refused(model, &t, VAE_ERR_ARG, "kl_capacity");
    t = variant(2);
    t.estimator = VAE_ESTIMATOR_ANALYTIC_KL;
    refused(model, &t, VAE_ERR_ARG, "estimator");
    t = variant(3);
    t.estimator = VAE_ESTIMATOR_DREG;
    refused(model, &t, VAE_ERR_ARG, "estimator");
    t = variant(4);
    t.estimator = VAE_ESTIMATOR_MONTE_CARLO_KL;
    refused(model, &t, VAE_ERR_ARG, "free_bits");
    t = variant(5);
    t.estimator = VAE_ESTIMATOR_STL;
    refused(model, &t, VAE_ERR_ARG, "kl_capacity");
    t = variant(0);
    t.estimates = 2;
    refused(model, &t, VAE_ERR_ARG, "estimates");
    t = variant(0);
    t.elbo_weight = 0.5;
    refused(model, &t, VAE_ERR_ARG, "elbo_weight");
    t = variant(3);
    t.estimates = DRAWS;
    refused(model, &t, VAE_ERR_ARG, "estimates");
    t = variant(3);
    t.samples = t.estimates = (uint64_t)1 << 32; /* whose product is 0 */
    refused(model, &t, VAE_ERR_ARG, "samples");
}

START_TEST(refusals)
{
    struct plan plan;
    plan_settings(&plan);
    plan.training = variant(3);
    vae_model *model = model_of(&plan), *twin = model_of(&plan);
    refuse_numbers(model);
    refuse_choices(model);
    refuse_pairs(model);
    ck_assert_int_eq(vae_set_training(model, NULL), VAE_ERR_ARG);
    ck_assert_int_eq(vae_set_training(NULL, &plan.training), VAE_ERR_ARG);
    train_some(model, 3, ROWS);
    train_some(twin, 3, ROWS);
    same_models(model, twin);
    vae_destroy(model);
    vae_destroy(twin);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {set_is_as_created, schedules, warm_up, limit_of_draws, sizes, refusals};
    return RUN_SUITE("set training", tests);
}
