/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Memory: nothing but creation, sharing and destruction allocates, and those through the caller's
 * functions alone, one block each; every allocation that fails, and every thread that does not start, is a
 * clean error. malloc and its like, and pthread_create, are caught at link time, in the library as in this
 * file.
 */
#include "../support/models.h"
#include "../support/runner.h"

#include <errno.h>
#include <math.h>
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

/* What calls need; `all` is everything that vae_infer() writes. */
struct table {
    float *x, *params, *grads, out[ROWS * X], more[ROWS * X], weight[ROWS];
    double real[ROWS];
    uint32_t index[ROWS];
    uint64_t count;
    vae_batch batch, both; /* x; x and z */
    vae_outputs all;
    vae_adjoints adjoints;
    vae_training training;
};

static int every_training_call(vae_model *model, struct table *t)
{
    vae_terms terms = empty_terms();
    vae_batch part = t->batch;
    double norm;
    part.total_weight = ROWS;
    return vae_step(model, t->x, ROWS, &terms) | vae_step_batch(model, &t->batch, NULL) |
           vae_grad(model, &t->batch, &terms) | vae_grad_add(model, &part, &terms) |
           vae_get_grads(model, t->grads, t->count) | vae_set_grads(model, t->grads, t->count) |
           (vae_grad_buffer(model, NULL) ? VAE_OK : 1) | vae_backward(model, &t->both, &t->adjoints) |
           vae_apply(model, &norm) | vae_get_training(model, &t->training) |
           vae_set_training(model, &t->training) | vae_get_params(model, t->params, t->count) |
           vae_set_params(model, t->params, t->count);
}

static int every_tensor_call(vae_model *model, struct table *t, int sets)
{
    vae_tensor_info info;
    vae_tensor_info_init(&info, sizeof info);
    int status = vae_tensor(model, 0, &info) | vae_get_tensor(model, info.name, t->grads, info.count);
    if (sets)
        status |= vae_set_tensor(model, &info, t->grads);
    return status | vae_get_params(model, t->params, t->count);
}

static int every_question(vae_model *model)
{
    vae_config config;
    vae_layer layer;
    vae_span span;
    vae_training training;
    vae_config_init(&config, sizeof config);
    vae_layer_init(&layer, sizeof layer);
    vae_span_init(&span, sizeof span);
    vae_training_init(&training, sizeof training);
    return vae_get_config(model, &config) | vae_get_layer(model, 0, 1, &layer) |
           vae_get_span(model, 0, &span) | vae_get_training(model, &training) |
           (vae_x_dim(model) && vae_z_dim(model) && vae_tensor_count(model) ? VAE_OK : 1);
}

/* All calls of section 3 that take a model, on n rows; `trains` leaves out those that views refuse. */
static int every_call(vae_model *model, struct table *t, int trains)
{
    vae_terms terms = empty_terms();
    int status = every_question(model) | every_tensor_call(model, t, trains);
    for (int i = 0; trains && i < 3; i++)
        status |= every_training_call(model, t);
    for (size_t samples = 0; samples < 3; samples++) {
        t->all.samples = samples;
        status |= vae_elbo(model, t->x, ROWS, samples, t->real, &terms) |
                  vae_infer(model, &t->batch, &t->all, &terms) |
                  vae_score(model, t->x, ROWS, samples, t->real);
    }
    status |= vae_encode(model, t->x, ROWS, t->out, t->more) | vae_decode(model, t->x, ROWS, t->out) |
              vae_reconstruct(model, t->x, ROWS, t->out) | vae_sample_mean(model, 1, ROWS, t->out);
    (void)vae_build_info();
    return status;
}

/* Calls that fail must not allocate either. */
static int every_error(vae_model *model, struct table *t)
{
    float kept = t->x[5];
    t->x[5] = (float)NAN;
    int nonfinite = vae_step(model, t->x, ROWS, NULL);
    t->x[5] = kept;
    return nonfinite == VAE_ERR_NONFINITE && vae_step(model, NULL, 1, NULL) == VAE_ERR_ARG &&
                   vae_get_tensor(model, "none", t->out, 1) == VAE_ERR_ARG &&
                   vae_apply(model, NULL) == VAE_ERR_STATE
               ? VAE_OK
               : 1;
}

static void table_open(struct table *t, const vae_model *model)
{
    static double elbo[ROWS], loglik[ROWS], kl[ROWS], by_latent[X];
    static float matrix[9][ROWS * X];
    t->x = rows_for(model, ROWS, 1);
    t->params = params_of(model);
    t->grads = params_of(model);
    t->count = vae_param_count(model);
    for (uint32_t i = 0; i < ROWS; i++) {
        t->index[i] = i / 2;
        t->weight[i] = (float)(i % 3);
    }
    t->batch = batch_of(model, t->x, ROWS);
    t->batch.index = t->index;
    t->batch.weight = t->weight;
    vae_training_init(&t->training, sizeof t->training);
    vae_outputs_init(&t->all, sizeof t->all);
    t->all.elbo = elbo;
    t->all.loglik = loglik;
    t->all.kl = kl;
    t->all.kl_by_latent = by_latent;
    float **outputs[] = {&t->all.loglik_by_column, &t->all.mu, &t->all.logvar, &t->all.z, &t->all.x_mean,
        &t->all.x_location, &t->all.x_scale, &t->all.x_shape, &t->all.x_draw};
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
        *outputs[i] = matrix[i];
    t->both = t->batch;
    t->both.z = t->x;
    t->adjoints =
        (vae_adjoints){sizeof t->adjoints, t->x, t->x, t->x, t->x, NULL, t->all.x_location, t->all.z, NULL};
}

static void table_close(struct table *t)
{
    free(t->x);
    free(t->params);
    free(t->grads);
}

static void plan_memory(struct plan *plan, size_t kind, int32_t threads)
{
    plan_init(plan, VAE_BERNOULLI, VAE_GELU, 2);
    plan_kind(plan, kind);
    plan->runtime.threads = threads;
    plan->runtime.max_batch = ROWS;
    plan->training.samples = 2;
}

static void check_calls(size_t kind, int32_t threads, int32_t objective)
{
    struct counter counter = {.fail_at = COUNTER_NEVER_FAILS};
    struct plan plan;
    struct table t;
    vae_model *view;
    plan_memory(&plan, kind, threads);
    plan.training.objective = objective;
    count_allocations(&plan.runtime, &counter);
    vae_model *model = model_of(&plan);
    must(vae_share(&view, model, &plan.runtime));
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

START_TEST(calls_do_not_allocate)
{
    for (size_t kind = 0; kind < likelihood_count; kind++)
        for (int32_t threads = 1; threads <= 2; threads++)
            for (int32_t objective = VAE_ELBO; objective <= VAE_IWAE; objective++)
                check_calls(kind, threads, objective);
}
END_TEST

/* Makes a model and a view of it, and destroys both; the first call that fails ends it. No assertions: Check
 * allocates. */
static int life(const struct plan *plan)
{
    vae_model *model = (vae_model *)&model, *view = (vae_model *)&view;
    int status = vae_create(&model, &plan->config, &plan->training, &plan->runtime);
    if ((status == VAE_OK) != (model != NULL))
        return HANDLE_AND_STATUS_DISAGREE;
    if (status != VAE_OK)
        return status;
    status = vae_share(&view, model, &plan->runtime);
    if ((status == VAE_OK) != (view != NULL))
        return HANDLE_AND_STATUS_DISAGREE;
    vae_destroy(view);
    vae_destroy(model);
    return status;
}

/* One allocation for a model and one for a view, also where the view has no runtime of its own and takes the
 * owner's allocator. With an allocator given, the C library's is not touched by the library itself: the
 * allocator under test calls it, so both counts must agree. */
START_TEST(the_allocator_serves_alone)
{
    struct counter counter = {.fail_at = COUNTER_NEVER_FAILS};
    struct plan plan;
    vae_model *model, *view, *second;
    plan_memory(&plan, KIND_GAUSS_CELL, 1);
    count_allocations(&plan.runtime, &counter);
    watch_from((size_t)-1, (size_t)-1);
    int status = vae_create(&model, &plan.config, &plan.training, &plan.runtime);
    size_t created = counter.calls;
    status |= vae_share(&view, model, &plan.runtime);
    size_t shared = counter.calls;
    status |= vae_share(&second, view, NULL);
    vae_destroy(second);
    vae_destroy(view);
    vae_destroy(model);
    watch.on = 0;
    must(status);
    must_balance(&counter);
    ck_assert_uint_eq(created, 1);
    ck_assert_uint_eq(shared, 2);
    ck_assert_uint_eq(counter.calls, 3);
    ck_assert_uint_eq(watch.calls, counter.calls);
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

/* Fails call number `hook` of the allocator, `libc` of the C library's, or `thread` of pthread_create. */
static int failing_life(struct plan *plan, size_t hook, size_t libc, size_t thread)
{
    struct counter counter = {.fail_at = hook};
    vae_runtime kept = plan->runtime;
    if (libc == (size_t)-1)
        count_allocations(&plan->runtime, &counter);
    watch_from(libc, thread);
    int status = life(plan);
    watch.on = 0;
    plan->runtime = kept;
    must_balance(&counter);
    ck_assert_uint_eq(watch.live, 0);
    if (status != VAE_OK)
        failed_for_memory(status);
    return status;
}

/* Refuses the n-th, for n = 0, 1, ... until nothing fails; returns how many there were: of the allocator
 * under test, of the C library's functions (a thread's stack aside), of threads. */
static size_t sweep_hooks(struct plan *plan)
{
    size_t n = 0;
    while (failing_life(plan, n, (size_t)-1, (size_t)-1) != VAE_OK)
        n++;
    return n;
}

static size_t sweep_libc(struct plan *plan)
{
    size_t n = 0;
    while (failing_life(plan, COUNTER_NEVER_FAILS, n, (size_t)-1) != VAE_OK)
        n++;
    return n;
}

static size_t sweep_threads(struct plan *plan)
{
    size_t n = 0;
    while (failing_life(plan, COUNTER_NEVER_FAILS, (size_t)-1, n) != VAE_OK)
        n++;
    return n;
}

static size_t sweep_all(size_t kind, int32_t threads)
{
    struct plan plan;
    plan_memory(&plan, kind, threads);
    plan.runtime.inference_only = threads == 4;
    size_t hooks = sweep_hooks(&plan), libc = sweep_libc(&plan), started = sweep_threads(&plan);
    ck_assert_uint_eq(hooks, 2);
    ck_assert_uint_eq(libc, 2);
    ck_assert_uint_eq(started, 2 * (size_t)(threads - 1));
    return hooks + libc + started;
}

START_TEST(every_failure_is_clean)
{
    size_t points = 0;
    for (size_t kind = 0; kind < likelihood_count; kind++)
        points += sweep_all(kind, 1);
    printf("failure points of one thread: %zu\n", points);
}
END_TEST

START_TEST(every_failure_with_threads_is_clean)
{
    size_t points = 0;
    struct plan plan;
    plan_memory(&plan, KIND_BERNOULLI, 2);
    vae_destroy(model_of(&plan)); /* or the build has no threads */
    for (size_t kind = 0; kind < likelihood_count; kind++)
        for (int32_t threads = 2; threads <= 4; threads++)
            points += sweep_all(kind, threads);
    printf("failure points of more: %zu\n", points);
}
END_TEST

/* After a failure the caller tries again, with the same configuration, and gets what it would have got at
 * once. */
START_TEST(failure_leaves_no_trace)
{
    struct plan plan;
    plan_memory(&plan, KIND_GAUSS_CELL, 2);
    vae_model *model = model_of(&plan), *again, *view;
    watch_from(0, (size_t)-1);
    int created = vae_create(&again, &plan.config, &plan.training, &plan.runtime);
    watch_from(0, (size_t)-1);
    int shared = vae_share(&view, model, &plan.runtime);
    watch.on = 0;
    failed_for_memory(created);
    failed_for_memory(shared);
    must(vae_create(&again, &plan.config, &plan.training, &plan.runtime));
    must(vae_share(&view, model, &plan.runtime));
    same_models(model, again);
    vae_destroy(view);
    vae_destroy(again);
    vae_destroy(model);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {calls_do_not_allocate, the_allocator_serves_alone, every_failure_is_clean,
        every_failure_with_threads_is_clean, failure_leaves_no_trace};
    return RUN_SUITE("memory", tests);
}
