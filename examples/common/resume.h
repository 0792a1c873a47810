/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. A run of train in a model's file: what the program needs beyond the model to go on.
 */
#ifndef VAE_EXAMPLES_RESUME_H
#define VAE_EXAMPLES_RESUME_H

#include "options.h"

#include <vae/vae.h>

/* How far a run has come. */
struct position {
    uint64_t epoch; /* epochs that are complete */
    uint64_t done;  /* rows of the next one */
};

/* Saves model and position into a file, which a crash leaves old or new. Returns VAE_OK or the library's
 * error. */
int resume_save(vae_model *model, const struct options *options, const struct position *position);
/* Loads what resume_save() wrote to options->resume, and sets the options that a run must keep: shape,
 * likelihood, seed, batch, binarising. Returns VAE_OK, or an error and words in vae_last_error(). */
int resume_load(
    vae_model **model, struct options *options, struct position *position, const vae_runtime *runtime);

#endif
