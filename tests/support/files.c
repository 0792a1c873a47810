/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: files in a folder of their own, streams in memory, safetensors files made by hand.
 */
#include "files.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static pid_t maker;

/* Files alone, no folders. */
static void remove_folder(void)
{
    char path[512];
    DIR *dir = maker == getpid() ? opendir(folder) : NULL;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        unlink(path);
    }
    if (dir)
        closedir(dir);
    if (maker == getpid())
        rmdir(folder);
}

const char *path_to(const char *name)
{
    static char paths[8][512];
    static int next;
    if (maker != getpid()) {
        strcpy(folder, "/tmp/libvae-test-XXXXXX");
        ck_assert(mkdtemp(folder) != NULL);
        maker = getpid();
        atexit(remove_folder);
    }
    next = (next + 1) % 8;
    snprintf(paths[next], sizeof paths[next], "%s/%s", folder, name);
    return paths[next];
}

void bytes_add(struct bytes *bytes, const void *data, size_t size)
{
    unsigned char *more = realloc(bytes->data, bytes->size + size + 1);
    ck_assert(more != NULL);
    if (size > 0)
        memcpy(more + bytes->size, data, size);
    bytes->data = more;
    bytes->size += size;
}

void bytes_free(struct bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct bytes){NULL, 0};
}

struct bytes bytes_of_file(const char *path)
{
    struct bytes bytes = {NULL, 0};
    unsigned char buffer[4096];
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, file)) > 0;)
        bytes_add(&bytes, buffer, n);
    fclose(file);
    return bytes;
}

void write_file(const char *path, const struct bytes *bytes)
{
    FILE *file = fopen(path, "wb");
    ck_assert_msg(file != NULL, "%s", path);
    ck_assert_uint_eq(fwrite(bytes->data, 1, bytes->size, file), bytes->size);
    ck_assert_int_eq(fclose(file), 0);
}

int write_bytes(void *ctx, const void *data, size_t size)
{
    bytes_add(ctx, data, size);
    return 0;
}

struct bytes bytes_of_model(const vae_model *model, uint32_t flags)
{
    struct bytes bytes = {NULL, 0};
    int status = vae_save_stream(model, write_bytes, &bytes, flags);
    ck_assert_msg(status == VAE_OK, "%s", vae_last_error());
    return bytes;
}

int read_bytes(void *ctx, void *data, size_t size)
{
    struct reading *r = ctx;
    r->calls++;
    r->largest = size > r->largest ? size : r->largest;
    if (size > r->from->size - r->at || (r->fail_at != READING_NEVER_FAILS && r->at + size > r->fail_at))
        return 1;
    memcpy(data, r->from->data + r->at, size);
    r->at += size;
    return 0;
}

struct bytes safetensors_of(const char *header, const void *data, size_t size)
{
    struct bytes file = {NULL, 0};
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)strlen(header) >> 8 * i);
    bytes_add(&file, length, 8);
    bytes_add(&file, header, strlen(header));
    bytes_add(&file, data, size);
    return file;
}

struct bytes with_header(const struct bytes *file, const char *old, const char *replacement)
{
    size_t length = 0;
    for (int i = 8; i-- > 0;)
        length = length << 8 | file->data[i];
    char *header = malloc(length + strlen(replacement) + 1);
    memcpy(header, file->data + 8, length);
    header[length] = 0;
    char *at = strstr(header, old);
    ck_assert_msg(at != NULL, "the header has no %s", old);
    size_t rest = strlen(at + strlen(old)) + 1;
    memmove(at + strlen(replacement), at + strlen(old), rest);
    memcpy(at, replacement, strlen(replacement));
    struct bytes changed = safetensors_of(header, file->data + 8 + length, file->size - 8 - length);
    free(header);
    return changed;
}

void must_fail(int status, int expected, const char *words)
{
    ck_assert_msg(status == expected, "status %d, not %d: %s", status, expected, vae_last_error());
    ck_assert_msg(strstr(vae_last_error(), words) != NULL, "\"%s\" has no \"%s\"", vae_last_error(), words);
}
