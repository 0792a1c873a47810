/* SPDX-License-Identifier: BSD-2-Clause
 * vae-embed: turns a model's file into C source, for programs without files.
 *
 *     vae-embed [--batch ROWS] MODEL.safetensors NAME
 *
 * Writes NAME.c, an array of the file's bytes to which the parameters in the library's own order are added,
 * so that vae_load_memory() with VAE_LOAD_IN_PLACE reads them where they are; and NAME.h, which declares the
 * array and says how much memory the rest needs. The training state is left out.
 */
#include "files/save.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vae/vae.h>

struct bytes {
    unsigned char *data;
    size_t size, room;
};

static int append(void *ctx, const void *data, size_t size)
{
    struct bytes *b = ctx;
    if (size > b->room - b->size) {
        size_t room = 2 * b->room + size + 65536;
        unsigned char *more = aligned_alloc(64, (room + 63) / 64 * 64);
        if (!more)
            return VAE_ERR_NOMEM;
        if (b->size > 0)
            memcpy(more, b->data, b->size);
        free(b->data);
        b->data = more;
        b->room = room;
    }
    memcpy(b->data + b->size, data, size);
    b->size += size;
    return VAE_OK;
}

/* ---- how much memory a load takes ---- */

static void *counted_alloc(void *ctx, size_t size, size_t alignment)
{
    size_t rounded = (size + alignment - 1) / alignment * alignment;
    *(size_t *)ctx += rounded;
    return aligned_alloc(alignment, rounded);
}

static void counted_free(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    (void)size;
    free(ptr);
}

/* Bytes that a load in place takes in all, as from an allocator that gives out nothing twice; 0 after a
 * failure. */
static size_t measure(const struct bytes *file, uint64_t rows)
{
    size_t total = 0;
    vae_model *model;
    vae_runtime runtime;
    vae_runtime_init(&runtime, sizeof runtime);
    runtime.max_batch = rows;
    runtime.alloc_ctx = &total;
    runtime.alloc = counted_alloc;
    runtime.free = counted_free;
    if (vae_load_memory(&model, file->data, file->size, VAE_LOAD_IN_PLACE, &runtime) != VAE_OK)
        return 0;
    vae_destroy(model);
    return total;
}

/* ---- source ---- */

/* A name in C: what is behind the last slash, other characters as _. */
static char *identifier_of(const char *path, int capital)
{
    const char *slash = strrchr(path, '/'), *from = slash ? slash + 1 : path;
    char *name = malloc(strlen(from) + 1), *to = name;
    for (; name && *from; from++)
        *to++ = (char)(!isalnum((unsigned char)*from) ? '_'
                       : capital                      ? toupper((unsigned char)*from)
                                                      : *from);
    if (name)
        *to = 0;
    return name;
}

static FILE *open_output(const char *path, const char *ending)
{
    char name[4096];
    snprintf(name, sizeof name, "%s%s", path, ending);
    FILE *file = fopen(name, "w");
    if (!file)
        perror(name);
    return file;
}

static int write_source(const char *path, const char *name, const struct bytes *file)
{
    FILE *out = open_output(path, ".c");
    if (!out)
        return 1;
    fprintf(out, "/* Written by vae-embed: a model for vae_load_memory(). */\n#include \"%s.h\"\n\n", name);
    fprintf(out, "_Alignas(64) const unsigned char %s[%zu] = {", name, file->size);
    for (size_t i = 0; i < file->size; i++)
        fprintf(out, "%s%u,", i % 24 == 0 ? "\n" : "", file->data[i]);
    fprintf(out, "};\n");
    return ferror(out) | fclose(out);
}

static int write_header(const char *path, const char *name, const char *capitals, const struct bytes *file,
    size_t memory, uint64_t rows)
{
    FILE *out = open_output(path, ".h");
    if (!out)
        return 1;
    fprintf(out, "/* Written by vae-embed: a model for vae_load_memory(). */\n#ifndef %s_H\n#define %s_H\n\n",
        capitals, capitals);
    fprintf(out, "#define %s_SIZE %zu\n", capitals, file->size);
    fprintf(out,
        "/* Bytes of all memory that a load in place takes, with max_batch %llu, one thread, and blocks that "
        "are multiples of 64\n"
        " * bytes and given out once, on machines like the one that this was written on. */\n",
        (unsigned long long)rows);
    fprintf(out, "#define %s_MEMORY %zu\n\nextern const unsigned char %s[%s_SIZE];\n\n#endif\n", capitals,
        memory, name, capitals);
    return ferror(out) | fclose(out);
}

static int failed(const char *what)
{
    fprintf(stderr, "vae-embed: %s\n", what);
    return 1;
}

static int embed(const char *from, const char *to, uint64_t rows)
{
    struct bytes file = {NULL, 0, 0};
    vae_model *model;
    vae_runtime runtime;
    char *name = identifier_of(to, 0), *capitals = identifier_of(to, 1);
    vae_runtime_init(&runtime, sizeof runtime);
    runtime.inference_only = 1;
    if (!name || !capitals || vae_load(&model, from, &runtime) != VAE_OK)
        return failed(vae_last_error());
    int status = vae_model_save("save", model, VAE_SAVE_WEIGHTS_ONLY | VAE_SAVE_PANELS, append, &file);
    vae_destroy(model);
    size_t memory = status == VAE_OK ? measure(&file, rows) : 0;
    if (memory == 0)
        return failed(vae_last_error());
    int bad = write_source(to, name, &file) | write_header(to, name, capitals, &file, memory, rows);
    free(file.data);
    free(name);
    free(capitals);
    return bad ? failed("the source cannot be written") : 0;
}

int main(int argc, char **argv)
{
    uint64_t rows = 1;
    if (argc == 5 && strcmp(argv[1], "--batch") == 0) {
        rows = strtoull(argv[2], NULL, 10);
        argc -= 2;
        argv += 2;
    }
    if (argc != 3)
        return failed("usage: vae-embed [--batch ROWS] MODEL.safetensors NAME");
    return embed(argv[1], argv[2], rows);
}
