/* SPDX-License-Identifier: BSD-2-Clause
 * Configuration, training settings and training state as JSON, every field by its name in the public header.
 *
 * Version 1 of the format has all fields of version 0.1.0. A field that comes later is to be written where it
 * is not at its default, and has that where a file lacks it.
 */
#ifndef VAE_LIB_FILES_DESCRIBE_H
#define VAE_LIB_FILES_DESCRIBE_H

#include "parts/optimizers/optimizer.h"
#include "sink.h"

void vae_describe_config(struct vae_sink *sink, const vae_config *config);
void vae_describe_training(struct vae_sink *sink, const vae_training *training);
void vae_describe_state(struct vae_sink *sink, const struct vae_optimizer_counts *counts);

/* A description to be read; `key` is its name in the file's metadata. */
struct vae_description {
    const char *function, *key;
    const char *text;
    size_t size;
};

/* Where a configuration's arrays go; without memory they are counted. */
struct vae_description_arrays {
    vae_layer *layers;
    vae_span *spans;
    size_t n_layers, n_spans; /* of all so far */
};

/* Complete structs, whose values are not checked. VAE_OK, VAE_ERR_FORMAT, or VAE_ERR_UNSUPPORTED for a field
 * of a later version. */
int vae_read_config(
    const struct vae_description *from, vae_config *config, struct vae_description_arrays *arrays);
int vae_read_training(const struct vae_description *from, vae_training *training);
int vae_read_state(const struct vae_description *from, struct vae_optimizer_counts *counts);

#endif
