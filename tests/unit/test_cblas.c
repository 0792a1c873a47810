/* SPDX-License-Identifier: BSD-2-Clause
 * Test. The CBLAS provider, where the build has one: the native product's answers to 1e-4, gradients and
 * training too, with two threads as with one; canonical parameters of either fit the other. Exit status 77
 * (skipped) without a BLAS.
 */
#include "../support/models.h"
#include "../support/runner.h"

#include <math.h>
#include <string.h>

enum { ROWS = 16, X = 57, Z = 6 };

static double distance(size_t n, const float *a, const float *b)
{
    double error = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        error += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        norm += (double)b[i] * (double)b[i];
    }
    return sqrt(error / norm);
}

static void compare_readings(vae_model *blas, vae_model *native, const float *x)
{
    double elbo[2][ROWS];
    float mean[2][ROWS * X];
    must(vae_elbo(blas, x, ROWS, 2, elbo[0], NULL));
    must(vae_elbo(native, x, ROWS, 2, elbo[1], NULL));
    must(vae_reconstruct(blas, x, ROWS, mean[0]));
    must(vae_reconstruct(native, x, ROWS, mean[1]));
    for (int i = 0; i < ROWS; i++)
        ck_assert_double_eq_tol(elbo[0][i], elbo[1][i], 1e-4 * fabs(elbo[1][i]));
    ck_assert_double_le(distance(ROWS * X, mean[0], mean[1]), 1e-4);
}

static void compare_training(vae_model *blas, vae_model *native, const float *x)
{
    size_t count = (size_t)vae_param_count(native);
    for (int step = 0; step < 20; step++) {
        vae_batch batch = batch_of(native, x, ROWS);
        vae_terms a = empty_terms(), b = empty_terms();
        if (step == 0) {
            must(vae_grad(blas, &batch, &a));
            must(vae_grad(native, &batch, &b));
            float *ga = grads_of(blas), *gb = grads_of(native);
            ck_assert_double_le(distance(count, ga, gb), 1e-5);
            free(ga);
            free(gb);
            must(vae_apply(blas));
            must(vae_apply(native));
        } else {
            must(vae_step(blas, x, ROWS, &a));
            must(vae_step(native, x, ROWS, &b));
        }
        ck_assert_double_eq_tol(a.elbo, b.elbo, 1e-4 * fabs(b.elbo));
        ck_assert_double_eq_tol(a.grad_norm, b.grad_norm, 1e-4 * b.grad_norm);
    }
    float *pa = params_of(blas), *pb = params_of(native);
    ck_assert_double_le(distance(count, pa, pb), 1e-4);
    must(vae_set_params(blas, pb, (uint64_t)count));
    same_models(blas, native);
    free(pa);
    free(pb);
}

START_TEST(as_the_native_product)
{
    const uint64_t widths[] = {70, 33};
    for (size_t i = 0; i < likelihood_count; i++)
        for (int32_t threads = 1; threads <= 2; threads++) {
            struct plan plan;
            plan_init(&plan, likelihoods[i].kind, VAE_TANH, 2);
            plan_sizes(&plan, X, Z, widths, 2);
            plan.config.mean_activation = likelihoods[i].mean_activation;
            plan.config.threads = threads;
            plan.config.train_samples = 2;
            vae_model *native = model_of(&plan.config);
            plan.config.gemm = VAE_GEMM_CBLAS;
            vae_model *blas = model_of(&plan.config), *view = view_of(blas, 5);
            same_models(blas, native);
            float *x = rows_for(native, ROWS, 1);
            compare_readings(blas, native, x);
            compare_training(blas, native, x);
            compare_readings(view, native, x);
            free(x);
            vae_destroy(view);
            vae_destroy(blas);
            vae_destroy(native);
        }
}
END_TEST

/* Sides of one: a BLAS is strict about strides that nobody uses. */
START_TEST(sides_of_one)
{
    const uint64_t one = 1;
    struct plan plan;
    plan_init(&plan, VAE_GAUSS, VAE_TANH, 1);
    plan_sizes(&plan, 1, 1, &one, 1);
    vae_model *native = model_of(&plan.config);
    plan.config.gemm = VAE_GEMM_CBLAS;
    vae_model *blas = model_of(&plan.config);
    float *x = rows_for(native, ROWS, 1);
    compare_training(blas, native, x);
    free(x);
    vae_destroy(blas);
    vae_destroy(native);
}
END_TEST

/* Rollback holds here too. */
START_TEST(nonfinite_rows)
{
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 1);
    plan.config.gemm = VAE_GEMM_CBLAS;
    vae_model *model = model_of(&plan.config), *twin = model_of(&plan.config);
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
END_TEST

int main(void)
{
    const TTest *tests[] = {as_the_native_product, sides_of_one, nonfinite_rows};
    if (strstr(vae_build_info(), "blas=none"))
        return 77;
    return RUN_SUITE("cblas", tests);
}
