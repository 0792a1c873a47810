/* SPDX-License-Identifier: BSD-2-Clause
 * Test. A product of the program's, vae_runtime.sgemm: one by the book, which checks its arguments, and that
 * of a CBLAS. The library's answers to 1e-4, gradients and training too, with two threads as with one;
 * canonical parameters of either fit the other. Exit status 77 (skipped) without a CBLAS.
 */
#include "../support/models.h"
#include "../support/runner.h"
#include "../support/sgemm.h"

#ifdef HAVE_CBLAS
#include <cblas.h>
#endif
#include <math.h>
#include <stdatomic.h>
#include <string.h>

enum { ROWS = 16, X = 57, Z = 6 };

/* ---- the products ---- */

static _Atomic size_t calls, refused; /* Check's assertions are not for other threads */

static void by_the_book(int order, int transa, int transb, int m, int n, int k, float alpha, const float *a,
    int lda, const float *b, int ldb, float beta, float *c, int ldc)
{
    calls++;
    refused += !sgemm_takes(order, transa, transb, m, n, k, lda, ldb, ldc);
    sgemm_by_the_book(order, transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

#ifdef HAVE_CBLAS
/* As in the header's comment. */
static void of_cblas(int order, int transa, int transb, int m, int n, int k, float alpha, const float *a,
    int lda, const float *b, int ldb, float beta, float *c, int ldc)
{
    calls++;
    cblas_sgemm(order, transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
#endif

static sgemm_function *const products[] = {
    by_the_book,
#ifdef HAVE_CBLAS
    of_cblas,
#endif
};
enum { PRODUCTS = sizeof products / sizeof *products };

/* It was called since the last time, as it may be. */
static void was_called(void)
{
    ck_assert_uint_gt(calls, 0);
    ck_assert_uint_eq(refused, 0);
    calls = 0;
}

/* ---- against the library's ---- */

static double distance(size_t n, const float *a, const float *b)
{
    double error = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        error += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        norm += (double)b[i] * (double)b[i];
    }
    return sqrt(error / norm);
}

static void compare_readings(vae_model *own, vae_model *native, const float *x)
{
    double elbo[2][ROWS];
    float mean[2][ROWS * X];
    must(vae_elbo(own, x, ROWS, 2, elbo[0], NULL));
    must(vae_elbo(native, x, ROWS, 2, elbo[1], NULL));
    must(vae_reconstruct(own, x, ROWS, mean[0]));
    must(vae_reconstruct(native, x, ROWS, mean[1]));
    for (int i = 0; i < ROWS; i++)
        ck_assert_double_eq_tol(elbo[0][i], elbo[1][i], 1e-4 * fabs(elbo[1][i]));
    ck_assert_double_le(distance(ROWS * X, mean[0], mean[1]), 1e-4);
}

static void compare_training(vae_model *own, vae_model *native, const float *x)
{
    size_t count = (size_t)vae_param_count(native);
    for (int step = 0; step < 20; step++) {
        vae_batch batch = batch_of(native, x, ROWS);
        vae_terms a = empty_terms(), b = empty_terms();
        if (step == 0) {
            must(vae_grad(own, &batch, &a));
            must(vae_grad(native, &batch, &b));
            float *ga = grads_of(own), *gb = grads_of(native);
            ck_assert_double_le(distance(count, ga, gb), 1e-5);
            free(ga);
            free(gb);
            must(vae_apply(own, NULL));
            must(vae_apply(native, NULL));
        } else {
            must(vae_step(own, x, ROWS, &a));
            must(vae_step(native, x, ROWS, &b));
        }
        ck_assert_double_eq_tol(a.elbo, b.elbo, 1e-4 * fabs(b.elbo));
        ck_assert_double_eq_tol(a.grad_norm, b.grad_norm, 1e-4 * b.grad_norm);
    }
    float *pa = params_of(own), *pb = params_of(native);
    ck_assert_double_le(distance(count, pa, pb), 1e-4);
    must(vae_set_params(own, pb, (uint64_t)count));
    same_models(own, native);
    free(pa);
    free(pb);
}

static void check_product(sgemm_function *sgemm, size_t kind, int32_t threads)
{
    const uint64_t widths[] = {70, 33};
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_TANH, 2);
    plan_sizes(&plan, X, Z, widths, 2);
    plan_kind(&plan, kind);
    plan.encoder[kind % 2].kind = plan.decoder[kind / 2 % 2].kind = VAE_LAYER_GATED;
    plan.runtime.threads = threads;
    plan.training.samples = 2;
    vae_model *native = model_of(&plan);
    plan.runtime.sgemm = sgemm;
    vae_model *own = model_of(&plan), *view = view_of(own, 5);
    same_models(own, native);
    float *x = rows_for(native, ROWS, 1);
    calls = refused = 0;
    compare_readings(own, native, x);
    was_called();
    compare_training(own, native, x);
    was_called();
    compare_readings(view, native, x);
    was_called();
    free(x);
    vae_destroy(view);
    vae_destroy(own);
    vae_destroy(native);
}

START_TEST(as_the_librarys_product)
{
    for (int k = 0; k < PRODUCTS; k++)
        for (size_t i = 0; i < likelihood_count; i++)
            for (int32_t threads = 1; threads <= 2; threads++)
                check_product(products[k], i, threads);
}
END_TEST

/* Sides of one: a CBLAS is strict about strides that do not matter. */
START_TEST(sides_of_one)
{
    const uint64_t one = 1;
    for (int k = 0; k < PRODUCTS; k++) {
        struct plan plan;
        plan_init(&plan, VAE_GAUSS, VAE_TANH, 1);
        plan_sizes(&plan, 1, 1, &one, 1);
        vae_model *native = model_of(&plan);
        plan.runtime.sgemm = products[k];
        vae_model *own = model_of(&plan);
        float *x = rows_for(native, ROWS, 1);
        compare_training(own, native, x);
        was_called();
        free(x);
        vae_destroy(own);
        vae_destroy(native);
    }
}
END_TEST

/* Errors change nothing here either. */
START_TEST(nonfinite_rows)
{
    for (int k = 0; k < PRODUCTS; k++) {
        struct plan plan;
        plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 1);
        plan.runtime.sgemm = products[k];
        vae_model *model = model_of(&plan), *twin = model_of(&plan);
        float *x = rows_for(model, ROWS, 1);
        x[20] = NAN;
        ck_assert_int_eq(vae_step(model, x, ROWS, NULL), VAE_ERR_NONFINITE);
        ck_assert(strstr(vae_last_error(), "row 1"));
        train_some(model, 2, ROWS);
        train_some(twin, 2, ROWS);
        same_models(model, twin);
        free(x);
        vae_destroy(model);
        vae_destroy(twin);
    }
}
END_TEST

/* One column, and no row that counts: the gradient is 0, and not what the last one left. */
START_TEST(no_row_that_counts)
{
    const float zeros[ROWS] = {0};
    const uint64_t one = 1;
    for (int k = 0; k < PRODUCTS; k++)
        for (int all = 0; all < 2; all++) {
            struct plan plan;
            vae_terms terms = empty_terms();
            plan_init(&plan, VAE_GAUSS, VAE_TANH, 1);
            plan_sizes(&plan, 1, 1, &one, 1);
            plan.runtime.sgemm = products[k];
            vae_model *model = model_of(&plan);
            float *x = rows_for(model, ROWS, 1);
            vae_batch batch = batch_of(model, x, ROWS);
            must(vae_grad(model, &batch, NULL));
            batch.total_weight = 3;
            batch.weight = zeros;
            if (!all)
                batch.n = 0;
            must(vae_grad(model, &batch, &terms));
            ck_assert(terms.grad_norm == 0 && terms.elbo == 0);
            batch.x = all ? x : NULL;
            must(vae_grad(model, &batch, &terms));
            ck_assert(terms.grad_norm == 0);
            ck_assert_uint_eq(refused, 0);
            free(x);
            vae_destroy(model);
        }
}
END_TEST

int main(void)
{
    const TTest *tests[] = {as_the_librarys_product, sides_of_one, nonfinite_rows, no_row_that_counts};
    int status = RUN_SUITE("cblas", tests);
#ifndef HAVE_CBLAS
    status = status == EXIT_SUCCESS ? TEST_SKIPPED : status;
#endif
    return status;
}
