/* SPDX-License-Identifier: BSD-2-Clause
 * Threads: a model's own workers, or the embedding program's parallel_for.
 *
 * Each worker has a range of the tasks. It claims them one by one from the front and then from the back of
 * the others', so a worker that the scheduler has set aside holds up at most the task it is in. No thread
 * spins for long: after some microseconds a thread sleeps, which gives its core to whoever needs it; a
 * barrier that kept spinning would fight the very thread it waits for when two share a core.
 */
#include "pool.h"

#if defined(VAE_HAVE_THREADS)
#include <signal.h>
#endif

#define NEXT_MASK UINT32_MAX

static uint64_t make_range(size_t next, size_t limit)
{
    return (uint64_t)limit << 32 | next;
}

static size_t range_next(uint64_t range)
{
    return (size_t)(range & NEXT_MASK);
}

static size_t range_limit(uint64_t range)
{
    return (size_t)(range >> 32);
}

/* Claims a task of the current job from one range. A successful exchange means that the job is not over, so
 * its fields are stable. */
static int claim_from(_Atomic uint64_t *range, int front, size_t *task)
{
    uint64_t now = atomic_load(range);
    while (range_next(now) < range_limit(now)) {
        uint64_t rest = front ? make_range(range_next(now) + 1, range_limit(now))
                              : make_range(range_next(now), range_limit(now) - 1);
        *task = front ? range_next(now) : range_limit(rest);
        if (atomic_compare_exchange_weak(range, &now, rest))
            return 1;
    }
    return 0;
}

static int claim(struct vae_pool *pool, size_t worker, size_t *task)
{
    if (claim_from(&pool->workers[worker].range, 1, task))
        return 1;
    for (size_t i = 1; i < pool->threads; i++)
        if (claim_from(&pool->workers[(worker + i) % pool->threads].range, 0, task))
            return 1;
    return 0;
}

/* From here on a worker may claim. Everything else about the job has been written. */
static void publish(struct vae_pool *pool, size_t tasks)
{
    size_t share = tasks / pool->threads, more = tasks % pool->threads;
    for (size_t i = 0, next = 0, limit; i < pool->threads; i++, next = limit) {
        limit = next + share + (i < more);
        atomic_store(&pool->workers[i].range, make_range(next, limit));
    }
}

static void run_inline(size_t tasks, vae_pool_task *task, void *arg)
{
    for (size_t i = 0; i < tasks; i++)
        task(arg, i, 0);
}

static void executor_share(void *arg, size_t worker)
{
    struct vae_pool *pool = arg;
    for (size_t task; claim(pool, worker, &task);)
        pool->task(pool->arg, task, worker);
}

#if defined(VAE_HAVE_THREADS)

/* About ten microseconds: longer than the gap between two jobs of one step, shorter than a time slice. */
#define SPINS 200

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

static int work_waits(struct vae_pool *pool)
{
    for (size_t i = 0; i < pool->threads; i++) {
        uint64_t range = atomic_load(&pool->workers[i].range);
        if (range_next(range) < range_limit(range))
            return 1;
    }
    return 0;
}

static void finish_one(struct vae_pool *pool, size_t tasks)
{
    if (atomic_fetch_add(&pool->done, 1) + 1 < tasks || !atomic_load(&pool->caller_sleeps))
        return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_signal(&pool->finished);
    pthread_mutex_unlock(&pool->mutex);
}

static void share(struct vae_pool *pool, size_t worker)
{
    for (size_t task; claim(pool, worker, &task);) {
        size_t tasks = pool->tasks; /* read before the job can be over */
        pool->task(pool->arg, task, worker);
        finish_one(pool, tasks);
    }
}

static void sleep_until_work(struct vae_pool *pool)
{
    for (int i = 0; i < SPINS; i++) {
        if (work_waits(pool) || atomic_load(&pool->stopping))
            return;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!work_waits(pool) && !atomic_load(&pool->stopping))
        pthread_cond_wait(&pool->work, &pool->mutex);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
}

static void *worker_main(void *arg)
{
    struct vae_pool_worker *worker = arg;
    struct vae_pool *pool = worker->pool;
    while (!atomic_load(&pool->stopping)) {
        share(pool, worker->number);
        sleep_until_work(pool);
    }
    return NULL;
}

static void wake(struct vae_pool *pool)
{
    if (atomic_load(&pool->sleepers) == 0)
        return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
}

static void wait_until_done(struct vae_pool *pool, size_t tasks)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load(&pool->done) == tasks)
            return;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->caller_sleeps, 1);
    while (atomic_load(&pool->done) < tasks)
        pthread_cond_wait(&pool->finished, &pool->mutex);
    atomic_store(&pool->caller_sleeps, 0);
    pthread_mutex_unlock(&pool->mutex);
}

static int start_worker(struct vae_pool *pool)
{
    struct vae_pool_worker *worker = &pool->workers[pool->started + 1];
    worker->pool = pool;
    worker->number = pool->started + 1;
    if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
        return -1;
    pool->started++;
    return 0;
}

/* Workers inherit a mask that blocks every signal: a program's handler never runs on a thread of ours. */
static int start_workers(struct vae_pool *pool)
{
    sigset_t all, before;
    int status = 0;
    pool->process = getpid();
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->finished, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (status == 0 && pool->started + 1 < pool->threads)
        status = start_worker(pool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status != 0)
        vae_pool_stop(pool);
    return status;
}

void vae_pool_stop(struct vae_pool *pool)
{
    /* In a child that fork() made, the workers do not exist, and one of them may have locked the mutex for
     * ever. */
    if (pool->threads < 2 || pool->executor || pool->process != getpid())
        return;
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->stopping, 1);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < pool->started; i++)
        pthread_join(pool->workers[i + 1].thread, NULL);
    pthread_cond_destroy(&pool->finished);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->mutex);
}

static void run_workers(struct vae_pool *pool, size_t tasks)
{
    publish(pool, tasks);
    wake(pool);
    share(pool, 0);
    wait_until_done(pool, tasks);
}

static int alone(const struct vae_pool *pool)
{
    return pool->started == 0 || pool->process != getpid();
}

#else

static int start_workers(struct vae_pool *pool)
{
    (void)pool;
    return -1;
}

void vae_pool_stop(struct vae_pool *pool)
{
    (void)pool;
}

static void run_workers(struct vae_pool *pool, size_t tasks)
{
    (void)pool;
    (void)tasks;
}

static int alone(const struct vae_pool *pool)
{
    (void)pool;
    return 1;
}

#endif

int vae_pool_start(struct vae_pool *pool, size_t threads, struct vae_pool_worker *workers,
    vae_parallel_for *executor, void *executor_ctx)
{
    pool->threads = threads;
    pool->workers = workers;
    pool->executor = executor;
    pool->executor_ctx = executor_ctx;
    return threads < 2 || executor ? 0 : start_workers(pool);
}

void vae_pool_run(struct vae_pool *pool, size_t tasks, vae_pool_task *task, void *arg)
{
    if (tasks < 2 || (!pool->executor && alone(pool))) {
        run_inline(tasks, task, arg);
        return;
    }
    pool->task = task;
    pool->arg = arg;
    pool->tasks = tasks;
    atomic_store(&pool->done, 0);
    if (pool->executor) {
        publish(pool, tasks);
        pool->executor(pool->executor_ctx, pool->threads, executor_share, pool);
    } else {
        run_workers(pool, tasks);
    }
}
