/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. The command line of train.
 */
#ifndef VAE_EXAMPLES_OPTIONS_H
#define VAE_EXAMPLES_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

enum { OPTIONS_MAX_HIDDEN = 8 };

struct options {
    const char *train, *test, *out;
    uint64_t sprites, limit, width;
    int likelihood, activation, init, mean, gemm;
    double logvar;                       /* of gauss-fixed */
    int binarise;                        /* draw 0 and 1 from the grey values */
    uint64_t hidden[OPTIONS_MAX_HIDDEN]; /* of the encoder; the decoder has them the other way round */
    size_t n_hidden;
    uint64_t latent, epochs, batch, seed, samples;
    double rate;
    int threads;
};

/* 0; 1: help was asked for and printed; -1: wrong, and said so on stderr. */
int options_parse(struct options *options, int argc, char **argv);

#endif
