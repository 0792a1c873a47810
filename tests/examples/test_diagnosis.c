/* SPDX-License-Identifier: BSD-2-Clause
 * Tests. What the examples say about latents, for encoders whose information is known: linear ones with
 * weights of our choice, mu_j = weight[j] x + bias[j] and log-variance logvar[j] + slope[j] x.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/diagnosis.h"

enum { LATENTS = 2 };

struct encoder {
    float weight[LATENTS], bias[LATENTS], logvar[LATENTS], slope[LATENTS];
};

static void must(int status)
{
    ck_assert_msg(status == VAE_OK, "%s", vae_last_error());
}

/* x has one column; the decoder is not used. */
static vae_model *model_of(const struct encoder *e)
{
    vae_config config;
    vae_config_init(&config, sizeof config);
    config.x_dim = 1;
    config.z_dim = LATENTS;
    config.likelihood = VAE_GAUSS;
    vae_model *model;
    must(vae_create(&model, &config, NULL, NULL));
    float weight[2 * LATENTS], bias[2 * LATENTS];
    memcpy(weight, e->weight, sizeof e->weight);
    memcpy(weight + LATENTS, e->slope, sizeof e->slope);
    memcpy(bias, e->bias, sizeof e->bias);
    memcpy(bias + LATENTS, e->logvar, sizeof e->logvar);
    vae_tensor_info info;
    vae_tensor_info_init(&info, sizeof info);
    must(vae_tensor(model, 0, &info));
    must(vae_set_tensor(model, &info, weight));
    must(vae_tensor(model, 1, &info));
    must(vae_set_tensor(model, &info, bias));
    return model;
}

/* The figures of n rows, given to the diagnosis `block` at a time. */
static struct diagnosis diagnosis_of(
    const struct encoder *e, const float *x, size_t n, size_t block, size_t draws)
{
    vae_model *model = model_of(e);
    struct diagnosis d;
    ck_assert_int_eq(diagnosis_init(&d, model, n), 0);
    for (size_t first = 0; first < n; first += block)
        must(diagnosis_add(&d, model, x + first, n - first < block ? n - first : block));
    ck_assert_int_eq(diagnosis_finish(&d, draws, 0), 0);
    vae_destroy(model);
    return d;
}

static double kl_of(double mu, double logvar)
{
    return (mu * mu + exp(logvar) - 1 - logvar) / 2;
}

static double normal(double z, double mu, double variance)
{
    return exp(-(z - mu) * (z - mu) / (2 * variance)) / sqrt(2 * acos(-1) * variance);
}

/* I(x; z) by quadrature where half of the rows have z from N(mu[0], variance[0]), the others from the
 * second. */
static double information_of_two(const double *mu, const double *variance)
{
    double sum = 0, step = 1e-3;
    for (double z = -20; z < 20; z += step) {
        double q[] = {normal(z, mu[0], variance[0]), normal(z, mu[1], variance[1])};
        for (int i = 0; i < 2; i++)
            sum += q[i] > 0 ? step / 2 * q[i] * log(q[i] / ((q[0] + q[1]) / 2)) : 0;
    }
    return sum;
}

/* Within five standard errors, which are of a plausible size. */
static void expect_near(double value, double expected, double error, double most)
{
    ck_assert_msg(error < most, "the error is %g", error);
    ck_assert_msg(fabs(value - expected) < 5 * error + 1e-5, "%g, expected %g +- %g", value, expected, error);
}

START_TEST(two_points)
{
    static const float x[] = {-1, 1};
    static const float places[] = {0.3f, 1, 2};
    for (size_t i = 0; i < 3; i++) {
        struct encoder e = {{places[i], 0}, {0, 0}, {-0.5f, 0}, {0, 0}};
        struct diagnosis d = diagnosis_of(&e, x, 2, 2, 20000);
        double a = (double)places[i], kl = kl_of(a, -0.5);
        double expected = information_of_two((double[]){-a, a}, (double[]){exp(-0.5), exp(-0.5)});
        expect_near(d.information, expected, d.information_error, 0.01);
        expect_near(d.marginal_kl, kl - expected, d.information_error, 0.01);
        ck_assert_double_eq_tol(d.kl, kl, 1e-6);
        ck_assert_double_eq_tol(d.kl_by_latent[0], kl, 1e-6);
        ck_assert_double_eq_tol(d.kl_by_latent[1], 0, 1e-6);
        ck_assert_double_eq_tol(d.variance_of_mean[0], a * a, 1e-6);
        ck_assert_uint_eq(d.active, 1);
        diagnosis_free(&d);
    }
}
END_TEST

/* Two kinds of rows with variances of their own, one after the other, in more than one block. */
START_TEST(two_variances)
{
    enum { N = 600 };
    float x[N];
    for (size_t i = 0; i < N; i++)
        x[i] = i < N / 2 ? 0 : 1;
    struct encoder e = {{1, 0}, {0, 0}, {-1, 0}, {2, 0}};
    struct diagnosis d = diagnosis_of(&e, x, N, 100, 6000);
    double expected = information_of_two((double[]){0, 1}, (double[]){exp(-1), exp(1)});
    expect_near(d.information, expected, d.information_error, 0.02);
    ck_assert_double_eq_tol(d.kl, (kl_of(0, -1) + kl_of(1, 1)) / 2, 1e-6);
    diagnosis_free(&d);
}
END_TEST

/* Normal data: q(z) of all possible rows is N(0, a^2 + s^2), and z of a linear channel of Gaussian noise has
 * the information 1/2 log(1 + a^2 / s^2). A finite number of rows has less, in expectation. */
START_TEST(gaussian_channel)
{
    enum { N = 4000 };
    static float x[N];
    must(vae_normal(1, 0, 0, N, x));
    const double a = 1.5, variance = 0.25, information = log(1 + a * a / variance) / 2;
    struct encoder e = {{(float)a, 0.05f}, {0, 0}, {(float)log(variance), 0}, {0}};
    struct diagnosis d = diagnosis_of(&e, x, N, 333, 4000);
    double expected = information + log(1 + 0.05 * 0.05) / 2;
    expect_near(d.information, expected, d.information_error + 0.01, 0.03);
    /* KL(N(0, v) || N(0, 1)); the second latent's is below 1e-5 */
    expect_near(d.marginal_kl, kl_of(0, log(a * a + variance)), d.information_error + 0.02, 0.05);
    ck_assert_uint_eq(d.active, 1);
    diagnosis_free(&d);
    d = diagnosis_of(&e, x, 5, 5, 5000); /* log 5 is less than what is known of the channel */
    ck_assert(d.information <= log(5) + 1e-6 && d.information < expected);
    diagnosis_free(&d);
}
END_TEST

/* A latent is active above a variance of 0.01, and not because its mean is far from 0. */
START_TEST(active_units)
{
    static const float x[] = {-1, 1, -1, 1};
    struct encoder e = {{0.0990f, 0.1010f}, {-30, 30}, {0, 0}, {0}};
    struct diagnosis d = diagnosis_of(&e, x, 4, 3, 2);
    ck_assert_double_eq_tol(d.variance_of_mean[0], 0.0990 * 0.0990, 1e-5);
    ck_assert_double_eq_tol(d.variance_of_mean[1], 0.1010 * 0.1010, 1e-5);
    ck_assert_uint_eq(d.active, 1);
    diagnosis_free(&d);
}
END_TEST

/* Rows that are all alike, and an encoder that ignores its rows: no information, at any KL. */
START_TEST(nothing_to_say)
{
    float same[300], other[300];
    for (size_t i = 0; i < 300; i++) {
        same[i] = 0.5f;
        other[i] = (float)i;
    }
    struct encoder attentive = {{1, 2}, {0, 0}, {-1, 0.5f}, {0}},
                   blind = {{0, 0}, {0.5f, 1}, {-1, 0.5f}, {0}};
    struct diagnosis d[] = {
        diagnosis_of(&attentive, same, 300, 100, 500), diagnosis_of(&blind, other, 300, 100, 500)};
    for (size_t i = 0; i < 2; i++) {
        ck_assert_uint_eq(d[i].active, 0);
        ck_assert_double_eq_tol(d[i].information, 0, 1e-6);
        ck_assert_double_eq_tol(d[i].kl, kl_of(0.5, -1) + kl_of(1, 0.5), 1e-5);
        ck_assert_double_eq_tol(d[i].marginal_kl, d[i].kl, 1e-6);
        diagnosis_free(&d[i]);
    }
}
END_TEST

/* Rows far apart: z tells which row it is, log N nats, and no draw says more. */
START_TEST(every_row_known)
{
    float x[700];
    for (size_t i = 0; i < 700; i++)
        x[i] = (float)i;
    struct encoder e = {{40, 0}, {0, 0}, {0, 0}, {0}};
    struct diagnosis d = diagnosis_of(&e, x, 700, 700, 1000);
    ck_assert_double_eq_tol(d.information, log(700), 1e-5);
    ck_assert_double_eq_tol(d.information_error, 0, 1e-6);
    diagnosis_free(&d);
}
END_TEST

START_TEST(blocks_do_not_matter)
{
    enum { N = 777 };
    float x[N];
    must(vae_normal(2, 0, 0, N, x));
    struct encoder e = {{1, -0.4f}, {0, 1}, {-1, -0.3f}, {0}};
    struct diagnosis whole = diagnosis_of(&e, x, N, N, 100), parts = diagnosis_of(&e, x, N, 50, 100);
    ck_assert(whole.information == parts.information);
    ck_assert_mem_eq(whole.variance_of_mean, parts.variance_of_mean, sizeof(double) * LATENTS);
    ck_assert_double_eq_tol(whole.kl, parts.kl, 1e-9);
    ck_assert_double_eq_tol(parts.kl_by_latent[0] + parts.kl_by_latent[1], parts.kl, 1e-9);
    diagnosis_free(&whole);
    diagnosis_free(&parts);
}
END_TEST

static void expect_words(const struct encoder *e, const float *x, size_t n, const char *words)
{
    struct diagnosis d = diagnosis_of(e, x, n, n, 100);
    char text[2048] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    ck_assert_ptr_nonnull(out);
    diagnosis_print(&d, out);
    fclose(out);
    ck_assert_msg(strstr(text, words), "'%s' lacks '%s'", text, words);
    diagnosis_free(&d);
}

START_TEST(verdicts)
{
    float x[100];
    must(vae_normal(3, 0, 0, 100, x));
    struct encoder collapsed = {{0}, {0}, {0}, {0}}, half = {{1, 0}, {0}, {0}, {0}},
                   whole = {{1, 0.5f}, {0}, {0}, {0}}, sharp = {{100, 1}, {0}, {-3, 0}, {0}};
    expect_words(&collapsed, x, 100, "verdict: collapsed, no latent's mean moves with x\n");
    expect_words(&half, x, 100, "verdict: 1 of 2 latents have collapsed\n");
    expect_words(&whole, x, 100, "verdict: no latent has collapsed\n");
    expect_words(&sharp, x, 100, "near its limit");
    expect_words(&sharp, x, 100, "at most log 100 = 4.605\n");
}
END_TEST

/* A prior that does not factorise has no KL by latent; its mean KL is by draws. With all components alike and
 * standard normal it is the normal prior. */
START_TEST(prior_of_components)
{
    enum { N = 500, K = 3 };
    float x[N], zeros[K * LATENTS] = {0};
    must(vae_normal(4, 0, 0, N, x));
    struct encoder e = {{1, 0}, {0, 0}, {-1, 0.5f}, {0}};
    vae_model *normal_prior = model_of(&e), *model;
    vae_config config;
    vae_config_init(&config, sizeof config);
    must(vae_get_config(normal_prior, &config));
    config.prior = VAE_PRIOR_MIXTURE;
    config.prior_components = K;
    must(vae_create(&model, &config, NULL, NULL));
    for (uint64_t i = 0; i < vae_tensor_count(model); i++) {
        vae_tensor_info info;
        float values[64];
        vae_tensor_info_init(&info, sizeof info);
        must(vae_tensor(model, i, &info));
        int learned = strncmp(info.name, "prior.", 6) == 0;
        if (!learned)
            must(vae_get_tensor(normal_prior, info.name, values, info.count));
        must(vae_set_tensor(model, &info, learned ? zeros : values));
    }
    struct diagnosis d, expected = diagnosis_of(&e, x, N, N, 200);
    ck_assert_int_eq(diagnosis_init(&d, model, N), 0);
    must(diagnosis_add(&d, model, x, N));
    ck_assert_int_eq(diagnosis_finish(&d, 200, 0), 0);
    ck_assert(!d.by_latent && expected.by_latent);
    ck_assert(d.information == expected.information);
    ck_assert_double_eq_tol(d.kl, expected.kl, 0.2); /* 500 draws */
    ck_assert_double_eq_tol(d.marginal_kl, d.kl - d.information, 1e-12);
    diagnosis_free(&d);
    diagnosis_free(&expected);
    vae_destroy(model);
    vae_destroy(normal_prior);
}
END_TEST

START_TEST(no_rows)
{
    struct encoder e = {{1, 1}, {0}, {0}, {0}};
    vae_model *model = model_of(&e);
    struct diagnosis d;
    ck_assert_int_eq(diagnosis_init(&d, model, 0), -1);
    diagnosis_free(&d);
    vae_destroy(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("diagnosis");
    TCase *tcase = tcase_create("diagnosis");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, two_points);
    tcase_add_test(tcase, two_variances);
    tcase_add_test(tcase, gaussian_channel);
    tcase_add_test(tcase, active_units);
    tcase_add_test(tcase, nothing_to_say);
    tcase_add_test(tcase, every_row_known);
    tcase_add_test(tcase, blocks_do_not_matter);
    tcase_add_test(tcase, verdicts);
    tcase_add_test(tcase, prior_of_components);
    tcase_add_test(tcase, no_rows);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
