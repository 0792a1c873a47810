/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Batches: rows by index, a batch in parts with total_weight and first_row, seeds. In training, for
 * every likelihood and both objectives, and in vae_infer().
 */
#include "../support/noise.h"
#include "../support/passes.h"
#include "../support/runner.h"

#include <string.h>

enum { ROWS = 11, X = 13, Z = 3 };

/* ---- index ---- */

static const uint32_t places[ROWS] = {4, 0, 19, 4, 7, 7, 7, 12, 1, 0, 18};
enum { DATA = 20 };

/* Rows by index, repeats among them, and their contiguous copies, weights too: the same bits. */
static void check_index(const struct plan *plan)
{
    vae_model *gathered = model_of(plan), *copied = model_of(plan);
    float *data = rows_for(gathered, DATA, 1), x[ROWS * X], weights[DATA], weight[ROWS];
    vae_terms a = empty_terms(), b = empty_terms();
    for (int i = 0; i < DATA; i++)
        weights[i] = 0.25f * (float)(i % 5);
    for (int i = 0; i < ROWS; i++) {
        memcpy(x + i * X, data + places[i] * X, X * sizeof *x);
        weight[i] = weights[places[i]];
    }
    vae_batch by_index = batch_of(gathered, data, ROWS), by_copy = batch_of(copied, x, ROWS);
    by_index.index = places;
    for (int step = 0; step < 4; step++) {
        by_index.weight = step % 2 ? weights : NULL;
        by_copy.weight = step % 2 ? weight : NULL;
        must(vae_step_batch(gathered, &by_index, &a));
        must(vae_step_batch(copied, &by_copy, &b));
        ck_assert_int_eq(memcmp(&a, &b, sizeof a), 0);
    }
    same_models(gathered, copied);
    free(data);
    vae_destroy(gathered);
    vae_destroy(copied);
}

START_TEST(rows_by_index)
{
    each_kind(check_index);
}
END_TEST

struct answers {
    double elbo[ROWS], loglik[ROWS], by_latent[Z];
    float mu[ROWS * Z], x_mean[ROWS * X], x_draw[ROWS * X];
};

static void infer(vae_model *model, const vae_batch *batch, struct answers *a)
{
    vae_outputs outputs;
    vae_outputs_init(&outputs, sizeof outputs);
    memset(a, 0, sizeof *a);
    outputs.samples = 2;
    outputs.elbo = a->elbo;
    outputs.loglik = a->loglik;
    outputs.kl_by_latent = a->by_latent;
    outputs.mu = a->mu;
    outputs.x_mean = a->x_mean;
    outputs.x_draw = a->x_draw;
    must(vae_infer(model, batch, &outputs, NULL));
}

/* vae_infer() too, in chunks of four. */
START_TEST(rows_by_index_are_read)
{
    for (size_t kind = 0; kind < likelihood_count; kind++) {
        struct plan plan;
        struct answers gathered, copied;
        float x[ROWS * X];
        plan_pass(&plan, kind, VAE_ELBO);
        plan.runtime.max_batch = 4;
        vae_model *model = model_of(&plan);
        float *data = rows_for(model, DATA, 1);
        for (int i = 0; i < ROWS; i++)
            memcpy(x + i * X, data + places[i] * X, X * sizeof *x);
        vae_batch batch = batch_of(model, data, ROWS);
        batch.index = places;
        infer(model, &batch, &gathered);
        batch = batch_of(model, x, ROWS);
        infer(model, &batch, &copied);
        ck_assert_int_eq(memcmp(&gathered, &copied, sizeof copied), 0);
        free(data);
        vae_destroy(model);
    }
}
END_TEST

/* ---- parts ---- */

/* Two parts of a batch, of ever other sizes, with one total_weight and first_row: they add up to the
 * whole. */
static void check_parts(const struct plan *plan)
{
    vae_model *model = model_of(plan);
    float *x = rows_for(model, ROWS, 1);
    train_some(model, 2, ROWS);
    for (size_t cut = 0; cut <= ROWS; cut += 1 + cut / 2) {
        struct total total;
        vae_batch whole = batch_of(model, x, ROWS);
        whole.first_row = 40;
        whole.seed = 3;
        vae_batch head = whole, tail = whole;
        head.n = cut;
        tail.n = ROWS - cut;
        tail.x += cut * X;
        tail.first_row += cut;
        head.total_weight = tail.total_weight = ROWS;
        total_open(&total, model);
        total_add(&total, model, &head, 1);
        total_add(&total, model, &tail, 1);
        struct pass all = pass_of(model, &whole);
        total_is(&total, model, &all);
        free(all.grads);
    }
    free(x);
    vae_destroy(model);
}

START_TEST(parts_add_up)
{
    each_kind(check_parts);
}
END_TEST

/* The noise of a part is that of the whole: the bits of every row. In training, each row's log-likelihood. */
START_TEST(parts_have_the_noise_of_the_whole)
{
    struct plan plan;
    struct answers whole, head, tail;
    double sum = 0;
    enum { CUT = 4 };
    plan_pass(&plan, KIND_GAUSS_CELL, VAE_ELBO);
    vae_model *model = model_of(&plan);
    float *x = rows_for(model, ROWS, 1);
    vae_batch batch = batch_of(model, x, ROWS), part = batch;
    vae_terms terms = empty_terms(), row = empty_terms();
    infer(model, &batch, &whole);
    part.n = CUT;
    infer(model, &part, &head);
    part = batch_of(model, x + CUT * X, ROWS - CUT);
    infer(model, &part, &tail);
    ck_assert(memcmp(tail.elbo, whole.elbo + CUT, (ROWS - CUT) * sizeof *tail.elbo) != 0);
    part.first_row = CUT;
    infer(model, &part, &tail);
    ck_assert_int_eq(memcmp(head.elbo, whole.elbo, CUT * sizeof *head.elbo), 0);
    ck_assert_int_eq(memcmp(tail.elbo, whole.elbo + CUT, (ROWS - CUT) * sizeof *tail.elbo), 0);
    ck_assert_int_eq(memcmp(tail.x_draw, whole.x_draw + CUT * X, (ROWS - CUT) * X * sizeof *tail.x_draw), 0);
    must(vae_grad(model, &batch, &terms));
    for (size_t i = 0; i < ROWS; i++) {
        vae_batch one = batch_of(model, x + i * X, 1);
        one.first_row = i;
        must(vae_grad(model, &one, &row));
        sum += row.loglik;
    }
    ck_assert(terms.loglik == sum / ROWS);
    free(x);
    vae_destroy(model);
}
END_TEST

/* ---- seeds ---- */

/* The key is the model's seed XOR mix(the batch's): a model of that seed has the same noise by itself. */
START_TEST(seeds_are_mixed)
{
    struct plan plan;
    plan_pass(&plan, KIND_GAUSS_CELL, VAE_ELBO);
    vae_model *model = model_of(&plan);
    plan.config.seed = noise_key(5, 9);
    vae_model *other = model_of(&plan);
    float *x = rows_for(model, ROWS, 1), *params = params_of(model);
    must(vae_set_params(other, params, vae_param_count(model)));
    vae_batch batch = batch_of(model, x, ROWS);
    struct answers a, b;
    vae_terms terms[3] = {empty_terms(), empty_terms(), empty_terms()};
    must(vae_grad(other, &batch, &terms[0]));
    infer(other, &batch, &a);
    must(vae_grad(model, &batch, &terms[1]));
    batch.seed = 9;
    must(vae_grad(model, &batch, &terms[2]));
    infer(model, &batch, &b);
    ck_assert_int_eq(memcmp(&terms[0], &terms[2], sizeof *terms), 0);
    ck_assert_int_ne(memcmp(&terms[0], &terms[1], sizeof *terms), 0);
    ck_assert_int_eq(memcmp(&a, &b, sizeof a), 0);
    free(x);
    free(params);
    vae_destroy(model);
    vae_destroy(other);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {rows_by_index, rows_by_index_are_read, parts_add_up,
        parts_have_the_noise_of_the_whole, seeds_are_mixed};
    return RUN_SUITE("batches", tests);
}
