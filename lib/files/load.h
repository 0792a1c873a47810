/* SPDX-License-Identifier: BSD-2-Clause
 * Makes a model of a safetensors file of the library's own.
 *
 * The parts are called in this order, so that the caller can validate the configuration, and no memory is
 * taken for a model before the file is known to hold it.
 */
#ifndef VAE_LIB_FILES_LOAD_H
#define VAE_LIB_FILES_LOAD_H

#include "archive.h"
#include "model/model.h"

struct vae_loading {
    struct vae_archive archive;
    vae_config config; /* as they stand in the file */
    vae_training training;
    struct vae_optimizer_counts counts;
    int trained; /* are there counts and moments? */
};

/* Reads the header and the descriptions; vae_archive_close() must follow, also after an error. */
int vae_loading_open(
    struct vae_loading *loading, struct vae_source *source, const struct vae_allocator *allocator);
/* Makes the data available and checks that there are enough for a validated configuration. */
int vae_loading_check(struct vae_loading *loading, const vae_config *config);
/* The parameters as a model of that configuration can use them in place, or NULL. */
const float *vae_loading_in_place(const struct vae_loading *loading, const vae_config *config);
/* Fills a new model: parameters, moments, counts, metadata. */
int vae_loading_fill(struct vae_loading *loading, struct vae_model *model);

#endif
