/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Memory: nothing but creation, sharing and destruction allocates, and those through the caller's
 * functions alone; every allocation that fails, and every thread that does not start, is a clean error.
 * malloc and its kin, and pthread_create, are caught at link time, in the library as in this file.
 */
#include "../support/models.h"
#include "../support/runner.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 16, X = 13, HANDLE_AND_STATUS_DISAGREE = 1000 };

/* ---- what the linker puts in place of the C library's ---- */

static struct watch {
    int on;
    size_t calls, live, fail_at;    /* of the allocating functions */
    size_t threads, fail_thread_at; /* of pthread_create */
} watch;

/* Counts a call; 1 where it is to fail. */
static int counted(void)
{
    return watch.on && watch.calls++ == watch.fail_at;
}

static void *noted(void *block)
{
    watch.live += watch.on && block;
    return block;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *ptr, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **out, size_t alignment, size_t size);
void __real_free(void *ptr);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*main)(void *), void *arg);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *ptr, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **out, size_t alignment, size_t size);
void __wrap_free(void *ptr);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*main)(void *), void *arg);

void *__wrap_malloc(size_t size)
{
    return counted() ? NULL : noted(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return counted() ? NULL : noted(__real_calloc(n, size));
}

void *__wrap_realloc(void *ptr, size_t size)
{
    return counted() ? NULL : __real_realloc(ptr, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return counted() ? NULL : noted(__real_aligned_alloc(alignment, size));
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t size)
{
    return counted() ? ENOMEM : __real_posix_memalign(out, alignment, size);
}

void __wrap_free(void *ptr)
{
    watch.live -= watch.on && ptr;
    __real_free(ptr);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*main)(void *), void *arg)
{
    if (watch.on && watch.threads++ == watch.fail_thread_at)
        return EAGAIN;
    return __real_pthread_create(thread, attr, main, arg);
}

static void watch_from(size_t fail_at, size_t fail_thread_at)
{
    watch = (struct watch){.on = 1, .fail_at = fail_at, .fail_thread_at = fail_thread_at};
}

/* ---- every call ---- */

/* All calls of section 3 that take a model, on n rows; `trains` leaves out those that views refuse. */
struct table {
    float *x, *params, *grads, out[ROWS * X], more[ROWS * X];
    double real[ROWS];
    uint64_t count;
};

static int every_call(vae_model *model, struct table *t, int trains)
{
    vae_batch batch = batch_of(model, t->x, ROWS);
    vae_terms terms = empty_terms();
    const char *name;
    uint64_t offset, shape[2];
    int status = VAE_OK;
    for (int i = 0; trains && i < 3; i++)
        status |= vae_step(model, t->x, ROWS, &terms) | vae_step_batch(model, &batch, NULL) |
                  vae_grad(model, &batch, &terms) | vae_get_grads(model, t->grads, t->count) |
                  (vae_grad_buffer(model, NULL) ? VAE_OK : 1) | vae_apply(model) |
                  vae_set_learning_rate(model, 0.01) | vae_set_params(model, t->params, t->count);
    for (size_t samples = 0; samples < 3; samples++)
        status |= vae_elbo(model, t->x, ROWS, samples, t->real, &terms) |
                  vae_elbo_batch(model, &batch, samples, t->real, NULL) |
                  vae_score(model, t->x, ROWS, samples, t->real);
    status |= vae_latent_kl(model, t->x, ROWS, t->real) | vae_encode(model, t->x, ROWS, t->out, t->more) |
              vae_decode(model, t->x, ROWS, t->out) | vae_decode_params(model, t->x, ROWS, t->out, NULL) |
              vae_reconstruct(model, t->x, ROWS, t->out) | vae_sample(model, 1, ROWS, t->out) |
              vae_get_params(model, t->params, t->count) | vae_tensor(model, 0, &name, &offset, shape);
    (void)vae_build_info();
    return status;
}

/* Calls that fail must not allocate either. */
static int every_error(vae_model *model, struct table *t)
{
    float kept = t->x[5];
    t->x[5] = 3e38f;
    int nonfinite = vae_step(model, t->x, ROWS, NULL);
    t->x[5] = kept;
    return nonfinite == VAE_ERR_NONFINITE && vae_step(model, NULL, 1, NULL) == VAE_ERR_ARG ? VAE_OK : 1;
}

static void table_open(struct table *t, const vae_model *model)
{
    t->x = rows_for(model, ROWS, 1);
    t->params = params_of(model);
    t->grads = params_of(model);
    t->count = vae_param_count(model);
}

static void table_close(struct table *t)
{
    free(t->x);
    free(t->params);
    free(t->grads);
}

static void plan_memory(struct plan *plan, int32_t likelihood, int32_t threads)
{
    plan_init(plan, likelihood, VAE_GELU, 2);
    plan->config.threads = threads;
    plan->config.max_batch = ROWS;
    plan->config.train_samples = 2;
}

START_TEST(calls_do_not_allocate)
{
    for (int32_t likelihood = VAE_BERNOULLI; likelihood <= VAE_GAUSS; likelihood++)
        for (int32_t threads = 1; threads <= 2; threads++) {
            struct counter counter = {.fail_at = COUNTER_NEVER_FAILS};
            struct plan plan;
            struct table t;
            plan_memory(&plan, likelihood, threads);
            plan.config.allocator = counting_allocator(&counter);
            vae_model *model = model_of(&plan.config), *view = view_of(model, 3);
            table_open(&t, model);
            size_t calls = counter.calls, bytes = counter.live_bytes;
            watch_from((size_t)-1, (size_t)-1);
            int status = every_call(model, &t, 1) | every_call(view, &t, 0) | every_error(model, &t);
            watch.on = 0;
            must(status);
            ck_assert_uint_eq(watch.calls, 0);
            ck_assert_uint_eq(watch.threads, 0);
            ck_assert_uint_eq(counter.calls, calls);
            ck_assert_uint_eq(counter.live_bytes, bytes);
            table_close(&t);
            vae_destroy(view);
            vae_destroy(model);
            must_balance(&counter);
        }
}
END_TEST

/* Makes a model and a view of it, and ends both; the first call that fails ends it. No assertions: Check
 * allocates. */
static int life(const vae_config *config)
{
    vae_model *model = (vae_model *)&model, *view = (vae_model *)&view;
    int status = vae_create(&model, config);
    if ((status == VAE_OK) != (model != NULL))
        return HANDLE_AND_STATUS_DISAGREE;
    if (status != VAE_OK)
        return status;
    status = vae_share(&view, model, 5);
    if ((status == VAE_OK) != (view != NULL))
        return HANDLE_AND_STATUS_DISAGREE;
    vae_destroy(view);
    vae_destroy(model);
    return status;
}

/* With an allocator given, the C library's is not touched by the library itself. The allocator under test
 * calls it, so both counts must agree; one block for the description, one for the numbers. */
START_TEST(the_allocator_serves_alone)
{
    struct counter counter = {.fail_at = COUNTER_NEVER_FAILS};
    struct plan plan;
    plan_memory(&plan, VAE_GAUSS, 1);
    plan.config.allocator = counting_allocator(&counter);
    watch_from((size_t)-1, (size_t)-1);
    int status = life(&plan.config);
    watch.on = 0;
    must(status);
    must_balance(&counter);
    ck_assert_uint_eq(watch.calls, counter.calls);
    ck_assert_uint_eq(counter.calls, 4);
    ck_assert_uint_eq(watch.live, 0);
}
END_TEST

/* ---- failures ---- */

static void failed_for_memory(int status)
{
    ck_assert_int_eq(status, VAE_ERR_NOMEM);
    ck_assert_msg(
        strstr(vae_last_error(), "memory") || strstr(vae_last_error(), "thread"), "\"%s\"", vae_last_error());
}

/* Fails the n-th call of the allocator, for n = 0, 1, ... until nothing fails; returns how many there were.
 */
static size_t sweep_hooks(const struct plan *plan)
{
    for (size_t n = 0;; n++) {
        struct counter counter = {.fail_at = n};
        vae_config config = plan->config;
        config.allocator = counting_allocator(&counter);
        int status = life(&config);
        must_balance(&counter);
        if (status == VAE_OK)
            return n;
        failed_for_memory(status);
    }
}

/* The same for the C library's functions, all of them, a thread's stack aside. */
static size_t sweep_libc(const struct plan *plan)
{
    for (size_t n = 0;; n++) {
        watch_from(n, (size_t)-1);
        int status = life(&plan->config);
        watch.on = 0;
        ck_assert_uint_eq(watch.live, 0);
        if (status == VAE_OK)
            return n;
        failed_for_memory(status);
    }
}

/* And for the n-th thread. */
static size_t sweep_threads(const struct plan *plan)
{
    for (size_t n = 0;; n++) {
        struct counter counter = {.fail_at = COUNTER_NEVER_FAILS};
        vae_config config = plan->config;
        config.allocator = counting_allocator(&counter);
        watch_from((size_t)-1, n);
        int status = life(&config);
        watch.on = 0;
        must_balance(&counter);
        ck_assert_uint_eq(watch.live, 0);
        if (status == VAE_OK)
            return n;
        failed_for_memory(status);
    }
}

START_TEST(every_failure_is_clean)
{
    size_t points = 0;
    for (int32_t likelihood = VAE_BERNOULLI; likelihood <= VAE_GAUSS; likelihood++)
        for (int32_t threads = 1; threads <= 4; threads++) {
            struct plan plan;
            plan_memory(&plan, likelihood, threads);
            size_t hooks = sweep_hooks(&plan), libc = sweep_libc(&plan), started = sweep_threads(&plan);
            ck_assert_uint_eq(hooks, 4);
            ck_assert_uint_eq(libc, 4);
            ck_assert_uint_eq(started, 2 * (size_t)(threads - 1));
            points += hooks + libc + started;
        }
    printf("failure points: %zu\n", points);
}
END_TEST

/* After a failure the caller tries again, with the same configuration, and gets what it would have got at
 * once. */
START_TEST(failure_leaves_no_trace)
{
    struct plan plan;
    plan_memory(&plan, VAE_GAUSS, 2);
    vae_model *model = model_of(&plan.config), *again, *view;
    for (size_t n = 0; n < 2; n++) {
        watch_from(n, (size_t)-1);
        failed_for_memory(vae_create(&again, &plan.config));
        watch_from(n, (size_t)-1);
        failed_for_memory(vae_share(&view, model, 5));
        watch.on = 0;
    }
    must(vae_create(&again, &plan.config));
    must(vae_share(&view, model, 5));
    same_models(model, again);
    vae_destroy(view);
    vae_destroy(again);
    vae_destroy(model);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        calls_do_not_allocate, the_allocator_serves_alone, every_failure_is_clean, failure_leaves_no_trace};
    return RUN_SUITE("memory", tests);
}
