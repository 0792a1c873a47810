/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Estimators of the gradient against one another, on a linear Gaussian model whose posterior is known
 * and can be q: their means by paired differences on the same noise, their variances near the optimum, and
 * the encoder's signal-to-noise ratio as the draws of a bound grow. That falls for importance weights by the
 * total gradient (Rainforth et al., arXiv:1802.04537) and rises for DReG (Tucker et al., arXiv:1810.04152).
 */
#include "../support/expect.h"
#include "../support/models.h"
#include "../support/runner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { X = 4, Z = 2, MOST_DRAWS = 16, SEEDS = 8000, MOST_PARAMS = 64 };

/* x = W z + b + noise; the columns of W are orthogonal, so that the posterior's latents are independent. */
static const double weights[X][Z] = {{0.9, 0.3}, {0.6, -0.7}, {-0.5, 0.2}, {0.4, 0.625}};
static const double bias[X] = {0.1, -0.2, 0.3, 0}, noise_logvar = -0.7;
static const float row[X] = {1.3f, -0.4f, 0.2f, 0.9f};

/* ---- the model ---- */

static vae_model *make(void)
{
    struct plan plan;
    plan_init(&plan, VAE_GAUSS, VAE_IDENTITY, 0);
    plan_sizes(&plan, X, Z, NULL, 0);
    plan_scale(&plan, 0, VAE_PARAM_FIXED);
    plan.spans[0].scale_value = noise_logvar;
    plan.runtime.max_draws = MOST_DRAWS;
    return model_of(&plan);
}

static void set(vae_model *model, const char *name, const double *values)
{
    vae_tensor_info info = tensor_of(model, name);
    float to[MOST_PARAMS];
    for (uint64_t i = 0; i < info.count; i++)
        to[i] = (float)values[i];
    must(vae_set_tensor(model, &info, to));
}

/* q is the posterior: precision 1 + |w_j|^2 / s2, mean w_j . (x - b) / s2 over that; then the encoder is off
 * by normals of a given size. */
static void place(vae_model *model, double off)
{
    double weight[2 * Z * X] = {0}, offset[2 * Z] = {0}, s2 = exp(noise_logvar), noise[2 * Z * (X + 1)];
    must(vae_normal_f64(23, 0, 0, 2 * Z * (X + 1), noise));
    for (int j = 0; j < Z; j++) {
        double norm = 0;
        for (int i = 0; i < X; i++)
            norm += weights[i][j] * weights[i][j];
        for (int i = 0; i < X; i++) {
            weight[j * X + i] = weights[i][j] / (s2 + norm);
            offset[j] -= weight[j * X + i] * bias[i];
        }
        offset[Z + j] = -log1p(norm / s2);
    }
    for (int i = 0; i < 2 * Z * X; i++)
        weight[i] += off * noise[i];
    for (int i = 0; i < 2 * Z; i++)
        offset[i] += off * noise[2 * Z * X + i];
    set(model, "encoder.0.weight", weight);
    set(model, "encoder.0.bias", offset);
    set(model, "decoder.0.weight", weights[0]);
    set(model, "decoder.0.bias", bias);
}

static vae_training training_of(int32_t objective, int32_t estimator, uint64_t samples)
{
    vae_training training;
    vae_training_init(&training, sizeof training);
    training.objective = objective;
    training.estimator = estimator;
    training.samples = samples;
    return training;
}

/* ---- moments over the seeds ---- */

/* Of each parameter's gradient, one row a batch. */
struct moments {
    size_t n;
    double mean[MOST_PARAMS], variance[MOST_PARAMS];
};

static void gradient(vae_model *model, uint64_t seed, float *grads)
{
    vae_batch batch = batch_of(model, row, 1);
    batch.seed = seed;
    must(vae_grad(model, &batch, NULL));
    must(vae_get_grads(model, grads, vae_param_count(model)));
}

/* Of the gradient by `a`, or of its difference from that by `b`. */
static struct moments moments_of(vae_model *model, const vae_training *a, const vae_training *b)
{
    struct moments m = {.n = (size_t)vae_param_count(model)};
    float grads[MOST_PARAMS], others[MOST_PARAMS] = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        must(vae_set_training(model, a));
        gradient(model, seed, grads);
        if (b) {
            must(vae_set_training(model, b));
            gradient(model, seed, others);
        }
        for (size_t i = 0; i < m.n; i++) {
            double g = (double)grads[i] - (double)others[i], off = g - m.mean[i];
            m.mean[i] += off / (double)(seed + 1);
            m.variance[i] += off * (g - m.mean[i]);
        }
    }
    for (size_t i = 0; i < m.n; i++)
        m.variance[i] /= SEEDS - 1;
    return m;
}

/* The encoder's parameters come first. */
enum { ENCODER = 2 * Z * (X + 1) };

static double total_variance(const struct moments *m)
{
    double sum = 0;
    for (size_t i = 0; i < ENCODER; i++)
        sum += m->variance[i];
    return sum;
}

/* |mean| / sqrt(trace of the covariance), the noise of the mean taken out of its square. */
static double signal_to_noise(const struct moments *m)
{
    double square = 0, variance = total_variance(m);
    for (size_t i = 0; i < ENCODER; i++)
        square += m->mean[i] * m->mean[i];
    return sqrt(fmax(0, square - variance / SEEDS) / variance);
}

/* ---- tests ---- */

/* On the same noise the means differ by no more than 5 standard errors of the difference, of 2e-6 at least;
 * the decoder's gradient is the same to the rounding. */
static void same_mean(int32_t objective, int32_t estimator, uint64_t samples, uint64_t estimates)
{
    vae_model *model = make();
    vae_training plain = training_of(objective, VAE_ESTIMATOR_DEFAULT, samples), other = plain;
    if (objective == VAE_ELBO)
        plain.estimator = VAE_ESTIMATOR_MONTE_CARLO_KL;
    other.estimator = estimator;
    plain.estimates = other.estimates = estimates;
    place(model, 0.3);
    struct moments difference = moments_of(model, &other, &plain);
    ck_assert_uint_gt(difference.n, ENCODER);
    for (size_t i = 0; i < difference.n; i++)
        NEAR(difference.mean[i], 0, i < ENCODER ? 5 * sqrt(difference.variance[i] / SEEDS) + 2e-6 : 1e-6,
            "estimator %d, %d draws, parameter %zu", (int)estimator, (int)samples, i);
    ck_assert_double_gt(total_variance(&difference), 1e-3);
    vae_destroy(model);
}

START_TEST(stl_of_the_elbo_is_unbiased)
{
    same_mean(VAE_ELBO, VAE_ESTIMATOR_STL, 1, 1);
    same_mean(VAE_ELBO, VAE_ESTIMATOR_STL, 4, 1);
}
END_TEST

START_TEST(closed_form_and_draws_have_one_mean)
{
    same_mean(VAE_ELBO, VAE_ESTIMATOR_ANALYTIC_KL, 1, 1);
    same_mean(VAE_ELBO, VAE_ESTIMATOR_ANALYTIC_KL, 4, 1);
}
END_TEST

START_TEST(dreg_is_unbiased)
{
    same_mean(VAE_IWAE, VAE_ESTIMATOR_DREG, 1, 1);
    same_mean(VAE_IWAE, VAE_ESTIMATOR_DREG, 4, 1);
    same_mean(VAE_IWAE, VAE_ESTIMATOR_DREG, 2, 2);
}
END_TEST

/* Where q is the posterior, log w is a constant: no noise is left but rounding. */
START_TEST(no_variance_at_the_optimum)
{
    const struct {
        int32_t objective, plain, other;
        uint64_t samples;
    } pairs[] = {{VAE_ELBO, VAE_ESTIMATOR_MONTE_CARLO_KL, VAE_ESTIMATOR_STL, 1},
        {VAE_ELBO, VAE_ESTIMATOR_ANALYTIC_KL, VAE_ESTIMATOR_STL, 1},
        {VAE_IWAE, VAE_ESTIMATOR_DEFAULT, VAE_ESTIMATOR_STL, 8},
        {VAE_IWAE, VAE_ESTIMATOR_DEFAULT, VAE_ESTIMATOR_DREG, 8}};
    vae_model *model = make();
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        vae_training plain = training_of(pairs[i].objective, pairs[i].plain, pairs[i].samples);
        vae_training other = training_of(pairs[i].objective, pairs[i].other, pairs[i].samples);
        place(model, 0);
        struct moments of_plain = moments_of(model, &plain, NULL), of_other = moments_of(model, &other, NULL);
        ck_assert_msg(total_variance(&of_plain) > 0.1 && total_variance(&of_other) < 1e-10,
            "pair %zu: variances %g and %g", i, total_variance(&of_plain), total_variance(&of_other));
        place(model, 0.03);
        of_plain = moments_of(model, &plain, NULL);
        of_other = moments_of(model, &other, NULL);
        ck_assert_msg(total_variance(&of_other) < 0.05 * total_variance(&of_plain),
            "pair %zu, near the optimum: variances %g and %g", i, total_variance(&of_plain),
            total_variance(&of_other));
    }
    vae_destroy(model);
}
END_TEST

/* Near the optimum; farther away DReG's ratio falls, too. Prints the table of docs/derivation.md. */
START_TEST(signal_to_noise_by_draws)
{
    const int32_t estimators[] = {VAE_ESTIMATOR_DEFAULT, VAE_ESTIMATOR_STL, VAE_ESTIMATOR_DREG};
    double ratio[3][5];
    vae_model *model = make();
    place(model, 0.03);
    printf("draws of a bound   plain     STL    DReG: signal to noise of the encoder's gradient\n");
    for (int k = 0; k < 5; k++) {
        for (int i = 0; i < 3; i++) {
            vae_training training = training_of(VAE_IWAE, estimators[i], (uint64_t)1 << k);
            struct moments m = moments_of(model, &training, NULL);
            ratio[i][k] = signal_to_noise(&m);
        }
        printf("%16d  %6.3f  %6.3f  %6.3f\n", 1 << k, ratio[0][k], ratio[1][k], ratio[2][k]);
    }
    for (int k = 1; k < 5; k++)
        ck_assert_msg(ratio[2][k] > 1.1 * ratio[2][k - 1] && ratio[0][k] < 0.9 * ratio[0][k - 1],
            "%d draws: DReG %g, after %g; plain %g, after %g", 1 << k, ratio[2][k], ratio[2][k - 1],
            ratio[0][k], ratio[0][k - 1]);
    vae_destroy(model);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {stl_of_the_elbo_is_unbiased, closed_form_and_draws_have_one_mean,
        dreg_is_unbiased, no_variance_at_the_optimum, signal_to_noise_by_draws};
    return RUN_SUITE("estimators", tests);
}
