/* SPDX-License-Identifier: BSD-2-Clause
 * Benchmarks. Training steps. usage: bench_step UNITS ACTIVATION BATCH DRAWS THREADS
 */
#include "models.h"
#include "serve.h"

static void run(void *arg)
{
    bench_model_step(arg);
}

int main(int argc, char **argv)
{
    struct bench_model *model = bench_model_new(argc - 1, argv + 1);
    struct bench_case step = {"step", model->flop, run, model};
    bench_about("libvae %s", vae_build_info());
    return bench_serve(&step, 1);
}
