/* SPDX-License-Identifier: BSD-2-Clause
 * Test. log p(x) by importance sampling from its definition, draw by draw; few rows and many draws, however a
 * workspace cuts them; and divergences where there is no closed form. Whether the estimate is right is in
 * test_linear_gaussian.c.
 */
#include "../support/answers.h"
#include "../support/expect.h"
#include "../support/runner.h"

#include "model/model.h"

#include <stdlib.h>
#include <string.h>

enum { MANY = 300, FEW = 5, COMPONENTS = 3 };

struct scene {
    vae_model *model;
    float *x;
    vae_batch batch;
};

static void plan_scene(struct plan *plan, size_t kind, int32_t prior)
{
    plan_any(plan, kind, VAE_TANH);
    plan->config.prior = prior;
    plan->config.prior_components = prior == VAE_PRIOR_NORMAL ? 0 : COMPONENTS;
}

static struct scene scene_with(size_t kind, size_t n, int32_t prior)
{
    struct plan plan;
    struct scene s;
    plan_scene(&plan, kind, prior);
    s.model = model_of(&plan);
    s.x = rows_for(s.model, ROWS, 1);
    s.batch = batch_of(s.model, s.x, n);
    return s;
}

static struct scene scene_open(size_t kind, size_t n)
{
    return scene_with(kind, n, VAE_PRIOR_NORMAL);
}

static void scene_close(struct scene *s)
{
    free(s->x);
    vae_destroy(s->model);
}

/* ---- by the definition ---- */

/* log p(z) of the normal or of a mixture. */
static double log_prior(const vae_model *model, const double *z)
{
    float mu[COMPONENTS * Z_DIM], logvar[COMPONENTS * Z_DIM], logits[COMPONENTS];
    double density, most = -INFINITY, sum = 0, weights = 0, part[COMPONENTS];
    vae_config config;
    vae_config_init(&config, sizeof config);
    must(vae_get_config(model, &config));
    if (config.prior == VAE_PRIOR_NORMAL) {
        must(vae_loglik_std_normal_f64(1, Z_DIM, z, Z_DIM, &density));
        return density;
    }
    must(vae_get_tensor(model, "prior.mu", mu, COMPONENTS * Z_DIM));
    must(vae_get_tensor(model, "prior.logvar", logvar, COMPONENTS * Z_DIM));
    must(vae_get_tensor(model, "prior.logits", logits, COMPONENTS));
    for (int k = 0; k < COMPONENTS; k++) {
        double m[Z_DIM], v[Z_DIM];
        for (int j = 0; j < Z_DIM; j++) {
            m[j] = (double)mu[k * Z_DIM + j];
            v[j] = (double)logvar[k * Z_DIM + j];
        }
        must(vae_loglik_gauss_f64(1, Z_DIM, z, Z_DIM, m, Z_DIM, v, Z_DIM, &part[k]));
        part[k] += (double)logits[k];
        most = fmax(most, part[k]);
        weights += exp((double)logits[k]);
    }
    for (int k = 0; k < COMPONENTS; k++)
        sum += exp(part[k] - most);
    return most + log(sum / weights);
}

/* Draw `sample` of each row: log p(x|z), and log p(z) - log q(z|x) by section 2. */
static void draw_terms(struct scene *s, uint64_t sample, double *loglik, double *ratio)
{
    struct answers code, given;
    float eps[ROWS * Z_DIM], z[ROWS * Z_DIM];
    size_t n = (size_t)s->batch.n;
    vae_batch batch = s->batch;
    must_ask(s->model, &s->batch, 0, ONLY(MU) | ONLY(LOGVAR), &code);
    must(vae_normal(5, noise_stream(VAE_STREAM_EVALUATE, sample, 0), 0, n * Z_DIM, eps));
    must(vae_reparam(n, Z_DIM, code.mu, Z_DIM, code.logvar, Z_DIM, eps, Z_DIM, z, Z_DIM));
    batch.z = z;
    must_ask(s->model, &batch, 1, ONLY(LOGLIK), &given);
    for (size_t i = 0; i < n; i++) {
        double wide[2][Z_DIM], log_q;
        for (int j = 0; j < Z_DIM; j++) {
            wide[0][j] = (double)z[i * Z_DIM + j];
            wide[1][j] = (double)eps[i * Z_DIM + j];
        }
        must(vae_loglik_std_normal_f64(1, Z_DIM, wide[1], Z_DIM, &log_q));
        for (int j = 0; j < Z_DIM; j++)
            log_q -= 0.5 * (double)code.logvar[i * Z_DIM + j];
        loglik[i] = given.loglik[i];
        ratio[i] = log_prior(s->model, wide[0]) - log_q;
    }
}

/* The mean of `count` numbers `ld` apart, and the standard error of their logarithm's mean. */
static void log_mean(const double *logw, size_t ld, size_t count, double *evidence, double *error)
{
    double most = -INFINITY, sum = 0, squares = 0;
    for (size_t s = 0; s < count; s++)
        most = fmax(most, logw[s * ld]);
    for (size_t s = 0; s < count; s++)
        sum += exp(logw[s * ld] - most);
    double mean = sum / (double)count;
    for (size_t s = 0; s < count; s++)
        squares += pow(exp(logw[s * ld] - most) - mean, 2);
    *evidence = most + log(mean);
    *error = sqrt(squares / (double)(count - 1) / (double)count) / mean;
}

static void check_definition(size_t kind, size_t n, int32_t prior)
{
    static double logw[MANY * ROWS];
    struct scene s = scene_with(kind, n, prior);
    double loglik[ROWS], ratio[ROWS], evidence, error;
    struct answers a;
    for (uint64_t sample = 0; sample < MANY; sample++) {
        draw_terms(&s, sample, loglik, ratio);
        for (size_t i = 0; i < n; i++)
            logw[sample * n + i] = loglik[i] + ratio[i];
    }
    const uint64_t counts[] = {1, 2, 16, MANY};
    for (int k = 0; k < 4; k++) {
        must_ask(s.model, &s.batch, counts[k], ONLY(LOG_EVIDENCE) | ONLY(LOG_EVIDENCE_ERROR), &a);
        for (size_t i = 0; i < n; i++) {
            log_mean(logw + i, n, (size_t)counts[k], &evidence, &error);
            NEAR(a.log_evidence[i], evidence, 1e-10, "%s, row %zu", kind_name(kind), i);
            HOLDS(k > 0 || isnan(a.log_evidence_error[i]));
            if (k > 0)
                NEAR(a.log_evidence_error[i], error, 1e-9, "%s, error of row %zu", kind_name(kind), i);
        }
    }
    scene_close(&s);
}

START_TEST(by_the_definition)
{
    for (size_t kind = 0; kind <= likelihood_count; kind++)
        check_definition(kind, kind % 2 ? FEW : 1, VAE_PRIOR_NORMAL);
    check_definition(KIND_BERNOULLI, ROWS, VAE_PRIOR_NORMAL);
    check_definition(KIND_GAUSS_CELL, FEW, VAE_PRIOR_MIXTURE);
}
END_TEST

/* ---- how draws are cut ---- */

static void ask_many(
    vae_model *model, const struct scene *s, unsigned which, struct answers *data, struct answers *prior)
{
    vae_batch batch = s->batch;
    must_ask(model, &batch, MANY, which, data);
    batch.x = NULL;
    batch.source = VAE_FROM_PRIOR;
    must_ask(model, &batch, MANY, ANSWERS_OF_PRIOR, prior);
}

static void check_cuts(size_t kind, size_t n, int32_t prior)
{
    const uint64_t batches[] = {1, 3, 16, 200}, held[] = {1, 7, 50};
    const int32_t threads[] = {1, 2, 5};
    const unsigned which = prior == VAE_PRIOR_NORMAL ? ALL_ANSWERS : ALL_ANSWERS & ~ONLY(KL_BY_LATENT);
    struct scene s = scene_with(kind, n, prior);
    struct answers first[2], other[2];
    ask_many(s.model, &s, which, &first[0], &first[1]);
    for (int i = 0; i < 4 * 3 * 3; i++) {
        struct plan plan;
        plan_scene(&plan, kind, prior);
        plan.runtime.max_batch = batches[i % 4];
        plan.runtime.threads = threads[i / 4 % 3];
        plan.training.samples = held[i / 12];
        vae_model *model = model_of(&plan), *view = view_of(model, batches[3 - i % 4]);
        ask_many(model, &s, which, &other[0], &other[1]);
        same_answers(&first[0], &other[0], which, kind_name(kind));
        same_answers(&first[1], &other[1], ANSWERS_OF_PRIOR, "from the prior");
        ask_many(view, &s, which, &other[0], &other[1]);
        same_answers(&first[0], &other[0], which, "a view");
        vae_destroy(view);
        vae_destroy(model);
    }
    scene_close(&s);
}

/* Rows and draws in passes of one row to all of them: the same bits. */
START_TEST(cuts_do_not_show)
{
    const size_t kinds[] = {KIND_BERNOULLI, KIND_GAUSS_CELL, likelihood_count};
    for (int k = 0; k < 3; k++) {
        check_cuts(kinds[k], 1, VAE_PRIOR_NORMAL);
        check_cuts(kinds[k], FEW, VAE_PRIOR_NORMAL);
        check_cuts(kinds[k], 20, VAE_PRIOR_NORMAL);
    }
    check_cuts(KIND_BERNOULLI, 1, VAE_PRIOR_MIXTURE);
    check_cuts(KIND_BERNOULLI, FEW, VAE_PRIOR_VAMP);
}
END_TEST

/* Rows that are left out, in another order, few in a pass. */
START_TEST(index_and_weights)
{
    const uint32_t index[FEW] = {7, 7, 30, 2, 9};
    float weight[ROWS] = {0};
    struct scene s = scene_open(KIND_GAUSS_SPAN, FEW);
    struct answers a, one;
    weight[7] = 1;
    weight[9] = 0.25f;
    s.batch.index = index;
    s.batch.weight = weight;
    must_ask(s.model, &s.batch, MANY, ALL_ANSWERS & ~ONLY(TERMS), &a);
    for (size_t i = 0; i < FEW; i++) {
        struct scene row = s;
        row.batch = batch_of(s.model, s.x + index[i] * X_DIM, 1);
        row.batch.first_row = i;
        must_ask(s.model, &row.batch, MANY, ALL_ANSWERS, &one);
        if (weight[index[i]] > 0)
            same_row(&a, i, &one, 0, ALL_ANSWERS, "indexed");
        else
            HOLDS(memcmp(&a.log_evidence[i], &a.log_evidence[2], sizeof(double)) == 0);
    }
    scene_close(&s);
}
END_TEST

/* A row of no finite likelihood, next to others. */
START_TEST(rows_without_a_number)
{
    struct scene s = scene_open(KIND_GAUSS_FIXED, FEW);
    struct answers good, bad;
    must_ask(s.model, &s.batch, MANY, ALL_ANSWERS, &good);
    s.x[2 * X_DIM] = NAN;
    must_ask(s.model, &s.batch, MANY, ALL_ANSWERS, &bad);
    HOLDS(isnan(bad.log_evidence[2]) && isnan(bad.log_evidence_error[2]));
    for (size_t i = 0; i < FEW; i++)
        if (i != 2)
            same_row(&good, i, &bad, i, ALL_ANSWERS, "next to NaN");
    scene_close(&s);
}
END_TEST

/* ---- divergences without a closed form ---- */

/* The model's prior, without what a closed form gives. */
static void open_prior(vae_model *model, struct vae_prior_kind *prior)
{
    *prior = *model->own_network.prior;
    prior->kl = NULL;
    prior->kl_by_latent = NULL;
    model->own_network.prior = prior;
}

static void check_open(size_t kind, size_t n, uint64_t samples)
{
    struct scene s = scene_open(kind, n);
    struct vae_prior_kind prior;
    struct answers closed, open;
    double loglik[ROWS], ratio[ROWS], sum[ROWS] = {0}, all = 0;
    const unsigned others = ALL_ANSWERS & ~(ONLY(ELBO) | ONLY(KL) | ONLY(TERMS) | ONLY(KL_BY_LATENT));
    must_ask(s.model, &s.batch, samples, ALL_ANSWERS & ~ONLY(KL_BY_LATENT), &closed);
    open_prior(s.model, &prior);
    must_ask(s.model, &s.batch, samples, ALL_ANSWERS & ~ONLY(KL_BY_LATENT), &open);
    same_answers(&closed, &open, others, "an open divergence");
    for (uint64_t sample = 0; sample < samples; sample++) {
        draw_terms(&s, sample, loglik, ratio);
        for (size_t i = 0; i < n; i++)
            sum[i] -= ratio[i] / (double)samples;
    }
    for (size_t i = 0; i < n; i++) {
        NEAR(open.kl[i], sum[i], 1e-10, "kl of row %zu", i);
        HOLDS(open.elbo[i] == open.loglik[i] - open.kl[i]);
        all += open.kl[i] / (double)n;
    }
    NEAR(open.terms.kl, all, 1e-12, "terms.kl");
    must_ask(s.model, &s.batch, samples, ONLY(KL), &closed);
    same_answers(&closed, &open, ONLY(KL), "kl alone");
    HOLDS(ask(s.model, &s.batch, samples, ONLY(KL_BY_LATENT), &open) == VAE_ERR_ARG);
    HOLDS(strstr(vae_last_error(), "outputs.kl_by_latent needs a prior that factorises") != NULL);
    untouched(&open, ALL_ANSWERS, "refused");
    scene_close(&s);
}

START_TEST(open_divergences)
{
    check_open(KIND_BERNOULLI, ROWS, 1);
    check_open(KIND_GAUSS_CELL, FEW, 40);
    check_open(likelihood_count, 1, MANY);
}
END_TEST

/* At z = mu: log q(mu|x) - log p(mu). */
START_TEST(open_divergence_at_the_mean)
{
    struct scene s = scene_open(KIND_BERNOULLI, FEW);
    struct vae_prior_kind prior;
    struct answers a;
    must_ask(s.model, &s.batch, 3, ALL_ANSWERS, &a); /* leaves noise in the workspace */
    open_prior(s.model, &prior);
    must_ask(s.model, &s.batch, 0, ONLY(MU) | ONLY(LOGVAR) | ONLY(KL), &a);
    for (int i = 0; i < FEW; i++) {
        double kl = 0;
        for (int j = i * Z_DIM; j < (i + 1) * Z_DIM; j++)
            kl += 0.5 * ((double)a.mu[j] * (double)a.mu[j] - (double)a.logvar[j]);
        NEAR(a.kl[i], kl, 1e-10, "row %d", i);
    }
    scene_close(&s);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {by_the_definition, cuts_do_not_show, index_and_weights, rows_without_a_number,
        open_divergences, open_divergence_at_the_mean};
    return RUN_SUITE("evidence", tests);
}
