/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Each likelihood of a model: its log-likelihood to the ends of its domain against section 2, the mean
 * of p(x|z) against quadrature, scales of equal value from every source. Domains are in test_domains.c.
 */
#include "../support/answers.h"
#include "../support/laws.h"
#include "../support/runner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES = ROWS * X_DIM };

/* A model whose p(x|z) is a law in every column, for any z. */
static vae_model *model_of_law(const struct law *law, int32_t scale)
{
    struct plan plan;
    float zeros[2 * X_DIM * Z_DIM] = {0}, bias[2 * X_DIM];
    plan_init(&plan, law->likelihood, VAE_TANH, 0);
    plan.spans[0].scale = scale;
    plan.spans[0].scale_value = scale == VAE_PARAM_CELL ? 0 : law->scale;
    vae_model *model = model_of(&plan);
    vae_tensor_info weight = tensor_of(model, "decoder.0.weight"), info = tensor_of(model, "decoder.0.bias");
    for (int i = 0; i < 2 * X_DIM; i++)
        bias[i] = (float)(i < X_DIM ? law->location : law->scale);
    must(vae_set_tensor(model, &weight, zeros));
    must(vae_set_tensor(model, &info, bias));
    return model;
}

/* With the parameters as float32 has them. */
static struct law rounded(const struct law *law)
{
    return (struct law){law->likelihood, (double)(float)law->location, (double)(float)law->scale};
}

/* Section 2's functions are distributions: their probabilities add up to 1. */
START_TEST(laws_are_distributions)
{
    for (int i = 0; i < law_count; i++)
        ck_assert_double_eq_tol(law_moments(&laws[i]).mass, 1, 1e-9);
}
END_TEST

/* x_mean is the mean of that distribution; reconstructions and samples are it, too. */
START_TEST(means_by_quadrature)
{
    for (int i = 0; i < law_count; i++) {
        struct answers a;
        struct law law = rounded(&laws[i]);
        struct law_moments m = law_moments(&law);
        vae_model *model = model_of_law(&law, VAE_PARAM_CELL);
        float *x = rows_for(model, 2, 3), means[2 * X_DIM];
        vae_batch batch = batch_of(model, x, 2);
        must_ask(model, &batch, 1, ALL_ANSWERS, &a);
        must(vae_sample_mean(model, 5, 2, means));
        for (int j = 0; j < 2 * X_DIM; j++) {
            ck_assert_msg(fabs((double)a.x_mean[j] - m.mean) <= 2e-7 * fabs(m.mean) + 1e-9,
                "likelihood %d at %g: mean %.9g, not %.9g", (int)law.likelihood, law.location,
                (double)a.x_mean[j], m.mean);
            ck_assert(means[j] == a.x_mean[j] && a.x_location[j] == (float)law.location);
        }
        free(x);
        vae_destroy(model);
    }
}
END_TEST

/* The sigmoid in front of a mean. */
START_TEST(activated_means)
{
    for (int i = 0; i < law_count; i++) {
        struct plan plan;
        struct answers a;
        const struct law *law = &laws[i];
        float z[Z_DIM] = {0.5f, -1, 2};
        if (law->likelihood != VAE_GAUSS && law->likelihood != VAE_LAPLACE)
            continue;
        plan_init(&plan, law->likelihood, VAE_TANH, 1);
        vae_model *plain = model_of(&plan);
        plan.spans[0].mean_activation = VAE_SIGMOID;
        vae_model *model = model_of(&plan);
        vae_batch batch = batch_of(model, NULL, 1);
        float locations[X_DIM];
        batch.z = z;
        must_ask(plain, &batch, 1, ONLY(X_LOCATION), &a);
        memcpy(locations, a.x_location, sizeof locations);
        must_ask(model, &batch, 1, ANSWERS_OF_PRIOR, &a);
        for (int j = 0; j < X_DIM; j++) {
            double mean = 1 / (1 + exp(-(double)locations[j]));
            ck_assert_double_eq_tol((double)a.x_location[j], mean, 2e-7);
            ck_assert(a.x_mean[j] == a.x_location[j]);
        }
        vae_destroy(plain);
        vae_destroy(model);
    }
}
END_TEST

/* ---- values ---- */

/* Values at the ends of each domain, and between. */
static const float unit[] = {0, 1, 0x1p-149f, 0x1p-24f, 0.5f, 0.99999994f, 0.25f};
static const float counts[] = {0, 1, 2, 17, 1000, 65536, 16777216, 16777215};
static const float reals[] = {0, -0.0f, 1, -1e-30f, 3e4f, -3e4f, 0.1f, 1e10f};

static const float *domain_of(int32_t likelihood, size_t *count)
{
    if (likelihood == VAE_POISSON) {
        *count = sizeof counts / sizeof *counts;
        return counts;
    }
    *count = likelihood == VAE_BERNOULLI || likelihood == VAE_CBERNOULLI ? sizeof unit / sizeof *unit
                                                                         : sizeof reals / sizeof *reals;
    return likelihood == VAE_BERNOULLI || likelihood == VAE_CBERNOULLI ? unit : reals;
}

/* Row by row and column by column against section 2 in float64. */
START_TEST(values_by_section_2)
{
    for (int i = 0; i < law_count; i++) {
        struct answers a;
        size_t count;
        float x[VALUES];
        struct law law = rounded(&laws[i]);
        const float *domain = domain_of(law.likelihood, &count);
        vae_model *model = model_of_law(&law, VAE_PARAM_CELL);
        vae_batch batch = batch_of(model, x, ROWS);
        for (size_t j = 0; j < VALUES; j++)
            x[j] = domain[j * 5 % count];
        must_ask(model, &batch, 0, ALL_ANSWERS, &a);
        for (int r = 0; r < ROWS; r++) {
            double sum = 0, magnitude = 0;
            for (int j = r * X_DIM; j < (r + 1) * X_DIM; j++) {
                double value = law_loglik(&law, (double)x[j]);
                ck_assert_double_eq_tol((double)a.loglik_by_column[j], value, 6.1e-8 * fabs(value) + 1e-9);
                sum += value;
                magnitude += fabs(value);
            }
            ck_assert_double_eq_tol(a.loglik[r], sum, 1e-8 * magnitude + 1e-12);
        }
        vae_destroy(model);
    }
}
END_TEST

/* One value as a scale from the decoder, from the span's tensor, and as it was given: the same bits. */
START_TEST(sources_of_scales_agree)
{
    for (int i = 0; i < law_count; i++) {
        struct answers cell, other;
        struct law law = rounded(&laws[i]);
        if (law.likelihood != VAE_GAUSS && law.likelihood != VAE_LAPLACE)
            continue;
        vae_model *model = model_of_law(&law, VAE_PARAM_CELL);
        float *x = rows_for(model, ROWS, 4);
        vae_batch batch = batch_of(model, x, ROWS);
        must_ask(model, &batch, 2, ALL_ANSWERS, &cell);
        for (int32_t source = VAE_PARAM_SPAN; source <= VAE_PARAM_FIXED; source++) {
            vae_model *same = model_of_law(&law, source);
            must_ask(same, &batch, 2, ALL_ANSWERS, &other);
            same_answers(&cell, &other, ALL_ANSWERS, source == VAE_PARAM_SPAN ? "span" : "fixed");
            vae_destroy(same);
        }
        free(x);
        vae_destroy(model);
    }
}
END_TEST

int main(void)
{
    const TTest *tests[] = {laws_are_distributions, means_by_quadrature, activated_means, values_by_section_2,
        sources_of_scales_agree};
    return RUN_SUITE("likelihoods", tests);
}
