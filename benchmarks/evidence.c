/* SPDX-License-Identifier: BSD-2-Clause
 * Benchmarks. log p(x) by importance sampling, of one image at a time and of twenty. Work: images.
 * usage: bench_evidence SAMPLES UNITS ACTIVATION BATCH DRAWS THREADS
 */
#include "models.h"
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>

enum { MANY = 20 };

struct reader {
    const struct bench_model *model;
    uint64_t samples;
    size_t images, next;
};

static void read_evidence(void *arg)
{
    struct reader *r = arg;
    double log_evidence[MANY];
    vae_batch batch;
    vae_batch_init(&batch, sizeof batch);
    if (r->next + r->images > r->model->rows)
        r->next = 0;
    batch.n = r->images;
    batch.x = r->model->data + r->next * r->model->x_dim;
    vae_outputs outputs;
    vae_outputs_init(&outputs, sizeof outputs);
    outputs.samples = r->samples;
    outputs.log_evidence = log_evidence;
    bench_need(vae_infer(r->model->vae, &batch, &outputs, NULL) == VAE_OK, vae_last_error());
    r->next += r->images;
}

static struct bench_case case_of(struct reader *reader)
{
    struct bench_case c = {.work = (double)reader->images, .run = read_evidence, .arg = reader};
    snprintf(c.name, sizeof c.name, "evidence/%zu", reader->images);
    return c;
}

int main(int argc, char **argv)
{
    bench_need(
        argc == 7, "SAMPLES UNITS ACTIVATION BATCH DRAWS THREADS, such as 5000 784-200-200-50 tanh 128 1 1");
    uint64_t samples = strtoull(argv[1], NULL, 10);
    struct bench_model *model = bench_model_new(argc - 2, argv + 2);
    struct reader one = {model, samples, 1, 0}, many = {model, samples, MANY, 0};
    const struct bench_case cases[] = {case_of(&one), case_of(&many)};
    bench_about("libvae %s", vae_build_info());
    return bench_serve(cases, sizeof cases / sizeof *cases);
}
