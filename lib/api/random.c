/* SPDX-License-Identifier: BSD-2-Clause
 * Random words and permutations, the entry points of section 2 of the public header that have no precision.
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

/* Fisher & Yates, from the top: element i changes places with one of 0 .. i. */
static void shuffle(uint64_t seed, uint64_t stream, size_t n, uint32_t *out)
{
    uint32_t word[256];
    const size_t size = sizeof word / sizeof *word;
    for (size_t done = 0; done + 1 < n; done++) {
        size_t i = n - 1 - done;
        if (done % size == 0)
            vae_kernels_get()->rng->random_u32(seed, stream, done, i < size ? i : size, word);
        size_t j = (size_t)(((uint64_t)word[done % size] * ((uint64_t)i + 1)) >> 32);
        uint32_t moved = out[i];
        out[i] = out[j];
        out[j] = moved;
    }
}

int vae_permutation(uint64_t seed, uint64_t stream, size_t n, uint32_t *out)
{
    int status = vae_check_vector(__func__, "out", out, n, sizeof *out, 0);
    if (status)
        return status;
    if (n > 0 && n - 1 > UINT32_MAX)
        return vae_fail(VAE_ERR_ARG, "%s: n is %zu, at most 2^32 is possible", __func__, n);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint32_t)i;
    shuffle(seed, stream, n, out);
    return VAE_OK;
}
