/* SPDX-License-Identifier: BSD-2-Clause
 * Test. What the outputs of vae_infer() are: parameters, means over draws, log-likelihoods by column,
 * divergences by latent; latents from data, from the caller, from the prior; index, weights, total_weight;
 * and what may not be combined.
 */
#include "../support/answers.h"
#include "../support/expect.h"
#include "../support/runner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES = ROWS * X_DIM, LATENTS = ROWS * Z_DIM };

struct scene {
    vae_model *model;
    float *x;
    vae_batch batch;
    const char *name;
};

static struct scene scene_open(size_t kind)
{
    struct plan plan;
    plan_any(&plan, kind, kind % 2 ? VAE_GELU : VAE_TANH);
    struct scene s = {.model = model_of(&plan), .name = kind_name(kind)};
    s.x = rows_for(s.model, ROWS, 1);
    s.batch = batch_of(s.model, s.x, ROWS);
    return s;
}

static void scene_close(struct scene *s)
{
    free(s->x);
    vae_destroy(s->model);
}

/* Draw s of the scene's rows, by the rule of the header. */
static void draw(const struct scene *s, const struct answers *a, uint64_t sample, float *z)
{
    float eps[LATENTS];
    must(vae_normal(5, noise_stream(VAE_STREAM_EVALUATE, sample, 0), 0, (size_t)s->batch.n * Z_DIM, eps));
    must(vae_reparam((size_t)s->batch.n, Z_DIM, a->mu, Z_DIM, a->logvar, Z_DIM, eps, Z_DIM, z, Z_DIM));
}

/* ---- one draw ---- */

/* What z is, and that the rest follows from z: the same bits as with that z given. */
static void check_draw(struct scene *s, uint64_t samples)
{
    const unsigned of_first = ONLY(Z) | ONLY(X_LOCATION) | ONLY(X_SCALE) | ONLY(X_SHAPE) | ONLY(X_DRAW);
    struct answers data, given;
    float z[LATENTS];
    vae_batch batch = s->batch;
    must_ask(s->model, &s->batch, samples, ALL_ANSWERS, &data);
    if (samples == 0)
        memcpy(z, data.mu, sizeof z);
    else
        draw(s, &data, 0, z);
    ck_assert_msg(memcmp(z, data.z, sizeof z) == 0, "%s: z", s->name);
    batch.z = data.z;
    must_ask(s->model, &batch, 1, ANSWERS_OF_Z, &given);
    same_answers(&data, &given, samples <= 1 ? ANSWERS_OF_Z : of_first, s->name);
    must_ask(s->model, &batch, 0, ANSWERS_OF_Z, &given);
    same_answers(&data, &given, samples <= 1 ? ANSWERS_OF_Z : of_first, s->name);
    batch.x = NULL;
    must_ask(s->model, &batch, 1, ANSWERS_OF_PRIOR, &given);
    same_answers(&data, &given, samples <= 1 ? ANSWERS_OF_PRIOR : of_first, s->name);
}

START_TEST(outputs_of_the_first_draw)
{
    const uint64_t samples[] = {0, 1, 5};
    for (size_t kind = 0; kind <= likelihood_count; kind++)
        for (int i = 0; i < 3; i++) {
            struct scene s = scene_open(kind);
            check_draw(&s, samples[i]);
            scene_close(&s);
        }
}
END_TEST

/* Log-likelihoods from the parameters, by section 2; columns; divergences; the bound; the terms. */
static void check_values(const struct scene *s, uint64_t samples)
{
    struct answers a;
    double loglik[ROWS], sum = 0, kl_sum = 0;
    float kl[ROWS];
    must_ask(s->model, &s->batch, samples, ALL_ANSWERS, &a);
    loglik_of(s->model, ROWS, s->x, a.x_location, a.x_scale, loglik);
    must(vae_kl_diag_gauss(ROWS, Z_DIM, a.mu, Z_DIM, a.logvar, Z_DIM, kl));
    for (int i = 0; i < ROWS; i++) {
        double columns = 0, magnitude = 0;
        for (int j = i * X_DIM; j < (i + 1) * X_DIM; j++) {
            columns += (double)a.loglik_by_column[j];
            magnitude += fabs((double)a.loglik_by_column[j]);
        }
        NEAR(a.loglik[i], loglik[i], 1e-8 * magnitude, "%s, loglik by section 2", s->name);
        NEAR(a.loglik[i], columns, 1e-7 * magnitude, "%s, sum of loglik_by_column", s->name);
        NEAR(a.kl[i], (double)kl[i], 1e-7 * a.kl[i], "%s, kl", s->name);
        ck_assert_msg(a.elbo[i] == a.loglik[i] - a.kl[i], "%s: elbo of row %d", s->name, i);
        sum += a.loglik[i];
        kl_sum += a.kl[i];
    }
    NEAR(a.terms.loglik, sum / ROWS, 1e-12 * fabs(sum), "%s, terms.loglik", s->name);
    NEAR(a.terms.kl, kl_sum / ROWS, 1e-12 * kl_sum, "%s, terms.kl", s->name);
    ck_assert(a.terms.elbo == a.terms.loglik - a.terms.kl && a.terms.objective == a.terms.elbo);
    ck_assert(a.terms.grad_norm == 0);
}

START_TEST(values_of_one_draw)
{
    for (size_t kind = 0; kind <= likelihood_count; kind++) {
        struct scene s = scene_open(kind);
        check_values(&s, 0);
        check_values(&s, 1);
        scene_close(&s);
    }
}
END_TEST

/* Column by column against section 2's functions, one span at a time. */
START_TEST(columns_by_section_2)
{
    for (size_t kind = 0; kind <= likelihood_count; kind++) {
        struct scene s = scene_open(kind);
        struct answers a;
        vae_span span;
        must_ask(s.model, &s.batch, 1, ALL_ANSWERS, &a);
        for (size_t at = 0, i = 0; at < X_DIM; at += (size_t)span.columns) {
            vae_span_init(&span, sizeof span);
            must(vae_get_span(s.model, i++, &span));
            for (size_t j = at; j < at + span.columns; j++) {
                double loglik[ROWS] = {0};
                add_loglik(span.likelihood, ROWS, 1, X_DIM, s.x + j, a.x_location + j, a.x_scale + j, loglik);
                for (int r = 0; r < ROWS; r++)
                    NEAR((double)a.loglik_by_column[r * X_DIM + (int)j], loglik[r],
                        6.1e-8 * fabs(loglik[r]) + 1e-9, "%s, loglik_by_column", s.name);
            }
        }
        scene_close(&s);
    }
}
END_TEST

/* ---- several draws ---- */

/* S draws one by one, with z given: their means are the outputs. */
static void check_means(const struct scene *s, uint64_t samples)
{
    struct answers all, one;
    double loglik[ROWS] = {0}, mean[VALUES] = {0}, columns[VALUES] = {0}, count = (double)samples;
    float z[LATENTS];
    vae_batch batch = s->batch;
    must_ask(s->model, &s->batch, samples, ALL_ANSWERS, &all);
    batch.z = z;
    for (uint64_t k = 0; k < samples; k++) {
        draw(s, &all, k, z);
        must_ask(s->model, &batch, 1, ANSWERS_OF_Z, &one);
        for (int i = 0; i < ROWS; i++)
            loglik[i] += one.loglik[i];
        for (int i = 0; i < VALUES; i++) {
            mean[i] += (double)one.x_mean[i];
            columns[i] += (double)one.loglik_by_column[i];
        }
    }
    for (int i = 0; i < ROWS; i++)
        NEAR(all.loglik[i], loglik[i] / count, 1e-14 * fabs(loglik[i]), "%s, mean loglik", s->name);
    for (int i = 0; i < VALUES; i++) {
        NEAR((double)all.x_mean[i], mean[i] / count, 1.3e-7 * fabs(mean[i] / count), "%s, x_mean", s->name);
        NEAR((double)all.loglik_by_column[i], columns[i] / count, 2e-7 * (1 + fabs(columns[i] / count)),
            "%s, mean loglik_by_column", s->name);
    }
}

START_TEST(means_over_draws)
{
    for (size_t kind = 0; kind <= likelihood_count; kind++) {
        struct scene s = scene_open(kind);
        check_means(&s, 2);
        check_means(&s, 5);
        scene_close(&s);
    }
}
END_TEST

/* The first draws are the same for any larger number of samples: what is left over is the draws beyond. */
START_TEST(first_draws_stay)
{
    struct scene s = scene_open(KIND_BERNOULLI);
    struct answers five, seven;
    double rest[ROWS] = {0};
    float z[LATENTS];
    vae_batch batch = s.batch;
    must_ask(s.model, &s.batch, 5, ALL_ANSWERS, &five);
    must_ask(s.model, &s.batch, 7, ALL_ANSWERS, &seven);
    same_answers(&five, &seven, ONLY(Z) | ONLY(X_LOCATION) | ONLY(X_DRAW) | ONLY(KL), "more samples");
    batch.z = z;
    for (uint64_t k = 5; k < 7; k++) {
        struct answers one;
        draw(&s, &five, k, z);
        must_ask(s.model, &batch, 1, ONLY(LOGLIK), &one);
        for (int i = 0; i < ROWS; i++)
            rest[i] += one.loglik[i];
    }
    for (int i = 0; i < ROWS; i++)
        NEAR(
            7 * seven.loglik[i] - 5 * five.loglik[i], rest[i], 1e-12 * fabs(7 * rest[i]), "%s, rest", s.name);
    scene_close(&s);
}
END_TEST

/* From the prior: z is noise of its own stream, the means go over the draws. */
START_TEST(draws_of_the_prior)
{
    for (size_t kind = 0; kind <= likelihood_count; kind++) {
        struct scene s = scene_open(kind);
        struct answers prior, none, one;
        double mean[VALUES] = {0};
        float z[LATENTS];
        vae_batch batch = s.batch, given = s.batch;
        batch.source = VAE_FROM_PRIOR;
        batch.x = given.x = NULL;
        given.z = z;
        must_ask(s.model, &batch, 5, ANSWERS_OF_PRIOR, &prior);
        for (uint64_t k = 0; k < 5; k++) {
            must(vae_normal(5, noise_stream(VAE_STREAM_PRIOR, k, 0), 0, LATENTS, z));
            must_ask(s.model, &given, 1, ANSWERS_OF_PRIOR, &one);
            if (k == 0)
                same_answers(&prior, &one, ANSWERS_OF_PRIOR & ~ONLY(X_MEAN), s.name);
            for (int i = 0; i < VALUES; i++)
                mean[i] += (double)one.x_mean[i] / 5;
        }
        for (int i = 0; i < VALUES; i++)
            NEAR((double)prior.x_mean[i], mean[i], 1.3e-7 * fabs(mean[i]), "%s, x_mean of the prior", s.name);
        must_ask(s.model, &batch, 1, ANSWERS_OF_PRIOR, &one);
        must_ask(s.model, &batch, 0, ANSWERS_OF_PRIOR, &none);
        same_answers(&one, &none, ANSWERS_OF_PRIOR, "0 samples of the prior");
        scene_close(&s);
    }
}
END_TEST

/* Equation (8) for each latent alone, in its numerically sound form; together they are the divergence. */
START_TEST(divergence_by_latent)
{
    struct scene s = scene_open(KIND_BERNOULLI);
    struct answers a;
    double sum = 0;
    must_ask(s.model, &s.batch, 2, ALL_ANSWERS, &a);
    for (int j = 0; j < Z_DIM; j++) {
        float kl[ROWS];
        double mean = 0;
        must(vae_kl_diag_gauss(ROWS, 1, a.mu + j, Z_DIM, a.logvar + j, Z_DIM, kl));
        for (int i = 0; i < ROWS; i++)
            mean += (double)kl[i] / ROWS;
        NEAR(a.kl_by_latent[j], mean, 1e-7 * mean, "%s, kl_by_latent", s.name);
        sum += a.kl_by_latent[j];
    }
    NEAR(sum, a.terms.kl, 1e-13 * sum, "%s, sum of kl_by_latent", s.name);
    scene_close(&s);
}
END_TEST

/* ---- rows ---- */

/* With index: row i is row index[i] of x, z and weight, with the noise of row i. */
START_TEST(rows_by_index)
{
    for (size_t kind = 0; kind <= likelihood_count; kind++) {
        struct scene s = scene_open(kind);
        struct answers there, copied;
        uint32_t index[ROWS];
        float x[VALUES], z[LATENTS], z_there[LATENTS];
        must(vae_normal(1, 2, 0, LATENTS, z_there));
        for (uint32_t i = 0; i < ROWS; i++) {
            index[i] = i * i * 5 % ROWS; /* with repeats */
            memcpy(x + i * X_DIM, s.x + index[i] * X_DIM, X_DIM * sizeof *x);
            memcpy(z + i * Z_DIM, z_there + index[i] * Z_DIM, Z_DIM * sizeof *z);
        }
        vae_batch batch = s.batch, copy = s.batch;
        batch.index = index;
        copy.x = x;
        must_ask(s.model, &batch, 3, ALL_ANSWERS, &there);
        must_ask(s.model, &copy, 3, ALL_ANSWERS, &copied);
        same_answers(&there, &copied, ALL_ANSWERS, s.name);
        batch.z = z_there;
        copy.z = z;
        must_ask(s.model, &batch, 1, ANSWERS_OF_Z, &there);
        must_ask(s.model, &copy, 1, ANSWERS_OF_Z, &copied);
        same_answers(&there, &copied, ANSWERS_OF_Z, s.name);
        scene_close(&s);
    }
}
END_TEST

/* Every third row has weight 0, the others have weights that differ. */
static void weigh(float *weight)
{
    for (int i = 0; i < ROWS; i++)
        weight[i] = i % 3 == 1 ? 0 : 0.25f + 0.125f * (float)(i % 5);
}

static void check_weighted(const struct answers *plain, const struct answers *weighted, const float *weight,
    const uint32_t *index, const char *name)
{
    double loglik = 0, kl = 0, sum = 0, by_latent = 0;
    struct answers clean;
    memset(&clean, 0x5a, sizeof clean);
    for (size_t i = 0; i < ROWS; i++) {
        double w = (double)weight[index ? index[i] : i];
        same_row(weighted, i, w > 0 ? plain : &clean, i, ALL_ANSWERS, name);
        loglik += w * plain->loglik[i];
        kl += w * plain->kl[i];
        sum += w;
    }
    NEAR(weighted->terms.loglik, loglik / sum, 1e-13 * fabs(loglik), "%s, weighted loglik", name);
    NEAR(weighted->terms.kl, kl / sum, 1e-13 * kl, "%s, weighted kl", name);
    ck_assert(weighted->terms.elbo == weighted->terms.loglik - weighted->terms.kl);
    for (int j = 0; j < Z_DIM; j++)
        by_latent += weighted->kl_by_latent[j];
    NEAR(by_latent, kl / sum, 1e-13 * kl, "%s, weighted kl_by_latent", name);
}

/* Rows of weight 0 are not read: they hold NaN; their outputs stay as they were. */
START_TEST(weights)
{
    for (size_t kind = 0; kind <= likelihood_count; kind++) {
        struct scene s = scene_open(kind);
        struct answers plain, weighted;
        float weight[ROWS];
        uint32_t index[ROWS];
        weigh(weight);
        for (uint32_t i = 0; i < ROWS; i++)
            index[i] = (i * 7 + 3) % ROWS;
        must_ask(s.model, &s.batch, 3, ALL_ANSWERS, &plain);
        s.batch.index = index;
        struct answers by_index;
        must_ask(s.model, &s.batch, 3, ALL_ANSWERS, &by_index);
        s.batch.weight = weight;
        for (int i = 0; i < VALUES; i++)
            if (weight[i / X_DIM] == 0)
                s.x[i] = NAN;
        must_ask(s.model, &s.batch, 3, ALL_ANSWERS, &weighted);
        check_weighted(&by_index, &weighted, weight, index, s.name);
        s.batch.index = NULL;
        must_ask(s.model, &s.batch, 3, ALL_ANSWERS, &weighted);
        check_weighted(&plain, &weighted, weight, NULL, s.name);
        scene_close(&s);
    }
}
END_TEST

/* Parts with one total_weight add up to the whole. */
START_TEST(parts_of_a_total)
{
    struct scene s = scene_open(KIND_GAUSS_CELL);
    struct answers whole, part;
    float weight[ROWS];
    double total = 0, loglik = 0, kl = 0, latent[Z_DIM] = {0};
    weigh(weight);
    for (int i = 0; i < ROWS; i++)
        total += (double)weight[i];
    s.batch.weight = weight;
    must_ask(s.model, &s.batch, 2, ALL_ANSWERS, &whole);
    s.batch.total_weight = total;
    for (uint64_t first = 0; first < ROWS; first += 10) {
        vae_batch batch = s.batch;
        batch.x += first * X_DIM;
        batch.weight += first;
        batch.first_row = first;
        batch.n = ROWS - first < 10 ? ROWS - first : 10;
        must_ask(s.model, &batch, 2, ALL_ANSWERS, &part);
        loglik += part.terms.loglik;
        kl += part.terms.kl;
        for (int j = 0; j < Z_DIM; j++)
            latent[j] += part.kl_by_latent[j];
    }
    NEAR(loglik, whole.terms.loglik, 1e-13 * fabs(loglik), "%s, loglik of the parts", s.name);
    NEAR(kl, whole.terms.kl, 1e-13 * kl, "%s, kl of the parts", s.name);
    for (int j = 0; j < Z_DIM; j++)
        NEAR(latent[j], whole.kl_by_latent[j], 1e-13 * kl, "%s, kl_by_latent of the parts", s.name);
    scene_close(&s);
}
END_TEST

/* All weights 0: no row counts, sums over none are 0, with and without a total. */
START_TEST(no_weight_at_all)
{
    struct scene s = scene_open(KIND_BERNOULLI);
    struct answers a;
    const unsigned sums = ONLY(KL_BY_LATENT) | ONLY(TERMS);
    float weight[ROWS] = {0};
    s.batch.weight = weight;
    for (int i = 0; i < 2; i++) {
        s.batch.total_weight = 10.0 * i;
        must_ask(s.model, &s.batch, 2, ALL_ANSWERS, &a);
        untouched(&a, ALL_ANSWERS & ~sums, "no weight");
        ck_assert(a.terms.elbo == 0 && a.terms.loglik == 0 && a.terms.kl == 0 && a.kl_by_latent[1] == 0);
    }
    scene_close(&s);
}
END_TEST

/* ---- what may not be combined ---- */

static void refuse(
    struct scene *s, const vae_batch *batch, uint64_t samples, unsigned which, const char *word)
{
    struct answers a;
    int status = ask(s->model, batch, samples, which, &a);
    ck_assert_msg(status == VAE_ERR_ARG, "%s: status %d", word, status);
    ck_assert_msg(strstr(vae_last_error(), "vae_infer") && strstr(vae_last_error(), word),
        "\"%s\" lacks \"%s\"", vae_last_error(), word);
    untouched(&a, ALL_ANSWERS, word);
}

static void refuse_each(struct scene *s, const vae_batch *batch, unsigned which)
{
    for (int i = 0; i < ANSWERS; i++)
        if (which & ONLY(i))
            refuse(s, batch, 1, ONLY(i) | ONLY(Z) | ONLY(X_MEAN), answer_names[i]);
}

START_TEST(combinations_refused)
{
    struct scene s = scene_open(KIND_GAUSS_CELL);
    float z[LATENTS] = {0};
    vae_batch batch = s.batch;
    batch.x = NULL;
    refuse(&s, &batch, 1, ALL_ANSWERS, "x");
    refuse(&s, &batch, 1, ONLY(Z), "x");
    batch = s.batch;
    batch.z = z;
    refuse_each(&s, &batch, ALL_ANSWERS & ~ANSWERS_OF_Z);
    refuse(&s, &batch, 2, ONLY(LOGLIK), "samples");
    refuse(&s, &batch, 65536, ANSWERS_OF_Z, "samples");
    batch.x = NULL;
    refuse_each(&s, &batch, ALL_ANSWERS & ~ANSWERS_OF_PRIOR);
    batch.source = VAE_FROM_PRIOR;
    refuse(&s, &batch, 1, ONLY(Z), "z");
    batch.z = NULL;
    refuse_each(&s, &batch, ALL_ANSWERS & ~ANSWERS_OF_PRIOR);
    batch.x = s.x;
    refuse(&s, &batch, 1, ONLY(Z), "x");
    batch.source = 2;
    refuse(&s, &batch, 1, ONLY(Z), "source");
    scene_close(&s);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {outputs_of_the_first_draw, values_of_one_draw, columns_by_section_2,
        means_over_draws, first_draws_stay, draws_of_the_prior, divergence_by_latent, rows_by_index, weights,
        parts_of_a_total, no_weight_at_all, combinations_refused};
    return RUN_SUITE("infer", tests);
}
