/* SPDX-License-Identifier: BSD-2-Clause
 * Where a file's bytes go: in pieces to a function, or nowhere, to know how many there are.
 */
#include "sink.h"

#include <string.h>

void vae_sink_open(struct vae_sink *sink, vae_write *write, void *ctx)
{
    sink->write = write;
    sink->ctx = ctx;
    sink->bytes = 0;
    sink->escaped = sink->failed = 0;
    sink->waiting = 0;
}

int vae_sink_flush(struct vae_sink *sink)
{
    if (sink->write && !sink->failed && sink->waiting > 0)
        sink->failed = sink->write(sink->ctx, sink->buffer, sink->waiting);
    sink->waiting = 0;
    return sink->failed;
}

void vae_sink_bytes(struct vae_sink *sink, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    sink->bytes += size;
    while (sink->write && size > 0) {
        size_t room = sizeof sink->buffer - sink->waiting, n = size < room ? size : room;
        memcpy(sink->buffer + sink->waiting, bytes, n);
        sink->waiting += n;
        bytes += n;
        size -= n;
        if (sink->waiting == sizeof sink->buffer)
            vae_sink_flush(sink);
    }
}

/* ---- JSON ---- */

void vae_sink_text(struct vae_sink *sink, const char *text)
{
    for (; sink->escaped && *text; text++) {
        if (*text == '"' || *text == '\\')
            vae_sink_bytes(sink, "\\", 1);
        vae_sink_bytes(sink, text, 1);
    }
    vae_sink_bytes(sink, text, strlen(text));
}

void vae_sink_string(struct vae_sink *sink, const char *string)
{
    static const char hex[] = "0123456789abcdef";
    vae_sink_text(sink, "\"");
    for (; *string; string++) {
        unsigned char c = (unsigned char)*string;
        char code[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15], 0}, plain[] = {*string, 0};
        if (c == '"' || c == '\\')
            vae_sink_text(sink, "\\");
        vae_sink_text(sink, c < 0x20 ? code : plain);
    }
    vae_sink_text(sink, "\"");
}

void vae_sink_natural(struct vae_sink *sink, uint64_t value)
{
    char digits[21], *at = digits + 20;
    *at = 0;
    do
        *--at = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    vae_sink_text(sink, at);
}

/* ---- numbers ---- */

void vae_sink_u64(struct vae_sink *sink, uint64_t value)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(value >> 8 * i);
    vae_sink_bytes(sink, bytes, sizeof bytes);
}

void vae_sink_floats(struct vae_sink *sink, const float *values, size_t count)
{
    unsigned char bytes[1024];
    for (size_t n; count > 0; values += n, count -= n) {
        n = count < sizeof bytes / 4 ? count : sizeof bytes / 4;
        for (size_t i = 0; i < n; i++) {
            uint32_t bits;
            memcpy(&bits, &values[i], sizeof bits);
            for (size_t k = 0; k < 4; k++)
                bytes[4 * i + k] = (unsigned char)(bits >> 8 * k);
        }
        vae_sink_bytes(sink, bytes, 4 * n);
    }
}
