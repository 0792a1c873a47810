/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Every numbered equation of docs/derivation.md, (1) to (8), its reconstruction terms and its
 * gradients, by Gauss-Hermite quadrature (errors as stated) or by Monte Carlo with 5 standard errors.
 *
 * Two models whose evidence can be computed, both with two latents and x = f(W z + b) of five values: a
 * linear one with Gaussian noise, whose posterior is known in closed form, and one with a Bernoulli
 * likelihood, whose is not.
 */
#include "../support/expect.h"
#include "../support/runner.h"

#include <math.h>
#include <stdio.h>
#include <vae/vae.h>

#include "quadrature.h"

enum { J = 2, D = 5, NODES = 48, POINTS = NODES * NODES };

static const double log_2pi = 1.8378770664093454836;

/* The columns are orthogonal, so that the Gaussian model's posterior is diagonal. */
static const double weights[D][J] = {{1, 0.5}, {0.5, -1}, {-1, 0}, {0.25, 0}, {0, 0.75}};
static const double bias[D] = {0.1, -0.2, 0, 0.3, -0.5};
static const double grey[D] = {0.9, -0.4, 0.3, 1.2, 0.6};
static const double binary[D] = {1, 0, 1, 1, 0};
static const double noise_logvar = -0.7;

struct gauss {
    double mu[J], logvar[J];
};
static const struct gauss prior = {{0, 0}, {0, 0}};
static const struct gauss tries[] = {
    {{0, 0}, {0, 0}},
    {{0.4, -0.6}, {-0.5, 0.3}},
    {{-1.2, 0.7}, {-2, -1}},
    {{0.05, 0.02}, {1e-3, -1e-3}},
    {{2, 1}, {0.5, 0.8}},
};
enum { TRIES = sizeof tries / sizeof *tries };

/* A test of one approximate posterior, for all of them. */
#define EACH_TRY(name)                                                                                       \
    static void one_##name(const struct gauss *q);                                                           \
    START_TEST(name)                                                                                         \
    {                                                                                                        \
        for (int i = 0; i < TRIES; i++)                                                                      \
            one_##name(&tries[i]);                                                                           \
    }                                                                                                        \
    END_TEST                                                                                                 \
    static void one_##name(const struct gauss *q)

/* Points and weights of the two-dimensional rule under N(0, I). */
static double eps[POINTS][J], mass[POINTS];

static int setup(void)
{
    static struct quadrature rule;
    quadrature_make(&rule, NODES);
    if (rule.n != NODES)
        return 0;
    for (int i = 0; i < POINTS; i++) {
        eps[i][0] = rule.node[i / NODES];
        eps[i][1] = rule.node[i % NODES];
        mass[i] = rule.weight[i / NODES] * rule.weight[i % NODES];
    }
    return 1;
}

static double expectation(const double *f)
{
    double sum = 0;
    for (int i = 0; i < POINTS; i++)
        sum += mass[i] * f[i];
    return sum;
}

/* n equal rows. */
static void repeat(size_t n, size_t d, const double *row, double *rows)
{
    for (size_t i = 0; i < n * d; i++)
        rows[i] = row[i % d];
}

/* The points under q, through the reparameterisation. */
static void points_of(const struct gauss *q, double z[POINTS][J])
{
    static double mu[POINTS * J], logvar[POINTS * J];
    repeat(POINTS, J, q->mu, mu);
    repeat(POINTS, J, q->logvar, logvar);
    ck_assert_int_eq(vae_reparam_f64(POINTS, J, mu, J, logvar, J, eps[0], J, z[0], J), VAE_OK);
}

static void log_gauss(size_t n, double (*z)[J], const struct gauss *q, double *out)
{
    static double mu[POINTS * J], logvar[POINTS * J];
    repeat(n, J, q->mu, mu);
    repeat(n, J, q->logvar, logvar);
    ck_assert_int_eq(vae_loglik_gauss_f64(n, J, z[0], J, mu, J, logvar, J, out), VAE_OK);
}

static void decode(size_t n, double (*z)[J], double *location)
{
    for (size_t i = 0; i < n * D; i++) {
        size_t k = i % D;
        location[i] = weights[k][0] * z[i / D][0] + weights[k][1] * z[i / D][1] + bias[k];
    }
}

/* log p(x|z) of the linear model. */
static void reconstruct_gauss(size_t n, double (*z)[J], double *out)
{
    static double x[POINTS * D], mean[POINTS * D], logvar[POINTS * D];
    repeat(n, D, grey, x);
    repeat(n * D, 1, &noise_logvar, logvar);
    decode(n, z, mean);
    ck_assert_int_eq(vae_loglik_gauss_f64(n, D, x, D, mean, D, logvar, D, out), VAE_OK);
}

/* log p(x|z) of the Bernoulli model. */
static void reconstruct_bernoulli(size_t n, double (*z)[J], double *out)
{
    static double x[POINTS * D], logits[POINTS * D];
    repeat(n, D, binary, x);
    decode(n, z, logits);
    ck_assert_int_eq(vae_loglik_bernoulli_f64(n, D, x, D, logits, D, out), VAE_OK);
}

typedef void reconstruction(size_t n, double (*z)[J], double *out);

static double mean_under(const struct gauss *q, reconstruction *term)
{
    static double z[POINTS][J], f[POINTS];
    points_of(q, z);
    term(POINTS, z, f);
    return expectation(f);
}

static double kl_to_prior(const struct gauss *q)
{
    double kl;
    ck_assert_int_eq(vae_kl_diag_gauss_f64(1, J, q->mu, J, q->logvar, J, &kl), VAE_OK);
    return kl;
}

static double bound(const struct gauss *q, reconstruction *term)
{
    return mean_under(q, term) - kl_to_prior(q);
}

/* log p(x) by quadrature over the prior. */
static double evidence(reconstruction *term)
{
    static double z[POINTS][J], f[POINTS];
    points_of(&prior, z);
    term(POINTS, z, f);
    for (int i = 0; i < POINTS; i++)
        f[i] = exp(f[i]);
    return log(expectation(f));
}

/* The linear model in closed form: log p(x) and p(z|x), by the matrix determinant and inversion lemmas. */
static double linear_gauss(struct gauss *posterior)
{
    double s2 = exp(noise_logvar), square = 0, logdet = D * noise_logvar, explained = 0;
    for (int k = 0; k < D; k++)
        square += (grey[k] - bias[k]) * (grey[k] - bias[k]);
    for (int j = 0; j < J; j++) {
        double norm = 0, along = 0;
        for (int k = 0; k < D; k++) {
            norm += weights[k][j] * weights[k][j];
            along += weights[k][j] * (grey[k] - bias[k]);
        }
        posterior->logvar[j] = -log1p(norm / s2);
        posterior->mu[j] = along / (s2 + norm);
        logdet += log1p(norm / s2);
        explained += along * along / (s2 + norm);
    }
    return -0.5 * (D * log_2pi + logdet + (square - explained) / s2);
}

/* Here and below both sides are of order 10; polynomials are integrated exactly, so that only rounding is
 * left. */

/* (1) KL(q(z|x) || p(z|x)) = E_q[log q(z|x) - log p(z|x)], with p(z|x) from Bayes' rule. */
EACH_TRY(equation_1_divergence_from_the_posterior)
{
    static double z[POINTS][J], log_q[POINTS], log_p[POINTS], log_x[POINTS];
    struct gauss posterior;
    double log_evidence = linear_gauss(&posterior);
    points_of(q, z);
    log_gauss(POINTS, z, q, log_q);
    log_gauss(POINTS, z, &prior, log_p);
    reconstruct_gauss(POINTS, z, log_x);
    for (int i = 0; i < POINTS; i++)
        log_q[i] -= log_x[i] + log_p[i] - log_evidence;
    double kl;
    ck_assert_int_eq(
        vae_kl_diag_gauss_pair_f64(1, J, q->mu, J, q->logvar, J, posterior.mu, J, posterior.logvar, J, &kl),
        VAE_OK);
    NEAR(expectation(log_q), kl, 1e-11, "%s", __func__);
}

/* (2) KL(q(z|x) || p(z|x)) = log p(x) + KL(q(z|x) || p(z)) - E_q[log p(x|z)]. */
EACH_TRY(equation_2_bayes_rule_inserted)
{
    struct gauss posterior;
    double log_evidence = linear_gauss(&posterior), kl;
    ck_assert_int_eq(
        vae_kl_diag_gauss_pair_f64(1, J, q->mu, J, q->logvar, J, posterior.mu, J, posterior.logvar, J, &kl),
        VAE_OK);
    NEAR(log_evidence + kl_to_prior(q) - mean_under(q, reconstruct_gauss), kl, 1e-11, "%s", __func__);
}

/* Trapezoids over a square that holds all but 1e-13 of the mass. They converge geometrically. */
enum { LINE = 161 };
static const double edge = 12;

/* KL(q || p(z|x)) of the Bernoulli model; the posterior is normalised by the same sum. */
static double kl_on_a_grid(const struct gauss *q)
{
    static double z[LINE][J], log_q[LINE], log_p[LINE], log_x[LINE];
    const double h = 2 * edge / (LINE - 1);
    double normaliser = 0, sum = 0, total = 0;
    for (int a = 0; a < LINE; a++) {
        for (int b = 0; b < LINE; b++) {
            z[b][0] = a * h - edge;
            z[b][1] = b * h - edge;
        }
        log_gauss(LINE, z, q, log_q);
        log_gauss(LINE, z, &prior, log_p);
        reconstruct_bernoulli(LINE, z, log_x);
        for (int b = 0; b < LINE; b++) {
            double log_joint = log_p[b] + log_x[b];
            normaliser += h * h * exp(log_joint);
            total += h * h * exp(log_q[b]);
            sum += h * h * exp(log_q[b]) * (log_q[b] - log_joint);
        }
    }
    NEAR(total, 1, 1e-12, "%s", __func__);
    return sum / total + log(normaliser);
}

/* (3) log p(x) = KL(q(z|x) || p(z|x)) + L: the sum does not depend on q. */
EACH_TRY(equation_3_evidence_is_divergence_plus_bound)
{
    struct gauss posterior;
    double linear = linear_gauss(&posterior), kl;
    ck_assert_int_eq(
        vae_kl_diag_gauss_pair_f64(1, J, q->mu, J, q->logvar, J, posterior.mu, J, posterior.logvar, J, &kl),
        VAE_OK);
    NEAR(kl + bound(q, reconstruct_gauss), linear, 1e-11, "%s", __func__);
    NEAR(kl_on_a_grid(q) + bound(q, reconstruct_bernoulli), evidence(reconstruct_bernoulli), 1e-9, "%s",
        __func__);
}

/* (4) log p(x) >= L = E_q[log p(x|z)] - KL(q(z|x) || p(z)), with equality where q is the posterior. */
START_TEST(equation_4_lower_bound)
{
    struct gauss posterior;
    double linear = linear_gauss(&posterior), bernoulli = evidence(reconstruct_bernoulli);
    for (int i = 0; i < TRIES; i++) {
        ck_assert_double_lt(bound(&tries[i], reconstruct_gauss), linear);
        ck_assert_double_lt(bound(&tries[i], reconstruct_bernoulli), bernoulli);
    }
    NEAR(bound(&posterior, reconstruct_gauss), linear, 1e-11, "%s", __func__);
    NEAR(evidence(reconstruct_gauss), linear, 2e-7, "%s", __func__);
}
END_TEST

enum { DRAWS = 1 << 16 };

/* The mean of f over DRAWS draws from q lies within 5 of its own standard errors of `expected`. */
static void near_by_sampling(const struct gauss *q, reconstruction *f, double expected)
{
    static float noise[DRAWS * J], z32[DRAWS * J], mu[DRAWS * J], logvar[DRAWS * J];
    static double z[POINTS][J], value[POINTS];
    ck_assert_int_eq(vae_normal(7, 0, 0, DRAWS * J, noise), VAE_OK);
    for (int i = 0; i < DRAWS * J; i++) {
        mu[i] = (float)q->mu[i % J];
        logvar[i] = (float)q->logvar[i % J];
    }
    ck_assert_int_eq(vae_reparam(DRAWS, J, mu, J, logvar, J, noise, J, z32, J), VAE_OK);
    double sum = 0, squares = 0;
    for (int first = 0; first < DRAWS; first += POINTS) {
        int n = DRAWS - first < POINTS ? DRAWS - first : POINTS;
        for (int i = 0; i < n * J; i++)
            z[i / J][i % J] = z32[first * J + i];
        f((size_t)n, z, value);
        for (int i = 0; i < n; i++) {
            sum += value[i];
            squares += value[i] * value[i];
        }
    }
    double mean = sum / DRAWS, error = sqrt((squares / DRAWS - mean * mean) / DRAWS);
    NEAR(mean, expected, 5 * error, "%s", __func__);
}

/* The same bound by the estimator that training uses: draws z = mu + sigma eps. */
EACH_TRY(equation_4_by_monte_carlo)
{
    near_by_sampling(q, reconstruct_gauss, bound(q, reconstruct_gauss) + kl_to_prior(q));
    near_by_sampling(q, reconstruct_bernoulli, bound(q, reconstruct_bernoulli) + kl_to_prior(q));
}

static double mean_log_gauss(const struct gauss *q, const struct gauss *density)
{
    static double z[POINTS][J], f[POINTS];
    points_of(q, z);
    log_gauss(POINTS, z, density, f);
    return expectation(f);
}

/* (5) KL(q(z|x) || p(z)) = E_q[log q(z|x)] - E_q[log p(z)]. */
EACH_TRY(equation_5_divergence_from_the_prior)
{
    NEAR(mean_log_gauss(q, q) - mean_log_gauss(q, &prior), kl_to_prior(q), 1e-12, "%s", __func__);
}

/* (6) E_q[log q(z|x)] = -J/2 log 2 pi - 1/2 sum_j (1 + log sigma_j^2). */
EACH_TRY(equation_6_negative_entropy)
{
    double closed = -0.5 * J * log_2pi;
    for (int j = 0; j < J; j++)
        closed -= 0.5 * (1 + q->logvar[j]);
    NEAR(mean_log_gauss(q, q), closed, 1e-12, "%s", __func__);
}

static void log_prior(size_t n, double (*z)[J], double *out)
{
    log_gauss(n, z, &prior, out);
}

/* (7) E_q[log p(z)] = -J/2 log 2 pi - 1/2 sum_j (mu_j^2 + sigma_j^2). */
EACH_TRY(equation_7_cross_entropy_with_the_prior)
{
    double closed = -0.5 * J * log_2pi;
    for (int j = 0; j < J; j++)
        closed -= 0.5 * (q->mu[j] * q->mu[j] + exp(q->logvar[j]));
    NEAR(mean_log_gauss(q, &prior), closed, 1e-12, "%s", __func__);
    near_by_sampling(q, log_prior, closed);
}

/* (8) KL = -1/2 sum_j (1 + log sigma_j^2 - mu_j^2 - sigma_j^2), in both precisions. The closed form is
 * evaluated as it is written, whose terms cancel: the difference may be rounding of its largest term. */
START_TEST(equation_8_closed_form)
{
    for (double mu = -3; mu <= 3; mu += 0.75) {
        for (double logvar = -6; logvar <= 3; logvar += 0.25) {
            const struct gauss q = {{mu, mu / 2}, {logvar, -logvar / 3}};
            double closed = 0, largest = 1;
            for (int j = 0; j < J; j++) {
                closed -= 0.5 * (1 + q.logvar[j] - q.mu[j] * q.mu[j] - exp(q.logvar[j]));
                largest += q.mu[j] * q.mu[j] + fabs(q.logvar[j]) + exp(q.logvar[j]);
            }
            NEAR(kl_to_prior(&q), closed, 4e-16 * largest, "%s", __func__);
            if (logvar == floor(logvar)) /* the slow way, at every fourth point */
                NEAR(mean_log_gauss(&q, &q) - mean_log_gauss(&q, &prior), closed, 1e-13 * largest, "%s",
                    __func__);
            const float mu32[J] = {(float)q.mu[0], (float)q.mu[1]};
            const float logvar32[J] = {(float)q.logvar[0], (float)q.logvar[1]};
            float kl32;
            ck_assert_int_eq(vae_kl_diag_gauss(1, J, mu32, J, logvar32, J, &kl32), VAE_OK);
            NEAR(kl32, closed, 1e-7 * largest, "%s", __func__);
        }
    }
}
END_TEST

/* The Bernoulli term is a distribution over {0, 1}^D: its 2^D probabilities sum to 1. */
START_TEST(reconstruction_bernoulli_sums_to_one)
{
    static double x[1 << D][D], logits[1 << D][D], loglik[1 << D];
    double sum = 0;
    for (int i = 0; i < 1 << D; i++) {
        for (int k = 0; k < D; k++) {
            x[i][k] = i >> k & 1;
            logits[i][k] = 3 * grey[k] - 1;
        }
    }
    ck_assert_int_eq(vae_loglik_bernoulli_f64(1 << D, D, x[0], D, logits[0], D, loglik), VAE_OK);
    for (int i = 0; i < 1 << D; i++)
        sum += exp(loglik[i]);
    NEAR(sum, 1, 1e-14, "%s", __func__);
}
END_TEST

/* The Gaussian term is a density in x with the moments that it says: 1, mean, variance, by trapezoids. */
START_TEST(reconstruction_gauss_is_a_density)
{
    enum { STEPS = 4001 };
    static double x[STEPS], mean[STEPS], logvar[STEPS], loglik[STEPS];
    for (double v = -4; v <= 4; v += 1) {
        double m = 0.3 * v, h = 20 * exp(v / 2) / (STEPS - 1), total = 0, first = 0, second = 0;
        for (int i = 0; i < STEPS; i++) {
            x[i] = m + h * (i - STEPS / 2);
            mean[i] = m;
            logvar[i] = v;
        }
        ck_assert_int_eq(vae_loglik_gauss_f64(STEPS, 1, x, 1, mean, 1, logvar, 1, loglik), VAE_OK);
        for (int i = 0; i < STEPS; i++) {
            total += h * exp(loglik[i]);
            first += h * exp(loglik[i]) * x[i];
            second += h * exp(loglik[i]) * (x[i] - m) * (x[i] - m);
        }
        NEAR(total, 1, 1e-12, "%s", __func__);
        NEAR(first, m, 1e-11, "%s", __func__);
        NEAR(second / exp(v), 1, 1e-11, "%s", __func__);
    }
}
END_TEST

/* d L / d mu and d L / d logvar of the Bernoulli model as training computes them: the likelihood's gradient
 * through the decoder and the draw, its mean over the points, minus the divergence's. */
static void bound_gradient(const struct gauss *q, double gmu[J], double glogvar[J])
{
    static double z[POINTS][J], x[POINTS * D], logits[POINTS * D], glogits[POINTS * D], gz[POINTS * J];
    static double logvar[POINTS * J], each_mu[POINTS * J], each_logvar[POINTS * J];
    points_of(q, z);
    decode(POINTS, z, logits);
    repeat(POINTS, D, binary, x);
    repeat(POINTS, J, q->logvar, logvar);
    for (int i = 0; i < POINTS * D; i++)
        glogits[i] = 0;
    ck_assert_int_eq(
        vae_loglik_bernoulli_grad_f64(POINTS, D, x, D, logits, D, mass, NULL, glogits, D), VAE_OK);
    for (int i = 0; i < POINTS * J; i++) {
        gz[i] = each_mu[i] = each_logvar[i] = 0;
        for (int k = 0; k < D; k++)
            gz[i] += weights[k][i % J] * glogits[i / J * D + k];
    }
    ck_assert_int_eq(
        vae_reparam_grad_f64(POINTS, J, logvar, J, eps[0], J, gz, J, each_mu, J, each_logvar, J), VAE_OK);
    const double minus_one = -1;
    for (int j = 0; j < J; j++)
        gmu[j] = glogvar[j] = 0;
    for (int i = 0; i < POINTS * J; i++) {
        gmu[i % J] += each_mu[i];
        glogvar[i % J] += each_logvar[i];
    }
    ck_assert_int_eq(
        vae_kl_diag_gauss_grad_f64(1, J, q->mu, J, q->logvar, J, &minus_one, NULL, gmu, J, glogvar, J),
        VAE_OK);
}

/* Against central differences of the bound itself; their error is of order step^2 = 1e-8. */
EACH_TRY(gradients_of_the_bound)
{
    const double step = 1e-4;
    double gmu[J], glogvar[J];
    bound_gradient(q, gmu, glogvar);
    for (int j = 0; j < J; j++) {
        struct gauss up = *q, down = *q;
        up.mu[j] += step;
        down.mu[j] -= step;
        NEAR((bound(&up, reconstruct_bernoulli) - bound(&down, reconstruct_bernoulli)) / (2 * step), gmu[j],
            1e-7, "%s", __func__);
        up = down = *q;
        up.logvar[j] += step;
        down.logvar[j] -= step;
        NEAR((bound(&up, reconstruct_bernoulli) - bound(&down, reconstruct_bernoulli)) / (2 * step),
            glogvar[j], 1e-7, "%s", __func__);
    }
}

int main(void)
{
    const TTest *tests[] = {equation_1_divergence_from_the_posterior, equation_2_bayes_rule_inserted,
        equation_3_evidence_is_divergence_plus_bound, equation_4_lower_bound, equation_4_by_monte_carlo,
        equation_5_divergence_from_the_prior, equation_6_negative_entropy,
        equation_7_cross_entropy_with_the_prior, equation_8_closed_form, reconstruction_bernoulli_sums_to_one,
        reconstruction_gauss_is_a_density, gradients_of_the_bound};
    if (!setup()) {
        fputs("a quadrature without all of its nodes\n", stderr);
        return EXIT_FAILURE;
    }
    return RUN_SUITE("equations", tests);
}
