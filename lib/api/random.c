/* SPDX-License-Identifier: BSD-2-Clause
 * Random words, an entry point of section 2 of the public header that has no precision.
 */
#include "check.h"

#include "kernels/table.h"

int vae_random_u32(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, uint32_t *out)
{
    int status = vae_check_vector(__func__, "out", out, n, sizeof *out, 0);
    if (status == VAE_OK && n)
        vae_kernels_get()->rng->random_u32(seed, stream, offset, n, out);
    return status;
}
