/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Threads do not show: the model's own, or an executor that runs tasks in order, backwards or at once.
 * A process may fork; the log callback gets its remark.
 */
#include "../support/models.h"
#include "../support/runner.h"

#include <math.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 33, X = 13 };

static void plan_threads(struct plan *plan, int32_t threads)
{
    const uint64_t widths[] = {130, 70};
    plan_init(plan, VAE_GAUSS_SHARED, VAE_TANH, 2);
    plan_sizes(plan, X, 3, widths, 2);
    plan->config.max_batch = ROWS;
    plan->config.train_samples = 2;
    plan->config.threads = threads;
}

/* Trained and asked as one thread would, to the bit. */
static void as_one_thread(const vae_config *config)
{
    struct plan plan;
    double one[2 * ROWS], other[2 * ROWS];
    plan_threads(&plan, 1);
    vae_model *single = model_of(&plan.config), *model = model_of(config);
    float *x = rows_for(model, 2 * ROWS, 1);
    for (size_t n = 1; n <= ROWS; n += 4) {
        vae_terms a = empty_terms(), b = empty_terms();
        vae_batch batch = batch_of(model, x, n);
        must(vae_step(single, x, n, &a));
        must(vae_grad(model, &batch, &b));
        must(vae_apply(model));
        ck_assert_int_eq(memcmp(&a, &b, sizeof a), 0);
        must(vae_step(single, x, n, &a));
        must(vae_step(model, x, n, &b));
        ck_assert_int_eq(memcmp(&a, &b, sizeof a), 0);
        must(vae_elbo(single, x, 2 * ROWS, 2, one, NULL));
        must(vae_elbo(model, x, 2 * ROWS, 2, other, NULL));
        ck_assert_int_eq(memcmp(one, other, sizeof one), 0);
    }
    same_models(single, model);
    free(x);
    vae_destroy(single);
    vae_destroy(model);
}

START_TEST(threads_do_not_show)
{
    const int32_t threads[] = {1, 2, 3, 8};
    for (size_t i = 0; i < 4; i++) {
        struct plan plan;
        plan_threads(&plan, threads[i]);
        as_one_thread(&plan.config);
    }
}
END_TEST

/* ---- executors ---- */

struct executor {
    size_t calls, most, limit;
};

static void note(struct executor *e, size_t tasks)
{
    e->calls++;
    e->most = tasks > e->most ? tasks : e->most;
    ck_assert_uint_le(tasks, e->limit);
}

static void in_order(void *ctx, size_t tasks, void (*task)(void *arg, size_t index), void *arg)
{
    note(ctx, tasks);
    for (size_t i = 0; i < tasks; i++)
        task(arg, i);
}

static void backwards(void *ctx, size_t tasks, void (*task)(void *arg, size_t index), void *arg)
{
    note(ctx, tasks);
    for (size_t i = tasks; i-- > 0;)
        task(arg, i);
}

struct errand {
    pthread_t thread;
    void (*task)(void *arg, size_t index);
    void *arg;
    size_t index;
};

static void *run_errand(void *arg)
{
    struct errand *e = arg;
    e->task(e->arg, e->index);
    return NULL;
}

static void at_once(void *ctx, size_t tasks, void (*task)(void *arg, size_t index), void *arg)
{
    struct errand errands[8];
    note(ctx, tasks);
    for (size_t i = 0; i < tasks; i++) {
        errands[i] = (struct errand){.task = task, .arg = arg, .index = i};
        ck_assert_int_eq(pthread_create(&errands[i].thread, NULL, run_errand, &errands[i]), 0);
    }
    for (size_t i = 0; i < tasks; i++)
        ck_assert_int_eq(pthread_join(errands[i].thread, NULL), 0);
}

START_TEST(executors_do_not_show)
{
    void (*const executors[])(void *, size_t, void (*)(void *, size_t), void *) = {
        in_order, backwards, at_once};
    for (int32_t threads = 1; threads <= 8; threads = threads * 2 + (threads == 2))
        for (size_t i = 0; i < 3; i++) {
            struct executor executor = {.limit = (size_t)threads};
            struct plan plan;
            plan_threads(&plan, threads);
            plan.config.parallel_for = executors[i];
            plan.config.parallel_ctx = &executor;
            as_one_thread(&plan.config);
            ck_assert(threads == 1 || (executor.calls > 0 && executor.most == (size_t)threads));
        }
}
END_TEST

/* ---- processes ---- */

/* The child's copy of the model answers on one thread, trains, shares and goes. */
static int child(vae_model *model, const float *x, const double *wanted)
{
    double elbo[ROWS];
    vae_model *view;
    if (vae_elbo(model, x, ROWS, 2, elbo, NULL) != VAE_OK || memcmp(elbo, wanted, sizeof elbo) != 0)
        return 1;
    if (vae_share(&view, model, ROWS) != VAE_OK || vae_elbo(view, x, ROWS, 2, elbo, NULL) != VAE_OK ||
        memcmp(elbo, wanted, sizeof elbo) != 0)
        return 2;
    vae_destroy(view);
    if (vae_step(model, x, ROWS, NULL) != VAE_OK)
        return 3;
    vae_destroy(model);
    return 0;
}

START_TEST(forked_child)
{
    for (int round = 0; round < 20; round++) {
        struct plan plan;
        double wanted[ROWS];
        int status;
        plan_threads(&plan, 2);
        vae_model *model = model_of(&plan.config);
        float *x = rows_for(model, ROWS, 1);
        train_some(model, 2, ROWS);
        must(vae_elbo(model, x, ROWS, 2, wanted, NULL));
        pid_t pid = fork();
        ck_assert_int_ne(pid, -1);
        if (pid == 0)
            _exit(child(model, x, wanted));
        train_some(model, 2, ROWS);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child: status %d", status);
        free(x);
        vae_destroy(model);
    }
}
END_TEST

/* ---- remarks ---- */

struct remark {
    int count, level;
    char words[512];
};

static void remember(void *ctx, int32_t level, const char *message)
{
    struct remark *remark = ctx;
    remark->count++;
    remark->level = level;
    ck_assert_uint_lt(strlen(message), sizeof remark->words);
    strcpy(remark->words, message);
}

/* The native product has no remark to make; a BLAS that took this CPU for an old one has one, and one alone.
 */
START_TEST(log_callback)
{
    static const char *const slow[] = {
        "Prescott", "Core2", "Katmai", "Coppermine", "Northwood", "Banias", "Generic"};
    struct remark remark = {0};
    struct plan plan;
    int expected = 0;
    plan_threads(&plan, 1);
    plan.config.log = remember;
    plan.config.log_ctx = &remark;
    vae_destroy(model_of(&plan.config));
    ck_assert_int_eq(remark.count, 0);
    if (strstr(vae_build_info(), "blas=none"))
        return;
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++)
        expected |= strstr(vae_build_info(), slow[i]) && !strstr(vae_build_info(), "isa=scalar");
    plan.config.gemm = VAE_GEMM_CBLAS;
    vae_destroy(model_of(&plan.config));
    ck_assert_int_eq(remark.count, expected);
    ck_assert(!expected || (remark.level == 1 && strstr(remark.words, "VAE_GEMM_NATIVE")));
    plan.config.log = NULL;
    vae_destroy(model_of(&plan.config));
    ck_assert_int_eq(remark.count, expected);
}
END_TEST

int main(void)
{
#if defined(__SANITIZE_THREAD__) /* gcc's thread sanitizer ends a child that starts threads */
    const TTest *tests[] = {threads_do_not_show, executors_do_not_show, log_callback};
    (void)forked_child;
#else
    const TTest *tests[] = {threads_do_not_show, executors_do_not_show, forked_child, log_callback};
#endif
    return RUN_SUITE("threads", tests);
}
