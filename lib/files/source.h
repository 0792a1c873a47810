/* SPDX-License-Identifier: BSD-2-Clause
 * Where a file's bytes come from: a file, memory, or a stream, of which no length is believed before its
 * bytes have come.
 */
#ifndef VAE_LIB_FILES_SOURCE_H
#define VAE_LIB_FILES_SOURCE_H

#include "base/memory.h"
#include "system.h"

typedef int vae_read(void *ctx, void *data, size_t size);

/* Chunks of a stream double, so that these are enough for any. */
#define VAE_MOST_CHUNKS 64

struct vae_source {
    const char *function; /* words begin with it */
    const struct vae_allocator *allocator;
    uint64_t size;               /* VAE_SIZE_UNKNOWN of a stream */
    const unsigned char *memory; /* or NULL, and then: */
    const char *path;            /* of a file, or NULL, and then: */
    vae_file file;
    vae_read *read; /* of a stream */
    void *ctx;
    uint64_t taken; /* bytes of a stream that have come; all are kept */
    size_t chunks;
    struct vae_chunk {
        unsigned char *bytes;
        size_t size;
    } chunk[VAE_MOST_CHUNKS];
};

/* The function's name, the allocator and the path remain the caller's. */
int vae_source_open(
    struct vae_source *source, const char *function, const struct vae_allocator *allocator, const char *path);
void vae_source_memory(struct vae_source *source, const char *function, const void *data, size_t size);
void vae_source_stream(struct vae_source *source, const char *function, const struct vae_allocator *allocator,
    vae_read *read, void *ctx);
void vae_source_close(struct vae_source *source);

/* Makes the first `size` bytes available: reads a stream up to there, and no further. VAE_OK, VAE_ERR_IO or
 * VAE_ERR_NOMEM. */
int vae_source_need(struct vae_source *source, uint64_t size);
/* Copies bytes that are available. */
int vae_source_copy(struct vae_source *source, uint64_t offset, void *to, size_t size);

#endif
