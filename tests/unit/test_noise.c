/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Noise as the header says: keys of both seeds, streams, numbers of elements. Training and reading are
 * computed once more from the functions of section 2 with the noise of that address.
 */
#include "../support/answers.h"
#include "../support/runner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DRAWS = 12, BATCH = 16 };

/* Latents of rows first_row, ...: of the prior, where z is the noise itself. */
static void prior_z(vae_model *model, uint64_t n, uint64_t first_row, uint64_t seed, float *z)
{
    vae_batch batch;
    vae_outputs outputs;
    vae_batch_init(&batch, sizeof batch);
    vae_outputs_init(&outputs, sizeof outputs);
    batch.n = n;
    batch.source = VAE_FROM_PRIOR;
    batch.first_row = first_row;
    batch.seed = seed;
    outputs.z = z;
    must(vae_infer(model, &batch, &outputs, NULL));
}

static vae_model *seeded(uint64_t seed)
{
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_TANH, 0);
    plan.config.seed = seed;
    return model_of(&plan);
}

static const uint64_t some_seeds[] = {0, 1, 2, 3, 0x123456789abcdef0, (uint64_t)1 << 63, UINT64_MAX};
enum { SEEDS = sizeof some_seeds / sizeof *some_seeds };

/* The batch's seed is mixed, then the model's is put to it by XOR; 0 is a seed like others. */
START_TEST(keys)
{
    float z[ROWS * Z_DIM], noise[ROWS * Z_DIM];
    ck_assert(noise_key(7, 0) == 7 && noise_key(7, 1) != 6);
    for (int m = 0; m < SEEDS; m++) {
        vae_model *model = seeded(some_seeds[m]);
        for (int b = 0; b < SEEDS; b++) {
            uint64_t key = noise_key(some_seeds[m], some_seeds[b]);
            prior_z(model, ROWS, 0, some_seeds[b], z);
            must(vae_normal(key, noise_stream(VAE_STREAM_PRIOR, 0, 0), 0, ROWS * Z_DIM, noise));
            ck_assert_mem_eq(z, noise, sizeof z);
        }
        vae_destroy(model);
    }
}
END_TEST

/* Draws from q(z|x) at the key of both seeds are those of a model that has the key for a seed. */
START_TEST(keys_of_the_posterior)
{
    for (int b = 0; b < SEEDS; b++) {
        struct answers one, other;
        vae_model *model = seeded(5), *keyed = seeded(noise_key(5, some_seeds[b]));
        float *x = rows_for(model, ROWS, 1), *params = params_of(model);
        must(vae_set_params(keyed, params, vae_param_count(keyed)));
        vae_batch batch = batch_of(model, x, ROWS);
        must_ask(keyed, &batch, 5, ALL_ANSWERS, &other);
        batch.seed = some_seeds[b];
        must_ask(model, &batch, 5, ALL_ANSWERS, &one);
        same_answers(&one, &other, ALL_ANSWERS, "seeds");
        batch.seed ^= 1;
        must_ask(model, &batch, 5, ALL_ANSWERS, &other);
        ck_assert_mem_ne(one.z, other.z, sizeof one.z);
        ck_assert_mem_ne(one.x_draw, other.x_draw, sizeof one.x_draw);
        must_ask(model, &batch, 0, ALL_ANSWERS, &one);
        batch.seed ^= 1;
        must_ask(model, &batch, 0, ALL_ANSWERS, &other);
        same_answers(&one, &other, ALL_ANSWERS & ~ONLY(X_DRAW), "samples = 0");
        free(x);
        free(params);
        vae_destroy(model);
        vae_destroy(keyed);
    }
}
END_TEST

/* A sweep over both seeds has no noise twice: by XOR alone 32 x 32 pairs would have 32 kinds. */
START_TEST(sweeps_share_nothing)
{
    enum { SWEEP = 32 };
    static float z[SWEEP * SWEEP][Z_DIM];
    for (uint64_t m = 0; m < SWEEP; m++) {
        vae_model *model = seeded(m);
        for (uint64_t b = 0; b < SWEEP; b++)
            prior_z(model, 1, 0, b, z[m * SWEEP + b]);
        vae_destroy(model);
    }
    for (int i = 0; i < SWEEP * SWEEP; i++)
        for (int j = 0; j < i; j++)
            if (memcmp(z[i], z[j], sizeof z[i]) == 0)
                ck_abort_msg("seeds %d, %d and %d, %d", i / SWEEP, i % SWEEP, j / SWEEP, j % SWEEP);
}
END_TEST

/* Numbers of elements are taken modulo 2^64. */
START_TEST(rows_of_the_whole)
{
    const uint64_t first[] = {0, 1, 1000, (uint64_t)1 << 40, ((uint64_t)1 << 62) + 5, UINT64_MAX - 4};
    float z[ROWS * Z_DIM], noise[ROWS * Z_DIM];
    vae_model *model = seeded(5);
    for (int i = 0; i < 6; i++) {
        prior_z(model, ROWS, first[i], 0, z);
        must(vae_normal(5, noise_stream(VAE_STREAM_PRIOR, 0, 0), first[i] * Z_DIM, ROWS * Z_DIM, noise));
        ck_assert_mem_eq(z, noise, sizeof z);
    }
    vae_destroy(model);
}
END_TEST

/* ---- draws of reading calls ---- */

/* log p(x|z) of rows at draw s, as the header numbers it. */
static void loglik_of_draw(vae_model *model, const vae_batch *batch, uint64_t s, double *loglik)
{
    size_t n = (size_t)batch->n, d = (size_t)vae_z_dim(model);
    float mu[16], logvar[16], eps[16], z[16];
    vae_batch given = *batch;
    vae_outputs outputs;
    vae_outputs_init(&outputs, sizeof outputs);
    outputs.loglik = loglik;
    must(vae_encode(model, batch->x, n, mu, logvar));
    must(vae_normal(noise_key(5, batch->seed), noise_stream(VAE_STREAM_EVALUATE, s % 65536, s / 65536),
        batch->first_row * d, n * d, eps));
    must(vae_reparam(n, d, mu, d, logvar, d, eps, d, z, d));
    given.z = z;
    must(vae_infer(model, &given, &outputs, NULL));
}

static void loglik_of_draws(vae_model *model, const vae_batch *batch, uint64_t samples, double *loglik)
{
    vae_outputs outputs;
    vae_outputs_init(&outputs, sizeof outputs);
    outputs.samples = samples;
    outputs.loglik = loglik;
    must(vae_infer(model, batch, &outputs, NULL));
}

static vae_model *tiny(void)
{
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_TANH, 0);
    plan_sizes(&plan, 2, 2, NULL, 0);
    return model_of(&plan);
}

/* Draws from number 65536 on are those of step 1: what the draws around it add to the sum over draws. */
START_TEST(draws_beyond_65535)
{
    enum { N = 3, FIRST = 65534, LAST = 65538 };
    const float x[N * 2] = {0.5f, 1, 0, 0.25f, 1, 1};
    double first[N], all[N], one[N], rest[N] = {0};
    vae_model *model = tiny();
    vae_batch batch = batch_of(model, x, N);
    batch.first_row = 7;
    batch.seed = 3;
    loglik_of_draws(model, &batch, FIRST, first);
    loglik_of_draws(model, &batch, LAST, all);
    for (uint64_t s = FIRST; s < LAST; s++) {
        loglik_of_draw(model, &batch, s, one);
        for (int i = 0; i < N; i++)
            rest[i] += one[i];
    }
    for (int i = 0; i < N; i++)
        ck_assert_double_eq_tol(LAST * all[i] - FIRST * first[i], rest[i], 1e-8);
    vae_destroy(model);
}
END_TEST

/* ---- training ---- */

/* What a pass comes to, from section 2: log-likelihoods and log p(z) - log q(z|x) of each draw,
 * divergences. */
struct expected {
    double loglik[BATCH][MOST_DRAWS], ratio[BATCH][MOST_DRAWS], kl[BATCH];
};

static double log_density(const float *z, const float *mean, const float *logvar)
{
    double z64[Z_DIM], mean64[Z_DIM], logvar64[Z_DIM], value;
    for (int j = 0; j < Z_DIM; j++) {
        z64[j] = (double)z[j];
        mean64[j] = (double)mean[j];
        logvar64[j] = (double)logvar[j];
    }
    must(vae_loglik_gauss_f64(1, Z_DIM, z64, Z_DIM, mean64, Z_DIM, logvar64, Z_DIM, &value));
    return value;
}

/* The rows of a call without its index and weights. */
static vae_batch gathered(const vae_batch *batch, float *x)
{
    vae_batch plain = *batch;
    for (size_t i = 0; i < batch->n; i++)
        memcpy(x + i * X_DIM, batch->x + (batch->index ? batch->index[i] : i) * X_DIM, X_DIM * sizeof *x);
    plain.index = NULL;
    plain.weight = NULL;
    plain.x = x;
    return plain;
}

/* Row i of the call has elements (first_row + i) z_dim + j, also with an index. */
static void expect(
    vae_model *model, const vae_batch *batch, uint64_t draws, uint64_t step, struct expected *e)
{
    const float zeros[Z_DIM] = {0};
    size_t n = (size_t)batch->n;
    struct answers a, at;
    float x[BATCH * X_DIM], eps[BATCH * Z_DIM], z[BATCH * Z_DIM], kl[BATCH];
    vae_batch given = gathered(batch, x);
    must_ask(model, &given, 0, ONLY(MU) | ONLY(LOGVAR), &a);
    must(vae_kl_diag_gauss(n, Z_DIM, a.mu, Z_DIM, a.logvar, Z_DIM, kl));
    given.z = z;
    for (uint64_t s = 0; s < draws; s++) {
        must(vae_normal(noise_key(5, batch->seed), noise_stream(VAE_STREAM_TRAIN, s, step),
            batch->first_row * Z_DIM, n * Z_DIM, eps));
        must(vae_reparam(n, Z_DIM, a.mu, Z_DIM, a.logvar, Z_DIM, eps, Z_DIM, z, Z_DIM));
        must_ask(model, &given, 1, ONLY(LOGLIK), &at);
        for (size_t i = 0; i < n; i++) {
            const float *row = z + i * Z_DIM;
            e->loglik[i][s] = at.loglik[i];
            e->kl[i] = (double)kl[i];
            e->ratio[i][s] =
                log_density(row, zeros, zeros) - log_density(row, a.mu + i * Z_DIM, a.logvar + i * Z_DIM);
        }
    }
}

/* One row's objective: draws m S to (m + 1) S - 1 are those of estimate m. */
static double objective_of(const vae_training *t, const struct expected *e, size_t i)
{
    double bound = 0, mean = 0, log_w[MOST_DRAWS], estimate;
    for (uint64_t s = 0; s < t->samples * t->estimates; s++) {
        log_w[s] = e->loglik[i][s] + t->kl_weight * e->ratio[i][s];
        mean += (t->objective == VAE_IWAE ? log_w[s] : e->loglik[i][s]) / (double)(t->samples * t->estimates);
    }
    if (t->objective == VAE_ELBO)
        return mean - t->kl_weight * e->kl[i];
    for (uint64_t m = 0; m < t->estimates; m++) {
        must(vae_logmeanexp_f64(
            1, (size_t)t->samples, log_w + m * t->samples, (size_t)t->samples, &estimate, NULL, 0));
        bound += estimate / (double)t->estimates;
    }
    return (1 - t->elbo_weight) * bound + t->elbo_weight * mean;
}

static void check_terms(
    const vae_training *t, const vae_batch *batch, const struct expected *e, const vae_terms *terms)
{
    double objective = 0, loglik = 0, kl = 0, total = 0, draws = (double)(t->samples * t->estimates);
    double magnitude = 0; /* of what is added up */
    for (size_t i = 0; i < batch->n; i++) {
        double w = batch->weight ? (double)batch->weight[batch->index ? batch->index[i] : i] : 1;
        for (int s = 0; s < (int)draws; s++) {
            loglik += w * e->loglik[i][s] / draws;
            magnitude += w * (fabs(e->loglik[i][s]) + fabs(e->ratio[i][s])) / draws;
        }
        objective += w * objective_of(t, e, i);
        kl += w * e->kl[i];
        total += w;
    }
    total = batch->total_weight > 0 ? batch->total_weight : total;
    ck_assert_double_eq_tol(terms->loglik, loglik / total, 1e-6 * magnitude / total);
    ck_assert_double_eq_tol(terms->kl, kl / total, 1e-6 * kl / total);
    ck_assert_double_eq_tol(terms->objective, objective / total, 1e-6 * magnitude / total);
    ck_assert(terms->elbo == terms->loglik - terms->kl);
}

/* Several steps, by turns in one call and in halves; the noise of each is that of its step. */
static void check_training(size_t kind, const vae_training *training, vae_batch batch)
{
    struct plan plan;
    plan_any(&plan, kind, VAE_TANH);
    plan.training = *training;
    plan.training.learning_rate = 0.01;
    vae_model *model = model_of(&plan);
    float *x = rows_for(model, ROWS, 2);
    batch.x = x;
    for (uint64_t step = 0; step < 4; step++) {
        struct expected e, other;
        vae_terms terms = empty_terms();
        expect(model, &batch, training->samples * training->estimates, step, &e);
        expect(model, &batch, 1, step + 1, &other);
        ck_assert(fabs(e.loglik[0][0] - other.loglik[0][0]) > 1e-5 * fabs(e.loglik[0][0]));
        if (step % 2) {
            must(vae_step_batch(model, &batch, &terms));
        } else {
            must(vae_grad(model, &batch, &terms));
            must(vae_apply(model, NULL));
        }
        check_terms(&plan.training, &batch, &e, &terms);
    }
    free(x);
    vae_destroy(model);
}

static void check_batches(const vae_training *training)
{
    const uint32_t index[BATCH] = {30, 2, 2, 19, 36, 0, 1, 7, 8, 8, 8, 5, 4, 12, 11, 10};
    float weight[ROWS];
    vae_batch plain, batch;
    vae_batch_init(&plain, sizeof plain);
    plain.n = BATCH;
    for (int i = 0; i < ROWS; i++)
        weight[i] = i % 4 == 2 ? 0 : 0.5f + 0.25f * (float)(i % 3);
    for (size_t kind = 0; kind <= likelihood_count; kind++) {
        check_training(kind, training, plain);
        batch = plain;
        batch.index = index;
        batch.first_row = 1000;
        batch.seed = 9;
        check_training(kind, training, batch);
        batch.weight = weight;
        batch.total_weight = 10;
        check_training(kind, training, batch);
        batch.index = NULL;
        check_training(kind, training, batch);
    }
}

START_TEST(training_elbo)
{
    vae_training training;
    vae_training_init(&training, sizeof training);
    check_batches(&training);
    training.samples = 3;
    training.kl_weight = 0.5;
    check_batches(&training);
}
END_TEST

START_TEST(training_importance_weighted)
{
    vae_training training;
    vae_training_init(&training, sizeof training);
    training.objective = VAE_IWAE;
    training.samples = 4;
    check_batches(&training);
    training.estimates = 3;
    training.kl_weight = 0.5;
    training.elbo_weight = 0.25;
    check_batches(&training);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {keys, keys_of_the_posterior, sweeps_share_nothing, rows_of_the_whole,
        draws_beyond_65535, training_elbo, training_importance_weighted};
    return RUN_SUITE("noise", tests);
}
