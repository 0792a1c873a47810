/* SPDX-License-Identifier: BSD-2-Clause
 * Benchmarks. Scoring one row at a time, by the model and by views of it, each in a thread of its own.
 * usage: bench_score UNITS ACTIVATION BATCH DRAWS THREADS
 */
#include "models.h"
#include "serve.h"

#include <pthread.h>
#include <stdio.h>

enum { VIEWS = 2, ROWS_A_RUN = 200 };

struct scorer {
    vae_model *vae;
    const struct bench_model *model;
    size_t next;
};

static void score_one(void *arg)
{
    struct scorer *s = arg;
    double score;
    int status = vae_score(s->vae, s->model->data + s->next * s->model->x_dim, 1, 0, &score);
    bench_need(status == VAE_OK, vae_last_error());
    s->next = (s->next + 1) % s->model->rows;
}

static void *score_many(void *arg)
{
    for (int i = 0; i < ROWS_A_RUN; i++)
        score_one(arg);
    return NULL;
}

static void run_many(void *arg)
{
    score_many(arg);
}

static void run_views(void *arg)
{
    struct scorer *views = arg;
    pthread_t threads[VIEWS];
    for (int i = 1; i < VIEWS; i++)
        bench_need(pthread_create(&threads[i], NULL, score_many, &views[i]) == 0, "cannot start a thread");
    score_many(&views[0]);
    for (int i = 1; i < VIEWS; i++)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
    struct bench_model *model = bench_model_new(argc - 1, argv + 1);
    struct scorer whole = {model->vae, model, 0}, views[VIEWS];
    for (int i = 0; i < VIEWS; i++) {
        views[i] = (struct scorer){NULL, model, 0};
        bench_need(vae_share(&views[i].vae, model->vae, NULL) == VAE_OK, vae_last_error());
    }
    struct bench_case cases[] = {
        {"score", 1, score_one, &whole},
        {"one-view", ROWS_A_RUN, run_many, &views[0]},
        {"two-views", VIEWS * ROWS_A_RUN, run_views, views},
    };
    bench_about("libvae %s", vae_build_info());
    return bench_serve(cases, sizeof cases / sizeof *cases);
}
