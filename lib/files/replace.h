/* SPDX-License-Identifier: BSD-2-Clause
 * A file that is replaced whole or not at all.
 */
#ifndef VAE_LIB_FILES_REPLACE_H
#define VAE_LIB_FILES_REPLACE_H

#include "system.h"

#define VAE_MOST_PATH 4096

struct vae_replace {
    const char *function, *path; /* the caller's */
    vae_file file, folder;
    int aside;                  /* into a temporary file; else the path is no regular file */
    char target[VAE_MOST_PATH]; /* the path, symbolic links followed */
    char temporary[VAE_MOST_PATH];
};

/* Return VAE_OK, or VAE_ERR_IO and words that begin with `function`. The path remains the caller's. */
int vae_replace_begin(struct vae_replace *replace, const char *function, const char *path);
/* A vae_write of struct vae_replace. */
int vae_replace_write(void *replace, const void *data, size_t size);
/* Puts the new file in place where `status` is VAE_OK; else, or where that fails, the old one stays. */
int vae_replace_end(struct vae_replace *replace, int status);

#endif
