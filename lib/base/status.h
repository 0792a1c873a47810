/* SPDX-License-Identifier: BSD-2-Clause
 * Status codes in words, and this thread's last failure.
 */
#ifndef VAE_LIB_BASE_STATUS_H
#define VAE_LIB_BASE_STATUS_H

#include <math.h>
#include <vae/vae.h>

/* Stores the words for vae_last_error() and returns `status`, so that a check reads `return
 * vae_fail(VAE_ERR_ARG, ...)`. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
int vae_fail(int status, const char *format, ...);

/* A number for a message: NaN without its sign, which differs between instruction sets. */
static inline double vae_shown(double x)
{
    return x != x ? (double)NAN : x;
}

#endif
