/* SPDX-License-Identifier: BSD-2-Clause
 * Test. vae_outputs.x_draw: draws from p(x|z) by address, row * x_dim + column of stream OBSERVE, regardless
 * of what else is in the model and the call; moments and distributions of every likelihood, independence of
 * cells.
 *
 * Statistics are at fixed seeds, over 39,000 draws for a law: scores below 5 (mean, variance, frequencies),
 * sqrt(n) D of Kolmogorov and Smirnov below 2.
 */
#include "../support/answers.h"
#include "../support/laws.h"
#include "../support/runner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 3000, DRAWS = N * X_DIM, VALUES = ROWS * X_DIM, SEED = 5 };

/* The same draws, row after row, of a model whose p(x|z) is one law everywhere. */
static void draw_law(const struct law *law, float *draws)
{
    struct plan plan;
    float zeros[2 * X_DIM * Z_DIM] = {0}, bias[2 * X_DIM];
    vae_outputs outputs;
    plan_init(&plan, law->likelihood, VAE_TANH, 0);
    vae_model *model = model_of(&plan);
    vae_tensor_info weight = tensor_of(model, "decoder.0.weight"), info = tensor_of(model, "decoder.0.bias");
    vae_batch batch = batch_of(model, NULL, N);
    for (int i = 0; i < 2 * X_DIM; i++)
        bias[i] = (float)(i < X_DIM ? law->location : law->scale);
    must(vae_set_tensor(model, &weight, zeros));
    must(vae_set_tensor(model, &info, bias));
    vae_outputs_init(&outputs, sizeof outputs);
    batch.source = VAE_FROM_PRIOR;
    outputs.x_draw = draws;
    must(vae_infer(model, &batch, &outputs, NULL));
    vae_destroy(model);
}

/* ---- statistics ---- */

/* Mean and variance in standard errors, the latter from the draws' own fourth moment. */
static void check_moments(const struct law *law, const float *draws)
{
    struct law_moments m = law_moments(law);
    double first = 0, second = 0, fourth = 0;
    for (int i = 0; i < DRAWS; i++) {
        double at = (double)draws[i] - m.mean;
        first += at / DRAWS;
        second += at * at / DRAWS;
        fourth += at * at * at * at / DRAWS;
    }
    double mean_error = sqrt(m.variance / DRAWS), error = sqrt(fmax(fourth - second * second, 0) / DRAWS);
    ck_assert_msg(fabs(first) < 5 * mean_error, "likelihood %d at %g, %g: mean off by %g of %g",
        (int)law->likelihood, law->location, law->scale, first, mean_error);
    ck_assert_msg(fabs(second - m.variance) < 5 * error + 1e-6 * m.variance,
        "likelihood %d at %g, %g: variance %g, not %g", (int)law->likelihood, law->location, law->scale,
        second, m.variance);
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov and Smirnov. */
static void check_continuous(const struct law *law, const float *sorted)
{
    double most = 0;
    for (int i = 0; i < DRAWS; i++) {
        double below = law_below(law, (double)sorted[i]);
        most = fmax(most, fmax((i + 1.0) / DRAWS - below, below - (double)i / DRAWS));
    }
    ck_assert_msg(most * sqrt(DRAWS) < 2, "likelihood %d at %g, %g: sqrt(n) D = %g", (int)law->likelihood,
        law->location, law->scale, most * sqrt(DRAWS));
}

/* Each value that 25 draws are expected of, and nothing but whole numbers. */
static void check_discrete(const struct law *law, const float *sorted)
{
    int found = 0, seen = 0;
    for (double k = 0; k <= (double)sorted[DRAWS - 1]; k++) {
        double p = exp(law_loglik(law, k));
        for (found = 0; seen + found < DRAWS && (double)sorted[seen + found] == k; found++)
            ;
        double score = (found - p * DRAWS) / sqrt(p * (1 - p) * DRAWS + 1e-300);
        ck_assert_msg(p * DRAWS < 25 || fabs(score) < 5, "likelihood %d at %g: %d draws of %g, by %g",
            (int)law->likelihood, law->location, found, k, score);
        seen += found;
    }
    ck_assert_int_eq(seen, DRAWS);
}

START_TEST(distributions)
{
    static float draws[DRAWS];
    for (int i = 0; i < law_count; i++) {
        struct law law = {laws[i].likelihood, (double)(float)laws[i].location, laws[i].scale};
        draw_law(&law, draws);
        check_moments(&law, draws);
        qsort(draws, DRAWS, sizeof *draws, by_size);
        if (law_is_discrete(&law))
            check_discrete(&law, draws);
        else
            check_continuous(&law, draws);
    }
}
END_TEST

/* Neighbouring cells, in rows and in columns, do not know of each other. */
START_TEST(cells_are_independent)
{
    static float draws[DRAWS];
    const int lags[] = {1, 2, X_DIM - 1, X_DIM, X_DIM + 1, 16, 64};
    for (int i = 0; i < law_count; i++) {
        struct law_moments m = law_moments(&laws[i]);
        draw_law(&laws[i], draws);
        for (int k = 0; k < 7; k++) {
            double sum = 0;
            for (int j = lags[k]; j < DRAWS; j++)
                sum += ((double)draws[j] - m.mean) * ((double)draws[j - lags[k]] - m.mean);
            double score = sum / m.variance / sqrt(DRAWS - lags[k]);
            ck_assert_msg(fabs(score) < 5, "likelihood %d at %g, lag %d: %g", (int)laws[i].likelihood,
                laws[i].location, lags[k], score);
        }
    }
}
END_TEST

/* ---- addresses ---- */

/* Bernoulli: vae_bernoulli() of that address. */
START_TEST(bernoulli_by_section_2)
{
    const uint64_t first[] = {0, 1000, (uint64_t)1 << 61};
    struct plan plan;
    struct answers a;
    float drawn[VALUES];
    plan_any(&plan, KIND_BERNOULLI, VAE_TANH);
    vae_model *model = model_of(&plan);
    float *x = rows_for(model, ROWS, 1);
    vae_batch batch = batch_of(model, x, ROWS);
    batch.seed = 9;
    for (int i = 0; i < 3; i++) {
        batch.first_row = first[i];
        must_ask(model, &batch, 1, ALL_ANSWERS, &a);
        must(vae_bernoulli(noise_key(SEED, 9), noise_stream(VAE_STREAM_OBSERVE, 0, 0), first[i] * X_DIM,
            VALUES, a.x_mean, drawn));
        ck_assert_mem_eq(a.x_draw, drawn, sizeof drawn);
    }
    free(x);
    vae_destroy(model);
}
END_TEST

/* Gauss: the reparameterised draw of that address, for every source of the variance. */
START_TEST(gauss_by_section_2)
{
    for (size_t kind = KIND_GAUSS_FIXED; kind <= KIND_GAUSS_CELL_SIGMOID; kind++) {
        struct plan plan;
        struct answers a;
        float noise[VALUES], drawn[VALUES];
        plan_any(&plan, kind, VAE_TANH);
        vae_model *model = model_of(&plan);
        float *x = rows_for(model, ROWS, 1);
        vae_batch batch = batch_of(model, x, ROWS);
        batch.seed = 9;
        batch.first_row = 77;
        must_ask(model, &batch, 1, ALL_ANSWERS, &a);
        must(vae_normal(
            noise_key(SEED, 9), noise_stream(VAE_STREAM_OBSERVE, 0, 0), 77 * X_DIM, VALUES, noise));
        must(vae_reparam(ROWS, X_DIM, a.x_location, X_DIM, a.x_scale, X_DIM, noise, X_DIM, drawn, X_DIM));
        ck_assert_mem_eq(a.x_draw, drawn, sizeof drawn);
        free(x);
        vae_destroy(model);
    }
}
END_TEST

/* Locations of z through a linear head: those of two models agree where their likelihoods do. */
static void ask_linear(struct plan *plan, const float *z, struct answers *a)
{
    plan->config.n_encoder = plan->config.n_decoder = 0;
    vae_model *model = model_of(plan);
    float weight[2 * X_DIM * Z_DIM], bias[2 * X_DIM] = {0};
    vae_tensor_info info = tensor_of(model, "decoder.0.weight");
    for (uint64_t i = 0; i < info.count; i++)
        weight[i] = 0.01f * (float)(i * 7 % 31) - 0.1f;
    must(vae_set_tensor(model, &info, weight));
    info = tensor_of(model, "decoder.0.bias");
    must(vae_set_tensor(model, &info, bias));
    vae_batch batch = batch_of(model, NULL, ROWS);
    batch.z = z;
    must_ask(model, &batch, 1, ANSWERS_OF_PRIOR, a);
    vae_destroy(model);
}

/* A cell's draw depends on its parameters and its address, not on the spans around it. */
START_TEST(spans_do_not_show)
{
    for (size_t kind = 0; kind < likelihood_count; kind++) {
        struct plan plan;
        struct answers alone, among;
        float z[ROWS * Z_DIM];
        must(vae_normal(1, 2, 0, ROWS * Z_DIM, z));
        if (likelihoods[kind].scale == VAE_PARAM_CELL &&
            (likelihoods[kind].kind == VAE_GAUSS || likelihoods[kind].kind == VAE_LAPLACE))
            continue; /* their scales are elsewhere in the head */
        plan_any(&plan, kind, VAE_TANH);
        ask_linear(&plan, z, &alone);
        plan.config.n_spans = 3;
        plan.spans[1] = plan.spans[0];
        plan.spans[0] = plan.spans[2];
        plan.spans[0].columns = 4;
        plan.spans[1].columns = 6;
        plan.spans[2].columns = 3;
        ask_linear(&plan, z, &among);
        for (int i = 0; i < VALUES; i++)
            if (i % X_DIM >= 4 && i % X_DIM < 10)
                ck_assert_msg(alone.x_draw[i] == among.x_draw[i] && alone.x_mean[i] == among.x_mean[i],
                    "%s: cell %d", kind_name(kind), i);
    }
}
END_TEST

/* Of equal parameters, the rows of a call, seeds and sources of z give draws of their own. */
START_TEST(other_addresses_give_other_draws)
{
    for (size_t kind = 0; kind <= likelihood_count; kind++) {
        struct plan plan;
        struct answers a, b;
        float z[ROWS * Z_DIM];
        plan_any(&plan, kind, VAE_TANH);
        vae_model *model = model_of(&plan);
        vae_batch batch = batch_of(model, NULL, ROWS);
        for (int i = 0; i < ROWS * Z_DIM; i++)
            z[i] = 0.25f * (float)(i % Z_DIM);
        batch.z = z;
        must_ask(model, &batch, 1, ANSWERS_OF_PRIOR, &a);
        ck_assert_mem_ne(a.x_draw, a.x_draw + X_DIM, X_DIM * sizeof *a.x_draw);
        batch.seed = 1;
        must_ask(model, &batch, 1, ANSWERS_OF_PRIOR, &b);
        same_answers(&a, &b, ANSWERS_OF_PRIOR & ~ONLY(X_DRAW), kind_name(kind));
        ck_assert_mem_ne(a.x_draw, b.x_draw, sizeof a.x_draw);
        batch.seed = 0;
        batch.first_row = 1;
        must_ask(model, &batch, 1, ANSWERS_OF_PRIOR, &b);
        ck_assert_mem_eq(a.x_draw + X_DIM, b.x_draw, (ROWS - 1) * X_DIM * sizeof *a.x_draw);
        vae_destroy(model);
    }
}
END_TEST

/* Parameters at the ends of float32 and beyond: the call returns, and what is drawn is in the domain. */
START_TEST(draws_at_the_ends)
{
    const double ends[] = {-3e38, -1e4, -100, -50, 17, 50, 88, 100, 1e4, 3e38};
    const int32_t kinds[] = {VAE_BERNOULLI, VAE_POISSON, VAE_CBERNOULLI, VAE_GAUSS, VAE_LAPLACE};
    static float draws[DRAWS];
    for (int k = 0; k < 5; k++)
        for (int i = 0; i < 10; i++) {
            struct law law = {kinds[k], ends[i], 0};
            draw_law(&law, draws);
            for (int j = 0; j < DRAWS; j++) {
                float x = draws[j];
                int domain = kinds[k] == VAE_BERNOULLI    ? x == 0 || x == 1
                             : kinds[k] == VAE_CBERNOULLI ? x >= 0 && x <= 1
                             : kinds[k] == VAE_POISSON    ? x >= 0 && (isinf(x) || floorf(x) == x)
                                                          : x - x == 0;
                ck_assert_msg(domain, "likelihood %d at %g: %g", (int)kinds[k], ends[i], (double)x);
            }
        }
}
END_TEST

/* NaN in z: the other rows are as before, and the call returns. */
START_TEST(draws_beside_nan)
{
    for (size_t kind = 0; kind <= likelihood_count; kind++) {
        struct plan plan;
        struct answers good, bad;
        float z[ROWS * Z_DIM];
        plan_any(&plan, kind, VAE_TANH);
        vae_model *model = model_of(&plan);
        must(vae_normal(1, 2, 0, ROWS * Z_DIM, z));
        vae_batch batch = batch_of(model, NULL, ROWS);
        batch.z = z;
        must_ask(model, &batch, 1, ANSWERS_OF_PRIOR, &good);
        z[5 * Z_DIM] = NAN;
        z[6 * Z_DIM + 1] = INFINITY;
        must_ask(model, &batch, 1, ANSWERS_OF_PRIOR, &bad);
        for (size_t r = 0; r < ROWS; r++)
            if (r != 5 && r != 6)
                same_row(&good, r, &bad, r, ANSWERS_OF_PRIOR, kind_name(kind));
        vae_destroy(model);
    }
}
END_TEST

int main(void)
{
    const TTest *tests[] = {distributions, cells_are_independent, bernoulli_by_section_2, gauss_by_section_2,
        spans_do_not_show, other_addresses_give_other_draws, draws_at_the_ends, draws_beside_nan};
    return RUN_SUITE("draws", tests);
}
