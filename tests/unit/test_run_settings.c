/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Every field of vae_training and vae_runtime: the ends of its range, choices that do not exist, values
 * that this version does not serve, and fields that contradict one another. vae_set_training() refuses what
 * vae_create() refuses.
 */
#include "../support/refused.h"
#include "../support/runner.h"

#include <float.h>

/* A model of default training refuses the plan's, and stays as it is. */
static void set_refused(const struct plan *plan, int wanted, const char *field, const char *limit)
{
    struct plan plain;
    vae_training before, after;
    base(&plain);
    vae_model *model = model_of(&plain);
    vae_training_init(&before, sizeof before);
    vae_training_init(&after, sizeof after);
    must(vae_get_training(model, &before));
    int status = vae_set_training(model, &plan->training);
    ck_assert_msg(status == wanted, "%s: status %d, not %d: %s", field, status, wanted, vae_last_error());
    said("vae_set_training", field, limit);
    must(vae_get_training(model, &after));
    ck_assert_mem_eq(&before, &after, sizeof before);
    vae_destroy(model);
}

#define TRAINING(FIELD, VALUE, STATUS, LIMIT)                                                                \
    do {                                                                                                     \
        struct plan one;                                                                                     \
        base(&one);                                                                                          \
        one.training.FIELD = VALUE;                                                                          \
        refused(&one, STATUS, "training." #FIELD, LIMIT);                                                    \
        set_refused(&one, STATUS, "training." #FIELD, LIMIT);                                                \
    } while (0)

/* ---- training ---- */

START_TEST(training_choices)
{
    TRAINING(objective, 0, VAE_ERR_ARG, NULL);
    TRAINING(objective, 3, VAE_ERR_ARG, NULL);
    TRAINING(estimator, -1, VAE_ERR_ARG, NULL);
    TRAINING(estimator, 5, VAE_ERR_ARG, NULL);
    TRAINING(estimator, VAE_ESTIMATOR_DREG, VAE_ERR_ARG, "VAE_IWAE");
    TRAINING(optimizer, 0, VAE_ERR_ARG, NULL);
    TRAINING(optimizer, 5, VAE_ERR_ARG, NULL);
    TRAINING(reserved, 1, VAE_ERR_ABI, NULL);
    TRAINING(samples, 0, VAE_ERR_ARG, "1 to 65536");
    TRAINING(samples, 65537, VAE_ERR_ARG, "1 to 65536");
    TRAINING(estimates, 0, VAE_ERR_ARG, "65536");
    TRAINING(estimates, UINT64_MAX, VAE_ERR_ARG, "65536");
    for (int32_t i = VAE_ESTIMATOR_ANALYTIC_KL; i <= VAE_ESTIMATOR_STL; i++)
        ACCEPTED(training.estimator, i);
    for (int32_t i = VAE_ADAM; i <= VAE_SGD; i++)
        ACCEPTED(training.optimizer, i);
    ACCEPTED(training.samples, 7);
}
END_TEST

START_TEST(training_reals)
{
    for (int i = 0; i < NEVER; i++) {
        TRAINING(kl_weight, never[i], VAE_ERR_ARG, "0 to 1e30");
        TRAINING(free_bits, never[i], VAE_ERR_ARG, "0 to 1e30");
        TRAINING(kl_capacity, never[i], VAE_ERR_ARG, "0 to 1e30");
        TRAINING(elbo_weight, never[i], VAE_ERR_ARG, "0 to 1");
        TRAINING(learning_rate, never[i], VAE_ERR_ARG, "0 to 1e30");
        TRAINING(momentum, never[i], VAE_ERR_ARG, "at least 0 and below 1");
        TRAINING(weight_decay, never[i], VAE_ERR_ARG, "0 to 1e30");
        TRAINING(clip_norm, never[i], VAE_ERR_ARG, "0 to 1e30");
        TRAINING(beta1, never[i], VAE_ERR_ARG, "1");
        TRAINING(beta2, never[i], VAE_ERR_ARG, "1");
        TRAINING(epsilon, never[i], VAE_ERR_ARG, "1e30");
    }
    TRAINING(kl_weight, -DBL_MIN, VAE_ERR_ARG, "0 to 1e30");
    TRAINING(free_bits, -DBL_MIN, VAE_ERR_ARG, "0 to 1e30");
    TRAINING(kl_capacity, -DBL_MIN, VAE_ERR_ARG, "0 to 1e30");
    TRAINING(elbo_weight, -DBL_MIN, VAE_ERR_ARG, "0 to 1");
    TRAINING(elbo_weight, nextafter(1, 2), VAE_ERR_ARG, "0 to 1");
    TRAINING(learning_rate, -DBL_MIN, VAE_ERR_ARG, "0 to 1e30");
    TRAINING(beta1, -DBL_MIN, VAE_ERR_ARG, "1");
    TRAINING(beta1, 1.0, VAE_ERR_ARG, "1");
    TRAINING(beta2, -DBL_MIN, VAE_ERR_ARG, "1");
    TRAINING(beta2, 1.0, VAE_ERR_ARG, "1");
    TRAINING(epsilon, 0.0, VAE_ERR_ARG, "epsilon");
    TRAINING(epsilon, 1e-38, VAE_ERR_ARG, "1.17549436e-38");
}
END_TEST

START_TEST(ends_of_training_reals)
{
    const double ends[] = {0.0, 1e30};
    for (int i = 0; i < 2; i++) {
        ACCEPTED(training.kl_weight, ends[i]);
        ACCEPTED(training.free_bits, ends[i]);
        ACCEPTED(training.kl_capacity, ends[i]);
        ACCEPTED(training.learning_rate, ends[i]);
        ACCEPTED(training.weight_decay, ends[i]);
        ACCEPTED(training.clip_norm, ends[i]);
    }
    ACCEPTED(training.momentum, nextafter(1, 0));
    ACCEPTED(training.beta1, 0.0);
    ACCEPTED(training.beta1, nextafter(1, 0));
    ACCEPTED(training.beta2, 0.0);
    ACCEPTED(training.beta2, nextafter(1, 0));
    ACCEPTED(training.epsilon, (double)FLT_MIN);
    ACCEPTED(training.epsilon, 1e30);
}
END_TEST

/* Objectives and what goes with them; a plan whose training is `t`. */
static void together(const vae_training *t, int status, const char *field)
{
    struct plan plan;
    base(&plan);
    plan.training = *t;
    plan.runtime.max_draws = 64;
    if (status == VAE_OK) {
        accepted(&plan);
        return;
    }
    refused(&plan, status, field, NULL);
    set_refused(&plan, status, field, NULL);
}

#define TOGETHER(FROM, FIELD, VALUE, STATUS)                                                                 \
    do {                                                                                                     \
        one = FROM;                                                                                          \
        one.FIELD = VALUE;                                                                                   \
        together(&one, STATUS, #FIELD);                                                                      \
    } while (0)

START_TEST(objectives_and_their_fields)
{
    vae_training elbo, iwae, one;
    vae_training_init(&elbo, sizeof elbo);
    iwae = elbo;
    iwae.objective = VAE_IWAE;
    together(&iwae, VAE_OK, NULL);
    TOGETHER(elbo, estimates, 2, VAE_ERR_ARG);
    TOGETHER(elbo, elbo_weight, 0.5, VAE_ERR_ARG);
    TOGETHER(iwae, estimates, 2, VAE_OK);
    TOGETHER(iwae, elbo_weight, 1.0, VAE_OK);
    TOGETHER(iwae, kl_capacity, 1e-9, VAE_ERR_ARG);
    TOGETHER(iwae, free_bits, 1e-9, VAE_ERR_ARG);
    elbo.kl_capacity = 1;
    TOGETHER(elbo, free_bits, 1.0, VAE_ERR_ARG);
    TOGETHER(elbo, free_bits, 0.0, VAE_OK);
    iwae.samples = iwae.estimates = 256;
    TOGETHER(iwae, samples, 257, VAE_ERR_ARG);
}
END_TEST

/* Which estimator goes with what: the closed form where K is made from it, DReG with importance weights. */
START_TEST(estimators_and_their_fields)
{
    vae_training elbo, iwae, one;
    vae_training_init(&elbo, sizeof elbo);
    iwae = elbo;
    iwae.objective = VAE_IWAE;
    iwae.samples = 3;
    for (int32_t i = VAE_ESTIMATOR_DEFAULT; i <= VAE_ESTIMATOR_DREG; i++) {
        int draws = i > VAE_ESTIMATOR_ANALYTIC_KL, dreg = i == VAE_ESTIMATOR_DREG;
        TOGETHER(elbo, estimator, i, dreg ? VAE_ERR_ARG : VAE_OK);
        TOGETHER(iwae, estimator, i, i == VAE_ESTIMATOR_ANALYTIC_KL ? VAE_ERR_ARG : VAE_OK);
        if (!dreg) {
            elbo.estimator = i;
            TOGETHER(elbo, kl_weight, 2.5, VAE_OK);
            TOGETHER(elbo, free_bits, 1e-9, draws ? VAE_ERR_ARG : VAE_OK);
            TOGETHER(elbo, kl_capacity, 1e-9, draws ? VAE_ERR_ARG : VAE_OK);
        }
        if (i != VAE_ESTIMATOR_ANALYTIC_KL) {
            iwae.estimator = i;
            TOGETHER(iwae, kl_weight, 2.5, VAE_OK);
            TOGETHER(iwae, estimates, 2, VAE_OK);
        }
        elbo.estimator = iwae.estimator = VAE_ESTIMATOR_DEFAULT;
    }
    iwae.elbo_weight = 0x1p-1074;
    TOGETHER(iwae, estimator, VAE_ESTIMATOR_STL, VAE_OK);
    TOGETHER(iwae, estimator, VAE_ESTIMATOR_DREG, VAE_ERR_ARG);
}
END_TEST

/* Without a closed form nothing that needs one is possible, and all else is. */
START_TEST(estimators_and_the_prior)
{
    const struct {
        int32_t objective, estimator;
        double free_bits, kl_capacity;
        const char *refused; /* NULL: accepted */
    } cases[] = {{VAE_ELBO, VAE_ESTIMATOR_DEFAULT, 0, 0, NULL},
        {VAE_ELBO, VAE_ESTIMATOR_ANALYTIC_KL, 0, 0, "estimator"},
        {VAE_ELBO, VAE_ESTIMATOR_MONTE_CARLO_KL, 0, 0, NULL}, {VAE_ELBO, VAE_ESTIMATOR_STL, 0, 0, NULL},
        {VAE_ELBO, VAE_ESTIMATOR_DEFAULT, 0.1, 0, "free_bits"},
        {VAE_ELBO, VAE_ESTIMATOR_DEFAULT, 0, 0.1, "kl_capacity"},
        {VAE_IWAE, VAE_ESTIMATOR_DEFAULT, 0, 0, NULL}, {VAE_IWAE, VAE_ESTIMATOR_STL, 0, 0, NULL},
        {VAE_IWAE, VAE_ESTIMATOR_DREG, 0, 0, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan plan;
        base(&plan);
        plan.config.prior = VAE_PRIOR_MIXTURE;
        plan.config.prior_components = 2;
        vae_model *model = model_of(&plan);
        plan.training.objective = cases[i].objective;
        plan.training.estimator = cases[i].estimator;
        plan.training.free_bits = cases[i].free_bits;
        plan.training.kl_capacity = cases[i].kl_capacity;
        int wanted = cases[i].refused ? VAE_ERR_ARG : VAE_OK;
        ck_assert_int_eq(vae_set_training(model, &plan.training), wanted);
        vae_destroy(model);
        if (cases[i].refused)
            refused(&plan, VAE_ERR_ARG, cases[i].refused, "analytic KL");
        else
            accepted(&plan);
    }
}
END_TEST

/* ---- the runtime ---- */

static void *no_alloc(void *ctx, size_t size, size_t alignment)
{
    (void)ctx;
    (void)size;
    (void)alignment;
    return NULL;
}

static void no_free(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    (void)ptr;
    (void)size;
}

START_TEST(runtime_fields)
{
    REFUSED(runtime.max_batch, 0, VAE_ERR_ARG, WIDTHS);
    REFUSED(runtime.max_batch, (uint64_t)1 << 30, VAE_ERR_ARG, WIDTHS);
    REFUSED(runtime.max_draws, 65537, VAE_ERR_ARG, "65536");
    REFUSED(runtime.threads, 0, VAE_ERR_ARG, "1 to 1024");
    REFUSED(runtime.threads, -1, VAE_ERR_ARG, "1 to 1024");
    REFUSED(runtime.threads, 1025, VAE_ERR_ARG, "1 to 1024");
    REFUSED(runtime.inference_only, 2, VAE_ERR_ARG, NULL);
    REFUSED(runtime.inference_only, -1, VAE_ERR_ARG, NULL);
    REFUSED(runtime.alloc, no_alloc, VAE_ERR_ARG, "free");
    ACCEPTED(runtime.max_batch, 1);
    ACCEPTED(runtime.max_draws, 1);
    ACCEPTED(runtime.inference_only, 1);
    struct plan plan;
    base(&plan);
    plan.runtime.free = no_free;
    refused(&plan, VAE_ERR_ARG, "alloc", NULL);
    base(&plan);
    plan.training.samples = 4;
    plan.runtime.max_draws = 3;
    refused(&plan, VAE_ERR_ARG, "max_draws", NULL);
}
END_TEST

/* The most draws that there may be, in the smallest model. */
START_TEST(most_draws)
{
    struct plan plan;
    base(&plan);
    plan_sizes(&plan, 1, 1, NULL, 0);
    plan.runtime.max_batch = 1;
    plan.training.samples = plan.runtime.max_draws = 65536;
    accepted(&plan);
    plan.training.objective = VAE_IWAE;
    plan.training.samples = plan.training.estimates = 256;
    accepted(&plan);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {training_choices, training_reals, ends_of_training_reals,
        objectives_and_their_fields, estimators_and_their_fields, estimators_and_the_prior, runtime_fields,
        most_draws};
    return RUN_SUITE("run-settings", tests);
}
