/* SPDX-License-Identifier: BSD-2-Clause
 * Benchmarks. Models from the command line, and data for them.
 */
#ifndef VAE_BENCHMARKS_MODELS_H
#define VAE_BENCHMARKS_MODELS_H

#include <stddef.h>
#include <stdint.h>
#include <vae/vae.h>

struct bench_model {
    vae_model *vae;
    size_t x_dim, z_dim, batch;
    double flop; /* of one training step's matrix products */
    float *data; /* [rows][x_dim], of as many batches as a step can choose from */
    size_t rows, next;
    uint64_t data_nanoseconds; /* that making the data took */
};

extern const char bench_model_usage[];
/* From "784-400-20 relu 128 1 1": units (the decoder mirrors them), activation, batch, draws, threads. Draws
 * written as "iwae:5" train on VAE_IWAE instead of VAE_ELBO. A Bernoulli model with its data, bits that are 1
 * with probability 0.3. */
struct bench_model *bench_model_new(int argc, char **argv);
/* One step on the next batch. */
void bench_model_step(struct bench_model *model);

#endif
