/* SPDX-License-Identifier: BSD-2-Clause
 * Test. The linear-Gaussian model, whose evidence is known: x = W z + b + noise of variance s^2, z ~ N(0, I),
 * so p(x) = N(b, W W' + s^2 I) (Tipping & Bishop 1999). Bounds, log p(x) by importance sampling and its
 * standard error against closed forms, and a table of the three.
 */
#include "../support/expect.h"
#include "../support/models.h"
#include "../support/noise.h"
#include "../support/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { X = 8, Z = 3, N = 64 };
#define LOG_2PI 1.8378770664093454836
#define LOG_NOISE -1.0 /* log s^2 */

/* q is off the posterior N(m, diag v) of orthogonal columns of W by this. */
struct away {
    double shift; /* of the means, in posterior standard deviations */
    double widen; /* of the variances, a factor */
};
static const struct away optimal = {0, 1}, worse = {0.6, 1.6};

struct scene {
    vae_model *model;
    float weight[X][Z], bias[X];      /* of the decoder */
    float gain[2 * Z][X], add[2 * Z]; /* of the encoder: means, then log-variances */
    float x[N][X];
    double exact[N], mean[N][Z], variance[Z]; /* log p(x), posterior */
    double mu[N][Z], q_variance[Z];
};

/* ---- the model ---- */

/* Orthogonal columns, exactly: signs of a Hadamard matrix, powers of two as sizes. */
static void fill_decoder(struct scene *s, int orthogonal)
{
    static const float size[Z] = {0.5f, 0.25f, 0.125f};
    for (int i = 0; i < X; i++) {
        s->bias[i] = 0.25f * (float)(i % 3) - 0.5f;
        for (int j = 0; j < Z; j++)
            s->weight[i][j] = (i >> j & 1 ? -1.0f : 1.0f) * size[j];
    }
    if (!orthogonal)
        for (int i = 0; i < X; i += 3)
            s->weight[i][i % Z] += 0.375f;
}

/* v_j = 1 / (1 + |w_j|^2 / s^2), m_j = v_j w_j' (x - b) / s^2: linear in x. */
static void fill_encoder(struct scene *s, const struct away *away)
{
    double s2 = exp(LOG_NOISE);
    for (int j = 0; j < Z; j++) {
        double norm = 0, at_bias = 0;
        for (int i = 0; i < X; i++)
            norm += (double)s->weight[i][j] * (double)s->weight[i][j];
        s->variance[j] = 1 / (1 + norm / s2);
        for (int i = 0; i < X; i++) {
            s->gain[j][i] = (float)(s->variance[j] * (double)s->weight[i][j] / s2);
            at_bias += (double)s->gain[j][i] * (double)s->bias[i];
        }
        s->add[j] = (float)(away->shift * sqrt(s->variance[j]) - at_bias);
        s->add[Z + j] = (float)log(away->widen * s->variance[j]);
        s->q_variance[j] = exp((double)s->add[Z + j]);
    }
}

static void set(vae_model *model, const char *name, const float *values)
{
    vae_tensor_info info = tensor_of(model, name);
    must(vae_set_tensor(model, &info, values));
}

static void make_model(struct scene *s)
{
    struct plan plan;
    plan_init(&plan, VAE_GAUSS, VAE_IDENTITY, 0);
    plan_sizes(&plan, X, Z, NULL, 0);
    plan_scale(&plan, 0, VAE_PARAM_FIXED);
    plan.spans[0].scale_value = LOG_NOISE;
    s->model = model_of(&plan);
    set(s->model, "decoder.0.weight", &s->weight[0][0]);
    set(s->model, "decoder.0.bias", s->bias);
    set(s->model, "encoder.0.weight", &s->gain[0][0]);
    set(s->model, "encoder.0.bias", s->add);
}

/* ---- closed forms ---- */

/* log det and x' A^-1 x of A = I + W' W / s^2, by Cholesky; `x` is W' (x - b) / s^2. */
static double solve(const struct scene *s, const double *x, double *logdet)
{
    double c[Z][Z], y[Z], square = 0, s2 = exp(LOG_NOISE);
    *logdet = 0;
    for (int j = 0; j < Z; j++) {
        for (int k = 0; k <= j; k++) {
            double sum = j == k;
            for (int i = 0; i < X; i++)
                sum += (double)s->weight[i][j] * (double)s->weight[i][k] / s2;
            for (int l = 0; l < k; l++)
                sum -= c[j][l] * c[k][l];
            c[j][k] = j == k ? sqrt(sum) : sum / c[k][k];
        }
        y[j] = x[j];
        for (int l = 0; l < j; l++)
            y[j] -= c[j][l] * y[l];
        y[j] /= c[j][j];
        square += y[j] * y[j];
        *logdet += 2 * log(c[j][j]);
    }
    return square;
}

/* log N(x; b, W W' + s^2 I), by the determinant and inversion lemmas. */
static double log_evidence_of(const struct scene *s, const float *x)
{
    double s2 = exp(LOG_NOISE), square = 0, along[Z] = {0}, logdet;
    for (int i = 0; i < X; i++) {
        double r = (double)x[i] - (double)s->bias[i];
        square += r * r / s2;
        for (int j = 0; j < Z; j++)
            along[j] += (double)s->weight[i][j] * r / s2;
    }
    square -= solve(s, along, &logdet);
    return -0.5 * (X * (LOG_2PI + LOG_NOISE) + logdet + square);
}

/* q's means and the posterior's, of orthogonal columns. */
static void fill_rows_of(struct scene *s, int i)
{
    double s2 = exp(LOG_NOISE);
    s->exact[i] = log_evidence_of(s, s->x[i]);
    for (int j = 0; j < Z; j++) {
        double along = 0, mu = (double)s->add[j];
        for (int k = 0; k < X; k++) {
            along += (double)s->weight[k][j] * ((double)s->x[i][k] - (double)s->bias[k]) / s2;
            mu += (double)s->gain[j][k] * (double)s->x[i][k];
        }
        s->mean[i][j] = s->variance[j] * along;
        s->mu[i][j] = mu;
    }
}

/* KL(q || posterior): what the bound lacks to log p(x). */
static double gap(const struct scene *s, int i)
{
    double kl = 0;
    for (int j = 0; j < Z; j++) {
        double ratio = s->q_variance[j] / s->variance[j], t = s->mu[i][j] - s->mean[i][j];
        kl += 0.5 * (ratio - 1 - log(ratio) + t * t / s->variance[j]);
    }
    return kl;
}

/* Var(w) / E(w)^2 of the weights w = p(x, z) / q(z|x), the integral of posterior^2 / q, less 1. */
static double spread(const struct scene *s, int i)
{
    double product = 1;
    for (int j = 0; j < Z; j++) {
        double v = s->variance[j], u = s->q_variance[j], t = s->mu[i][j] - s->mean[i][j];
        double a = 1 / v - 1 / (2 * u);
        product *= sqrt(u / (2 * a)) / v * exp(t * t / (2 * u) + t * t / (4 * a * u * u));
    }
    return product - 1;
}

static struct scene scene_open(int orthogonal, const struct away *away)
{
    struct scene s;
    float z[N][Z], noise[N][X];
    memset(&s, 0, sizeof s);
    fill_decoder(&s, orthogonal);
    fill_encoder(&s, away);
    make_model(&s);
    must(vae_normal(1, noise_stream(128, 0, 0), 0, (size_t)N * Z, &z[0][0]));
    must(vae_normal(1, noise_stream(129, 0, 0), 0, (size_t)N * X, &noise[0][0]));
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < X; k++) {
            s.x[i][k] = s.bias[k] + (float)exp(LOG_NOISE / 2) * noise[i][k];
            for (int j = 0; j < Z; j++)
                s.x[i][k] += s.weight[k][j] * z[i][j];
        }
        fill_rows_of(&s, i);
    }
    return s;
}

/* ---- questions ---- */

struct estimate {
    double evidence[N], error[N], elbo[N];
};

static void estimate(struct scene *s, uint64_t draws, uint64_t seed, struct estimate *to)
{
    vae_batch batch = batch_of(s->model, &s->x[0][0], N);
    vae_outputs outputs;
    batch.seed = seed;
    vae_outputs_init(&outputs, sizeof outputs);
    outputs.samples = draws;
    outputs.log_evidence = to->evidence;
    outputs.log_evidence_error = to->error;
    outputs.elbo = to->elbo;
    must(vae_infer(s->model, &batch, &outputs, NULL));
}

/* Mean and standard error of numbers that come one by one. */
struct moments {
    double n, sum, squares;
};

static void add(struct moments *m, double x)
{
    m->n++;
    m->sum += x;
    m->squares += x * x;
}

static double mean_of(const struct moments *m)
{
    return m->sum / m->n;
}

static double deviation_of(const struct moments *m)
{
    return sqrt((m->squares - m->sum * m->sum / m->n) / (m->n - 1));
}

static double error_of(const struct moments *m)
{
    return deviation_of(m) / sqrt(m->n);
}

/* ---- the bound ---- */

/* Means over seeds and rows of what the bound lacks to log p(x): the divergence from the posterior. */
static void check_bound(const struct away *away)
{
    struct scene s = scene_open(1, away);
    struct moments lacks = {0, 0, 0};
    struct estimate e;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        double difference = 0;
        estimate(&s, 20, seed, &e);
        for (int i = 0; i < N; i++)
            difference += (s.exact[i] - e.elbo[i] - gap(&s, i)) / N;
        add(&lacks, difference);
    }
    NEAR(mean_of(&lacks), 0, 4.5 * error_of(&lacks), "log p(x) - ELBO - KL(q || posterior)");
    ck_assert(error_of(&lacks) < 0.01);
    vae_destroy(s.model);
}

START_TEST(bound_lacks_the_divergence)
{
    check_bound(&optimal);
    check_bound(&worse);
}
END_TEST

/* With q the posterior all weights are p(x): one draw gives it, and there is no spread. Left is the rounding
 * of float32 latents and parameters. */
START_TEST(posterior_as_proposal_is_exact)
{
    const uint64_t draws[] = {1, 2, 100};
    struct scene s = scene_open(1, &optimal);
    for (int k = 0; k < 3; k++) {
        struct estimate e;
        estimate(&s, draws[k], 0, &e);
        for (int i = 0; i < N; i++) {
            NEAR(e.evidence[i], s.exact[i], 1e-5, "log p(x) of row %d", i);
            ck_assert(draws[k] == 1 ? isnan(e.error[i]) : e.error[i] < 1e-5);
        }
    }
    vae_destroy(s.model);
}
END_TEST

/* Burda et al., arXiv:1509.00519, theorem 1: bounds of 1, 5, 50 draws grow towards log p(x). The first is the
 * ELBO; what the others lack is the spread over 2 k, to first order. */
START_TEST(bounds_of_several_draws)
{
    const uint64_t draws[] = {1, 5, 50};
    struct scene s = scene_open(1, &worse);
    double expected[3] = {0, 0, 0}, before = 1e9;
    for (int i = 0; i < N; i++) {
        expected[0] += gap(&s, i) / N;
        expected[2] += spread(&s, i) / (2 * 50) / N;
    }
    for (int k = 0; k < 3; k++) {
        struct moments lacks = {0, 0, 0};
        struct estimate e;
        for (uint64_t seed = 1; seed <= 400; seed++) {
            double difference = 0;
            estimate(&s, draws[k], seed, &e);
            for (int i = 0; i < N; i++)
                difference += (s.exact[i] - e.evidence[i]) / N;
            add(&lacks, difference);
        }
        double lack = mean_of(&lacks), error = error_of(&lacks);
        printf("bound of %2llu draws: log p(x) - bound = %.5f +- %.5f\n", (unsigned long long)draws[k], lack,
            error);
        ck_assert_msg(
            lack > 4.5 * error && lack < before - 4.5 * error, "%g draws: %g", (double)draws[k], lack);
        if (k != 1)
            NEAR(lack, expected[k], 4.5 * error + (k == 2 ? 0.1 * expected[2] : 0), "bound %d", k);
        before = lack;
    }
    vae_destroy(s.model);
}
END_TEST

/* ---- the estimate and its error ---- */

/* Deviations in units of the error are as a normal's: how many are within 1 and 2, and their mean square. */
START_TEST(errors_cover)
{
    struct scene s = scene_open(1, &worse);
    struct moments t = {0, 0, 0};
    double within[2] = {0, 0};
    for (uint64_t seed = 1; seed <= 64; seed++) {
        struct estimate e;
        estimate(&s, 1000, seed, &e);
        for (int i = 0; i < N; i++) {
            double off = (e.evidence[i] - s.exact[i]) / e.error[i];
            add(&t, off);
            within[0] += fabs(off) < 1;
            within[1] += fabs(off) < 2;
        }
    }
    printf("%g estimates of 1000 draws: %.3f within one error, %.3f within two, mean %.3f, deviation %.3f\n",
        t.n, within[0] / t.n, within[1] / t.n, mean_of(&t), deviation_of(&t));
    NEAR(within[0] / t.n, 0.6827, 0.033, "within one error");
    NEAR(within[1] / t.n, 0.9545, 0.015, "within two errors");
    NEAR(mean_of(&t), 0, 0.07, "mean");
    NEAR(deviation_of(&t), 1, 0.05, "deviation");
    vae_destroy(s.model);
}
END_TEST

/* The error against the spread over seeds, and against the closed form sqrt(Var(w) / S) / E(w). */
START_TEST(errors_are_the_spread)
{
    enum { SEEDS = 400, DRAWS = 500 };
    struct scene s = scene_open(1, &worse);
    struct moments evidence[N], error[N];
    struct estimate e;
    memset(evidence, 0, sizeof evidence);
    memset(error, 0, sizeof error);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        estimate(&s, DRAWS, seed, &e);
        for (int i = 0; i < N; i++) {
            add(&evidence[i], e.evidence[i] - s.exact[i]);
            add(&error[i], e.error[i]);
        }
    }
    for (int i = 0; i < N; i++) {
        double closed = sqrt(spread(&s, i) / DRAWS);
        NEAR(mean_of(&error[i]), closed, 0.05 * closed, "error of row %d, closed form", i);
        NEAR(deviation_of(&evidence[i]), mean_of(&error[i]), 4.5 / sqrt(2.0 * SEEDS) * closed,
            "error of row %d, spread over seeds", i);
    }
    vae_destroy(s.model);
}
END_TEST

/* Any W and an encoder that knows nothing: q is the prior. Where few of its draws come near the posterior,
 * the error says so. */
START_TEST(any_weights)
{
    struct scene s = scene_open(0, &optimal);
    float zeros[2 * Z * X] = {0};
    struct moments t = {0, 0, 0};
    struct estimate e;
    set(s.model, "encoder.0.weight", zeros);
    set(s.model, "encoder.0.bias", zeros);
    estimate(&s, 30000, 0, &e);
    for (int i = 0; i < N; i++) {
        if (e.error[i] > 0.1)
            continue;
        NEAR(e.evidence[i], s.exact[i], 4.5 * e.error[i], "log p(x) of row %d", i);
        add(&t, (e.evidence[i] - s.exact[i]) / e.error[i]);
    }
    ck_assert_msg(t.n > 0.75 * N, "%g rows have small errors", t.n);
    NEAR(deviation_of(&t), 1, 0.4, "deviations in units of the error");
    vae_destroy(s.model);
}
END_TEST

/* For docs/derivation.md. */
START_TEST(table)
{
    const uint64_t draws[] = {10, 100, 1000, 10000};
    struct scene s = scene_open(1, &worse);
    printf("| row | exact | draws | estimate | error | difference over error |\n|---|---|---|---|---|---|\n");
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 4; k++) {
            struct estimate e;
            estimate(&s, draws[k], 0, &e);
            printf("| %d | %.5f | %llu | %.5f | %.5f | %.2f |\n", i, s.exact[i], (unsigned long long)draws[k],
                e.evidence[i], e.error[i], (e.evidence[i] - s.exact[i]) / e.error[i]);
            NEAR(e.evidence[i], s.exact[i], 4.5 * e.error[i], "%llu draws", (unsigned long long)draws[k]);
        }
    vae_destroy(s.model);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {bound_lacks_the_divergence, posterior_as_proposal_is_exact,
        bounds_of_several_draws, errors_cover, errors_are_the_spread, any_weights, table};
    return RUN_SUITE("linear-gaussian", tests);
}
