/* SPDX-License-Identifier: BSD-2-Clause
 * Random words, normals and Bernoulli draws: the rng part of the table.
 *
 * Words and float32 normals come in groups of 64 from sixteen blocks: element 64 g + 16 j + lane is word j
 * (or normal j: words 0 and 1 make 0 and 1, words 2 and 3 make 2 and 3) of block 16 g + lane. float64 normals
 * come in groups of 32: element 32 g + 16 j + lane is normal j of block 16 g + lane. So a group needs no
 * transposition, and every element is computed from its own number alone: any slice equals the same slice of
 * the whole. The numbers of elements wrap at 2^64. docs/random.md says the same to users.
 */
#include "normal.h"
#include "philox.h"
#include "random.h"

#include <string.h>

#define WORDS (4 * VAE_LANES)

static inline void words_group(struct philox_key key, uint64_t group, uint32_t *restrict out)
{
    philox_blocks(key, group * VAE_LANES, out);
}

static inline void normal32_group(struct philox_key key, uint64_t group, float *restrict out)
{
    uint32_t word[WORDS];
    philox_blocks(key, group * VAE_LANES, word);
    for (size_t half = 0; half < WORDS; half += WORDS / 2)
        for (size_t i = half; i < half + VAE_LANES; i++)
            normals32(word[i], word[i + VAE_LANES], &out[i], &out[i + VAE_LANES]);
}

static inline void normal64_group(struct philox_key key, uint64_t group, double *restrict out)
{
    uint32_t word[WORDS];
    philox_blocks(key, group * VAE_LANES, word);
    for (size_t i = 0; i < VAE_LANES; i++)
        normals64(word[i], word[i + VAE_LANES], word[i + 2 * VAE_LANES], word[i + 3 * VAE_LANES], &out[i],
            &out[i + VAE_LANES]);
}

/* A slice: whole groups are written in place, the ends go through a group of their own. Not inlined in what
 * calls it below. */
#define SLICE(NAME, TYPE, SIZE, GROUP)                                                                       \
    __attribute__((noinline)) void NAME(                                                                     \
        uint64_t seed, uint64_t stream, uint64_t offset, size_t n, TYPE *out)                                \
    {                                                                                                        \
        struct philox_key key = {seed, stream};                                                              \
        while (n > 0) {                                                                                      \
            size_t skipped = offset % (SIZE), taken = (SIZE)-skipped < n ? (SIZE)-skipped : n;               \
            TYPE whole[SIZE];                                                                                \
            GROUP(key, offset / (SIZE), taken == (SIZE) ? out : whole);                                      \
            if (taken < (SIZE))                                                                              \
                memcpy(out, whole + skipped, taken * sizeof *out);                                           \
            offset += taken;                                                                                 \
            out += taken;                                                                                    \
            n -= taken;                                                                                      \
        }                                                                                                    \
    }

SLICE(rng_words, uint32_t, WORDS, words_group)
SLICE(rng_normals, float, WORDS, normal32_group)
static SLICE(normal64, double, WORDS / 2, normal64_group)

/* 1 where word < p 2^32, an exact comparison: p >= 1 always, p <= 0 never, else with probability p rounded up
 * to a multiple of 2^-32. A NaN stays one. */
#define BERNOULLI(NAME, REAL)                                                                                \
    static void NAME(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, const REAL *p, REAL *x)      \
    {                                                                                                        \
        uint32_t word[WORDS];                                                                                \
        for (size_t first = 0; first < n; first += WORDS) {                                                  \
            size_t count = n - first < WORDS ? n - first : WORDS;                                            \
            rng_words(seed, stream, offset + first, count, word);                                            \
            for (size_t i = 0; i < count; i++) {                                                             \
                REAL chance = p[first + i], drawn = (double)word[i] < (double)chance * 0x1p32 ? 1 : 0;       \
                x[first + i] = chance == chance ? drawn : chance;                                            \
            }                                                                                                \
        }                                                                                                    \
    }

    BERNOULLI(bernoulli32, float) BERNOULLI(bernoulli64, double)

        const struct vae_rng_kernels K(rng) = {
            .random_u32 = rng_words,
            .normal32 = rng_normals,
            .normal64 = normal64,
            .bernoulli32 = bernoulli32,
            .bernoulli64 = bernoulli64,
            .laplace32 = observe_laplace,
            .poisson32 = observe_poisson,
            .cbernoulli32 = observe_cbernoulli,
};
