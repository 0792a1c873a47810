/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Memory of files: what a model takes is known beforehand, what loading takes besides is bounded and
 * freed, every request may be refused.
 */
#include "../support/expect.h"
#include "../support/files.h"
#include "../support/models.h"
#include "../support/runner.h"

static void check_footprint(const struct plan *plan)
{
    struct counter counter = {.fail_at = COUNTER_NEVER_FAILS}, loading = {.fail_at = COUNTER_NEVER_FAILS};
    struct plan own = *plan;
    vae_runtime runtime = plan->runtime;
    size_t bytes = 0;
    vae_model *again;
    count_allocations(&own.runtime, &counter);
    must(vae_footprint(&plan->config, &plan->training, &own.runtime, &bytes));
    ck_assert_uint_eq(counter.calls, 0);
    own.config = plan->config;
    vae_model *model = model_of(&own);
    ck_assert_uint_eq(counter.calls, 1);
    ck_assert_uint_eq(counter.live_bytes, bytes);
    struct bytes file = bytes_of_model(model, VAE_SAVE_WEIGHTS_ONLY);
    count_allocations(&runtime, &loading);
    must(vae_load_memory(&again, file.data, file.size, 0, &runtime));
    ck_assert_uint_eq(loading.live_blocks, 1);
    ck_assert_uint_eq(loading.live_bytes, bytes);
    vae_destroy(again);
    vae_destroy(model);
    must_balance(&counter);
    must_balance(&loading);
    bytes_free(&file);
}

START_TEST(footprints_are_exact)
{
    for (size_t kind = 0; kind < likelihood_count; kind++)
        for (int i = 0; i < 16; i++) {
            struct plan plan;
            plan_init(&plan, VAE_BERNOULLI, i & 1 ? VAE_GELU : VAE_RELU, (size_t)i % 4);
            plan_kind(&plan, kind);
            plan.runtime.max_batch = i & 2 ? 1 : 100;
            plan.runtime.threads = i & 4 ? 1 : 3;
            plan.runtime.inference_only = i & 8 ? 1 : 0;
            plan.training.samples = 1 + (uint64_t)i % 3;
            plan.runtime.max_draws = i & 1 ? 7 : 0;
            check_footprint(&plan);
        }
}
END_TEST

START_TEST(footprints_are_checked_as_models)
{
    struct plan plan;
    size_t bytes = 7;
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 1);
    must_fail(vae_footprint(&plan.config, NULL, NULL, NULL), VAE_ERR_ARG, "bytes is NULL");
    must_fail(vae_footprint(NULL, NULL, NULL, &bytes), VAE_ERR_ARG, "config is NULL");
    plan.config.x_dim = 0;
    must_fail(vae_footprint(&plan.config, NULL, NULL, &bytes), VAE_ERR_ARG, "x_dim");
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 1);
    plan.runtime.max_batch = (1u << 30) - 1;
    plan.runtime.max_draws = 65536;
    plan.encoder[0].units = plan.decoder[0].units = (1u << 30) - 1;
    must_fail(vae_footprint(&plan.config, NULL, &plan.runtime, &bytes), VAE_ERR_NOMEM, "address space");
}
END_TEST

/* With every request refused in turn, loading and saving fail cleanly, until none is refused. */
static size_t sweep(const struct bytes *bytes, int stream)
{
    for (size_t n = 0;; n++) {
        struct counter counter = {.fail_at = n};
        struct reading reading = {bytes, 0, READING_NEVER_FAILS, 0, 0};
        vae_runtime runtime;
        vae_model *model = (vae_model *)&model;
        vae_runtime_init(&runtime, sizeof runtime);
        count_allocations(&runtime, &counter);
        int status = stream ? vae_load_stream(&model, read_bytes, &reading, &runtime)
                            : vae_load_memory(&model, bytes->data, bytes->size, 0, &runtime);
        if (status == VAE_OK) {
            vae_destroy(model);
            must_balance(&counter);
            return n;
        }
        must_fail(status, VAE_ERR_NOMEM, "out of memory");
        ck_assert_ptr_null(model);
        must_balance(&counter);
    }
}

START_TEST(allocators_may_refuse_every_request)
{
    struct plan plan;
    struct counter counter = {.fail_at = COUNTER_NEVER_FAILS};
    plan_init(&plan, VAE_GAUSS, VAE_RELU, 1);
    count_allocations(&plan.runtime, &counter);
    vae_model *model = model_of(&plan);
    must(vae_set_metadata(model, "a", "1"));
    struct bytes bytes = bytes_of_model(model, 0);
    ck_assert_uint_ge(sweep(&bytes, 0), 6);
    ck_assert_uint_ge(sweep(&bytes, 1), 9);
    counter.fail_at = counter.calls;
    must_fail(vae_save(model, path_to("a"), 0), VAE_ERR_NOMEM, "out of memory");
    counter.fail_at = counter.calls;
    must_fail(vae_set_metadata(model, "a", "2"), VAE_ERR_NOMEM, "out of memory");
    ck_assert_str_eq(vae_get_metadata(model, "a"), "1");
    vae_destroy(model);
    must_balance(&counter);
    bytes_free(&bytes);
}
END_TEST

/* ---- what loading takes besides ---- */

/* Calls the counting allocator, and notes the most that was taken at any time. */
struct peak {
    vae_runtime inner;
    size_t live, most;
};

static void *peak_alloc(void *ctx, size_t size, size_t alignment)
{
    struct peak *peak = ctx;
    void *block = peak->inner.alloc(peak->inner.alloc_ctx, size, alignment);
    peak->live += block ? size : 0;
    peak->most = peak->live > peak->most ? peak->live : peak->most;
    return block;
}

static void peak_free(void *ctx, void *ptr, size_t size)
{
    struct peak *peak = ctx;
    peak->live -= size;
    peak->inner.free(peak->inner.alloc_ctx, ptr, size);
}

static size_t peak_of(const struct bytes *bytes, int stream, int expected)
{
    struct counter counter = {.fail_at = COUNTER_NEVER_FAILS};
    struct reading reading = {bytes, 0, READING_NEVER_FAILS, 0, 0};
    struct peak peak = {.live = 0};
    vae_runtime runtime;
    vae_model *model;
    vae_runtime_init(&peak.inner, sizeof peak.inner);
    count_allocations(&peak.inner, &counter);
    runtime = peak.inner;
    runtime.alloc_ctx = &peak;
    runtime.alloc = peak_alloc;
    runtime.free = peak_free;
    int status = stream ? vae_load_stream(&model, read_bytes, &reading, &runtime)
                        : vae_load_memory(&model, bytes->data, bytes->size, 0, &runtime);
    EXPECT(status == expected, "status %d: %s", status, vae_last_error());
    vae_destroy(model);
    must_balance(&counter);
    return peak.most;
}

/* Room for the largest tensor's values, 512 KiB at most. */
START_TEST(loading_takes_little_besides_the_model)
{
    enum { ROOM = 4 << 17, NAMES = 8192 };
    struct plan plan;
    size_t footprint;
    static const uint64_t widths[] = {300, 200};
    plan_init(&plan, VAE_GAUSS, VAE_RELU, 2);
    plan_sizes(&plan, 500, 10, widths, 2);
    plan.runtime.max_batch = 128;
    must(vae_footprint(&plan.config, NULL, &plan.runtime, &footprint));
    vae_model *model = model_of(&plan);
    struct bytes bytes = bytes_of_model(model, 0);
    ck_assert_uint_lt(peak_of(&bytes, 0, VAE_OK), footprint + ROOM + NAMES);
    ck_assert_uint_lt(peak_of(&bytes, 1, VAE_OK), footprint + bytes.size + ROOM + 2 * NAMES);
    vae_destroy(model);
    bytes_free(&bytes);
}
END_TEST

/* A header that promises much is no reason to take much. */
START_TEST(promises_are_not_believed)
{
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 1);
    vae_model *model = model_of(&plan);
    struct bytes bytes = bytes_of_model(model, 0);
    struct bytes large = with_header(&bytes, "\\\"units\\\":19", "\\\"units\\\":1000000000");
    ck_assert_uint_lt(peak_of(&large, 0, VAE_ERR_FORMAT), 16384);
    ck_assert_uint_lt(peak_of(&large, 1, VAE_ERR_FORMAT), 16384 + bytes.size);
    static const unsigned char length[] = {0, 0xe1, 0xf5, 5, 0, 0, 0, 0, '{'};
    struct bytes header = {NULL, 0};
    bytes_add(&header, length, sizeof length);
    ck_assert_uint_lt(peak_of(&header, 1, VAE_ERR_IO), 131072);
    bytes_free(&header);
    header = safetensors_of(
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1000000000000],\"data_offsets\":[0,1000000000000]}}", NULL, 0);
    ck_assert_uint_lt(peak_of(&header, 1, VAE_ERR_FORMAT), 131072);
    bytes_free(&header);
    bytes_free(&large);
    bytes_free(&bytes);
    vae_destroy(model);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {footprints_are_exact, footprints_are_checked_as_models,
        allocators_may_refuse_every_request, loading_takes_little_besides_the_model,
        promises_are_not_believed};
    return RUN_SUITE("file-memory", tests);
}
