/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Gradients in parts, vae_grad_add(): the gradient and the terms of the whole batch, with its noise;
 * gradients of the program's own, vae_set_grads().
 */
#include "../support/models.h"
#include "../support/passes.h"
#include "../support/runner.h"
#include "../support/sgemm.h"

#include <math.h>
#include <string.h>

enum { ROWS = 11, X = 13 };

/* ---- parts ---- */

static void is_finished(vae_model *model)
{
    double norm = 9;
    ck_assert_ptr_null(vae_grad_buffer(model, NULL));
    ck_assert_int_eq(vae_apply(model, &norm), VAE_ERR_STATE);
    ck_assert(norm == 9);
}

static double norm_of(const vae_model *model)
{
    uint64_t count = vae_param_count(model);
    float *g = grads_of(model);
    double sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += (double)g[i] * (double)g[i];
    free(g);
    return sqrt(sum);
}

/* Adds rows in parts that begin at 0, cut, 2 cut, ...; their terms' sums. */
static vae_terms add_parts(vae_model *model, const vae_batch *whole, size_t cut)
{
    vae_terms sums = empty_terms(), terms = empty_terms();
    for (size_t first = 0; first < whole->n; first += cut) {
        vae_batch part = *whole;
        part.n = whole->n - first < cut ? whole->n - first : cut;
        part.x += first * X;
        part.weight = whole->weight ? whole->weight + first : NULL;
        part.total_weight = whole->total_weight > 0 ? whole->total_weight : (double)whole->n;
        must(vae_grad_add(model, &part, &terms));
        sums.objective += terms.objective;
        sums.elbo += terms.elbo;
        sums.loglik += terms.loglik;
        sums.kl += terms.kl;
    }
    sums.grad_norm = terms.grad_norm;
    ck_assert_double_eq_tol(terms.grad_norm, norm_of(model), 1e-12 * terms.grad_norm);
    return sums;
}

static void near(double found, double wanted, double tolerance)
{
    ck_assert_double_le(fabs(found - wanted), tolerance * fabs(wanted));
}

/* The gradient that is open is that of `pass`, and so are the terms. */
static void is_whole(const vae_model *model, const vae_terms *sums, const struct pass *pass)
{
    uint64_t count = vae_param_count(model);
    float *grads = grads_of(model);
    double error = 0;
    for (uint64_t i = 0; i < count; i++)
        error += ((double)grads[i] - (double)pass->grads[i]) * ((double)grads[i] - (double)pass->grads[i]);
    ck_assert_double_le(sqrt(error), 1e-6 * pass->terms.grad_norm);
    near(sums->objective, pass->terms.objective, 1e-12);
    near(sums->elbo, pass->terms.elbo, 1e-12);
    near(sums->loglik, pass->terms.loglik, 1e-12);
    near(sums->kl, pass->terms.kl, 1e-12);
    near(sums->grad_norm, pass->terms.grad_norm, 1e-6);
    free(grads);
}

/* In the place of the gradient that is open. */
static void open_zero(vae_model *model)
{
    uint64_t count = vae_param_count(model);
    float *zeros = calloc((size_t)count, sizeof *zeros);
    must(vae_set_grads(model, zeros, count));
    free(zeros);
}

/* In parts of every size, with one first_row for all of them. */
static void check_parts(const struct plan *plan)
{
    vae_model *model = model_of(plan);
    float *x = rows_for(model, ROWS, 1), weight[ROWS];
    double norm;
    train_some(model, 2, ROWS);
    for (int i = 0; i < ROWS; i++)
        weight[i] = 0.5f * (float)(i % 3); /* rows of weight 0 have numbers, too */
    for (size_t cut = 1; cut <= ROWS; cut += 1 + cut / 2) {
        vae_batch whole = batch_of(model, x, ROWS);
        whole.first_row = 40;
        whole.seed = 3;
        whole.weight = cut % 2 ? weight : NULL;
        whole.total_weight = cut % 2 ? 7 : 0;
        struct pass pass = pass_of(model, &whole);
        open_zero(model);
        vae_terms sums = add_parts(model, &whole, cut);
        is_whole(model, &sums, &pass);
        must(vae_apply(model, &norm));
        ck_assert(norm == sums.grad_norm);
        is_finished(model);
        free(pass.grads);
    }
    free(x);
    vae_destroy(model);
}

START_TEST(parts_are_the_whole)
{
    each_kind(check_parts);
}
END_TEST

/* Parameters of a prior, whose gradients are sums over rows as well. */
START_TEST(parts_of_priors)
{
    for (int32_t prior = VAE_PRIOR_MIXTURE; prior <= VAE_PRIOR_VAMP; prior++)
        for (int32_t objective = VAE_ELBO; objective <= VAE_IWAE; objective++) {
            struct plan plan;
            plan_pass(&plan, KIND_GAUSS_SPAN, objective);
            plan.config.prior = prior;
            plan.config.prior_components = 4;
            check_parts(&plan);
        }
}
END_TEST

static void apply_both(vae_model *model, vae_model *twin)
{
    must(vae_apply(model, NULL));
    must(vae_apply(twin, NULL));
    same_models(model, twin);
}

/* One part is vae_grad() to the bit; a first part may be vae_grad()'s; rows are numbered anew for the next
 * gradient. */
START_TEST(beginnings)
{
    struct plan plan;
    plan_pass(&plan, KIND_GAUSS_SPAN, VAE_ELBO);
    vae_model *model = model_of(&plan), *twin = model_of(&plan);
    float *x = rows_for(model, ROWS, 1);
    vae_batch batch = batch_of(model, x, ROWS), head = batch, tail = batch;
    vae_adjoints nothing;
    vae_adjoints_init(&nothing, sizeof nothing);
    batch.total_weight = head.total_weight = tail.total_weight = ROWS;
    head.n = 4;
    tail.n = ROWS - 4;
    tail.x += 4 * X;
    for (int step = 0; step < 3; step++) {
        vae_terms a = empty_terms(), b = empty_terms();
        must(vae_grad(model, &batch, &a));
        if (step == 2) /* a gradient of zero, of no rows that count */
            must(vae_backward(twin, &batch, &nothing));
        must(vae_grad_add(twin, &batch, &b));
        ck_assert_mem_eq(&a, &b, sizeof a);
        apply_both(model, twin);
        must(vae_grad(model, &head, NULL));
        must(vae_grad_add(model, &tail, &a));
        must(vae_grad_add(twin, &head, NULL));
        must(vae_grad_add(twin, &tail, &b));
        ck_assert_mem_eq(&a, &b, sizeof a);
        if (step == 1) { /* another end */
            must(vae_step(model, x, ROWS, NULL));
            must(vae_step(twin, x, ROWS, NULL));
        } else {
            apply_both(model, twin);
        }
        is_finished(model);
        same_models(model, twin);
    }
    free(x);
    vae_destroy(model);
    vae_destroy(twin);
}
END_TEST

/* No rows at all make a gradient of zero. */
START_TEST(no_rows)
{
    struct plan plan;
    vae_terms terms = empty_terms();
    plan_pass(&plan, KIND_GAUSS_SPAN, VAE_ELBO);
    vae_model *model = model_of(&plan);
    vae_batch none = batch_of(model, NULL, 0);
    none.total_weight = 5;
    must(vae_grad_add(model, &none, &terms));
    ck_assert(terms.objective == 0 && terms.loglik == 0 && terms.kl == 0 && terms.grad_norm == 0);
    ck_assert(norm_of(model) == 0);
    float *x = rows_for(model, ROWS, 1);
    vae_batch batch = batch_of(model, x, ROWS);
    batch.total_weight = ROWS;
    must(vae_grad_add(model, &batch, NULL));
    double norm = norm_of(model);
    ck_assert(norm > 0);
    must(vae_grad_add(model, &none, &terms));
    ck_assert(terms.loglik == 0 && norm_of(model) == norm);
    free(x);
    vae_destroy(model);
}
END_TEST

/* The same bits on any number of threads; a product of the program's own adds, too. */
START_TEST(threads_and_products)
{
    const uint64_t widths[] = {150, 33};
    const int32_t threads[] = {1, 2, 8};
    struct plan plan;
    vae_model *first = NULL;
    for (int i = 0; i < 5; i++) {
        plan_init(&plan, VAE_GAUSS, VAE_TANH, 2);
        plan_scale(&plan, 0, VAE_PARAM_SPAN);
        plan_sizes(&plan, X, 5, widths, 2);
        plan.runtime.threads = threads[i % 3];
        plan.runtime.sgemm = i < 3 ? NULL : sgemm_by_the_book;
        vae_model *model = model_of(&plan);
        float *x = rows_for(model, ROWS, 1);
        vae_batch batch = batch_of(model, x, ROWS);
        struct pass pass = pass_of(model, &batch);
        open_zero(model);
        vae_terms sums = add_parts(model, &batch, 3);
        is_whole(model, &sums, &pass);
        must(vae_apply(model, NULL));
        if (i > 0 && i < 3)
            same_models(model, first);
        free(x);
        free(pass.grads);
        if (i == 0)
            first = model;
        else
            vae_destroy(model);
    }
    vae_destroy(first);
}
END_TEST

/* ---- errors ---- */

/* Found before the pass: the open gradient and the numbers of its rows stay. Later ones end it. */
START_TEST(errors)
{
    struct plan plan;
    plan_pass(&plan, KIND_BERNOULLI, VAE_ELBO);
    vae_model *model = model_of(&plan), *twin = model_of(&plan), *view = view_of(model, 4);
    float *x = rows_for(model, ROWS, 1);
    vae_batch batch = batch_of(model, x, 5), bad;
    batch.total_weight = ROWS;
    must(vae_grad_add(model, &batch, NULL));
    must(vae_grad_add(twin, &batch, NULL));
    bad = batch;
    bad.total_weight = 0;
    ck_assert_int_eq(vae_grad_add(model, &bad, NULL), VAE_ERR_ARG);
    ck_assert_msg(strstr(vae_last_error(), "vae_grad_add: batch.total_weight"), "%s", vae_last_error());
    bad = batch;
    bad.n = 17;
    ck_assert_int_eq(vae_grad_add(model, &bad, NULL), VAE_ERR_ARG);
    ck_assert_int_eq(vae_grad_add(view, &batch, NULL), VAE_ERR_STATE);
    ck_assert_int_eq(vae_grad_add(NULL, &batch, NULL), VAE_ERR_ARG);
    must(vae_grad_add(model, &batch, NULL));
    must(vae_grad_add(twin, &batch, NULL));
    apply_both(model, twin);
    const float values[] = {NAN, 2};
    for (int i = 0; i < 2; i++) {
        must(vae_grad_add(model, &batch, NULL));
        float kept = x[20];
        x[20] = values[i];
        vae_terms terms = {sizeof terms, 9, 9, 9, 9, 9};
        ck_assert_int_eq(vae_grad_add(model, &batch, &terms), i ? VAE_ERR_DATA : VAE_ERR_NONFINITE);
        ck_assert(terms.objective == 9 && terms.grad_norm == 9);
        x[20] = kept;
        is_finished(model);
    }
    must(vae_grad_add(model, &batch, NULL));
    vae_grad_buffer(model, NULL)[7] = 2e19f;
    ck_assert_int_eq(vae_grad_add(model, &batch, NULL), VAE_ERR_NONFINITE);
    ck_assert_msg(strstr(vae_last_error(), "gradient of "), "%s", vae_last_error());
    is_finished(model);
    must(vae_grad_add(model, &batch, NULL));
    must(vae_grad_add(twin, &batch, NULL));
    apply_both(model, twin);
    free(x);
    vae_destroy(view);
    vae_destroy(model);
    vae_destroy(twin);
}
END_TEST

/* ---- gradients of the program's own ---- */

/* One model's gradient, given to another one. */
START_TEST(gradients_go_in_as_they_come_out)
{
    struct plan plan;
    plan_pass(&plan, KIND_GAUSS_SPAN, VAE_ELBO);
    vae_model *model = model_of(&plan), *twin = model_of(&plan);
    uint64_t count = vae_param_count(model);
    float *x = rows_for(model, ROWS, 1);
    vae_batch batch = batch_of(model, x, ROWS);
    for (int step = 0; step < 3; step++) {
        double norms[2];
        must(vae_grad(model, &batch, NULL));
        float *grads = grads_of(model);
        if (step == 2)
            must(vae_grad(twin, &batch, NULL)); /* one that is replaced */
        must(vae_set_grads(twin, grads, count));
        float *again = grads_of(twin);
        ck_assert_mem_eq(grads, again, (size_t)count * sizeof *grads);
        must(vae_apply(model, &norms[0]));
        must(vae_apply(twin, &norms[1]));
        ck_assert(norms[0] == norms[1]);
        is_finished(twin);
        same_models(model, twin);
        free(grads);
        free(again);
    }
    free(x);
    vae_destroy(model);
    vae_destroy(twin);
}
END_TEST

START_TEST(refused_gradients)
{
    const float values[] = {NAN, INFINITY, -INFINITY};
    struct plan plan;
    plan_pass(&plan, KIND_GAUSS_SPAN, VAE_ELBO);
    vae_model *model = model_of(&plan), *view = view_of(model, 4);
    plan.runtime.inference_only = 1;
    vae_model *reader = model_of(&plan);
    uint64_t count = vae_param_count(model);
    float *grads = calloc((size_t)count, sizeof *grads);
    ck_assert_int_eq(vae_set_grads(view, grads, count), VAE_ERR_STATE);
    ck_assert_int_eq(vae_set_grads(reader, grads, count), VAE_ERR_STATE);
    ck_assert_int_eq(vae_set_grads(NULL, grads, count), VAE_ERR_ARG);
    ck_assert_int_eq(vae_set_grads(model, NULL, count), VAE_ERR_ARG);
    ck_assert_int_eq(vae_set_grads(model, grads, count - 1), VAE_ERR_ARG);
    is_finished(model);
    grads[5] = 2;
    must(vae_set_grads(model, grads, count));
    for (int i = 0; i < 3; i++) {
        grads[count - 1] = values[i];
        ck_assert_int_eq(vae_set_grads(model, grads, count), VAE_ERR_ARG);
        ck_assert_msg(strstr(vae_last_error(), "vae_set_grads: grads["), "%s", vae_last_error());
        ck_assert(norm_of(model) == 2);
    }
    grads[count - 1] = 2e19f; /* whose square overflows */
    must(vae_set_grads(model, grads, count));
    ck_assert_int_eq(vae_apply(model, NULL), VAE_ERR_NONFINITE);
    is_finished(model);
    free(grads);
    vae_destroy(reader);
    vae_destroy(view);
    vae_destroy(model);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {parts_are_the_whole, parts_of_priors, beginnings, no_rows, threads_and_products,
        errors, gradients_go_in_as_they_come_out, refused_gradients};
    return RUN_SUITE("micro batches", tests);
}
