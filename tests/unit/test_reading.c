/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Reading calls: pure functions whose bits do not depend on how rows are cut, strided, batched or given
 * to threads, and which agree with one another and with section 2's functions.
 */
#include "../support/models.h"
#include "../support/runner.h"

#include <math.h>
#include <string.h>

enum { ROWS = 37, X = 13, Z = 3, SAMPLES = 3, LD = 17 };

/* Everything that the reading calls give for the same rows. */
struct answers {
    double elbo[ROWS], at_mu[ROWS], score[ROWS], latent[Z];
    vae_terms terms, terms_at_mu;
    float mu[ROWS * Z], logvar[ROWS * Z], decoded[ROWS * X], location[ROWS * X], reconstructed[ROWS * X],
        sampled[ROWS * X];
};

static void ask(vae_model *model, const float *x, struct answers *a)
{
    memset(a, 0, sizeof *a);
    a->terms = a->terms_at_mu = empty_terms();
    must(vae_elbo(model, x, ROWS, SAMPLES, a->elbo, &a->terms));
    must(vae_elbo(model, x, ROWS, 0, a->at_mu, &a->terms_at_mu));
    must(vae_score(model, x, ROWS, SAMPLES, a->score));
    must(vae_latent_kl(model, x, ROWS, a->latent));
    must(vae_encode(model, x, ROWS, a->mu, a->logvar));
    must(vae_decode(model, a->mu, ROWS, a->decoded));
    must(vae_decode_params(model, a->mu, ROWS, a->location, NULL));
    must(vae_reconstruct(model, x, ROWS, a->reconstructed));
    must(vae_sample(model, 8, ROWS, a->sampled));
}

static void same_answers(const struct answers *a, const struct answers *b, const char *what)
{
    ck_assert_msg(memcmp(a, b, sizeof *a) == 0, "%s: other bits", what);
}

static void plan_reading(struct plan *plan, size_t likelihood)
{
    plan_init(plan, likelihoods[likelihood].kind, likelihood % 2 ? VAE_GELU : VAE_SOFTPLUS, 2);
    plan->config.mean_activation = likelihoods[likelihood].mean_activation;
}

START_TEST(batches_and_threads_do_not_show)
{
    const uint64_t batches[] = {1, 2, 7, 16, 36, 37, 38, 500};
    const int32_t threads[] = {1, 2, 3, 8};
    for (size_t i = 0; i < likelihood_count; i++) {
        struct plan plan;
        struct answers first, other;
        plan_reading(&plan, i);
        vae_model *model = model_of(&plan.config);
        float *x = rows_for(model, ROWS, 1), *params = params_of(model);
        ask(model, x, &first);
        for (size_t t = 0; t < 4; t++)
            for (size_t b = 0; b < 8; b++) {
                plan.config.max_batch = batches[b];
                plan.config.threads = threads[t];
                vae_model *cut = model_of(&plan.config);
                ask(cut, x, &other);
                same_answers(&first, &other, likelihoods[i].name);
                vae_destroy(cut);
            }
        ask(model, x, &other);
        same_answers(&first, &other, "asked again");
        must(vae_set_params(model, params, vae_param_count(model)));
        ck_assert_uint_eq(vae_steps(model), 0);
        free(x);
        free(params);
        vae_destroy(model);
    }
}
END_TEST

/* Row by row, by first_row; and with a stride, the gap holding NaN. */
START_TEST(rows_one_by_one)
{
    for (size_t i = 0; i < likelihood_count; i++) {
        struct plan plan;
        struct answers all;
        double one, strided[ROWS];
        float mu[Z], logvar[Z], mean[X], wide[ROWS * LD];
        plan_reading(&plan, i);
        vae_model *model = model_of(&plan.config);
        float *x = rows_for(model, ROWS, 1);
        ask(model, x, &all);
        for (size_t r = 0; r < ROWS; r++) {
            vae_batch row = batch_of(model, x + r * X, 1);
            row.first_row = r;
            must(vae_elbo_batch(model, &row, SAMPLES, &one, NULL));
            ck_assert_msg(one == all.elbo[r], "%s: row %zu", likelihoods[i].name, r);
            must(vae_score(model, x + r * X, 1, 0, &one));
            ck_assert(one == -all.at_mu[r]);
            must(vae_encode(model, x + r * X, 1, mu, logvar));
            ck_assert(memcmp(mu, all.mu + r * Z, sizeof mu) == 0 &&
                      memcmp(logvar, all.logvar + r * Z, sizeof mu) == 0);
            must(vae_encode(model, x + r * X, 1, mu, NULL));
            must(vae_decode(model, mu, 1, mean));
            ck_assert_int_eq(memcmp(mean, all.decoded + r * X, sizeof mean), 0);
            must(vae_reconstruct(model, x + r * X, 1, mean));
            ck_assert_int_eq(memcmp(mean, all.reconstructed + r * X, sizeof mean), 0);
        }
        fill_rows(wide, ROWS, X, LD, 1);
        vae_batch batch = batch_of(model, wide, ROWS);
        batch.ldx = LD;
        must(vae_elbo_batch(model, &batch, SAMPLES, strided, NULL));
        ck_assert_int_eq(memcmp(strided, all.elbo, sizeof strided), 0);
        free(x);
        vae_destroy(model);
    }
}
END_TEST

/* Noise: by row, by seed; the batch's seed and the model's are one by XOR. */
START_TEST(seeds_and_rows_of_noise)
{
    struct plan plan;
    double plain[ROWS], moved[ROWS], mixed[ROWS];
    plan_reading(&plan, 0);
    vae_model *model = model_of(&plan.config);
    float *x = rows_for(model, ROWS, 1), *params = params_of(model), sampled[X], shifted[X];
    vae_batch batch = batch_of(model, x, ROWS);
    must(vae_elbo_batch(model, &batch, SAMPLES, plain, NULL));
    batch.first_row = (uint64_t)1 << 40;
    must(vae_elbo_batch(model, &batch, SAMPLES, moved, NULL));
    ck_assert(memcmp(plain, moved, sizeof plain) != 0);
    must(vae_elbo_batch(model, &batch, 0, moved, NULL));
    must(vae_elbo(model, x, ROWS, 0, mixed, NULL));
    ck_assert_int_eq(memcmp(mixed, moved, sizeof plain), 0);
    batch.first_row = 0;
    batch.seed = 0x123456789abcdef0;
    must(vae_elbo_batch(model, &batch, SAMPLES, mixed, NULL));
    ck_assert(memcmp(plain, mixed, sizeof plain) != 0);
    must(vae_sample(model, batch.seed, 1, sampled));
    plan.config.seed ^= batch.seed;
    vae_model *other = model_of(&plan.config);
    must(vae_set_params(other, params, vae_param_count(other)));
    must(vae_elbo(other, x, ROWS, SAMPLES, moved, NULL));
    ck_assert_int_eq(memcmp(mixed, moved, sizeof plain), 0);
    must(vae_sample(other, 0, 1, shifted));
    ck_assert_int_eq(memcmp(sampled, shifted, sizeof sampled), 0);
    free(x);
    free(params);
    vae_destroy(model);
    vae_destroy(other);
}
END_TEST

static void near(double a, double b, double scale, const char *what)
{
    ck_assert_msg(fabs(a - b) <= 1e-12 * (1 + fabs(scale)), "%s: %.17g, %.17g", what, a, b);
}

START_TEST(calls_agree)
{
    for (size_t i = 0; i < likelihood_count; i++) {
        struct plan plan;
        struct answers a;
        double elbo = 0, kl = 0;
        plan_reading(&plan, i);
        vae_model *model = model_of(&plan.config);
        float *x = rows_for(model, ROWS, 1);
        ask(model, x, &a);
        for (int r = 0; r < ROWS; r++) {
            ck_assert(a.score[r] == -a.elbo[r]);
            elbo += a.elbo[r];
        }
        near(elbo / ROWS, a.terms.elbo, a.terms.elbo, "mean of the rows");
        ck_assert(a.terms.elbo == a.terms.loglik - a.terms.kl && a.terms.grad_norm == 0);
        ck_assert(a.terms.kl == a.terms_at_mu.kl && a.terms.loglik != a.terms_at_mu.loglik);
        for (int j = 0; j < Z; j++)
            kl += a.latent[j];
        near(kl, a.terms.kl, kl, "latents of the divergence");
        ck_assert_int_eq(memcmp(a.reconstructed, a.decoded, sizeof a.decoded), 0);
        for (int j = 0; j < ROWS * X; j++) {
            double location = (double)a.location[j];
            if (plan.config.likelihood == VAE_BERNOULLI)
                location = 1 / (1 + exp(-location));
            ck_assert_double_eq_tol((double)a.decoded[j], location, 3e-7 * fabs(location));
        }
        free(x);
        vae_destroy(model);
    }
}
END_TEST

/* The bound once more from what section 2 offers: noise, draw, decoder, log-likelihood, divergence. */
START_TEST(bound_from_its_parts)
{
    for (size_t i = 0; i < likelihood_count; i++) {
        struct plan plan;
        struct answers a;
        float eps[ROWS * Z], z[ROWS * Z], kl[ROWS], location[ROWS * X], logvar[ROWS * X], loglik[ROWS];
        double sum[ROWS] = {0};
        plan_reading(&plan, i);
        int bernoulli = plan.config.likelihood == VAE_BERNOULLI;
        vae_model *model = model_of(&plan.config);
        float *x = rows_for(model, ROWS, 1);
        ask(model, x, &a);
        for (uint64_t s = 0; s < SAMPLES; s++) {
            must(vae_normal(5, (uint64_t)VAE_STREAM_EVALUATE << 56 | s << 40, 0, ROWS * Z, eps));
            must(vae_reparam(ROWS, Z, a.mu, Z, a.logvar, Z, eps, Z, z, Z));
            must(vae_decode_params(model, z, ROWS, location, bernoulli ? NULL : logvar));
            if (bernoulli)
                must(vae_loglik_bernoulli(ROWS, X, x, X, location, X, loglik));
            else
                must(vae_loglik_gauss(ROWS, X, x, X, location, X, logvar, X, loglik));
            for (int r = 0; r < ROWS; r++)
                sum[r] += (double)loglik[r] / SAMPLES;
        }
        must(vae_kl_diag_gauss(ROWS, Z, a.mu, Z, a.logvar, Z, kl));
        for (int r = 0; r < ROWS; r++)
            ck_assert_msg(fabs(sum[r] - (double)kl[r] - a.elbo[r]) <= 3e-7 * (fabs(sum[r]) + (double)kl[r]),
                "%s, row %d: %g, %g", likelihoods[i].name, r, sum[r] - (double)kl[r], a.elbo[r]);
        free(x);
        vae_destroy(model);
    }
}
END_TEST

START_TEST(fixed_and_shared_variances)
{
    for (size_t i = 1; i < 5; i++) {
        struct plan plan;
        float z[2 * Z] = {0.5f, -1, 2, 0, 0, 0}, location[2 * X], logvar[2 * X];
        plan_reading(&plan, i);
        vae_model *model = model_of(&plan.config);
        must(vae_decode_params(model, z, 2, location, logvar));
        for (int j = 0; j < 2 * X; j++)
            ck_assert(logvar[j] == -0.5f);
        vae_destroy(model);
    }
}
END_TEST

START_TEST(samples_are_decoded_latents)
{
    struct plan plan;
    struct answers a;
    float z[ROWS * Z], mean[ROWS * X], fewer[ROWS * X];
    plan_reading(&plan, 0);
    vae_model *model = model_of(&plan.config);
    float *x = rows_for(model, ROWS, 1);
    ask(model, x, &a);
    must(vae_normal(5 ^ 8, (uint64_t)VAE_STREAM_PRIOR << 56, 0, ROWS * Z, z));
    must(vae_decode(model, z, ROWS, mean));
    ck_assert_int_eq(memcmp(mean, a.sampled, sizeof mean), 0);
    for (size_t n = 0; n < ROWS; n++) {
        memset(fewer, 0, sizeof fewer);
        must(vae_sample(model, 8, n, fewer));
        ck_assert_int_eq(memcmp(fewer, a.sampled, n * X * sizeof *fewer), 0);
        ck_assert(fewer[n * X] == 0);
    }
    free(x);
    vae_destroy(model);
}
END_TEST

START_TEST(no_rows)
{
    struct plan plan;
    vae_terms terms = {sizeof terms, 9, 9, 9, 9};
    double kl[Z] = {9, 9, 9};
    plan_reading(&plan, 3);
    vae_model *model = model_of(&plan.config);
    vae_batch batch;
    vae_batch_init(&batch, sizeof batch);
    must(vae_elbo(model, NULL, 0, 2, NULL, &terms));
    ck_assert(terms.elbo == 0 && terms.loglik == 0 && terms.kl == 0 && terms.grad_norm == 0);
    must(vae_elbo_batch(model, &batch, 0, NULL, NULL));
    must(vae_score(model, NULL, 0, 0, NULL));
    must(vae_latent_kl(model, NULL, 0, kl));
    ck_assert(kl[0] == 0 && kl[1] == 0 && kl[2] == 0);
    must(vae_encode(model, NULL, 0, NULL, NULL));
    must(vae_decode(model, NULL, 0, NULL));
    must(vae_decode_params(model, NULL, 0, NULL, NULL));
    must(vae_reconstruct(model, NULL, 0, NULL));
    must(vae_sample(model, 0, 0, NULL));
    vae_destroy(model);
}
END_TEST

/* NaN stays in its row, and in the means. */
START_TEST(rows_with_nan)
{
    for (int32_t threads = 1; threads <= 3; threads++) {
        struct plan plan;
        struct answers good, bad;
        plan_reading(&plan, 5);
        plan.config.threads = threads;
        vae_model *model = model_of(&plan.config);
        float *x = rows_for(model, ROWS, 1);
        ask(model, x, &good);
        x[20 * X + 4] = NAN;
        ask(model, x, &bad);
        for (int r = 0; r < ROWS; r++) {
            ck_assert(r == 20 ? isnan(bad.elbo[r]) : bad.elbo[r] == good.elbo[r]);
            ck_assert(r == 20 ? isnan(bad.at_mu[r]) : bad.at_mu[r] == good.at_mu[r]);
            for (int j = 0; j < X; j++) {
                float was = good.reconstructed[r * X + j], is = bad.reconstructed[r * X + j];
                ck_assert(r == 20 ? isnan(is) : is == was);
            }
        }
        ck_assert(isnan(bad.terms.elbo) && isnan(bad.terms.kl) && isnan(bad.latent[0]));
        free(x);
        vae_destroy(model);
    }
}
END_TEST

int main(void)
{
    const TTest *tests[] = {batches_and_threads_do_not_show, rows_one_by_one, seeds_and_rows_of_noise,
        calls_agree, bound_from_its_parts, fixed_and_shared_variances, samples_are_decoded_latents, no_rows,
        rows_with_nan};
    return RUN_SUITE("reading", tests);
}
