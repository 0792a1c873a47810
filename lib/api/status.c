/* SPDX-License-Identifier: BSD-2-Clause
 * Which library this is, and what it chose on this machine.
 */
#include "kernels/table.h"

#include <stdio.h>
#include <vae/vae.h>

unsigned vae_version(void)
{
    return VAE_VERSION_MAJOR << 16 | VAE_VERSION_MINOR << 8 | VAE_VERSION_PATCH;
}

const char *vae_build_info(void)
{
    static _Thread_local char info[128];
    snprintf(
        info, sizeof info, "%s isa=%s gemm=native blas=none", VAE_VERSION_STRING, vae_kernels_get()->isa);
    return info;
}
