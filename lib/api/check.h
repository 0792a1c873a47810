/* SPDX-License-Identifier: BSD-2-Clause
 * What the entry points of section 2 of the public header check, the same for either precision.
 */
#ifndef VAE_LIB_API_KERNELS_H
#define VAE_LIB_API_KERNELS_H

#include "status.h"

/* A matrix argument; its stride is called "ld" + name unless `ld_name` says otherwise. */
struct vae_matrix_arg {
    const char *name;
    const void *data;
    size_t ld;
    int optional; /* NULL = not wanted */
    const char *ld_name;
};

/* n x d elements of `size` bytes behind each of `count` matrices: VAE_OK, or VAE_ERR_ARG and words. n > 0. */
int vae_check_matrices(
    const char *function, size_t n, size_t d, size_t size, const struct vae_matrix_arg *matrix, size_t count);

/* A vector of n elements: there, unless it may be NULL, and of a size that fits. */
int vae_check_vector(
    const char *function, const char *name, const void *data, size_t n, size_t size, int optional);

/* Columns where none at all is no question that has an answer. */
int vae_check_columns(const char *function, size_t k);

int vae_check_labels(const char *function, size_t n, size_t k, const uint32_t *label);

int vae_check_work(const char *function, size_t d, const void *work, size_t work_size);

#endif
