/* SPDX-License-Identifier: BSD-2-Clause
 * Benchmarks. What a training run takes: the time from the program's start to the end of its first step (the
 * starter compares it with its own clock; making the data is left out), and memory at its peak. usage:
 * bench_footprint UNITS ACTIVATION BATCH DRAWS THREADS
 */
#include "models.h"
#include "serve.h"

#include <inttypes.h>
#include <stdio.h>

enum { STEPS = 100 };

int main(int argc, char **argv)
{
    struct bench_model *model = bench_model_new(argc - 1, argv + 1);
    bench_model_step(model);
    printf("first_step %" PRIu64 "\n", bench_nanoseconds() - model->data_nanoseconds);
    for (int i = 1; i < STEPS; i++)
        bench_model_step(model);
    printf("peak_kib %ld\n", bench_peak_kib());
    printf("data_bytes %zu\n", model->rows * model->x_dim * sizeof(float));
    printf("parameters %" PRIu64 "\n", vae_param_count(model->vae));
    vae_destroy(model->vae);
    return 0;
}
