/* SPDX-License-Identifier: BSD-2-Clause
 * The checks of check.h. About sixty call sites; out of line to keep the code small.
 */
#include "check.h"

#include <vae/vae.h>

int vae_check_vector(
    const char *function, const char *name, const void *data, size_t n, size_t size, int optional)
{
    if (!data && n && !optional)
        return vae_fail(VAE_ERR_ARG, "%s: %s is NULL", function, name);
    if (data && n > SIZE_MAX / size)
        return vae_fail(VAE_ERR_ARG, "%s: %s: n is %zu, at most %zu fit", function, name, n, SIZE_MAX / size);
    return VAE_OK;
}

static int check_matrix(const char *function, size_t n, size_t d, size_t size, const struct vae_matrix_arg *m)
{
    const char *prefix = m->ld_name ? "" : "ld", *stride = m->ld_name ? m->ld_name : m->name;
    if (!m->data && m->optional)
        return VAE_OK;
    if (!m->data && d)
        return vae_fail(VAE_ERR_ARG, "%s: %s is NULL", function, m->name);
    if (m->ld < d)
        return vae_fail(
            VAE_ERR_ARG, "%s: %s%s is %zu, at least %zu is needed", function, prefix, stride, m->ld, d);
    if (m->ld && n > SIZE_MAX / size / m->ld)
        return vae_fail(VAE_ERR_ARG, "%s: %s: %zu rows of %s%s = %zu exceed the address space", function,
            m->name, n, prefix, stride, m->ld);
    return VAE_OK;
}

int vae_check_matrices(
    const char *function, size_t n, size_t d, size_t size, const struct vae_matrix_arg *matrix, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int status = check_matrix(function, n, d, size, &matrix[i]);
        if (status)
            return status;
    }
    return VAE_OK;
}

int vae_check_columns(const char *function, size_t k)
{
    return k ? VAE_OK : vae_fail(VAE_ERR_ARG, "%s: k is 0, at least 1 is needed", function);
}

int vae_check_labels(const char *function, size_t n, size_t k, const uint32_t *label)
{
    for (size_t i = 0; i < n; i++)
        if (label[i] >= k)
            return vae_fail(VAE_ERR_ARG, "%s: label[%zu] is %lu, must be below k = %zu", function, i,
                (unsigned long)label[i], k);
    return VAE_OK;
}

int vae_check_work(const char *function, size_t d, const void *work, size_t work_size, size_t needed)
{
    if (!work && d)
        return vae_fail(VAE_ERR_ARG, "%s: work is NULL", function);
    if (d && work_size < needed)
        return vae_fail(VAE_ERR_ARG, "%s: work_size is %zu, vae_kl_gauss_work(%zu) = %zu is needed", function,
            work_size, d, needed);
    return VAE_OK;
}
