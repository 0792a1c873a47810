/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: what the header's Noise says, the key of a batch and the stream of a draw.
 */
#ifndef VAE_TESTS_NOISE_H
#define VAE_TESTS_NOISE_H

#include <stdint.h>

/* MurmurHash3's 64-bit finaliser. */
static inline uint64_t noise_mix(uint64_t h)
{
    h ^= h >> 33;
    h *= UINT64_C(0xff51afd7ed558ccd);
    h ^= h >> 33;
    h *= UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ h >> 33;
}

static inline uint64_t noise_key(uint64_t model_seed, uint64_t batch_seed)
{
    return model_seed ^ noise_mix(batch_seed);
}

static inline uint64_t noise_stream(int purpose, uint64_t sample, uint64_t step)
{
    return (uint64_t)purpose << 56 | sample << 40 | step;
}

#endif
