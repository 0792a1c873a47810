/* SPDX-License-Identifier: BSD-2-Clause
 * Random numbers to the bit: Philox' known answers, the normals' mapping and its error, slices, Bernoulli
 * draws. Statistics are in test_random_statistics.c, equal bits over instruction sets in tests/kernels.
 */
#define VAE_ISA scalar
#include "kernels/random/normal.h"
#include "kernels/random/philox.h"

#include "../support/runner.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct vae_rng_kernels *rng(void)
{
    return vae_kernels_get()->rng;
}

/* ---- known answers ---- */

struct known {
    uint32_t counter[4], key[2], words[4];
};

/* Random123, tests/kat_vectors, philox4x32 10. */
static const struct known random123[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff},
        {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0},
        {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

/* The block function itself, and the table where an offset can name the block (below 2^62). */
static void expect_words(const struct known *known)
{
    uint64_t block = known->counter[0] | (uint64_t)known->counter[1] << 32;
    uint64_t stream = known->counter[2] | (uint64_t)known->counter[3] << 32;
    uint64_t seed = known->key[0] | (uint64_t)known->key[1] << 32;
    uint32_t group[4 * VAE_LANES], element = block % VAE_LANES;
    philox_blocks((struct philox_key){seed, stream}, block - element, group);
    for (uint32_t j = 0; j < 4; j++) {
        ck_assert_uint_eq(group[VAE_LANES * j + element], known->words[j]);
        if (block >> 62)
            continue;
        uint32_t word;
        rng()->random_u32(seed, stream, block / VAE_LANES * 64 + VAE_LANES * j + element, 1, &word);
        ck_assert_uint_eq(word, known->words[j]);
    }
}

START_TEST(philox_known_answers)
{
    for (size_t i = 0; i < sizeof random123 / sizeof *random123; i++)
        expect_words(&random123[i]);
}
END_TEST

/* ---- the normals' mapping ---- */

/* Largest error of the pair, in units of 2^-bits * r; `wide` is r cos and r sin in long double. */
static double error_of(const long double wide[2], double z0, double z1, long double r, int bits)
{
    long double unit = ldexpl(r, -bits), error = fmaxl(fabsl(z0 - wide[0]), fabsl(z1 - wide[1]));
    return r > 0 ? (double)(error / unit) : error == 0 ? 0 : INFINITY;
}

static const long double pi = 3.14159265358979323846264338327950288L;

static double error32(uint32_t a, uint32_t b)
{
    float z0, z1, u = fmaf((float)a, 0x1p-32f, 0x1p-33f);
    normals32(a, b, &z0, &z1);
    long double r = sqrtl(-2 * logl(u)), theta = pi * (int32_t)b / 0x1p31L;
    return error_of((long double[]){r * cosl(theta), r * sinl(theta)}, z0, z1, r, 24);
}

static double error64(uint64_t a, uint64_t b)
{
    double z0, z1, u = fma((double)(a >> 32), 0x1p-32, fma((double)(uint32_t)a, 0x1p-64, 0x1p-65));
    normals64((uint32_t)a, (uint32_t)(a >> 32), (uint32_t)b, (uint32_t)(b >> 32), &z0, &z1);
    long double r = sqrtl(-2 * logl(u)), theta = pi * (int64_t)b / 0x1p63L;
    return error_of((long double[]){r * cosl(theta), r * sinl(theta)}, z0, z1, r, 53);
}

/* Words around every power of two, both sides, and of either end. */
static uint64_t edge(unsigned i, unsigned bits)
{
    uint64_t at = (uint64_t)1 << i / 3 % bits;
    return at + i % 3 - 1;
}

START_TEST(normals_meet_their_bound)
{
    double worst32 = 0, worst64 = 0;
    for (unsigned i = 0; i < 192; i++)
        for (unsigned j = 0; j < 192; j++) {
            worst32 = fmax(worst32, error32((uint32_t)edge(i, 32), (uint32_t)-edge(j, 32)));
            worst32 = fmax(worst32, error32((uint32_t)-edge(i, 32), (uint32_t)edge(j, 32)));
            worst64 = fmax(worst64, error64(edge(i, 64), -edge(j, 64)));
            worst64 = fmax(worst64, error64(-edge(i, 64), edge(j, 64)));
        }
    static uint32_t words[400000];
    rng()->random_u32(1, 0, 0, 400000, words);
    for (size_t i = 0; i < 400000; i += 4) {
        worst32 = fmax(worst32, error32(words[i], words[i + 1]));
        worst64 = fmax(worst64,
            error64(words[i] | (uint64_t)words[i + 1] << 32, words[i + 2] | (uint64_t)words[i + 3] << 32));
    }
    printf("worst error of normals: %.3f * 2^-24 r, %.3f * 2^-53 r\n", worst32, worst64);
    ck_assert_double_le(worst32, 3.2);
    ck_assert_double_le(worst64, 4.0);
}
END_TEST

/* Which words of which block make which element. */
START_TEST(normals_come_from_the_words_they_should)
{
    enum { groups = 20 };
    uint32_t words[64 * groups];
    float single[64 * groups], z0, z1;
    double twice[32 * groups], w0, w1;
    rng()->random_u32(7, 9, 128, 64 * groups, words);
    rng()->normal32(7, 9, 128, 64 * groups, single);
    rng()->normal64(7, 9, 64, 32 * groups, twice);
    for (size_t g = 0; g < groups; g++)
        for (size_t lane = 0; lane < 16; lane++) {
            const uint32_t *w = words + 64 * g + lane;
            for (size_t half = 0; half < 64; half += 32) {
                normals32(w[half], w[half + 16], &z0, &z1);
                ck_assert_mem_eq(&z0, &single[64 * g + half + lane], sizeof z0);
                ck_assert_mem_eq(&z1, &single[64 * g + half + 16 + lane], sizeof z1);
            }
            normals64(w[0], w[16], w[32], w[48], &w0, &w1);
            ck_assert_mem_eq(&w0, &twice[32 * g + lane], sizeof w0);
            ck_assert_mem_eq(&w1, &twice[32 * g + 16 + lane], sizeof w1);
        }
}
END_TEST

/* ---- slices ---- */

enum { WHOLE = 700 };

static void expect_slices(uint64_t base)
{
    static const size_t starts[] = {0, 1, 15, 16, 31, 32, 63, 64, 65, 130},
                        counts[] = {0, 1, 2, 17, 63, 64, 65, 128, 500};
    uint32_t words[WHOLE], word[WHOLE];
    float singles[WHOLE], single[WHOLE];
    double doubles[WHOLE], twice[WHOLE];
    rng()->random_u32(5, 6, base, WHOLE, words);
    rng()->normal32(5, 6, base, WHOLE, singles);
    rng()->normal64(5, 6, base, WHOLE, doubles);
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        for (size_t j = 0; j < sizeof counts / sizeof *counts; j++) {
            size_t start = starts[i], n = counts[j];
            rng()->random_u32(5, 6, base + start, n, word);
            rng()->normal32(5, 6, base + start, n, single);
            rng()->normal64(5, 6, base + start, n, twice);
            ck_assert_int_eq(memcmp(word, words + start, n * sizeof *word), 0);
            ck_assert_int_eq(memcmp(single, singles + start, n * sizeof *single), 0);
            ck_assert_int_eq(memcmp(twice, doubles + start, n * sizeof *twice), 0);
        }
}

START_TEST(a_slice_is_a_slice_of_the_whole)
{
    expect_slices(0);
    expect_slices(13);
    expect_slices((uint64_t)1 << 38);         /* block 2^36: the counter's second word */
    expect_slices(((uint64_t)1 << 34) - 100); /* a carry from the first into it */
    expect_slices(UINT64_MAX - 63);
    expect_slices(UINT64_MAX - 300); /* element numbers wrap */
}
END_TEST

START_TEST(element_numbers_wrap)
{
    uint32_t across[200], start[100];
    rng()->random_u32(1, 2, UINT64_MAX - 99, 200, across);
    rng()->random_u32(1, 2, 0, 100, start);
    ck_assert_mem_eq(across + 100, start, sizeof start);
}
END_TEST

/* ---- Bernoulli draws ---- */

START_TEST(bernoulli_compares_the_word)
{
    enum { n = 1000 };
    uint32_t words[n];
    float p[n], x[n];
    double q[n], y[n];
    rng()->random_u32(3, 4, 17, n, words);
    for (size_t i = 0; i < n; i++) {
        /* The word itself as a probability: not below it; one step more, below. */
        q[i] = (words[i] + (i % 2 ? 1.0 : 0.0)) * 0x1p-32;
        p[i] = (float)q[i];
    }
    rng()->bernoulli64(3, 4, 17, n, q, y);
    rng()->bernoulli32(3, 4, 17, n, p, x);
    for (size_t i = 0; i < n; i++) {
        ck_assert_double_eq(y[i], i % 2 ? 1 : 0);
        ck_assert_float_eq(x[i], words[i] < (double)p[i] * 0x1p32 ? 1 : 0);
    }
    rng()->bernoulli64(3, 4, 17 + 333, 100, q + 333, y);
    for (size_t i = 0; i < 100; i++)
        ck_assert_double_eq(y[i], (333 + i) % 2 ? 1 : 0);
}
END_TEST

START_TEST(bernoulli_at_the_edges)
{
    static const float p[] = {0, -0.0f, -1, -INFINITY, 1, 2, INFINITY};
    enum { n = 5000 };
    static float same[n], x[n];
    for (size_t k = 0; k < 7; k++) {
        for (size_t i = 0; i < n; i++)
            same[i] = p[k];
        rng()->bernoulli32(1, 1, 0, n, same, x);
        for (size_t i = 0; i < n; i++)
            ck_assert_float_eq(x[i], k >= 4 ? 1 : 0);
    }
    double nan64 = NAN, y;
    float nan32 = NAN, z;
    rng()->bernoulli32(1, 1, 0, 1, &nan32, &z);
    rng()->bernoulli64(1, 1, 0, 1, &nan64, &y);
    ck_assert_float_nan(z);
    ck_assert_double_nan(y);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {philox_known_answers, normals_meet_their_bound,
        normals_come_from_the_words_they_should, a_slice_is_a_slice_of_the_whole, element_numbers_wrap,
        bernoulli_compares_the_word, bernoulli_at_the_edges};
    return RUN_SUITE("random", tests);
}
