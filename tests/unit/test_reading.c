/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Reading calls are pure functions: their bits do not depend on what else is asked, on how rows are
 * cut, strided or given to threads, and the short forms are vae_infer(). What the outputs mean is in
 * test_infer.c.
 */
#include "../support/answers.h"
#include "../support/runner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LD = 17 };

static const uint64_t draws[] = {0, 1, 5};
enum { DRAWS = sizeof draws / sizeof *draws };

/* A model of some kind and rows for it. */
struct scene {
    vae_model *model;
    float *x;
    vae_batch batch;
    const char *name;
};

static void plan_scene(struct plan *plan, size_t kind)
{
    plan_any(plan, kind, kind % 2 ? VAE_GELU : VAE_SOFTPLUS);
}

static struct scene scene_open(size_t kind)
{
    struct plan plan;
    struct scene s;
    plan_scene(&plan, kind);
    s.model = model_of(&plan);
    s.x = rows_for(s.model, ROWS, 1);
    s.batch = batch_of(s.model, s.x, ROWS);
    s.name = kind_name(kind);
    return s;
}

static void scene_close(struct scene *s)
{
    free(s->x);
    vae_destroy(s->model);
}

static void alone(struct scene *s, uint64_t samples)
{
    struct answers all, one;
    must_ask(s->model, &s->batch, samples, ALL_ANSWERS, &all);
    for (int i = 0; i < ANSWERS; i++) {
        must_ask(s->model, &s->batch, samples, ONLY(i), &one);
        same_answers(&all, &one, ONLY(i), s->name);
        untouched(&one, ALL_ANSWERS & ~ONLY(i), s->name);
    }
    for (int i = 0; i < ANSWERS; i++) {
        must_ask(s->model, &s->batch, samples, ALL_ANSWERS & ~ONLY(i), &one);
        same_answers(&all, &one, ALL_ANSWERS & ~ONLY(i), s->name);
        untouched(&one, ONLY(i), s->name);
    }
}

/* Each output alone, and all but that one. */
START_TEST(alone_and_together)
{
    for (size_t kind = 0; kind <= likelihood_count; kind++)
        for (int d = 0; d < DRAWS; d++) {
            struct scene s = scene_open(kind);
            alone(&s, draws[d]);
            scene_close(&s);
        }
}
END_TEST

/* ---- short forms ---- */

static void check_bounds(struct scene *s, uint64_t samples)
{
    struct answers all;
    double elbo[ROWS], score[ROWS];
    vae_terms terms = empty_terms();
    must_ask(s->model, &s->batch, samples, ALL_ANSWERS, &all);
    must(vae_elbo(s->model, s->x, ROWS, (size_t)samples, elbo, &terms));
    must(vae_score(s->model, s->x, ROWS, (size_t)samples, score));
    ck_assert_msg(memcmp(elbo, all.elbo, sizeof elbo) == 0, "%s: elbo", s->name);
    ck_assert_msg(memcmp(&terms, &all.terms, sizeof terms) == 0, "%s: terms", s->name);
    for (int i = 0; i < ROWS; i++)
        ck_assert_msg(score[i] == -elbo[i], "%s: score of row %d", s->name, i);
    must(vae_elbo(s->model, s->x, ROWS, (size_t)samples, NULL, &terms));
    ck_assert_mem_eq(&terms, &all.terms, sizeof terms);
    must(vae_elbo(s->model, s->x, ROWS, (size_t)samples, NULL, NULL));
}

static void same_floats(const float *a, const float *b, size_t n, const struct scene *s, const char *what)
{
    ck_assert_msg(memcmp(a, b, n * sizeof *a) == 0, "%s: %s", s->name, what);
}

static void check_codes(struct scene *s)
{
    struct answers all, given, prior;
    float mu[ROWS * Z_DIM], logvar[ROWS * Z_DIM], alone_mu[ROWS * Z_DIM], mean[ROWS * X_DIM];
    vae_batch batch = s->batch;
    must_ask(s->model, &s->batch, 0, ALL_ANSWERS, &all);
    must(vae_encode(s->model, s->x, ROWS, mu, logvar));
    same_floats(mu, all.mu, ROWS * Z_DIM, s, "mu");
    same_floats(logvar, all.logvar, ROWS * Z_DIM, s, "logvar");
    must(vae_encode(s->model, s->x, ROWS, alone_mu, NULL));
    same_floats(mu, alone_mu, ROWS * Z_DIM, s, "mu alone");
    must(vae_reconstruct(s->model, s->x, ROWS, mean));
    same_floats(mean, all.x_mean, ROWS * X_DIM, s, "reconstruction");
    batch.x = NULL;
    batch.z = logvar;
    must_ask(s->model, &batch, 0, ANSWERS_OF_PRIOR, &given);
    must(vae_decode(s->model, logvar, ROWS, mean));
    same_floats(mean, given.x_mean, ROWS * X_DIM, s, "decoded latents");
    batch.z = NULL;
    batch.source = VAE_FROM_PRIOR;
    batch.seed = 8;
    must_ask(s->model, &batch, 1, ANSWERS_OF_PRIOR, &prior);
    must(vae_sample_mean(s->model, 8, ROWS, mean));
    same_floats(mean, prior.x_mean, ROWS * X_DIM, s, "means from the prior");
}

START_TEST(short_forms)
{
    for (size_t kind = 0; kind <= likelihood_count; kind++) {
        struct scene s = scene_open(kind);
        for (int d = 0; d < DRAWS; d++)
            check_bounds(&s, draws[d]);
        check_codes(&s);
        scene_close(&s);
    }
}
END_TEST

/* ---- cuts ---- */

/* Answers to the three kinds of question. */
struct set {
    struct answers data, at_mu, given, prior;
};

static void ask_all(vae_model *model, const struct scene *s, struct set *set)
{
    vae_batch batch = s->batch;
    must_ask(model, &batch, 3, ALL_ANSWERS, &set->data);
    must_ask(model, &batch, 0, ALL_ANSWERS, &set->at_mu);
    batch.z = set->data.logvar;
    must_ask(model, &batch, 1, ANSWERS_OF_Z, &set->given);
    batch.x = batch.z = NULL;
    batch.source = VAE_FROM_PRIOR;
    must_ask(model, &batch, 3, ANSWERS_OF_PRIOR, &set->prior);
}

static void same_sets(const struct set *a, const struct set *b, const char *what)
{
    same_answers(&a->data, &b->data, ALL_ANSWERS, what);
    same_answers(&a->at_mu, &b->at_mu, ALL_ANSWERS, what);
    same_answers(&a->given, &b->given, ANSWERS_OF_Z, what);
    same_answers(&a->prior, &b->prior, ANSWERS_OF_PRIOR, what);
}

static void check_cuts(struct scene *s, size_t kind, const struct set *first)
{
    const uint64_t batches[] = {1, 2, 7, 16, 36, 37, 38, 500};
    const int32_t threads[] = {1, 2, 3, 8};
    struct set other;
    for (size_t t = 0; t < 4; t++)
        for (size_t b = 0; b < 8; b++) {
            struct plan plan;
            plan_scene(&plan, kind);
            plan.runtime.max_batch = batches[b];
            plan.runtime.threads = threads[t];
            plan.runtime.inference_only = b % 2;
            vae_model *cut = model_of(&plan), *view = view_of(cut, batches[7 - b]);
            ask_all(cut, s, &other);
            same_sets(first, &other, s->name);
            ask_all(view, s, &other);
            same_sets(first, &other, s->name);
            vae_destroy(view);
            vae_destroy(cut);
        }
}

/* Models of other batches and threads, inference-only ones and views give the same bits. */
START_TEST(batches_and_threads_do_not_show)
{
    for (size_t kind = 0; kind <= likelihood_count; kind++) {
        struct scene s = scene_open(kind);
        struct set first, again;
        ask_all(s.model, &s, &first);
        check_cuts(&s, kind, &first);
        ask_all(s.model, &s, &again);
        same_sets(&first, &again, "asked again");
        scene_close(&s);
    }
}
END_TEST

/* Row by row, by first_row. */
START_TEST(rows_one_by_one)
{
    for (size_t kind = 0; kind <= likelihood_count; kind++) {
        struct scene s = scene_open(kind);
        struct set all, one;
        ask_all(s.model, &s, &all);
        for (size_t r = 0; r < ROWS; r++) {
            struct scene row = s;
            row.batch = batch_of(s.model, s.x + r * X_DIM, 1);
            row.batch.first_row = r;
            must_ask(s.model, &row.batch, 3, ALL_ANSWERS, &one.data);
            same_row(&one.data, 0, &all.data, r, ALL_ANSWERS, s.name);
            must_ask(s.model, &row.batch, 0, ALL_ANSWERS, &one.at_mu);
            same_row(&one.at_mu, 0, &all.at_mu, r, ALL_ANSWERS, s.name);
            row.batch.z = all.data.logvar + r * Z_DIM;
            must_ask(s.model, &row.batch, 1, ANSWERS_OF_Z, &one.given);
            same_row(&one.given, 0, &all.given, r, ANSWERS_OF_Z, s.name);
            row.batch.x = row.batch.z = NULL;
            row.batch.source = VAE_FROM_PRIOR;
            must_ask(s.model, &row.batch, 3, ANSWERS_OF_PRIOR, &one.prior);
            same_row(&one.prior, 0, &all.prior, r, ANSWERS_OF_PRIOR, s.name);
        }
        scene_close(&s);
    }
}
END_TEST

/* [n][d] as [n][LD], with NaN in the gap. */
static void widen(const float *from, size_t d, float *to)
{
    for (size_t i = 0; i < ROWS * LD; i++)
        to[i] = i % LD < d ? from[i / LD * d + i % LD] : NAN;
}

/* The strides of x and z: wide ones, their defaults, and one that is said. */
START_TEST(strides)
{
    for (size_t kind = 0; kind <= likelihood_count; kind++) {
        struct scene s = scene_open(kind);
        struct answers all, given, other;
        float x[ROWS * LD], z[ROWS * LD];
        s.batch.ldx = 0;
        must_ask(s.model, &s.batch, 3, ALL_ANSWERS, &all);
        s.batch.ldx = X_DIM;
        must_ask(s.model, &s.batch, 3, ALL_ANSWERS, &other);
        same_answers(&all, &other, ALL_ANSWERS, s.name);
        s.batch.z = all.z;
        must_ask(s.model, &s.batch, 1, ANSWERS_OF_Z, &given);
        widen(s.x, X_DIM, x);
        widen(all.z, Z_DIM, z);
        s.batch.x = x;
        s.batch.ldx = LD;
        s.batch.z = NULL;
        must_ask(s.model, &s.batch, 3, ALL_ANSWERS, &other);
        same_answers(&all, &other, ALL_ANSWERS, s.name);
        s.batch.z = z;
        s.batch.ldz = LD;
        must_ask(s.model, &s.batch, 1, ANSWERS_OF_Z, &other);
        same_answers(&given, &other, ANSWERS_OF_Z, s.name);
        scene_close(&s);
    }
}
END_TEST

/* Parameters, step count and an open gradient are as before; moments show in the steps after. */
START_TEST(nothing_is_changed)
{
    for (size_t kind = 0; kind <= likelihood_count; kind++) {
        struct scene s = scene_open(kind), twin = scene_open(kind);
        struct set set;
        s.batch.n = twin.batch.n = 16;
        train_some(s.model, 2, 16);
        train_some(twin.model, 2, 16);
        must(vae_grad(s.model, &s.batch, NULL));
        must(vae_grad(twin.model, &twin.batch, NULL));
        s.batch.n = ROWS;
        ask_all(s.model, &s, &set);
        must(vae_apply(s.model, NULL));
        must(vae_apply(twin.model, NULL));
        train_some(s.model, 2, 16);
        train_some(twin.model, 2, 16);
        same_models(s.model, twin.model);
        scene_close(&s);
        scene_close(&twin);
    }
}
END_TEST

/* ---- ends ---- */

START_TEST(no_rows_or_no_outputs)
{
    struct scene s = scene_open(KIND_GAUSS_SPAN);
    struct answers none;
    vae_batch batch;
    vae_terms terms = {sizeof terms, 9, 9, 9, 9, 9};
    vae_batch_init(&batch, sizeof batch);
    must_ask(s.model, &batch, 2, ALL_ANSWERS, &none);
    untouched(&none, ALL_ANSWERS & ~(ONLY(KL_BY_LATENT) | ONLY(TERMS)), "no rows");
    struct answers nothing;
    must_ask(s.model, &s.batch, 2, 0, &nothing);
    untouched(&nothing, ALL_ANSWERS, "no outputs");
    for (int j = 0; j < Z_DIM; j++)
        ck_assert(none.kl_by_latent[j] == 0);
    ck_assert(none.terms.objective == 0 && none.terms.elbo == 0 && none.terms.loglik == 0);
    ck_assert(none.terms.kl == 0 && none.terms.grad_norm == 0);
    must(vae_elbo(s.model, NULL, 0, 2, NULL, &terms));
    ck_assert(terms.elbo == 0 && terms.loglik == 0 && terms.kl == 0 && terms.grad_norm == 0);
    must(vae_score(s.model, NULL, 0, 0, NULL));
    must(vae_encode(s.model, NULL, 0, NULL, NULL));
    must(vae_decode(s.model, NULL, 0, NULL));
    must(vae_reconstruct(s.model, NULL, 0, NULL));
    must(vae_sample_mean(s.model, 0, 0, NULL));
    batch.source = VAE_FROM_PRIOR;
    must_ask(s.model, &batch, 2, ANSWERS_OF_PRIOR, &none);
    untouched(&none, ALL_ANSWERS, "no rows of the prior");
    scene_close(&s);
}
END_TEST

static void check_nan(struct scene *s, const struct set *good, int smooth)
{
    struct set bad;
    s->x[20 * X_DIM + 4] = NAN;
    ask_all(s->model, s, &bad);
    for (size_t r = 0; r < ROWS; r++) {
        if (r == 20)
            continue;
        same_row(&bad.data, r, &good->data, r, ALL_ANSWERS, s->name);
        same_row(&bad.at_mu, r, &good->at_mu, r, ALL_ANSWERS, s->name);
    }
    ck_assert_msg(isnan(bad.data.elbo[20]) && isnan(bad.at_mu.elbo[20]), "%s: elbo", s->name);
    ck_assert_msg(isnan(bad.data.loglik[20]) && isnan(bad.data.terms.elbo), "%s: loglik", s->name);
    ck_assert_msg(isnan(bad.data.loglik_by_column[20 * X_DIM + 4]), "%s: column", s->name);
    if (!smooth)
        return;
    ck_assert(isnan(bad.data.kl[20]) && isnan(bad.data.terms.kl) && isnan(bad.data.kl_by_latent[0]));
    for (int j = 0; j < X_DIM; j++)
        ck_assert(isnan(bad.at_mu.x_mean[20 * X_DIM + j]) && isnan(bad.data.x_mean[20 * X_DIM + j]));
}

/* NaN stays in its row, and in the means. */
START_TEST(rows_with_nan)
{
    for (int32_t threads = 1; threads <= 3; threads++)
        for (size_t kind = 0; kind <= likelihood_count; kind++) {
            struct plan plan;
            struct set good;
            int32_t activation = threads == 2 ? VAE_RELU : VAE_GELU;
            plan_any(&plan, kind, activation);
            plan.runtime.threads = threads;
            struct scene s = {.model = model_of(&plan), .name = kind_name(kind)};
            s.x = rows_for(s.model, ROWS, 1);
            s.batch = batch_of(s.model, s.x, ROWS);
            ask_all(s.model, &s, &good);
            check_nan(&s, &good, activation == VAE_GELU);
            scene_close(&s);
        }
}
END_TEST

int main(void)
{
    const TTest *tests[] = {alone_and_together, short_forms, batches_and_threads_do_not_show, rows_one_by_one,
        strides, nothing_is_changed, no_rows_or_no_outputs, rows_with_nan};
    return RUN_SUITE("reading", tests);
}
