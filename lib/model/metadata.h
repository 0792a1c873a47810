/* SPDX-License-Identifier: BSD-2-Clause
 * A program's own metadata of a model: keys and values that travel in its files.
 */
#ifndef VAE_LIB_MODEL_METADATA_H
#define VAE_LIB_MODEL_METADATA_H

#include "base/memory.h"

/* One block, or none: each key with its NUL, then its value with its NUL. */
struct vae_metadata {
    char *text;
    size_t size, room;
};

/* The value of a key, or NULL. */
const char *vae_metadata_get(const struct vae_metadata *metadata, const char *key);
/* The key behind this one, the first one behind NULL; NULL at the end. */
const char *vae_metadata_next(const struct vae_metadata *metadata, const char *key);
/* Replaces a key's value, or adds it at the end, or removes it where the value is NULL. The key may not be a
 * string of the metadata. 0 without memory: then nothing has changed. */
int vae_metadata_set(
    struct vae_metadata *metadata, const struct vae_allocator *allocator, const char *key, const char *value);
/* A block of so many bytes, whose text is yet to be written; 0 without memory. */
int vae_metadata_reserve(struct vae_metadata *metadata, const struct vae_allocator *allocator, size_t room);
void vae_metadata_clear(struct vae_metadata *metadata, const struct vae_allocator *allocator);

#endif
