/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Weights of rows: in training, for every likelihood and both objectives, and in vae_infer().
 */
#include "../support/passes.h"
#include "../support/runner.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROWS = 11, X = 13, Z = 3 };

/* ---- weights ---- */

/* Row i alone with its own noise, added as often as its weight says, or that many times less. */
static void check_weights(const struct plan *plan)
{
    static const float weight[ROWS] = {1, 2, 0, 3, 1, 0.5f, 0, 2.25f, 1, 1e-3f, 4};
    vae_model *model = model_of(plan);
    float *x = rows_for(model, ROWS, 1);
    double sum = 0;
    struct total total;
    total_open(&total, model);
    for (size_t i = 0; i < ROWS; i++)
        sum += (double)weight[i];
    for (size_t i = 0; i < ROWS; i++) {
        vae_batch row = batch_of(model, x + i * X, 1);
        row.first_row = i;
        row.total_weight = sum;
        total_add(&total, model, &row, (double)weight[i]);
    }
    vae_batch batch = batch_of(model, x, ROWS);
    batch.weight = weight;
    struct pass all = pass_of(model, &batch);
    total_is(&total, model, &all);
    free(all.grads);
    free(x);
    vae_destroy(model);
}

START_TEST(weights_count_rows)
{
    each_kind(check_weights);
}
END_TEST

/* A factor of all weights is none of the result's, be it a power of two: to the bit. */
START_TEST(weights_are_relative)
{
    float one[ROWS], four[ROWS];
    struct plan plan;
    plan_pass(&plan, KIND_GAUSS_SPAN, VAE_ELBO);
    vae_model *model = model_of(&plan);
    float *x = rows_for(model, ROWS, 1);
    for (int i = 0; i < ROWS; i++)
        four[i] = 4 * (one[i] = 1);
    vae_batch batch = batch_of(model, x, ROWS);
    struct pass none = pass_of(model, &batch);
    batch.weight = one;
    struct pass ones = pass_of(model, &batch);
    batch.weight = four;
    struct pass fours = pass_of(model, &batch);
    size_t bytes = (size_t)vae_param_count(model) * sizeof(float);
    ck_assert_int_eq(memcmp(&none.terms, &ones.terms, sizeof none.terms), 0);
    ck_assert_int_eq(memcmp(&none.terms, &fours.terms, sizeof none.terms), 0);
    ck_assert_int_eq(memcmp(none.grads, ones.grads, bytes), 0);
    ck_assert_int_eq(memcmp(none.grads, fours.grads, bytes), 0);
    free(none.grads);
    free(ones.grads);
    free(fours.grads);
    free(x);
    vae_destroy(model);
}
END_TEST

/* Rows as n, the last ones of which may not be read: behind them is a page without access. */
struct fence {
    char *at;
    size_t page, pages;
    float *x;
};

static void fence_open(struct fence *f, const float *x, size_t rows)
{
    size_t bytes = rows * X * sizeof *x;
    f->page = (size_t)sysconf(_SC_PAGESIZE);
    f->pages = bytes / f->page + 2;
    f->at = mmap(NULL, f->pages * f->page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(f->at, MAP_FAILED);
    f->x = (float *)(f->at + (f->pages - 1) * f->page - bytes);
    memcpy(f->x, x, bytes);
    ck_assert_int_eq(mprotect(f->at + (f->pages - 1) * f->page, f->page, PROT_NONE), 0);
}

static void fence_close(struct fence *f)
{
    munmap(f->at, f->pages * f->page);
}

/* Rows of weight 0 hold NaN, or are not there at all: the bits of sane rows with the same weights. */
static void check_unread(const struct plan *plan)
{
    static const float weight[ROWS] = {0, 1, 0, 0, 2, 1, 1, 0.5f, 0, 0, 0};
    enum { READ = 8 };
    vae_model *sane = model_of(plan), *model = model_of(plan);
    struct fence fence;
    float *x = rows_for(sane, ROWS, 1);
    vae_batch batch = batch_of(sane, x, ROWS);
    vae_terms a = empty_terms(), b = empty_terms();
    batch.weight = weight;
    fence_open(&fence, x, READ);
    for (size_t i = 0; i < READ; i++)
        for (size_t j = 0; weight[i] == 0 && j < X; j++)
            fence.x[i * X + j] = j % 2 ? (float)NAN : -3e38f;
    for (int step = 0; step < 3; step++) {
        batch.x = x;
        must(vae_step_batch(sane, &batch, &a));
        batch.x = fence.x;
        must(vae_step_batch(model, &batch, &b));
        ck_assert_int_eq(memcmp(&a, &b, sizeof a), 0);
    }
    same_models(sane, model);
    fence_close(&fence);
    free(x);
    vae_destroy(sane);
    vae_destroy(model);
}

START_TEST(rows_of_weight_zero_are_not_read)
{
    each_kind(check_unread);
}
END_TEST

/* What vae_infer() gives for a batch. */
struct answers {
    double elbo[ROWS];
    float mu[ROWS * Z], x_mean[ROWS * X];
};

static vae_terms infer(vae_model *model, const vae_batch *batch, struct answers *a)
{
    vae_terms terms = empty_terms();
    vae_outputs outputs;
    vae_outputs_init(&outputs, sizeof outputs);
    outputs.samples = 2;
    outputs.elbo = a->elbo;
    outputs.mu = a->mu;
    outputs.x_mean = a->x_mean;
    must(vae_infer(model, batch, &outputs, &terms));
    return terms;
}

/* Of one row the bytes of all outputs. */
static void row_is(const struct answers *a, const struct answers *b, int i)
{
    ck_assert_int_eq(memcmp(&a->elbo[i], &b->elbo[i], sizeof *a->elbo), 0);
    ck_assert_int_eq(memcmp(a->mu + i * Z, b->mu + i * Z, Z * sizeof *a->mu), 0);
    ck_assert_int_eq(memcmp(a->x_mean + i * X, b->x_mean + i * X, X * sizeof *a->x_mean), 0);
}

/* Outputs of rows that are left out stay, those of the others are as without weights; means are weighted. */
START_TEST(outputs_of_weight_zero_stay)
{
    static const float weight[ROWS] = {0, 1, 0, 0, 2, 1, 1, 0.5f, 0, 3, 0};
    struct answers plain, before, after;
    double mean = 0, sum = 0;
    struct plan plan;
    plan_pass(&plan, KIND_GAUSS_CELL, VAE_ELBO);
    plan.runtime.max_batch = 4; /* in chunks */
    vae_model *model = model_of(&plan);
    float *x = rows_for(model, ROWS, 1);
    vae_batch batch = batch_of(model, x, ROWS);
    infer(model, &batch, &plain);
    for (int i = 0; i < ROWS * X; i++)
        x[i] = weight[i / X] == 0 ? (float)NAN : x[i];
    memset(&before, 0x41, sizeof before);
    memcpy(&after, &before, sizeof after);
    batch.weight = weight;
    vae_terms terms = infer(model, &batch, &after);
    for (int i = 0; i < ROWS; i++) {
        row_is(&after, weight[i] == 0 ? &before : &plain, i);
        mean += (double)weight[i] * plain.elbo[i];
        sum += (double)weight[i];
    }
    ck_assert_double_eq_tol(terms.elbo, mean / sum, 1e-12 * fabs(mean / sum));
    free(x);
    vae_destroy(model);
}
END_TEST

/* Weights must be finite and not negative, total_weight too; no row at all is for total_weight alone. */
START_TEST(weights_that_are_refused)
{
    const double bad[] = {NAN, INFINITY, -INFINITY, -1, -1e-30};
    struct plan plan;
    plan_pass(&plan, KIND_BERNOULLI, VAE_ELBO);
    vae_model *model = model_of(&plan), *twin = model_of(&plan);
    float *x = rows_for(model, ROWS, 1), weight[ROWS] = {0};
    vae_outputs outputs;
    vae_outputs_init(&outputs, sizeof outputs);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        vae_batch batch = batch_of(model, x, ROWS);
        batch.total_weight = bad[i];
        ck_assert_int_eq(vae_step_batch(model, &batch, NULL), VAE_ERR_ARG);
        ck_assert_int_eq(vae_infer(model, &batch, &outputs, NULL), VAE_ERR_ARG);
        batch.total_weight = 1;
        batch.weight = weight;
        weight[ROWS - 1] = (float)bad[i];
        ck_assert_int_eq(vae_step_batch(model, &batch, NULL), VAE_ERR_ARG);
        ck_assert_int_eq(vae_grad(model, &batch, NULL), VAE_ERR_ARG);
        ck_assert_int_eq(vae_infer(model, &batch, &outputs, NULL), VAE_ERR_ARG);
        ck_assert_msg(strstr(vae_last_error(), "weight"), "%s", vae_last_error());
        weight[ROWS - 1] = 0;
    }
    vae_batch batch = batch_of(model, x, ROWS);
    batch.weight = weight;
    ck_assert_int_eq(vae_step_batch(model, &batch, NULL), VAE_ERR_ARG);
    batch.n = 0;
    batch.weight = NULL;
    ck_assert_int_eq(vae_grad(model, &batch, NULL), VAE_ERR_ARG);
    same_models(model, twin);
    free(x);
    vae_destroy(model);
    vae_destroy(twin);
}
END_TEST

/* A machine that has no rows left still takes part: a gradient of zeros, terms of zero, a step. */
START_TEST(no_rows_with_a_total)
{
    const float weight[ROWS] = {0};
    struct plan plan;
    plan_pass(&plan, KIND_GAUSS_SPAN, VAE_ELBO);
    vae_model *model = model_of(&plan);
    float *x = rows_for(model, ROWS, 1);
    for (int none = 0; none < 2; none++) {
        vae_batch batch = batch_of(model, none ? NULL : x, none ? 0 : ROWS);
        batch.weight = none ? NULL : weight;
        batch.total_weight = 5;
        struct pass pass = pass_of(model, &batch);
        for (uint64_t i = 0; i < vae_param_count(model); i++)
            ck_assert(pass.grads[i] == 0);
        ck_assert(pass.terms.objective == 0 && pass.terms.elbo == 0 && pass.terms.loglik == 0 &&
                  pass.terms.kl == 0 && pass.terms.grad_norm == 0);
        must(vae_step_batch(model, &batch, NULL));
        free(pass.grads);
    }
    ck_assert_uint_eq(vae_steps(model), 2);
    free(x);
    vae_destroy(model);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {weights_count_rows, weights_are_relative, rows_of_weight_zero_are_not_read,
        outputs_of_weight_zero_stay, weights_that_are_refused, no_rows_with_a_total};
    return RUN_SUITE("weights", tests);
}
