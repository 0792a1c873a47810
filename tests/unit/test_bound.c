/* SPDX-License-Identifier: BSD-2-Clause
 * Test. A model's bound against equations (3), (4) and (8) of docs/derivation.md, made from the model's own
 * encoder and decoder outputs and the public kernels: by Gauss-Hermite quadrature over one latent, and draw
 * by draw with the noise that the header says a row gets. Every likelihood.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <vae/vae.h>

#include "quadrature.h"

enum { X = 6, ROWS = 5, NODES = 48, MOST_Z = 3, SEED = 11 };

static const int likelihoods[] = {VAE_BERNOULLI, VAE_GAUSS_FIXED, VAE_GAUSS_SHARED, VAE_GAUSS};
enum { LIKELIHOODS = sizeof likelihoods / sizeof *likelihoods };

static float data[ROWS][X];
static struct quadrature rule;

static void setup(void)
{
    quadrature_make(&rule, NODES);
    ck_assert_int_eq(rule.n, NODES);
    for (int i = 0; i < ROWS * X; i++)
        data[i / X][i % X] = (float)(i * 37 % 101) / 100;
}

/* Weights large enough for posteriors and decoders that bend. */
static vae_model *make(int likelihood, uint64_t z_dim)
{
    vae_layer hidden;
    vae_layer_init(&hidden, sizeof hidden);
    hidden.units = 8;
    hidden.activation = VAE_TANH;
    vae_config config;
    vae_config_init(&config, sizeof config);
    config.x_dim = X;
    config.z_dim = z_dim;
    config.encoder = config.decoder = &hidden;
    config.n_encoder = config.n_decoder = 1;
    config.likelihood = likelihood;
    config.mean_activation = likelihood == VAE_GAUSS_FIXED ? VAE_SIGMOID : VAE_IDENTITY;
    config.gauss_logvar = -1.5;
    config.init = VAE_INIT_NORMAL;
    config.init_scale = 0.6;
    config.seed = SEED;
    vae_model *model;
    ck_assert_msg(vae_create(&model, &config) == VAE_OK, "%s", vae_last_error());
    return model;
}

/* log p(x|z) for n pairs of a data row and a latent, in float64 from the model's decoder. */
static void reconstruct(
    vae_model *model, int likelihood, size_t n, const float *x, const float *z, double *loglik)
{
    static float location[NODES * X], logvar[NODES * X];
    static double x64[NODES * X], location64[NODES * X], logvar64[NODES * X];
    int bernoulli = likelihood == VAE_BERNOULLI;
    ck_assert_int_eq(vae_decode_params(model, z, n, location, bernoulli ? NULL : logvar), VAE_OK);
    for (size_t i = 0; i < n * X; i++) {
        x64[i] = x[i % X];
        location64[i] = location[i];
        logvar64[i] = logvar[i];
    }
    if (bernoulli)
        ck_assert_int_eq(vae_loglik_bernoulli_f64(n, X, x64, X, location64, X, loglik), VAE_OK);
    else
        ck_assert_int_eq(vae_loglik_gauss_f64(n, X, x64, X, location64, X, logvar64, X, loglik), VAE_OK);
}

/* Mean and variance of log p(x|z) for one latent z ~ N(mu, exp(logvar)), and the log of the mean of its exp.
 */
struct moments {
    double mean, variance, log_mean_exp;
};

static struct moments integrate(vae_model *model, int likelihood, const float *x, double mu, double logvar)
{
    float z[NODES];
    double f[NODES], square = 0, mass = 0;
    struct moments m = {0, 0, 0};
    for (int k = 0; k < NODES; k++)
        z[k] = (float)(mu + exp(logvar / 2) * rule.node[k]);
    reconstruct(model, likelihood, NODES, x, z, f);
    for (int k = 0; k < NODES; k++) {
        m.mean += rule.weight[k] * f[k];
        square += rule.weight[k] * f[k] * f[k];
        mass += rule.weight[k] * exp(f[k]);
    }
    m.variance = fmax(0, square - m.mean * m.mean);
    m.log_mean_exp = log(mass);
    return m;
}

static void near(double a, double b, double tolerance)
{
    ck_assert_msg(fabs(a - b) <= tolerance, "%.9g and %.9g differ by %.3g, more than %.3g", a, b, fabs(a - b),
        tolerance);
}

/* vae_elbo with many draws lies within 5 standard errors of the integral (plus the float32 decoder's
 * rounding), and all bounds lie below log p(x) by quadrature over the prior. */
START_TEST(bound_is_its_quadrature)
{
    enum { DRAWS = 4096 };
    int likelihood = likelihoods[_i];
    vae_model *model = make(likelihood, 1);
    float mu[ROWS], logvar[ROWS], kl[ROWS];
    double elbo[ROWS], sum = 0;
    vae_terms terms = {.size = sizeof terms};
    ck_assert_int_eq(vae_encode(model, data[0], ROWS, mu, logvar), VAE_OK);
    ck_assert_int_eq(vae_kl_diag_gauss(ROWS, 1, mu, 1, logvar, 1, kl), VAE_OK);
    ck_assert_int_eq(vae_elbo(model, data[0], ROWS, DRAWS, elbo, &terms), VAE_OK);
    for (int i = 0; i < ROWS; i++) {
        struct moments posterior = integrate(model, likelihood, data[i], mu[i], logvar[i]);
        struct moments prior = integrate(model, likelihood, data[i], 0, 0);
        ck_assert_double_gt(posterior.variance, 0);
        near(elbo[i], posterior.mean - kl[i], 5 * sqrt(posterior.variance / DRAWS) + 1e-5);
        ck_assert_double_lt(posterior.mean - kl[i], prior.log_mean_exp);
        sum += elbo[i];
    }
    near(terms.elbo, sum / ROWS, 1e-12 * fabs(sum));
    near(terms.elbo, terms.loglik - terms.kl, 1e-12 * fabs(terms.loglik));
    ck_assert(terms.grad_norm == 0);
    vae_destroy(model);
}
END_TEST

/* samples = 0: log p(x | z = mu) - KL. */
START_TEST(bound_at_the_mean)
{
    int likelihood = likelihoods[_i];
    vae_model *model = make(likelihood, MOST_Z);
    float mu[ROWS][MOST_Z], logvar[ROWS][MOST_Z], kl[ROWS];
    double elbo[ROWS], score[ROWS];
    ck_assert_int_eq(vae_encode(model, data[0], ROWS, mu[0], logvar[0]), VAE_OK);
    ck_assert_int_eq(vae_kl_diag_gauss(ROWS, MOST_Z, mu[0], MOST_Z, logvar[0], MOST_Z, kl), VAE_OK);
    ck_assert_int_eq(vae_elbo(model, data[0], ROWS, 0, elbo, NULL), VAE_OK);
    ck_assert_int_eq(vae_score(model, data[0], ROWS, 0, score), VAE_OK);
    for (int i = 0; i < ROWS; i++) {
        double loglik;
        reconstruct(model, likelihood, 1, data[i], mu[i], &loglik);
        near(elbo[i], loglik - kl[i], 1e-6 * (fabs(loglik) + kl[i]));
        ck_assert(score[i] == -elbo[i]);
    }
    vae_destroy(model);
}
END_TEST

/* Element (first_row + i) z_dim + j of stream (EVALUATE, sample s, step 0), key model seed XOR batch seed. */
START_TEST(bound_with_the_noise_that_the_header_says)
{
    enum { DRAWS = 7, FIRST = 1000, BATCH_SEED = 5 };
    int likelihood = likelihoods[_i];
    vae_model *model = make(likelihood, MOST_Z);
    float mu[ROWS][MOST_Z], logvar[ROWS][MOST_Z], eps[ROWS][MOST_Z], z[ROWS][MOST_Z], kl[ROWS];
    double elbo[ROWS], expected[ROWS] = {0};
    vae_batch batch;
    vae_batch_init(&batch, sizeof batch);
    batch.n = ROWS;
    batch.x = data[0];
    batch.ldx = X;
    batch.first_row = FIRST;
    batch.seed = BATCH_SEED;
    ck_assert_int_eq(vae_elbo_batch(model, &batch, DRAWS, elbo, NULL), VAE_OK);
    ck_assert_int_eq(vae_encode(model, data[0], ROWS, mu[0], logvar[0]), VAE_OK);
    ck_assert_int_eq(vae_kl_diag_gauss(ROWS, MOST_Z, mu[0], MOST_Z, logvar[0], MOST_Z, kl), VAE_OK);
    for (uint64_t s = 0; s < DRAWS; s++) {
        uint64_t stream = (uint64_t)VAE_STREAM_EVALUATE << 56 | s << 40;
        ck_assert_int_eq(
            vae_normal(SEED ^ BATCH_SEED, stream, FIRST * MOST_Z, ROWS * MOST_Z, eps[0]), VAE_OK);
        ck_assert_int_eq(
            vae_reparam(ROWS, MOST_Z, mu[0], MOST_Z, logvar[0], MOST_Z, eps[0], MOST_Z, z[0], MOST_Z),
            VAE_OK);
        for (int i = 0; i < ROWS; i++) {
            double loglik;
            reconstruct(model, likelihood, 1, data[i], z[i], &loglik);
            expected[i] += loglik / DRAWS;
        }
    }
    for (int i = 0; i < ROWS; i++)
        near(elbo[i], expected[i] - kl[i], 1e-6 * (fabs(expected[i]) + kl[i]));
    vae_destroy(model);
}
END_TEST

/* Stream (PRIOR, sample 0, step 0), key model seed XOR the call's: the decoded noise, to the bit. */
START_TEST(samples_are_the_decoded_prior)
{
    enum { CALL_SEED = 77 };
    vae_model *model = make(likelihoods[_i], MOST_Z);
    float z[ROWS * MOST_Z], sampled[ROWS * X], decoded[ROWS * X];
    uint64_t stream = (uint64_t)VAE_STREAM_PRIOR << 56;
    ck_assert_int_eq(vae_normal(SEED ^ CALL_SEED, stream, 0, ROWS * MOST_Z, z), VAE_OK);
    ck_assert_int_eq(vae_decode(model, z, ROWS, decoded), VAE_OK);
    ck_assert_int_eq(vae_sample(model, CALL_SEED, ROWS, sampled), VAE_OK);
    ck_assert_mem_eq(sampled, decoded, sizeof sampled);
    vae_destroy(model);
}
END_TEST

/* (8), split by latent: means over rows. */
START_TEST(divergence_by_latent)
{
    vae_model *model = make(likelihoods[_i], MOST_Z);
    float mu[ROWS][MOST_Z], logvar[ROWS][MOST_Z];
    double by_latent[MOST_Z], sum = 0;
    vae_terms terms = {.size = sizeof terms};
    ck_assert_int_eq(vae_encode(model, data[0], ROWS, mu[0], logvar[0]), VAE_OK);
    ck_assert_int_eq(vae_latent_kl(model, data[0], ROWS, by_latent), VAE_OK);
    ck_assert_int_eq(vae_elbo(model, data[0], ROWS, 0, NULL, &terms), VAE_OK);
    for (int j = 0; j < MOST_Z; j++) {
        double mean = 0;
        for (int i = 0; i < ROWS; i++) {
            double m = mu[i][j], v = logvar[i][j];
            mean += -0.5 * (1 + v - m * m - exp(v)) / ROWS;
        }
        near(by_latent[j], mean, 1e-6 * (1 + mean));
        sum += by_latent[j];
    }
    near(sum, terms.kl, 1e-6 * (1 + sum));
    vae_destroy(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bound");
    TCase *tcase = tcase_create("bound");
    tcase_add_unchecked_fixture(tcase, setup, NULL);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, bound_is_its_quadrature, 0, LIKELIHOODS);
    tcase_add_loop_test(tcase, bound_at_the_mean, 0, LIKELIHOODS);
    tcase_add_loop_test(tcase, bound_with_the_noise_that_the_header_says, 0, LIKELIHOODS);
    tcase_add_loop_test(tcase, samples_are_the_decoded_prior, 0, LIKELIHOODS);
    tcase_add_loop_test(tcase, divergence_by_latent, 0, LIKELIHOODS);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
