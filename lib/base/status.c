/* SPDX-License-Identifier: BSD-2-Clause
 * Status codes in words, and this thread's last failure. No allocation: a fixed buffer per thread.
 */
#include "status.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char last_error[256];

int vae_fail(int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(last_error, sizeof last_error, format, args);
    va_end(args);
    return status;
}

const char *vae_last_error(void)
{
    return last_error;
}

const char *vae_strerror(int status)
{
    switch (status) {
    case VAE_OK:
        return "success";
    case VAE_ERR_ARG:
        return "invalid argument";
    case VAE_ERR_NOMEM:
        return "out of memory";
    case VAE_ERR_ABI:
        return "a struct of an impossible size, or with a field set that this library lacks";
    case VAE_ERR_NONFINITE:
        return "a value that must be finite is not";
    case VAE_ERR_FORMAT:
        return "malformed file";
    case VAE_ERR_IO:
        return "input or output failed";
    case VAE_ERR_STATE:
        return "invalid in the current state";
    case VAE_ERR_UNSUPPORTED:
        return "recognised, but not available in this build or on this machine";
    case VAE_ERR_DATA:
        return "a value of the data that its likelihood does not take";
    default:
        return "unknown status";
    }
}
