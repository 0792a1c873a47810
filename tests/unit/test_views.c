/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Views: the owner's bits, its new weights after each step, a runtime of their own, several at once in
 * threads of their own, no training.
 */
#include "../support/models.h"
#include "../support/runner.h"

#include <pthread.h>
#include <string.h>

enum { ROWS = 41, X = 13, Z = 3, VIEWS = 4 };

static void plan_view(struct plan *plan, size_t likelihood)
{
    plan_init(plan, VAE_BERNOULLI, VAE_SILU, 2);
    plan_kind(plan, likelihood);
}

static void same_readings(vae_model *a, vae_model *b, const float *x)
{
    double elbo[2][ROWS];
    float mean[2][ROWS * X], mu[2][ROWS * Z];
    vae_model *const both[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        must(vae_elbo(both[i], x, ROWS, 2, elbo[i], NULL));
        must(vae_encode(both[i], x, ROWS, mu[i], NULL));
        must(vae_sample_mean(both[i], 4, ROWS, mean[i]));
    }
    ck_assert_int_eq(memcmp(elbo[0], elbo[1], sizeof elbo[0]), 0);
    ck_assert_int_eq(memcmp(mean[0], mean[1], sizeof mean[0]), 0);
    ck_assert_int_eq(memcmp(mu[0], mu[1], sizeof mu[0]), 0);
    same_models(a, b);
}

static void scale_params(vae_model *model, float factor)
{
    float *params = params_of(model);
    for (uint64_t j = 0; j < vae_param_count(model); j++)
        params[j] *= factor;
    must(vae_set_params(model, params, vae_param_count(model)));
    free(params);
}

static void check_view(size_t kind, uint64_t max_batch, int32_t threads)
{
    struct plan plan;
    vae_model *second;
    plan_view(&plan, kind);
    plan.runtime.threads = threads;
    plan.training.samples = 2;
    vae_model *owner = model_of(&plan), *view = view_of(owner, max_batch);
    must(vae_share(&second, view, NULL)); /* a view's view is the owner's */
    float *x = rows_for(owner, ROWS, 1);
    same_readings(owner, view, x);
    train_some(owner, 3, 16);
    same_readings(owner, view, x);
    vae_destroy(view);
    same_readings(owner, second, x);
    scale_params(owner, 0.5f);
    same_readings(owner, second, x);
    vae_destroy(second);
    train_some(owner, 1, 16);
    free(x);
    vae_destroy(owner);
}

START_TEST(views_give_the_owners_bits)
{
    const uint64_t batches[] = {1, 5, 41, 1000};
    for (size_t i = 0; i < likelihood_count; i++)
        for (int b = 0; b < 4; b++)
            check_view(i, batches[b], 1 + b % 2);
}
END_TEST

/* A view needs memory for its workspace alone: no second copy of the weights, moments or gradients. */
START_TEST(views_copy_no_weights)
{
    const uint64_t wide = 500;
    struct counter counter = {.fail_at = COUNTER_NEVER_FAILS};
    struct plan plan;
    vae_model *view;
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 1);
    plan_sizes(&plan, 500, 10, &wide, 1);
    count_allocations(&plan.runtime, &counter);
    vae_model *owner = model_of(&plan);
    size_t before = counter.live_bytes, weights = (size_t)vae_param_count(owner) * sizeof(float);
    ck_assert_uint_gt(before, 4 * weights);
    plan.runtime.max_batch = 1;
    must(vae_share(&view, owner, &plan.runtime));
    ck_assert_uint_lt(counter.live_bytes - before, weights / 20);
    vae_destroy(view);
    ck_assert_uint_eq(counter.live_bytes, before);
    vae_destroy(owner);
    must_balance(&counter);
}
END_TEST

/* ---- runtimes ---- */

static size_t executed, executed_most;

static void in_order(void *ctx, size_t tasks, void (*task)(void *arg, size_t index), void *arg)
{
    ck_assert_ptr_eq(ctx, &executed);
    executed++;
    executed_most = tasks > executed_most ? tasks : executed_most;
    for (size_t i = 0; i < tasks; i++)
        task(arg, i);
}

/* Its own allocator and executor; the owner's keep out of it. */
START_TEST(views_have_a_runtime)
{
    struct counter owners = {.fail_at = COUNTER_NEVER_FAILS}, views = {.fail_at = COUNTER_NEVER_FAILS};
    struct plan plan;
    vae_model *view;
    plan_view(&plan, KIND_GAUSS_CELL);
    count_allocations(&plan.runtime, &owners);
    vae_model *owner = model_of(&plan);
    float *x = rows_for(owner, ROWS, 1);
    count_allocations(&plan.runtime, &views);
    plan.runtime.threads = 3;
    plan.runtime.parallel_for = in_order;
    plan.runtime.parallel_ctx = &executed;
    plan.runtime.max_batch = 40;
    must(vae_share(&view, owner, &plan.runtime));
    ck_assert_uint_eq(owners.calls, 1);
    ck_assert_uint_eq(views.calls, 1);
    train_some(owner, 1, 16);
    ck_assert_uint_eq(executed, 0);
    same_readings(owner, view, x);
    ck_assert_uint_gt(executed, 0);
    ck_assert_uint_eq(executed_most, 3);
    vae_destroy(view);
    must_balance(&views);
    free(x);
    vae_destroy(owner);
    must_balance(&owners);
}
END_TEST

static void never(int order, int transa, int transb, int m, int n, int k, float alpha, const float *a,
    int lda, const float *b, int ldb, float beta, float *c, int ldc)
{
    (void)order, (void)transa, (void)transb, (void)m, (void)n, (void)k, (void)alpha, (void)a, (void)lda,
        (void)b, (void)ldb, (void)beta, (void)c, (void)ldc;
    ck_abort_msg("the owner has no product of its own");
}

/* sgemm, inference_only and max_draws of a view's runtime are ignored, be they impossible for a model. */
START_TEST(views_follow_the_owner)
{
    struct plan plan;
    vae_model *view;
    plan_view(&plan, KIND_BERNOULLI);
    plan.training.samples = 4;
    vae_model *owner = model_of(&plan);
    float *x = rows_for(owner, ROWS, 1);
    plan.runtime.sgemm = never;
    plan.runtime.inference_only = 1;
    plan.runtime.max_draws = 3;
    must(vae_share(&view, owner, &plan.runtime));
    same_readings(owner, view, x);
    vae_destroy(view);
    free(x);
    vae_destroy(owner);
}
END_TEST

/* What changes a model, and what is about gradients. */
START_TEST(views_are_not_trained)
{
    struct plan plan;
    double norm;
    plan_view(&plan, KIND_GAUSS_SPAN);
    vae_model *owner = model_of(&plan), *twin = model_of(&plan), *view = view_of(owner, 16);
    float *x = rows_for(owner, 16, 1), *params = params_of(owner);
    vae_batch batch = batch_of(view, x, 16);
    vae_tensor_info info = tensor_of(view, "encoder.0.bias");
    vae_adjoints adjoints = {.size = sizeof adjoints};
    must(vae_grad(owner, &batch, NULL));
    const int statuses[] = {vae_step(view, x, 16, NULL), vae_step_batch(view, &batch, NULL),
        vae_grad(view, &batch, NULL), vae_apply(view, &norm), vae_set_training(view, &plan.training),
        vae_set_params(view, params, vae_param_count(view)), vae_set_tensor(view, &info, params),
        vae_get_grads(view, params, vae_param_count(view)), vae_backward(view, &batch, &adjoints)};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        ck_assert_msg(statuses[i] == VAE_ERR_STATE, "call %zu: %s", i, vae_strerror(statuses[i]));
    ck_assert_ptr_null(vae_grad_buffer(view, NULL));
    same_models(owner, twin);
    must(vae_apply(owner, NULL)); /* its gradient is still open */
    ck_assert_uint_eq(vae_steps(view), 1);
    must(vae_get_training(view, &plan.training));
    vae_destroy(view);
    vae_destroy(owner);
    vae_destroy(twin);
    free(params);
    free(x);
}
END_TEST

/* ---- at the same time ---- */

struct reader {
    pthread_t thread;
    vae_model *view;
    const float *x;
    double elbo[ROWS], wanted[ROWS];
    int status, different;
};

static void *read_on(void *arg)
{
    struct reader *r = arg;
    for (int i = 0; i < 50 && r->status == VAE_OK; i++) {
        r->status = vae_elbo(r->view, r->x, ROWS, 2, r->elbo, NULL);
        r->different += memcmp(r->elbo, r->wanted, sizeof r->elbo) != 0;
    }
    return NULL;
}

START_TEST(views_side_by_side)
{
    for (int32_t threads = 1; threads <= 2; threads++) {
        struct plan plan;
        struct reader readers[VIEWS];
        plan_view(&plan, KIND_GAUSS_SPAN);
        plan.runtime.threads = threads;
        vae_model *owner = model_of(&plan);
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < VIEWS; i++) {
                struct reader *r = &readers[i];
                *r = (struct reader){.view = view_of(owner, 1 + 7 * (uint64_t)i)};
                r->x = rows_for(owner, ROWS, (uint64_t)i);
                must(vae_elbo(owner, r->x, ROWS, 2, r->wanted, NULL));
            }
            for (int i = 0; i < VIEWS; i++)
                ck_assert_int_eq(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
            for (int i = 0; i < VIEWS; i++) {
                ck_assert_int_eq(pthread_join(readers[i].thread, NULL), 0);
                must(readers[i].status);
                ck_assert_int_eq(readers[i].different, 0);
                vae_destroy(readers[i].view);
                free((float *)readers[i].x);
            }
            train_some(owner, 1, 16);
        }
        vae_destroy(owner);
    }
}
END_TEST

int main(void)
{
    const TTest *tests[] = {views_give_the_owners_bits, views_copy_no_weights, views_have_a_runtime,
        views_follow_the_owner, views_are_not_trained, views_side_by_side};
    return RUN_SUITE("views", tests);
}
