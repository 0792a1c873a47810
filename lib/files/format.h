/* SPDX-License-Identifier: BSD-2-Clause
 * Names in the library's own files: docs/files.md describes the format.
 */
#ifndef VAE_LIB_FILES_FORMAT_H
#define VAE_LIB_FILES_FORMAT_H

#include <string.h>

/* The version that is written, and the last one that is read. */
#define VAE_FORMAT_VERSION 1

/* Keys of __metadata__. Those that begin with the prefix are the library's, and so is the first of these. */
#define VAE_KEY_PREFIX "vae."
#define VAE_KEY_FRAMEWORK "format"
#define VAE_KEY_VERSION "vae.format"
#define VAE_KEY_CONFIG "vae.config"
#define VAE_KEY_TRAINING "vae.training"
#define VAE_KEY_STATE "vae.state"
#define VAE_KEY_PANELS "vae.panels"

/* Moments: "optimizer.N." before the name of the tensor that they belong to. */
#define VAE_MOMENT_PREFIX "optimizer."

/* All parameters in the library's own order, with the slack that may be read behind them; and the version of
 * that order, which changes with tiles, panels and places of tensors. */
#define VAE_PANELS_NAME "vae.params"
#define VAE_PANELS_VERSION "1"

static inline int vae_key_is_ours(const char *key)
{
    return strcmp(key, VAE_KEY_FRAMEWORK) == 0 || strncmp(key, VAE_KEY_PREFIX, strlen(VAE_KEY_PREFIX)) == 0;
}

#endif
