/* SPDX-License-Identifier: BSD-2-Clause
 * The operating system's files, as far as they are read: by POSIX, or by the C library alone.
 */
#ifndef VAE_LIB_FILES_SYSTEM_H
#define VAE_LIB_FILES_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

#if !defined(VAE_STDIO_FILES) && (defined(__unix__) || defined(__APPLE__))
#define VAE_POSIX_FILES 1
typedef int vae_file;
#else
#define VAE_POSIX_FILES 0
#include <stdio.h>
typedef FILE *vae_file;
#endif

/* Of what is no regular file, such as a pipe. */
#define VAE_SIZE_UNKNOWN UINT64_MAX

/* Return VAE_OK, or VAE_ERR_IO and words that begin with `function`. */
int vae_file_open(const char *function, const char *path, vae_file *file, uint64_t *size);
/* Reads all of `size` bytes; from where the file is where its size is unknown. */
int vae_file_read(
    const char *function, const char *path, vae_file file, uint64_t offset, void *to, size_t size);
void vae_file_close(vae_file file);

/* VAE_ERR_IO: "function: cannot STEP PATH: what errno means". */
int vae_file_failed(const char *function, const char *step, const char *path, int error);
/* The end of a path, as much as a message has room for. */
const char *vae_shown_path(const char *path);

#endif
