/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Features combined at random: layers, likelihoods, priors, objectives, estimators, optimizers, options
 * of batches and the program's own matrix product. In every combination threads, halves of steps, files and
 * failed steps change no bit, and views and copies read the same.
 *
 * `test_combinations FIRST COUNT` runs other combinations than those of a build.
 */
#include "../support/answers.h"
#include "../support/files.h"
#include "../support/runner.h"
#include "../support/sgemm.h"

#include <math.h>

enum { STEPS = 8, MOST = 21 };

static uint64_t first_case = 0, cases = 150;

/* ---- numbers ---- */

/* Below `n`; the same for the same case and question. */
static uint64_t below(uint64_t n, uint64_t number, uint64_t question)
{
    uint32_t word;
    must(vae_random_u32(number, 77, question, 1, &word));
    return (uint64_t)word % n;
}

/* One of them; the first one more often than the others. */
static double one_of(const double *values, uint64_t n, uint64_t number, uint64_t question)
{
    uint64_t i = below(2 * n, number, question);
    return values[i < n ? i : 0];
}

#define ONE_OF(number, question, ...)                                                                        \
    one_of((const double[]){__VA_ARGS__}, sizeof((const double[]){__VA_ARGS__}) / sizeof(double), number,    \
        question)

/* ---- models ---- */

static void combine_layers(struct plan *plan, uint64_t c)
{
    for (uint64_t i = 0; i < 3; i++) {
        plan->encoder[i].kind = below(2, c, 10 + i) ? VAE_LAYER_GATED : VAE_LAYER_DENSE;
        plan->decoder[i].kind = below(2, c, 13 + i) ? VAE_LAYER_GATED : VAE_LAYER_DENSE;
        plan->encoder[i].activation = (int32_t)below(VAE_ELU + 1, c, 16 + i);
        plan->decoder[i].activation = (int32_t)below(VAE_ELU + 1, c, 19 + i);
    }
    plan->config.n_encoder = below(3, c, 22);
    plan->config.n_decoder = below(3, c, 23);
    plan->config.prior = (int32_t)below(3, c, 24) + VAE_PRIOR_NORMAL;
    plan->config.prior_components = plan->config.prior == VAE_PRIOR_NORMAL ? 0 : 1 + below(40, c, 25);
    plan->config.z_logvar_min = ONE_OF(c, 26, -1e30, -0.1, -8);
    plan->config.z_logvar_max = ONE_OF(c, 27, 1e30, 0.1, 2);
}

static void combine_settings(struct plan *plan, uint64_t c, uint64_t try)
{
    vae_training *t = &plan->training;
    uint64_t at = 100 * try;
    t->objective = below(2, c, at + 40) ? VAE_IWAE : VAE_ELBO;
    t->estimator = (int32_t)below(VAE_ESTIMATOR_DREG + 1, c, at + 41);
    t->samples = 1 + below(4, c, at + 42);
    t->estimates = (uint64_t)ONE_OF(c, at + 43, 1, 2);
    t->kl_weight = ONE_OF(c, at + 44, 1, 0, 0.5);
    t->free_bits = ONE_OF(c, at + 45, 0, 0.2);
    t->kl_capacity = ONE_OF(c, at + 46, 0, 0.7);
    t->elbo_weight = ONE_OF(c, at + 47, 0, 0.3);
    t->optimizer = (int32_t)below(4, c, at + 48) + VAE_ADAM;
    t->momentum = ONE_OF(c, at + 49, 0, 0.9);
    t->weight_decay = ONE_OF(c, at + 50, 0, 0.01);
    t->clip_norm = ONE_OF(c, at + 51, 0, 0.5, 100);
    t->learning_rate = t->optimizer == VAE_SGD ? 1e-4 : 1e-3;
}

/* Settings that exclude each other are drawn anew. */
static void combine(struct plan *plan, uint64_t c)
{
    size_t bytes;
    plan_any(plan, below(likelihood_count + 1, c, 0), VAE_TANH);
    combine_layers(plan, c);
    plan->runtime.max_batch = 1 + below(MOST, c, 30);
    plan->runtime.sgemm = below(5, c, 31) == 0 ? sgemm_by_the_book : NULL;
    for (uint64_t try = 0; try == 0 || vae_footprint(&plan->config, &plan->training, &plan->runtime, &bytes);
         try++)
        combine_settings(plan, c, try);
}

static vae_model *on_threads(struct plan *plan, int32_t threads)
{
    plan->runtime.threads = threads;
    return model_of(plan);
}

/* ---- training ---- */

/* Rows that a batch points to. */
struct data {
    float *x, weight[MOST];
    uint32_t index[MOST];
};

/* Of `n` rows at most; the first one always counts. */
static vae_batch batch_for(const vae_model *model, struct data *data, uint64_t n, uint64_t c, uint64_t step)
{
    data->x = rows_for(model, MOST, 1000 * c + step);
    vae_batch batch = batch_of(model, data->x, 1 + below(n, c, 1000 + 10 * step));
    for (uint64_t i = 0; i < MOST; i++) {
        data->weight[i] = i == 0 ? 1.5f : (float)below(3, c, 5000 + 100 * step + i);
        data->index[i] = i == 0 ? 0 : (uint32_t)below(MOST, c, 7000 + 100 * step + i);
    }
    batch.weight = below(2, c, 1001 + 10 * step) ? data->weight : NULL;
    batch.index = below(2, c, 1002 + 10 * step) ? data->index : NULL;
    batch.total_weight = ONE_OF(c, 1003 + 10 * step, 40, 10);
    batch.first_row = below(100, c, 1004 + 10 * step);
    batch.seed = below(3, c, 1005 + 10 * step);
    return batch;
}

/* An open gradient from a batch, its parts, a loss of the program's own, and no row at all. */
static void gather(vae_model *model, const vae_batch *batch, uint64_t c, uint64_t step)
{
    vae_batch none = *batch, part = *batch, latents = *batch;
    vae_adjoints adjoints;
    float by_x[MOST * X_DIM], by_z[MOST * Z_DIM], z[MOST * Z_DIM];
    fill_rows(z, MOST, Z_DIM, Z_DIM, c + step);
    vae_adjoints_init(&adjoints, sizeof adjoints);
    adjoints.mu = adjoints.logvar = z;
    adjoints.x_location = batch->x;
    adjoints.x_scale = below(2, c, 1006 + 10 * step) ? batch->x : NULL;
    adjoints.x = by_x;
    adjoints.z = by_z;
    none.n = 0;
    part.n = 1;
    latents.z = z;
    must(vae_grad(model, batch, NULL));
    must(vae_grad_add(model, &part, NULL));
    if (below(2, c, 1007 + 10 * step))
        must(vae_backward(model, &latents, &adjoints));
    must(vae_grad_add(model, &none, NULL));
}

/* Nothing of a batch with a bad value may stay. */
static void fail_at(vae_model *model, const vae_batch *batch, uint64_t c, uint64_t step)
{
    float *x = rows_for(model, MOST, c);
    vae_batch bad = *batch;
    bad.x = x;
    x[below(X_DIM, c, 1008 + 10 * step)] = NAN;
    ck_assert_int_eq(vae_step_batch(model, &bad, NULL), VAE_ERR_NONFINITE);
    ck_assert_int_eq(vae_grad_add(model, &bad, NULL), VAE_ERR_NONFINITE);
    ck_assert_int_eq(vae_apply(model, NULL), VAE_ERR_STATE);
    free(x);
}

enum { HALVES = 1, FAILURES = 2 };

static void train(vae_model *model, uint64_t c, uint64_t first, uint64_t last, uint64_t rows, int how)
{
    for (uint64_t step = first; step < last; step++) {
        struct data data;
        vae_batch batch = batch_for(model, &data, rows, c, step);
        if (how & FAILURES)
            fail_at(model, &batch, c, step);
        if (step % 3 == 2) {
            gather(model, &batch, c, step);
            must(vae_apply(model, NULL));
        } else if (how & HALVES) {
            must(vae_grad(model, &batch, NULL));
            must(vae_apply(model, NULL));
        } else {
            must(vae_step_batch(model, &batch, NULL));
        }
        free(data.x);
    }
}

/* ---- comparisons ---- */

/* All that the model can be asked, of data and of its prior. */
struct all_answers {
    struct answers of_data, of_prior;
    unsigned which;
};

static void ask_all(vae_model *model, const struct plan *plan, uint64_t c, struct all_answers *all)
{
    float *x = rows_for(model, ROWS, c);
    size_t n = (size_t)ONE_OF(c, 60, ROWS, 1, 3);
    vae_batch batch = batch_of(model, x, n), prior = batch_of(model, NULL, n);
    uint64_t samples = (uint64_t)ONE_OF(c, 61, 0, 1, 2, 4, 150);
    all->which = ALL_ANSWERS & ~(plan->config.prior == VAE_PRIOR_NORMAL ? 0 : ONLY(KL_BY_LATENT));
    prior.source = VAE_FROM_PRIOR;
    must_ask(model, &batch, samples, all->which, &all->of_data);
    must_ask(model, &prior, samples, ANSWERS_OF_PRIOR, &all->of_prior);
    free(x);
}

static void same_readers(const struct all_answers *a, const struct all_answers *b, const char *what)
{
    same_answers(&a->of_data, &b->of_data, a->which, what);
    same_answers(&a->of_prior, &b->of_prior, ANSWERS_OF_PRIOR, what);
}

static vae_model *loaded(const vae_model *model, const struct plan *plan, int reads)
{
    struct bytes bytes = bytes_of_model(model, 0);
    vae_runtime runtime = plan->runtime;
    vae_model *copy;
    runtime.max_batch = reads ? 5 : MOST;
    runtime.threads = 2;
    runtime.inference_only = reads;
    must(vae_load_memory(&copy, bytes.data, bytes.size, 0, &runtime));
    bytes_free(&bytes);
    return copy;
}

/* A model that has trained, its view, and a copy that only reads. */
static void check_readers(vae_model *model, const struct plan *plan, uint64_t c)
{
    static struct all_answers own, of_view, of_copy;
    vae_model *view = view_of(model, 4), *copy = loaded(model, plan, 1);
    ask_all(model, plan, c, &own);
    ask_all(view, plan, c, &of_view);
    ask_all(copy, plan, c, &of_copy);
    same_readers(&own, &of_view, "a view");
    same_readers(&own, &of_copy, "a copy that reads");
    vae_destroy(view);
    vae_destroy(copy);
}

static void check_case(uint64_t c)
{
    struct plan plan;
    combine(&plan, c);
    uint64_t rows = plan.runtime.max_batch;
    vae_model *one = on_threads(&plan, 1), *three = on_threads(&plan, 3), *halves = on_threads(&plan, 1);
    train(one, c, 0, STEPS / 2, rows, 0);
    vae_model *copy = loaded(one, &plan, 0);
    check_readers(one, &plan, c);
    train(one, c, STEPS / 2, STEPS, rows, 0);
    train(copy, c, STEPS / 2, STEPS, rows, 0);
    train(three, c, 0, STEPS, rows, FAILURES);
    train(halves, c, 0, STEPS, rows, HALVES);
    same_models(one, three);
    same_models(one, halves);
    same_models(one, copy);
    check_readers(three, &plan, c);
    vae_destroy(one);
    vae_destroy(three);
    vae_destroy(halves);
    vae_destroy(copy);
}

START_TEST(combinations)
{
    for (uint64_t c = first_case; c < first_case + cases; c++)
        check_case(c);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {combinations};
    if (argc == 3) {
        first_case = strtoull(argv[1], NULL, 10);
        cases = strtoull(argv[2], NULL, 10);
    }
    return RUN_SUITE("combinations", tests);
}
