/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. The model that train's options describe.
 */
#ifndef VAE_EXAMPLES_MODEL_H
#define VAE_EXAMPLES_MODEL_H

#include "data.h"
#include "options.h"

#include <vae/vae.h>

/* Makes it for rows of this training data. Returns VAE_OK or the library's error. */
int model_create(
    vae_model **model, const struct options *options, const struct set *train, const vae_runtime *runtime);

#endif
