/* SPDX-License-Identifier: BSD-2-Clause
 * What a caller asks of a model: reads the structs of vae_create() and checks every field.
 */
#ifndef VAE_LIB_API_CONFIG_H
#define VAE_LIB_API_CONFIG_H

#include <vae/vae.h>

/* The limits of vae_training.samples * estimates. */
#define VAE_MOST_DRAWS 65536u

/* Each reads the caller's struct into a complete one and checks it; arrays remain the caller's. They return
 * VAE_OK, or an error and words that begin with `function`. */
int vae_config_read(const char *function, vae_config *own, const vae_config *caller);
int vae_runtime_read(const char *function, vae_runtime *own, const vae_runtime *caller);
/* `own` holds what remains where the caller's struct ends early; `prior` is the configuration's. */
int vae_training_read(const char *function, vae_training *own, const vae_training *caller, int32_t prior);
/* Checks the two that depend on each other; replaces a max_draws of 0 by the draws of `training`. */
int vae_runtime_fit(const char *function, vae_runtime *runtime, const vae_training *training);

#endif
