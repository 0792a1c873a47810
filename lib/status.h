/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 5. Status codes in words, and this thread's last failure.
 */
#ifndef VAE_LIB_STATUS_H
#define VAE_LIB_STATUS_H

#include <vae/vae.h>

/* Stores the words for vae_last_error() and returns `status`, so that a check reads `return
 * vae_fail(VAE_ERR_ARG, ...)`. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
int vae_fail(int status, const char *format, ...);

#endif
