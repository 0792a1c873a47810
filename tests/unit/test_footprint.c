/* SPDX-License-Identifier: BSD-2-Clause
 * Test. The size of a model's one block of memory: that of vae_footprint(), and an error where it does not
 * fit.
 */
#include "../support/models.h"
#include "../support/runner.h"

#include <string.h>

/* vae_footprint() tells the size of that allocation, and makes none. */
static void check_footprint(const struct plan *plan)
{
    struct counter counter = {.fail_at = COUNTER_NEVER_FAILS};
    vae_runtime counted = plan->runtime;
    size_t bytes = 0;
    vae_model *model;
    count_allocations(&counted, &counter);
    must(vae_footprint(&plan->config, &plan->training, &counted, &bytes));
    ck_assert_uint_eq(counter.calls, 0);
    must(vae_create(&model, &plan->config, &plan->training, &counted));
    ck_assert_uint_eq(counter.calls, 1);
    ck_assert_uint_eq(counter.most_bytes, bytes);
    vae_destroy(model);
    must_balance(&counter);
}

START_TEST(footprints)
{
    for (size_t kind = 0; kind < likelihood_count; kind++)
        for (int32_t objective = VAE_ELBO; objective <= VAE_IWAE; objective++)
            for (int i = 0; i < 8; i++) {
                struct plan plan;
                plan_init(&plan, VAE_BERNOULLI, VAE_GELU, 2);
                plan_kind(&plan, kind);
                plan.training.objective = objective;
                plan.runtime.inference_only = i & 1;
                plan.runtime.max_batch = i & 2 ? 1 : 1000;
                plan.runtime.max_draws = i & 4 ? 50 : 0;
                check_footprint(&plan);
            }
}
END_TEST

/* What vae_create() would refuse has no footprint. */
START_TEST(footprint_refusals)
{
    struct plan plan;
    size_t bytes = 77;
    plan_init(&plan, VAE_BERNOULLI, VAE_GELU, 2);
    ck_assert_int_eq(vae_footprint(&plan.config, NULL, NULL, NULL), VAE_ERR_ARG);
    ck_assert_int_eq(vae_footprint(NULL, NULL, NULL, &bytes), VAE_ERR_ARG);
    plan.training.samples = 0;
    ck_assert_int_eq(vae_footprint(&plan.config, &plan.training, NULL, &bytes), VAE_ERR_ARG);
    plan.runtime.size = 3;
    ck_assert_int_eq(vae_footprint(&plan.config, NULL, &plan.runtime, &bytes), VAE_ERR_ABI);
    plan.config.c_dim = 1;
    ck_assert_int_eq(vae_footprint(&plan.config, NULL, NULL, &bytes), VAE_ERR_UNSUPPORTED);
    ck_assert_uint_eq(bytes, 77);
}
END_TEST

/* A model of `units` hidden units each side that no machine has room for: nothing is asked of the allocator,
 * or once, and not less than parameters, gradient and two moments take. */
static void check_size(uint64_t units, uint64_t max_batch)
{
    const uint64_t most = (1 << 30) - 1;
    struct counter counter = {.fail_at = 0};
    struct plan plan;
    vae_model *model;
    size_t bytes = 0;
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 2);
    plan_sizes(&plan, most, 1, (const uint64_t[]){units, units}, 2);
    plan.runtime.max_batch = max_batch;
    count_allocations(&plan.runtime, &counter);
    ck_assert_int_eq(vae_create(&model, &plan.config, &plan.training, &plan.runtime), VAE_ERR_NOMEM);
    ck_assert_ptr_null(model);
    ck_assert_msg(strstr(vae_last_error(), "memory"), "\"%s\"", vae_last_error());
    double weights = 2.0 * (double)units * ((double)most + (double)units);
    double least = 16 * weights + 4 * (double)max_batch * (double)most;
    ck_assert_uint_le(counter.calls, least < (double)SIZE_MAX);
    ck_assert_msg(counter.calls == 0 || (double)counter.most_bytes >= least, "%g bytes: asked for %zu", least,
        counter.most_bytes);
    int status = vae_footprint(&plan.config, &plan.training, &plan.runtime, &bytes);
    ck_assert_int_eq(status, counter.calls ? VAE_OK : VAE_ERR_NOMEM);
    ck_assert_uint_eq(bytes, counter.most_bytes);
}

START_TEST(impossible_sizes)
{
    for (uint64_t units = 1 << 8; units < 1 << 30; units *= 2)
        for (uint64_t max_batch = 1; max_batch < 1 << 30; max_batch *= 2)
            check_size(units, max_batch);
    check_size((1 << 30) - 1, (1 << 30) - 1);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {footprints, footprint_refusals, impossible_sizes};
    return RUN_SUITE("footprint", tests);
}
