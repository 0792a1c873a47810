/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Views: the owner's bits, its new weights after each step, several at once in threads of their own, no
 * training.
 */
#include "../support/models.h"
#include "../support/runner.h"

#include <pthread.h>
#include <string.h>

enum { ROWS = 41, X = 13, Z = 3, VIEWS = 4 };

static void plan_view(struct plan *plan, size_t likelihood)
{
    plan_init(plan, likelihoods[likelihood].kind, VAE_SILU, 2);
    plan->config.mean_activation = likelihoods[likelihood].mean_activation;
}

static void same_readings(vae_model *a, vae_model *b, const float *x)
{
    double elbo[2][ROWS];
    float mean[2][ROWS * X], mu[2][ROWS * Z];
    vae_model *const both[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        must(vae_elbo(both[i], x, ROWS, 2, elbo[i], NULL));
        must(vae_encode(both[i], x, ROWS, mu[i], NULL));
        must(vae_sample(both[i], 4, ROWS, mean[i]));
    }
    ck_assert_int_eq(memcmp(elbo[0], elbo[1], sizeof elbo[0]), 0);
    ck_assert_int_eq(memcmp(mean[0], mean[1], sizeof mean[0]), 0);
    ck_assert_int_eq(memcmp(mu[0], mu[1], sizeof mu[0]), 0);
    same_models(a, b);
}

START_TEST(views_give_the_owners_bits)
{
    const uint64_t batches[] = {1, 5, 41, 1000};
    for (size_t i = 0; i < likelihood_count; i++)
        for (int b = 0; b < 4; b++) {
            struct plan plan;
            plan_view(&plan, i);
            plan.config.threads = 1 + b % 2;
            plan.config.train_samples = 2;
            vae_model *owner = model_of(&plan.config), *view = view_of(owner, batches[b]);
            vae_model *second = view_of(view, 3); /* a view's view is the owner's */
            float *x = rows_for(owner, ROWS, 1);
            same_readings(owner, view, x);
            train_some(owner, 3, 16);
            same_readings(owner, view, x);
            vae_destroy(view);
            same_readings(owner, second, x);
            float *params = params_of(owner);
            for (uint64_t j = 0; j < vae_param_count(owner); j++)
                params[j] *= 0.5f;
            must(vae_set_params(owner, params, vae_param_count(owner)));
            same_readings(owner, second, x);
            vae_destroy(second);
            train_some(owner, 1, 16);
            free(x);
            free(params);
            vae_destroy(owner);
        }
}
END_TEST

/* A view needs memory for its workspace alone: no second copy of the weights, moments or gradients. */
START_TEST(views_copy_no_weights)
{
    const uint64_t wide = 500;
    struct counter counter = {.fail_at = COUNTER_NEVER_FAILS};
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 1);
    plan_sizes(&plan, 500, 10, &wide, 1);
    plan.config.allocator = counting_allocator(&counter);
    vae_model *owner = model_of(&plan.config);
    size_t before = counter.live_bytes, weights = (size_t)vae_param_count(owner) * sizeof(float);
    ck_assert_uint_gt(before, 4 * weights);
    vae_model *view = view_of(owner, 1);
    ck_assert_uint_lt(counter.live_bytes - before, weights / 20);
    vae_destroy(view);
    ck_assert_uint_eq(counter.live_bytes, before);
    vae_destroy(owner);
    must_balance(&counter);
}
END_TEST

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
        plan_view(&plan, 3);
        plan.config.threads = threads;
        vae_model *owner = model_of(&plan.config);
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
    const TTest *tests[] = {views_give_the_owners_bits, views_copy_no_weights, views_side_by_side};
    return RUN_SUITE("views", tests);
}
