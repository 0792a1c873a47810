/* SPDX-License-Identifier: BSD-2-Clause
 * Test. The objectives of vae_training, written down once more from the header in float64: from the draws'
 * own noise, log p(x|z) by vae_infer(), q by vae_encode(). Their gradients are in test_gradients.c.
 */
#include "../support/expect.h"
#include "../support/models.h"
#include "../support/noise.h"
#include "../support/runner.h"

#include <math.h>
#include <string.h>

enum { ROWS = 9, X = 13, Z = 3, MOST_DRAWS = 12, FIRST = 5, BATCH_SEED = 77 };

/* Every term of every row and draw. */
struct parts {
    double loglik[ROWS][MOST_DRAWS], ratio[ROWS][MOST_DRAWS]; /* ratio: log p(z) - log q(z|x) */
    double kl[ROWS][Z], weight[ROWS], sum;
};

static double of_prior(double z)
{
    return -0.5 * z * z;
}

static double of_posterior(double z, double mu, double logvar)
{
    return -0.5 * ((z - mu) * (z - mu) * exp(-logvar) + logvar);
}

/* Draw s of all rows: z, then log p(x|z) from the model and the ratio of densities. */
static void draw(vae_model *model, const vae_batch *batch, const float *mu, const float *logvar, size_t s,
    struct parts *parts)
{
    float eps[ROWS * Z], z[ROWS * Z];
    double loglik[ROWS];
    vae_batch given = *batch;
    vae_outputs outputs;
    uint64_t stream = noise_stream(VAE_STREAM_TRAIN, s, vae_steps(model));
    must(vae_normal(noise_key(5, BATCH_SEED), stream, FIRST * Z, ROWS * Z, eps));
    must(vae_reparam(ROWS, Z, mu, Z, logvar, Z, eps, Z, z, Z));
    vae_outputs_init(&outputs, sizeof outputs);
    outputs.loglik = loglik;
    given.z = z;
    given.weight = NULL;
    must(vae_infer(model, &given, &outputs, NULL));
    for (int i = 0; i < ROWS; i++) {
        parts->loglik[i][s] = loglik[i];
        parts->ratio[i][s] = 0;
        for (int j = i * Z; j < (i + 1) * Z; j++)
            parts->ratio[i][s] +=
                of_prior((double)z[j]) - of_posterior((double)z[j], (double)mu[j], (double)logvar[j]);
    }
}

static void parts_of(vae_model *model, const vae_batch *batch, size_t draws, struct parts *parts)
{
    float mu[ROWS * Z], logvar[ROWS * Z];
    must(vae_encode(model, batch->x, ROWS, mu, logvar));
    parts->sum = 0;
    for (int i = 0; i < ROWS; i++) {
        parts->sum += parts->weight[i] = batch->weight ? (double)batch->weight[i] : 1;
        for (int j = 0; j < Z; j++) {
            double m = (double)mu[i * Z + j], v = (double)logvar[i * Z + j];
            parts->kl[i][j] = -0.5 * (1 + v - m * m - exp(v));
        }
    }
    for (size_t s = 0; s < draws; s++)
        draw(model, batch, mu, logvar, s, parts);
}

/* ---- the formulas of vae_training ---- */

static double mean(const double *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    return sum / (double)n;
}

static double kl_of(const struct parts *p, int i)
{
    return p->kl[i][0] + p->kl[i][1] + p->kl[i][2];
}

/* K of row i. */
static double divergence(const struct parts *p, const vae_training *t, int i)
{
    double sum = 0;
    if (t->kl_capacity > 0)
        return fabs(kl_of(p, i) - t->kl_capacity);
    if (!(t->free_bits > 0))
        return kl_of(p, i);
    for (int j = 0; j < Z; j++) {
        double latent = 0;
        for (int k = 0; k < ROWS; k++)
            latent += p->weight[k] * p->kl[k][j] / p->sum;
        sum += fmax(t->free_bits, latent);
    }
    return sum;
}

static double log_weight(const struct parts *p, const vae_training *t, int i, size_t s)
{
    return p->loglik[i][s] + t->kl_weight * p->ratio[i][s];
}

/* (1 - a) 1/M sum_m log(1/S sum_s w_ms) + a 1/(M S) sum_ms log w_ms */
static double importance(const struct parts *p, const vae_training *t, int i)
{
    double bounds = 0, logs = 0, count = (double)(t->samples * t->estimates);
    for (size_t m = 0; m < t->estimates; m++) {
        double largest = -INFINITY, sum = 0;
        for (size_t s = m * t->samples; s < (m + 1) * t->samples; s++)
            largest = fmax(largest, log_weight(p, t, i, s));
        for (size_t s = m * t->samples; s < (m + 1) * t->samples; s++) {
            sum += exp(log_weight(p, t, i, s) - largest);
            logs += log_weight(p, t, i, s);
        }
        bounds += largest + log(sum / (double)t->samples);
    }
    return (1 - t->elbo_weight) * bounds / (double)t->estimates + t->elbo_weight * logs / count;
}

static vae_terms terms_by_hand(const struct parts *p, const vae_training *t)
{
    vae_terms terms = empty_terms();
    size_t draws = (size_t)(t->samples * t->estimates);
    for (int i = 0; i < ROWS; i++) {
        double w = p->weight[i] / p->sum, loglik = mean(p->loglik[i], draws);
        terms.loglik += w * loglik;
        terms.kl += w * kl_of(p, i);
        double k = t->estimator > VAE_ESTIMATOR_ANALYTIC_KL ? -mean(p->ratio[i], draws) : divergence(p, t, i);
        terms.objective += w * (t->objective == VAE_IWAE ? importance(p, t, i) : loglik - t->kl_weight * k);
    }
    terms.elbo = terms.loglik - terms.kl;
    return terms;
}

/* ---- against the model ---- */

static const float weights[ROWS] = {1, 2, 0.5f, 1, 3, 0.25f, 1, 1, 2};

static vae_model *model_with(const vae_training *training, size_t kind)
{
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_TANH, 1);
    plan_kind(&plan, kind);
    plan.config.init = VAE_INIT_GLOROT;
    plan.runtime.max_draws = MOST_DRAWS;
    vae_model *model = model_of(&plan);
    plan.training.learning_rate = 0.05;
    must(vae_set_training(model, &plan.training));
    train_some(model, 3, ROWS);
    must(vae_set_training(model, training));
    return model;
}

static vae_batch batch_for(vae_model *model, const float *x)
{
    vae_batch batch = batch_of(model, x, ROWS);
    batch.weight = weights;
    batch.first_row = FIRST;
    batch.seed = BATCH_SEED;
    return batch;
}

/* The training kernels' float32 log-likelihoods are off by some 1e-6 of their magnitude. */
static void check_objective(const vae_training *training)
{
    for (size_t kind = 0; kind < likelihood_count; kind++) {
        struct parts parts;
        vae_model *model = model_with(training, kind);
        float *x = rows_for(model, ROWS, 1);
        vae_batch batch = batch_for(model, x);
        vae_terms terms = empty_terms();
        parts_of(model, &batch, (size_t)(training->samples * training->estimates), &parts);
        vae_terms wanted = terms_by_hand(&parts, training);
        must(vae_grad(model, &batch, &terms));
        double tolerance = 2e-6 * (1 + fabs(wanted.loglik) + training->kl_weight);
        NEAR(terms.objective, wanted.objective, tolerance, "%s", likelihoods[kind].name);
        NEAR(terms.elbo, wanted.elbo, tolerance, "%s", likelihoods[kind].name);
        NEAR(terms.loglik, wanted.loglik, tolerance, "%s", likelihoods[kind].name);
        NEAR(terms.kl, wanted.kl, tolerance, "%s", likelihoods[kind].name);
        free(x);
        vae_destroy(model);
    }
}

static vae_training training_of(int32_t objective, uint64_t samples, double kl_weight)
{
    vae_training training;
    vae_training_init(&training, sizeof training);
    training.objective = objective;
    training.samples = samples;
    training.kl_weight = kl_weight;
    return training;
}

START_TEST(weight_of_the_divergence)
{
    const double kl_weights[] = {0, 0.25, 1, 4, 1e3};
    for (size_t i = 0; i < sizeof kl_weights / sizeof *kl_weights; i++)
        for (uint64_t samples = 1; samples <= 3; samples += 2) {
            vae_training training = training_of(VAE_ELBO, samples, kl_weights[i]);
            check_objective(&training);
        }
}
END_TEST

START_TEST(capacity_and_free_bits)
{
    const double values[] = {1e-30, 1e-3, 0.05, 0.3, 2, 50, 1e30};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        vae_training training = training_of(VAE_ELBO, 2, values[i] < 1e30 ? 1.5 : 0);
        training.kl_capacity = values[i];
        check_objective(&training);
        training.kl_capacity = 0;
        training.free_bits = values[i];
        check_objective(&training);
    }
}
END_TEST

/* log q - log p at the draws; terms.kl remains the closed form. */
START_TEST(divergence_by_the_draws)
{
    const double kl_weights[] = {0, 1, 4};
    for (int32_t i = VAE_ESTIMATOR_MONTE_CARLO_KL; i <= VAE_ESTIMATOR_STL; i++)
        for (size_t k = 0; k < sizeof kl_weights / sizeof *kl_weights; k++)
            for (uint64_t samples = 1; samples <= 5; samples += 4) {
                vae_training training = training_of(VAE_ELBO, samples, kl_weights[k]);
                training.estimator = i;
                check_objective(&training);
            }
}
END_TEST

START_TEST(importance_weights)
{
    const struct {
        uint64_t samples, estimates;
        double kl_weight, elbo_weight;
    } cases[] = {{1, 1, 1, 0}, {5, 1, 1, 0}, {12, 1, 1, 0}, {1, 12, 1, 0}, {4, 3, 1, 0}, {3, 4, 1, 0.25},
        {5, 1, 1, 0.5}, {2, 3, 1, 1}, {4, 1, 0.5, 0}, {3, 2, 0, 0.1}, {2, 2, 30, 0.9}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vae_training training = training_of(VAE_IWAE, cases[i].samples, cases[i].kl_weight);
        training.estimates = cases[i].estimates;
        training.elbo_weight = cases[i].elbo_weight;
        check_objective(&training);
    }
}
END_TEST

/* ---- what follows ---- */

static vae_terms terms_with(const vae_training *training, size_t kind)
{
    vae_model *model = model_with(training, kind);
    float *x = rows_for(model, ROWS, 1);
    vae_batch batch = batch_for(model, x);
    vae_terms terms = empty_terms();
    must(vae_grad(model, &batch, &terms));
    free(x);
    vae_destroy(model);
    return terms;
}

/* With one draw, elbo_weight has no effect; with elbo_weight 1, neither has how draws fall into estimates. */
START_TEST(importance_weights_of_the_elbo)
{
    for (size_t kind = 0; kind < likelihood_count; kind++) {
        vae_training one = training_of(VAE_IWAE, 1, 1);
        double plain = terms_with(&one, kind).objective;
        one.elbo_weight = 1;
        NEAR(
            terms_with(&one, kind).objective, plain, 1e-12 * (1 + fabs(plain)), "%s", likelihoods[kind].name);
        vae_training twelve = training_of(VAE_IWAE, 12, 1), four = training_of(VAE_IWAE, 3, 1);
        twelve.elbo_weight = four.elbo_weight = 1;
        four.estimates = 4;
        plain = terms_with(&twelve, kind).objective;
        NEAR(terms_with(&four, kind).objective, plain, 1e-12 * (1 + fabs(plain)), "%s",
            likelihoods[kind].name);
    }
}
END_TEST

/* More draws for one bound, a tighter one: ELBO <= MIWAE <= IWAE by the same draws, strictly, and CIWAE
 * between. */
START_TEST(bounds_are_in_order)
{
    for (size_t kind = 0; kind < likelihood_count; kind++) {
        vae_training iwae = training_of(VAE_IWAE, 12, 1), miwae = training_of(VAE_IWAE, 3, 1);
        miwae.estimates = 4;
        double most = terms_with(&iwae, kind).objective, middle = terms_with(&miwae, kind).objective;
        iwae.elbo_weight = 1;
        double elbo = terms_with(&iwae, kind).objective;
        iwae.elbo_weight = 0.5;
        double between = terms_with(&iwae, kind).objective;
        ck_assert_msg(elbo < middle && middle < most, "%s: %.9g, %.9g, %.9g", likelihoods[kind].name, elbo,
            middle, most);
        NEAR(between, (elbo + most) / 2, 1e-9 * (1 + fabs(most)), "%s", likelihoods[kind].name);
    }
}
END_TEST

/* Two settings under which training is the same, to the bit. */
static void same_training(const vae_training *one, const vae_training *other)
{
    for (size_t kind = 0; kind < likelihood_count; kind++) {
        vae_model *a = model_with(one, kind), *b = model_with(other, kind);
        train_some(a, 3, ROWS);
        train_some(b, 3, ROWS);
        same_models(a, b);
        vae_destroy(a);
        vae_destroy(b);
    }
}

/* Settings of no effect are those of the plain bound, gradients included, to the bit. */
START_TEST(settings_without_effect)
{
    vae_training plain = training_of(VAE_ELBO, 2, 1), named = plain;
    named.estimator = VAE_ESTIMATOR_ANALYTIC_KL;
    same_training(&plain, &named);
    plain = named = training_of(VAE_IWAE, 4, 1);
    named.estimator = VAE_ESTIMATOR_MONTE_CARLO_KL;
    same_training(&plain, &named);
}
END_TEST

/* With one draw importance weights are 1, and estimators of a name are one. */
START_TEST(estimators_of_one_draw)
{
    vae_training elbo = training_of(VAE_ELBO, 1, 1), iwae = training_of(VAE_IWAE, 1, 1);
    elbo.estimator = VAE_ESTIMATOR_MONTE_CARLO_KL;
    same_training(&elbo, &iwae);
    elbo.estimator = iwae.estimator = VAE_ESTIMATOR_STL;
    same_training(&elbo, &iwae);
    elbo.kl_weight = iwae.kl_weight = 0.5;
    iwae.estimator = VAE_ESTIMATOR_DREG;
    same_training(&elbo, &iwae);
}
END_TEST

/* An estimator is of the gradient alone: the bound that is reported is the same. */
START_TEST(estimators_have_one_bound)
{
    for (size_t kind = 0; kind < likelihood_count; kind++) {
        vae_training training = training_of(VAE_IWAE, 4, 0.5);
        vae_terms plain = terms_with(&training, kind);
        for (int32_t i = VAE_ESTIMATOR_STL; i <= VAE_ESTIMATOR_DREG; i++) {
            training.estimator = i;
            vae_terms terms = terms_with(&training, kind);
            ck_assert(terms.grad_norm != plain.grad_norm);
            terms.grad_norm = plain.grad_norm;
            ck_assert_mem_eq(&terms, &plain, sizeof terms);
        }
    }
}
END_TEST

int main(void)
{
    const TTest *tests[] = {weight_of_the_divergence, capacity_and_free_bits, divergence_by_the_draws,
        importance_weights, importance_weights_of_the_elbo, bounds_are_in_order, settings_without_effect,
        estimators_of_one_draw, estimators_have_one_bound};
    return RUN_SUITE("objectives", tests);
}
