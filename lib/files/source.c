/* SPDX-License-Identifier: BSD-2-Clause
 * Where a file's bytes come from: a file, memory, or a stream, of which no length is believed before its
 * bytes have come.
 */
#include "source.h"

#include "base/status.h"

#include <string.h>

/* Of a stream's first chunk; each later one is as long as all before it. */
#define FIRST_CHUNK 65536

int vae_source_open(
    struct vae_source *source, const char *function, const struct vae_allocator *allocator, const char *path)
{
    *source = (struct vae_source){.function = function, .allocator = allocator, .path = path};
    return vae_file_open(function, path, &source->file, &source->size);
}

void vae_source_memory(struct vae_source *source, const char *function, const void *data, size_t size)
{
    *source = (struct vae_source){.function = function, .memory = data, .size = size};
}

void vae_source_stream(struct vae_source *source, const char *function, const struct vae_allocator *allocator,
    vae_read *read, void *ctx)
{
    *source = (struct vae_source){
        .function = function, .allocator = allocator, .read = read, .ctx = ctx, .size = VAE_SIZE_UNKNOWN};
}

void vae_source_close(struct vae_source *source)
{
    for (size_t i = 0; i < source->chunks; i++)
        vae_memory_free(source->allocator, source->chunk[i].bytes, source->chunk[i].size);
    if (source->path)
        vae_file_close(source->file);
}

/* The next bytes of a stream. */
static int pull(struct vae_source *source, void *to, size_t size)
{
    if (source->path)
        return vae_file_read(source->function, source->path, source->file, VAE_SIZE_UNKNOWN, to, size);
    if (source->read(source->ctx, to, size) == 0)
        return VAE_OK;
    return vae_fail(VAE_ERR_IO, "%s: the read callback failed after %llu bytes", source->function,
        (unsigned long long)source->taken);
}

static int take_chunk(struct vae_source *source, uint64_t missing)
{
    uint64_t size = source->taken > FIRST_CHUNK ? source->taken : FIRST_CHUNK;
    struct vae_chunk chunk = {NULL, (size_t)(size < missing ? size : missing)};
    if (size <= SIZE_MAX && source->chunks < VAE_MOST_CHUNKS)
        chunk.bytes = vae_memory_alloc(source->allocator, chunk.size);
    if (!chunk.bytes)
        return vae_fail(VAE_ERR_NOMEM, "%s: out of memory: the stream has %llu bytes more", source->function,
            (unsigned long long)missing);
    source->chunk[source->chunks++] = chunk;
    int status = pull(source, chunk.bytes, chunk.size);
    source->taken += status == VAE_OK ? chunk.size : 0;
    return status;
}

int vae_source_need(struct vae_source *source, uint64_t size)
{
    int status = VAE_OK;
    while (source->size == VAE_SIZE_UNKNOWN && source->taken < size && status == VAE_OK)
        status = take_chunk(source, size - source->taken);
    return status;
}

static void copy_chunks(const struct vae_source *source, uint64_t offset, unsigned char *to, size_t size)
{
    for (const struct vae_chunk *chunk = source->chunk; size > 0; chunk++) {
        if (offset >= chunk->size) {
            offset -= chunk->size;
            continue;
        }
        size_t rest = chunk->size - (size_t)offset, n = size < rest ? size : rest;
        memcpy(to, chunk->bytes + offset, n);
        to += n;
        size -= n;
        offset = 0;
    }
}

int vae_source_copy(struct vae_source *source, uint64_t offset, void *to, size_t size)
{
    if (source->memory)
        memcpy(to, source->memory + offset, size);
    else if (source->size == VAE_SIZE_UNKNOWN)
        copy_chunks(source, offset, to, size);
    else
        return vae_file_read(source->function, source->path, source->file, offset, to, size);
    return VAE_OK;
}
