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
    const char *save, *resume; /* files of the model, or NULL */
    uint64_t sprites, limit, width;
    int32_t binarise; /* draw 0 and 1 from the grey values */
    int32_t likelihood, mean, scale;
    double scale_value, scale_min;
    uint64_t hidden[OPTIONS_MAX_HIDDEN]; /* of the encoder; the decoder has them in the opposite order */
    size_t n_hidden;
    uint64_t latent, components;
    int32_t activation, prior, init, objective, estimator;
    int32_t gated; /* hidden layers have gates */
    double logvar_min, logvar_max;
    uint64_t draws, estimates; /* of a row in training: draws of a bound, bounds */
    double elbo_weight, kl_weight, free_bits, rate;
    int32_t optimizer;
    double momentum, weight_decay, clip;
    uint64_t epochs, batch, seed, threads;
    uint64_t samples;  /* of a row for the held-out bound */
    uint64_t evidence; /* of a row for its log p(x); 0: not computed */
};

/* 0; 1: help was asked for and printed; -1: wrong, with the reason on stderr. */
int options_parse(struct options *options, int argc, char **argv);

#endif
