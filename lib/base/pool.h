/* SPDX-License-Identifier: BSD-2-Clause
 * Threads: a model's own workers, or the embedding program's parallel_for.
 */
#ifndef VAE_LIB_BASE_POOL_H
#define VAE_LIB_BASE_POOL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#if defined(VAE_HAVE_THREADS)
#include <pthread.h>
#include <unistd.h>
#endif

typedef void vae_parallel_for(void *ctx, size_t tasks, void (*task)(void *arg, size_t index), void *arg);
/* worker: 0 .. threads - 1, never the same for two tasks that run at the same time. */
typedef void vae_pool_task(void *arg, size_t task, size_t worker);

struct vae_pool_worker {
    _Atomic uint64_t range; /* limit << 32 | next: its tasks that are still to be claimed */
    struct vae_pool *pool;
    size_t number;
#if defined(VAE_HAVE_THREADS)
    pthread_t thread;
#endif
    unsigned char apart[64]; /* ranges of two workers never share a cache line */
};

struct vae_pool {
    size_t threads;
    vae_parallel_for *executor;
    void *executor_ctx;
    vae_pool_task *task; /* of the job that runs; stable from its first claim to its last completion */
    void *arg;
    size_t tasks;
    _Atomic size_t done;
    struct vae_pool_worker *workers; /* [threads], the first being whoever calls */
    size_t started;
#if defined(VAE_HAVE_THREADS)
    pid_t process;
    pthread_mutex_t mutex;
    pthread_cond_t work, finished;
    _Atomic int sleepers, caller_sleeps, stopping;
#endif
};

/* Starts threads - 1 workers in the given array of `threads` zeroed ones, or none with an executor or for one
 * thread; 0, or -1 with nothing left running where the system refuses a thread. */
int vae_pool_start(struct vae_pool *pool, size_t threads, struct vae_pool_worker *workers,
    vae_parallel_for *executor, void *executor_ctx);
void vae_pool_stop(struct vae_pool *pool);
/* task(arg, 0 .. tasks - 1, worker), in any order, on any worker; returns when all are done. A worker begins
 * with the same part of the tasks at every call: what a task wrote is found in that core's cache by the same
 * task of the next job. */
void vae_pool_run(struct vae_pool *pool, size_t tasks, vae_pool_task *task, void *arg);

#endif
