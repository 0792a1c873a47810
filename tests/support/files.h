/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: files in a folder of their own, streams in memory, safetensors files made by hand.
 */
#ifndef VAE_TESTS_FILES_H
#define VAE_TESTS_FILES_H

#include <stddef.h>
#include <vae/vae.h>

/* A path in a folder that the test has for itself and that is removed at its end; valid until the next but
 * seven. */
const char *path_to(const char *name);

/* Bytes that grow; zeroed to begin with. */
struct bytes {
    unsigned char *data;
    size_t size;
};
void bytes_add(struct bytes *bytes, const void *data, size_t size);
void bytes_free(struct bytes *bytes);
/* A whole file, or the test fails. */
struct bytes bytes_of_file(const char *path);
void write_file(const char *path, const struct bytes *bytes);
/* What vae_save_stream() writes. */
struct bytes bytes_of_model(const vae_model *model, uint32_t flags);

/* For vae_save_stream(): appends to struct bytes. */
int write_bytes(void *ctx, const void *data, size_t size);
/* For vae_load_stream(): from struct bytes, and fails where `fail_at` bytes have been given. */
struct reading {
    const struct bytes *from;
    size_t at, fail_at, calls, largest;
};
#define READING_NEVER_FAILS ((size_t)-1)
int read_bytes(void *ctx, void *data, size_t size);

/* The length of the header, the header, the data. */
struct bytes safetensors_of(const char *header, const void *data, size_t size);
/* The same file with one text of its header in place of another one, which must be there. */
struct bytes with_header(const struct bytes *file, const char *old, const char *replacement);

/* Fails the test unless `status` is the one expected and vae_last_error() has `words`. */
void must_fail(int status, int expected, const char *words);

#endif
