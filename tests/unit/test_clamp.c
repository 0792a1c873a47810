/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Limits of the encoder's log-variances: what is read is clamped, what is clamped has no slope, and
 * limits that nothing reaches change no bit. Slopes by differences are in test_gradients.c.
 */
#include "../support/answers.h"
#include "../support/runner.h"

#include <math.h>
#include <string.h>

/* A model of two hidden layers, or with the head alone, with limits. */
static vae_model *limited(double least, double most, size_t hidden)
{
    struct plan plan;
    plan_init(&plan, VAE_GAUSS, VAE_TANH, hidden);
    plan.config.z_logvar_min = least;
    plan.config.z_logvar_max = most;
    plan.config.init = VAE_INIT_GLOROT;
    plan.training.samples = 2;
    return model_of(&plan);
}

static const double none = 1e30;

/* ---- reading ---- */

static float clamped(float v, double least, double most)
{
    return v < (float)least ? (float)least : v > (float)most ? (float)most : v;
}

/* The divergence that q's parameters, as they are read, have. */
static void check_divergence(const struct answers *a)
{
    double mu[ROWS * Z_DIM], logvar[ROWS * Z_DIM], kl[ROWS];
    for (int i = 0; i < ROWS * Z_DIM; i++) {
        mu[i] = (double)a->mu[i];
        logvar[i] = (double)a->logvar[i];
    }
    must(vae_kl_diag_gauss_f64(ROWS, Z_DIM, mu, Z_DIM, logvar, Z_DIM, kl));
    for (int i = 0; i < ROWS; i++)
        ck_assert_double_eq_tol(a->kl[i], kl[i], 1e-6 * kl[i]);
}

static void check_draws(const struct answers *a)
{
    float eps[ROWS * Z_DIM];
    must(vae_normal(5, noise_stream(VAE_STREAM_EVALUATE, 0, 0), 0, ROWS * Z_DIM, eps));
    for (int i = 0; i < ROWS * Z_DIM; i++) {
        double z = (double)a->mu[i] + exp((double)a->logvar[i] / 2) * (double)eps[i];
        ck_assert_double_eq_tol((double)a->z[i], z, 1e-6 * (1 + fabs(z)));
    }
}

static void check_reading(double least, double most)
{
    static struct answers plain, a;
    vae_model *model = limited(-none, none, 2), *limits = limited(least, most, 2), *view = view_of(limits, 5);
    float *x = rows_for(model, ROWS, 2);
    vae_batch batch = batch_of(model, x, ROWS);
    int counts[3] = {0};
    must_ask(model, &batch, 1, ALL_ANSWERS, &plain);
    must_ask(limits, &batch, 1, ALL_ANSWERS, &a);
    for (int i = 0; i < ROWS * Z_DIM; i++) {
        ck_assert_float_eq(a.mu[i], plain.mu[i]);
        ck_assert_float_eq(a.logvar[i], clamped(plain.logvar[i], least, most));
        counts[(double)plain.logvar[i] < least ? 0 : (double)plain.logvar[i] > most ? 2 : 1]++;
    }
    ck_assert((counts[0] > 0) == (least > -none) && counts[1] > 0 && (counts[2] > 0) == (most < none));
    check_divergence(&a);
    check_draws(&a);
    must_ask(view, &batch, 1, ALL_ANSWERS, &plain);
    same_answers(&a, &plain, ALL_ANSWERS, "a view");
    free(x);
    vae_destroy(view);
    vae_destroy(limits);
    vae_destroy(model);
}

START_TEST(what_is_read_is_clamped)
{
    check_reading(-0.2, 0.2);
    check_reading(-0.2, none);
    check_reading(-none, 0.2);
}
END_TEST

/* ---- training ---- */

START_TEST(limits_out_of_reach_change_nothing)
{
    vae_model *model = limited(-none, none, 2), *limits = limited(-30, 30, 2);
    train_some(model, 5, 16);
    train_some(limits, 5, 16);
    same_models(model, limits);
    vae_destroy(model);
    vae_destroy(limits);
}
END_TEST

/* Biases of an encoder that gives these log-variances for all x. */
static void set_biases(vae_model *model, const float biases[Z_DIM])
{
    vae_tensor_info weight = tensor_of(model, "encoder.0.weight"), bias = tensor_of(model, "encoder.0.bias");
    float *params = params_of(model);
    for (uint64_t i = 0; i < weight.count; i++)
        params[weight.offset + i] = 0;
    memcpy(params + bias.offset + Z_DIM, biases, Z_DIM * sizeof *biases);
    must(vae_set_params(model, params, vae_param_count(model)));
    free(params);
}

/* Of the open gradient, those biases' elements. */
static void get_slopes(const vae_model *model, float slopes[Z_DIM])
{
    vae_tensor_info bias = tensor_of(model, "encoder.0.bias");
    float *grads = grads_of(model);
    memcpy(slopes, grads + bias.offset + Z_DIM, Z_DIM * sizeof *slopes);
    free(grads);
}

static void slopes_at(vae_model *model, const float biases[Z_DIM], float slopes[Z_DIM])
{
    float *x = rows_for(model, 16, 3);
    vae_batch batch = batch_of(model, x, 16);
    set_biases(model, biases);
    must(vae_grad(model, &batch, NULL));
    get_slopes(model, slopes);
    free(x);
}

/* On a limit there is none, next to it there is. */
START_TEST(slopes_end_at_the_limits)
{
    vae_model *model = limited(-0.5, 0.25, 0);
    float slopes[Z_DIM];
    slopes_at(model, (const float[]){-0.5f, nextafterf(-0.5f, 0), nextafterf(-0.5f, -1)}, slopes);
    ck_assert(slopes[0] == 0 && slopes[1] != 0 && slopes[2] == 0);
    slopes_at(model, (const float[]){0.25f, nextafterf(0.25f, 0), nextafterf(0.25f, 1)}, slopes);
    ck_assert(slopes[0] == 0 && slopes[1] != 0 && slopes[2] == 0);
    vae_destroy(model);
}
END_TEST

/* A loss of the program's own: of latents within the limits a bias has the sum of the derivatives. */
START_TEST(losses_of_a_program)
{
    const float biases[Z_DIM] = {-1, 0, 1};
    vae_model *model = limited(-0.5, 0.25, 0);
    float slopes[Z_DIM], ones[16 * Z_DIM], *x = rows_for(model, 16, 3);
    vae_batch batch = batch_of(model, x, 16);
    vae_adjoints adjoints;
    vae_adjoints_init(&adjoints, sizeof adjoints);
    adjoints.logvar = ones;
    for (int i = 0; i < 16 * Z_DIM; i++)
        ones[i] = 1;
    set_biases(model, biases);
    must(vae_backward(model, &batch, &adjoints));
    get_slopes(model, slopes);
    ck_assert(slopes[0] == 0 && slopes[1] == 16 && slopes[2] == 0);
    free(x);
    vae_destroy(model);
}
END_TEST

/* Equal limits fix the variances; training leaves their rows of the head alone. */
START_TEST(equal_limits)
{
    vae_model *model = limited(-1.25, -1.25, 0);
    vae_tensor_info weight = tensor_of(model, "encoder.0.weight");
    uint64_t half = weight.count / 2;
    float *before = params_of(model), mu[Z_DIM], logvar[Z_DIM];
    train_some(model, 5, 16);
    float *after = params_of(model), *x = rows_for(model, 1, 9);
    ck_assert_mem_ne(before + weight.offset, after + weight.offset, half * sizeof *before);
    ck_assert_mem_eq(before + weight.offset + half, after + weight.offset + half, half * sizeof *before);
    must(vae_encode(model, x, 1, mu, logvar));
    for (int j = 0; j < Z_DIM; j++)
        ck_assert_float_eq(logvar[j], -1.25f);
    free(before);
    free(after);
    free(x);
    vae_destroy(model);
}
END_TEST

/* No limit makes a number of what is none. */
START_TEST(nan_stays)
{
    vae_model *model = limited(-1, 1, 0);
    float x[16 * X_DIM], mu[Z_DIM], logvar[Z_DIM];
    for (int i = 0; i < 16 * X_DIM; i++)
        x[i] = NAN;
    must(vae_encode(model, x, 1, mu, logvar));
    ck_assert(isnan(logvar[0]));
    ck_assert_int_eq(vae_step(model, x, 16, NULL), VAE_ERR_NONFINITE);
    vae_destroy(model);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {what_is_read_is_clamped, limits_out_of_reach_change_nothing,
        slopes_end_at_the_limits, losses_of_a_program, equal_limits, nan_stays};
    return RUN_SUITE("clamp", tests);
}
