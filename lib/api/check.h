/* SPDX-License-Identifier: BSD-2-Clause
 * What the entry points of section 2 of the public header check, the same in both precisions. All functions
 * return VAE_OK, or VAE_ERR_ARG after vae_fail().
 */
#ifndef VAE_LIB_API_CHECK_H
#define VAE_LIB_API_CHECK_H

#include "base/status.h"

/* A matrix argument; its stride is called "ld" + name unless `ld_name` says otherwise. */
struct vae_matrix_arg {
    const char *name;
    const void *data;
    size_t ld;
    int optional; /* may be NULL */
    const char *ld_name;
};

/* Checks `count` matrices of n x d elements of `size` bytes each, n > 0. */
int vae_check_matrices(
    const char *function, size_t n, size_t d, size_t size, const struct vae_matrix_arg *matrix, size_t count);

/* Checks a vector of n elements: given, unless it is optional, and of a size that fits. */
int vae_check_vector(
    const char *function, const char *name, const void *data, size_t n, size_t size, int optional);

/* Rejects k = 0: a softmax over no classes is undefined. */
int vae_check_columns(const char *function, size_t k);

/* Checks that all n labels are below k. */
int vae_check_labels(const char *function, size_t n, size_t k, const uint32_t *label);

/* Checks that a workspace has the `needed` bytes of vae_kl_gauss_work(d). */
int vae_check_work(const char *function, size_t d, const void *work, size_t work_size, size_t needed);

#endif
