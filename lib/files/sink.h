/* SPDX-License-Identifier: BSD-2-Clause
 * Where a file's bytes go: in pieces to a function, or nowhere, to know how many there are.
 */
#ifndef VAE_LIB_FILES_SINK_H
#define VAE_LIB_FILES_SINK_H

#include <stddef.h>
#include <stdint.h>

typedef int vae_write(void *ctx, const void *data, size_t size);

struct vae_sink {
    vae_write *write; /* NULL: bytes are counted alone */
    void *ctx;
    uint64_t bytes; /* taken so far */
    int escaped;    /* text goes into a JSON string: quotes are escaped */
    int failed;     /* what `write` returned; nothing is written from then on */
    size_t waiting; /* in the buffer */
    unsigned char buffer[16384];
};

void vae_sink_open(struct vae_sink *sink, vae_write *write, void *ctx);
void vae_sink_bytes(struct vae_sink *sink, const void *data, size_t size);
/* Writes what waits; returns what the function returned, 0 where all went well. */
int vae_sink_flush(struct vae_sink *sink);

/* JSON: text as it is, a string in quotes with what it needs escaped, a whole number. */
void vae_sink_text(struct vae_sink *sink, const char *text);
void vae_sink_string(struct vae_sink *sink, const char *string);
void vae_sink_natural(struct vae_sink *sink, uint64_t value);

/* In the byte order of the format, the least significant byte first. */
void vae_sink_u64(struct vae_sink *sink, uint64_t value);
void vae_sink_floats(struct vae_sink *sink, const float *values, size_t count);

#endif
