/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 0. Defaults and limits of a model's configuration.
 */
#ifndef VAE_LIB_CONFIG_H
#define VAE_LIB_CONFIG_H

#include <vae/vae.h>

/* Reads the caller's config into a complete one and checks every field and layer; the layers stay the
 * caller's. VAE_OK, or an error and words. */
int vae_config_read(vae_config *own, const vae_config *caller);

#endif
