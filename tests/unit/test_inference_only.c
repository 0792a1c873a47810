/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Models that are only read: the bits of one that is trained, in less memory; training calls and calls
 * on gradients are refused.
 */
#include "../support/answers.h"
#include "../support/runner.h"

#include <string.h>

/* A trained model, and one of its parameters that is only read. */
struct pair {
    vae_model *trained, *reader;
};

static void pair_open(struct pair *p, size_t kind, uint64_t reader_batch)
{
    struct plan plan;
    plan_any(&plan, kind, VAE_SILU);
    p->trained = model_of(&plan);
    train_some(p->trained, 3, 16);
    plan.runtime.inference_only = 1;
    plan.runtime.max_batch = reader_batch;
    p->reader = model_of(&plan);
    float *params = params_of(p->trained);
    must(vae_set_params(p->reader, params, vae_param_count(p->reader)));
    free(params);
}

static void pair_close(struct pair *p)
{
    vae_destroy(p->trained);
    vae_destroy(p->reader);
}

/* ---- reading ---- */

START_TEST(readers_give_the_trained_models_bits)
{
    const uint64_t batches[] = {1, 5, 64};
    for (size_t kind = 0; kind <= likelihood_count; kind++)
        for (size_t i = 0; i < 3; i++)
            for (uint64_t samples = 0; samples <= 3; samples += 3) {
                static struct answers a, b, c;
                struct pair p;
                pair_open(&p, kind, batches[i]);
                vae_model *view = view_of(p.reader, 7);
                float *x = rows_for(p.trained, ROWS, 1);
                vae_batch batch = batch_of(p.trained, x, ROWS);
                must_ask(p.trained, &batch, samples, ALL_ANSWERS, &a);
                must_ask(p.reader, &batch, samples, ALL_ANSWERS, &b);
                must_ask(view, &batch, samples, ALL_ANSWERS, &c);
                same_answers(&a, &b, ALL_ANSWERS, kind_name(kind));
                same_answers(&a, &c, ALL_ANSWERS, kind_name(kind));
                free(x);
                vae_destroy(view);
                pair_close(&p);
            }
}
END_TEST

/* First parameters are the seed's, tensors can be set one by one, and both are read at once. */
START_TEST(readers_have_parameters)
{
    struct plan plan;
    plan_any(&plan, likelihood_count, VAE_TANH);
    vae_model *trained = model_of(&plan);
    plan.runtime.inference_only = 1;
    vae_model *reader = model_of(&plan);
    same_models(trained, reader);
    train_some(trained, 2, 16);
    for (uint64_t i = 0; i < vae_tensor_count(trained); i++) {
        vae_tensor_info info;
        vae_tensor_info_init(&info, sizeof info);
        must(vae_tensor(trained, i, &info));
        float *values = malloc((size_t)info.count * sizeof *values);
        must(vae_get_tensor(trained, info.name, values, info.count));
        must(vae_set_tensor(reader, &info, values));
        free(values);
    }
    float *a = params_of(trained), *b = params_of(reader);
    ck_assert_int_eq(memcmp(a, b, (size_t)vae_param_count(reader) * sizeof *a), 0);
    ck_assert_uint_eq(vae_steps(reader), 0);
    free(a);
    free(b);
    vae_destroy(trained);
    vae_destroy(reader);
}
END_TEST

/* ---- memory ---- */

static size_t bytes_of(struct plan *plan)
{
    struct counter counter = {.fail_at = COUNTER_NEVER_FAILS};
    count_allocations(&plan->runtime, &counter);
    vae_model *model = model_of(plan);
    size_t bytes = counter.live_bytes;
    ck_assert_uint_eq(counter.calls, 1);
    vae_destroy(model);
    must_balance(&counter);
    return bytes;
}

/* Without gradient and two moments; and without the gradients of the rows. */
START_TEST(readers_are_small)
{
    const uint64_t wide = 500;
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 1);
    plan_sizes(&plan, 500, 10, &wide, 1);
    plan.runtime.max_batch = 1;
    vae_model *model = model_of(&plan);
    size_t weights = (size_t)vae_param_count(model) * sizeof(float);
    vae_destroy(model);
    size_t trained = bytes_of(&plan);
    plan.runtime.inference_only = 1;
    size_t reader = bytes_of(&plan);
    ck_assert_uint_lt(reader, weights + weights / 20);
    ck_assert_uint_gt(trained, reader + 3 * weights);
    plan.runtime.max_batch = 1024;
    size_t many = bytes_of(&plan);
    plan.runtime.inference_only = 0;
    ck_assert_uint_lt(many - reader, (bytes_of(&plan) - trained) * 3 / 4);
}
END_TEST

/* ---- refusals ---- */

START_TEST(readers_are_not_trained)
{
    struct pair p;
    double norm = 9;
    vae_training training, found;
    uint64_t count = 99;
    pair_open(&p, KIND_GAUSS_SPAN, 16);
    float *x = rows_for(p.reader, 16, 1), *values = params_of(p.reader);
    vae_batch batch = batch_of(p.reader, x, 16);
    vae_terms terms = {sizeof terms, 9, 9, 9, 9, 9};
    vae_adjoints adjoints = {.size = sizeof adjoints};
    vae_training_init(&training, sizeof training);
    vae_training_init(&found, sizeof found);
    const int statuses[] = {vae_step(p.reader, x, 16, &terms), vae_step_batch(p.reader, &batch, &terms),
        vae_grad(p.reader, &batch, &terms), vae_apply(p.reader, &norm), vae_set_training(p.reader, &training),
        vae_get_grads(p.reader, values, vae_param_count(p.reader)),
        vae_backward(p.reader, &batch, &adjoints)};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        ck_assert_msg(statuses[i] == VAE_ERR_STATE, "call %zu: %s", i, vae_strerror(statuses[i]));
    ck_assert_ptr_null(vae_grad_buffer(p.reader, &count));
    ck_assert(terms.objective == 9 && terms.grad_norm == 9 && norm == 9 && count == 99);
    must(vae_get_training(p.reader, &found)); /* as vae_create() was given it */
    ck_assert_int_eq(memcmp(&found, &training, sizeof found), 0);
    float *after = params_of(p.reader);
    ck_assert_int_eq(memcmp(values, after, (size_t)vae_param_count(p.reader) * sizeof *after), 0);
    free(after);
    free(values);
    free(x);
    pair_close(&p);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {readers_give_the_trained_models_bits, readers_have_parameters, readers_are_small,
        readers_are_not_trained};
    return RUN_SUITE("inference only", tests);
}
