/* SPDX-License-Identifier: BSD-2-Clause
 * Addresses of noise: which stream of which key. The header of the library says the rule.
 */
#ifndef VAE_LIB_PASS_STREAM_H
#define VAE_LIB_PASS_STREAM_H

#include <stdint.h>
#include <vae/vae.h>

static inline uint64_t vae_stream(int purpose, uint64_t sample, uint64_t step)
{
    return (uint64_t)purpose << 56 | (sample & 0xffff) << 40 | (step & (((uint64_t)1 << 40) - 1));
}

/* Draw s of a reading call: step is 0 in the first 65536. */
static inline uint64_t vae_reading_stream(int purpose, uint64_t s)
{
    return vae_stream(purpose, s % 65536, s / 65536);
}

/* MurmurHash3's 64-bit finaliser (Austin Appleby, public domain): a bijection that maps 0 to 0. */
static inline uint64_t vae_mix(uint64_t x)
{
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
    return x ^ x >> 33;
}

/* The key of all noise of a call. */
static inline uint64_t vae_key(uint64_t model_seed, uint64_t batch_seed)
{
    return model_seed ^ vae_mix(batch_seed);
}

#endif
