/* SPDX-License-Identifier: BSD-2-Clause
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011):
 * the words of sixteen blocks.
 *
 * A block is a function of key (the seed, low word first) and counter (block number, then stream, low words
 * first). Two forms of the same integers: plain C, and one for x86 vectors that names one instruction:
 * gcc 12 does not find vpmuludq in the plain form but takes vpmullq, which makes words three times and
 * normals nearly twice as long.
 */
#ifndef VAE_LIB_KERNELS_PHILOX_H
#define VAE_LIB_KERNELS_PHILOX_H

#include "kernels/isa.h"

#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

struct philox_key {
    uint64_t seed, stream;
};

/* The two multipliers, and what the key's words move by: the golden ratio and sqrt(3) - 1. */
enum { PHILOX_ROUNDS = 10 };
#define PHILOX_M0 0xD2511F53u
#define PHILOX_M1 0xCD9E8D57u
#define PHILOX_W0 0x9E3779B9u
#define PHILOX_W1 0xBB67AE85u

#if defined(__AVX512F__) || defined(__AVX2__)

/* A word in each 64-bit lane; the upper half is ignored until the last round. A round is a
 * chain of some eight cycles: two vectors side by side fill them, where there are registers for two. */
#if defined(__AVX512F__)
enum { PHILOX_LANES = 8, PHILOX_SIDE = 2 };
typedef uint64_t philox_vector __attribute__((vector_size(64)));
typedef uint32_t philox_words __attribute__((vector_size(32)));

static inline philox_vector philox_product(philox_vector a, philox_vector b)
{
    return (philox_vector)_mm512_mul_epu32((__m512i)a, (__m512i)b);
}
#else
enum { PHILOX_LANES = 4, PHILOX_SIDE = 1 };
typedef uint64_t philox_vector __attribute__((vector_size(32)));
typedef uint32_t philox_words __attribute__((vector_size(16)));

static inline philox_vector philox_product(philox_vector a, philox_vector b)
{
    return (philox_vector)_mm256_mul_epu32((__m256i)a, (__m256i)b);
}
#endif

static inline void philox_rounds(philox_vector x[PHILOX_SIDE][4], uint32_t key0, uint32_t key1)
{
    const philox_vector zero = {0}, m0 = zero + PHILOX_M0, m1 = zero + PHILOX_M1;
    VAE_UNROLL
    for (uint32_t i = 0; i < PHILOX_ROUNDS; i++)
        for (int side = 0; side < PHILOX_SIDE; side++) {
            philox_vector p0 = philox_product(x[side][0], m0), p1 = philox_product(x[side][2], m1);
            x[side][0] = (p1 >> 32) ^ x[side][1] ^ (zero + (key0 + i * PHILOX_W0));
            x[side][1] = p1;
            x[side][2] = (p0 >> 32) ^ x[side][3] ^ (zero + (key1 + i * PHILOX_W1));
            x[side][3] = p0;
        }
}

/* out[16 j + lane] = word j of block first + lane; first is a multiple of 16. */
static inline void philox_blocks(struct philox_key key, uint64_t first, uint32_t *restrict out)
{
    static const uint64_t number[VAE_LANES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const philox_vector zero = {0};
    for (size_t lane = 0; lane < VAE_LANES; lane += PHILOX_SIDE * PHILOX_LANES) {
        philox_vector x[PHILOX_SIDE][4];
        for (size_t side = 0; side < PHILOX_SIDE; side++) {
            memcpy(&x[side][0], &number[lane + side * PHILOX_LANES], sizeof x[side][0]);
            x[side][0] |= zero + (uint32_t)first;
            x[side][1] = zero + (first >> 32);
            x[side][2] = zero + (uint32_t)key.stream;
            x[side][3] = zero + (key.stream >> 32);
        }
        philox_rounds(x, (uint32_t)key.seed, (uint32_t)(key.seed >> 32));
        for (size_t side = 0; side < PHILOX_SIDE; side++)
            for (size_t j = 0; j < 4; j++) {
                philox_words low = __builtin_convertvector(x[side][j], philox_words);
                memcpy(&out[VAE_LANES * j + lane + side * PHILOX_LANES], &low, sizeof low);
            }
    }
}

#else

static inline uint32_t philox_high(uint32_t a, uint32_t b)
{
    return (uint32_t)(((uint64_t)a * b) >> 32);
}

static inline void philox_rounds(uint32_t x[4], uint32_t key0, uint32_t key1)
{
    for (uint32_t i = 0; i < PHILOX_ROUNDS; i++) {
        uint32_t a = x[0], b = x[2];
        x[0] = philox_high(b, PHILOX_M1) ^ x[1] ^ (key0 + i * PHILOX_W0);
        x[1] = b * PHILOX_M1;
        x[2] = philox_high(a, PHILOX_M0) ^ x[3] ^ (key1 + i * PHILOX_W1);
        x[3] = a * PHILOX_M0;
    }
}

/* out[16 j + lane] = word j of block first + lane; first is a multiple of 16. */
static inline void philox_blocks(struct philox_key key, uint64_t first, uint32_t *restrict out)
{
    for (uint32_t lane = 0; lane < VAE_LANES; lane++) {
        uint32_t x[4] = {(uint32_t)first | lane, (uint32_t)(first >> 32), (uint32_t)key.stream,
            (uint32_t)(key.stream >> 32)};
        philox_rounds(x, (uint32_t)key.seed, (uint32_t)(key.seed >> 32));
        for (size_t j = 0; j < 4; j++)
            out[VAE_LANES * j + lane] = x[j];
    }
}

#endif

#endif
