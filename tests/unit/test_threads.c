/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Threads do not show: the model's own, or an executor that runs tasks in order, backwards or at once.
 * A process may fork; signals of the process are not for the model's threads; the log stays silent.
 */
#include "../support/models.h"
#include "../support/runner.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROWS = 33, X = 13 };

static void plan_threads(struct plan *plan, int32_t threads)
{
    const uint64_t widths[] = {130, 70};
    plan_init(plan, VAE_GAUSS, VAE_TANH, 2);
    plan_scale(plan, 0, VAE_PARAM_SPAN);
    plan_sizes(plan, X, 3, widths, 2);
    plan->encoder[0].kind = plan->decoder[1].kind = VAE_LAYER_GATED;
    plan->config.z_logvar_max = -0.1;
    plan->runtime.max_batch = ROWS;
    plan->training.samples = 2;
    plan->runtime.threads = threads;
}

/* Trained and asked as one thread would, to the bit. */
static void as_one_thread(const struct plan *threaded)
{
    struct plan plan;
    double one[2 * ROWS], other[2 * ROWS];
    plan_threads(&plan, 1);
    vae_model *single = model_of(&plan), *model = model_of(threaded);
    float *x = rows_for(model, 2 * ROWS, 1);
    for (size_t n = 1; n <= ROWS; n += 4) {
        vae_terms a = empty_terms(), b = empty_terms();
        vae_batch batch = batch_of(model, x, n);
        must(vae_step(single, x, n, &a));
        must(vae_grad(model, &batch, &b));
        must(vae_apply(model, NULL));
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
        as_one_thread(&plan);
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
            plan.runtime.parallel_for = executors[i];
            plan.runtime.parallel_ctx = &executor;
            as_one_thread(&plan);
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
    if (vae_share(&view, model, NULL) != VAE_OK || vae_elbo(view, x, ROWS, 2, elbo, NULL) != VAE_OK ||
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
        vae_model *model = model_of(&plan);
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

/* ---- signals ---- */

static pthread_t caller;
static volatile sig_atomic_t handled, handled_elsewhere;

static void handle(int signal)
{
    (void)signal;
    handled++;
    handled_elsewhere += !pthread_equal(pthread_self(), caller);
}

static void doze(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* A signal to the process while the caller, and the caller alone, blocks it: it has to wait for the caller.
 */
static void signal_waits(vae_model *model, const float *x, int signal)
{
    sigset_t one, before, after;
    double elbo[ROWS];
    handled = handled_elsewhere = 0;
    sigemptyset(&one);
    sigaddset(&one, signal);
    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &one, &before), 0);
    ck_assert_int_eq(kill(getpid(), signal), 0);
    for (int i = 0; i < 5; i++) {
        must(vae_elbo(model, x, ROWS, 2, elbo, NULL));
        doze();
        ck_assert_int_eq(handled, 0);
    }
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &before, &after), 0);
    ck_assert_int_eq(sigismember(&after, signal), 1);
    for (int i = 0; i < 1000 && !handled; i++)
        doze();
    ck_assert_int_eq(handled, 1);
    ck_assert_int_eq(handled_elsewhere, 0);
}

START_TEST(signals_are_the_callers)
{
    const int signals[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGHUP, SIGALRM, SIGCHLD};
    struct sigaction action = {.sa_handler = handle};
    struct plan plan;
    sigset_t before, after;
    caller = pthread_self();
    plan_threads(&plan, 3);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    vae_model *model = model_of(&plan);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    float *x = rows_for(model, ROWS, 1);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        ck_assert_int_eq(sigismember(&before, signals[i]), sigismember(&after, signals[i]));
        ck_assert_int_eq(sigaction(signals[i], &action, NULL), 0);
        signal_waits(model, x, signals[i]);
    }
    free(x);
    vae_destroy(model);
}
END_TEST

/* ---- the log ---- */

static void complain(void *ctx, int32_t level, const char *message)
{
    (void)ctx;
    ck_abort_msg("a remark of level %d: %s", (int)level, message);
}

/* This version has nothing to warn of, least of all where a status says what is wrong. */
START_TEST(log_is_silent)
{
    for (size_t i = 0; i < likelihood_count; i++) {
        struct plan plan;
        vae_model *view;
        double elbo[ROWS];
        plan_threads(&plan, 1);
        plan_kind(&plan, i);
        plan.runtime.log = complain;
        vae_model *model = model_of(&plan);
        must(vae_share(&view, model, &plan.runtime));
        float *x = rows_for(model, ROWS, 1);
        train_some(model, 3, ROWS);
        x[0] = (float)NAN;
        ck_assert_int_eq(vae_step(model, x, ROWS, NULL), VAE_ERR_NONFINITE);
        must(vae_elbo(model, x, ROWS, 2, elbo, NULL));
        must(vae_elbo(view, x, ROWS, 2, elbo, NULL));
        vae_destroy(view);
        plan.config.z_dim = 0;
        ck_assert_int_eq(vae_create(&view, &plan.config, &plan.training, &plan.runtime), VAE_ERR_ARG);
        free(x);
        vae_destroy(model);
    }
}
END_TEST

int main(void)
{
#if defined(__SANITIZE_THREAD__) /* gcc's thread sanitizer ends a child that starts threads */
    const TTest *tests[] = {
        threads_do_not_show, executors_do_not_show, signals_are_the_callers, log_is_silent};
    (void)forked_child;
#else
    const TTest *tests[] = {
        threads_do_not_show, executors_do_not_show, forked_child, signals_are_the_callers, log_is_silent};
#endif
    return RUN_SUITE("threads", tests);
}
