/* SPDX-License-Identifier: BSD-2-Clause
 * Benchmarks. Where a step's time goes, by the copy of the library that keeps count (lib/base/profile.h).
 * Prints nanoseconds a step: "wall", then each phase, summed over threads. usage: bench_phases SECONDS UNITS
 * ACTIVATION BATCH DRAWS THREADS
 */
#include "models.h"
#include "serve.h"

#include "base/profile.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const names[VAE_PHASES] = {
    [VAE_PHASE_ENCODER_FORWARD] = "encoder forward",
    [VAE_PHASE_DRAW] = "divergence, noise, draw",
    [VAE_PHASE_DECODER_FORWARD] = "decoder forward",
    [VAE_PHASE_LIKELIHOOD] = "likelihood and its gradient",
    [VAE_PHASE_DECODER_BACKWARD] = "decoder backward",
    [VAE_PHASE_POSTERIOR_BACKWARD] = "posterior backward",
    [VAE_PHASE_ENCODER_BACKWARD] = "encoder backward",
    [VAE_PHASE_WEIGHT_GRADIENTS] = "weight gradients",
    [VAE_PHASE_UPDATE] = "update and norm",
};

int main(int argc, char **argv)
{
    bench_need(argc == 7, bench_model_usage);
    double seconds = strtod(argv[1], NULL);
    struct bench_model *model = bench_model_new(argc - 2, argv + 2);
    for (int i = 0; i < 20; i++)
        bench_model_step(model);
    for (int phase = 0; phase < VAE_PHASES; phase++)
        vae_profile_take((enum vae_phase)phase);
    uint64_t start = bench_nanoseconds(), steps = 0, spent;
    do {
        bench_model_step(model);
        steps++;
        spent = bench_nanoseconds() - start;
    } while ((double)spent < 1e9 * seconds);
    printf("%.0f wall\n", (double)spent / (double)steps);
    for (int phase = 0; phase < VAE_PHASES; phase++)
        if (names[phase])
            printf(
                "%.0f %s\n", (double)vae_profile_take((enum vae_phase)phase) / (double)steps, names[phase]);
    vae_destroy(model->vae);
    return 0;
}
