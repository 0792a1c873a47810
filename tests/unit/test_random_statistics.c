/* SPDX-License-Identifier: BSD-2-Clause
 * Statistics of words, normals and Bernoulli draws at fixed seeds, all as standard scores against one bound.
 *
 *     test_random_statistics [log2 of the number of draws, 20 unless told]
 *
 * About 160 scores are taken in a run; the largest of as many independent ones stays below 4.5 in 999 runs of
 * 1000. The draws never change, so neither does the outcome.
 */
#include "kernels/table.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define BOUND 4.5
#define CHUNK 65536

static size_t draws = (size_t)1 << 20;
static double largest;

static const struct vae_rng_kernels *rng(void)
{
    return vae_kernels_get()->rng;
}

static void expect_score(const char *what, double at, double score)
{
    if (fabs(score) > fabs(largest))
        largest = score;
    ck_assert_msg(fabs(score) < BOUND, "%s %g: score %.2f", what, at, score);
}

/* ---- normals of either precision, as doubles ---- */

enum precision { SINGLE, DOUBLE };

static void draw(
    enum precision precision, uint64_t seed, uint64_t stream, uint64_t offset, size_t n, double *out)
{
    static float single[CHUNK];
    if (precision == DOUBLE) {
        rng()->normal64(seed, stream, offset, n, out);
        return;
    }
    rng()->normal32(seed, stream, offset, n, single);
    for (size_t i = 0; i < n; i++)
        out[i] = single[i];
}

static double normal_cdf(double x)
{
    return 0.5 * erfc(-x * 0.70710678118654752440);
}

static void count_score(const char *what, double at, double count, double n, double p)
{
    expect_score(what, at, (count - n * p) / sqrt(n * p * (1 - p)));
}

static void moments_and_tails(enum precision precision)
{
    static double x[CHUNK];
    double sum[5] = {0}, beyond[2][6] = {{0}}, n = (double)draws;
    for (size_t at = 0; at < draws; at += CHUNK) {
        draw(precision, 11, 1, at, CHUNK, x);
        for (size_t i = 0; i < CHUNK; i++) {
            double power = 1;
            for (int k = 1; k < 5; k++)
                sum[k] += power *= x[i];
            for (int k = 0; k < 6 && fabs(x[i]) > k; k++)
                beyond[x[i] > 0][k]++;
        }
    }
    /* Of the k-th power of a normal: expectation, and variance. */
    static const double expectation[] = {0, 0, 1, 0, 3}, variance[] = {0, 1, 2, 15, 96};
    for (int k = 1; k < 5; k++)
        expect_score("moment", k, (sum[k] - n * expectation[k]) / sqrt(n * variance[k]));
    for (int side = 0; side < 2; side++)
        for (int k = 0; k < 6; k++)
            if (n * normal_cdf(-k) > 20)
                count_score("tail", side ? k : -k, beyond[side][k], n, normal_cdf(-k));
}

START_TEST(moments)
{
    moments_and_tails(SINGLE);
    moments_and_tails(DOUBLE);
}
END_TEST

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov and Smirnov: sqrt(n) D > 2.2 happens once in 8000. */
static void kolmogorov_smirnov(enum precision precision)
{
    size_t n = draws < 1 << 24 ? draws : 1 << 24;
    double *x = malloc(n * sizeof *x), distance = 0;
    ck_assert_ptr_nonnull(x);
    for (size_t at = 0; at < n; at += CHUNK)
        draw(precision, 12, 1, at, CHUNK, x + at);
    qsort(x, n, sizeof *x, ascending);
    for (size_t i = 0; i < n; i++) {
        double below = normal_cdf(x[i]);
        distance = fmax(distance, fmax((double)(i + 1) / (double)n - below, below - (double)i / (double)n));
    }
    free(x);
    printf("sqrt(n) D of normals, %d: %.3f\n", precision == SINGLE ? 32 : 64, distance * sqrt((double)n));
    ck_assert_double_lt(distance * sqrt((double)n), 2.2);
}

START_TEST(distribution)
{
    kolmogorov_smirnov(SINGLE);
    kolmogorov_smirnov(DOUBLE);
}
END_TEST

/* Correlation of two sequences and of their squares. */
struct sequence {
    uint64_t seed, stream, offset;
};

static void correlation(
    enum precision precision, const char *what, double at, struct sequence a, struct sequence b)
{
    static double x[CHUNK], y[CHUNK];
    double product = 0, squares = 0;
    for (size_t i = 0; i < draws; i += CHUNK) {
        draw(precision, a.seed, a.stream, a.offset + i, CHUNK, x);
        draw(precision, b.seed, b.stream, b.offset + i, CHUNK, y);
        for (size_t k = 0; k < CHUNK; k++) {
            product += x[k] * y[k];
            squares += (x[k] * x[k] - 1) * (y[k] * y[k] - 1);
        }
    }
    expect_score(what, at, product / sqrt((double)draws));
    expect_score(what, at, squares / sqrt(4.0 * (double)draws));
}

/* Lags inside a group are those that the mapping could get wrong: 16 pairs cosine and sine. */
START_TEST(lags)
{
    static const uint64_t lag[] = {1, 2, 15, 16, 17, 31, 32, 48, 63, 64, 65, 128, 1024};
    for (size_t i = 0; i < sizeof lag / sizeof *lag; i++)
        correlation(
            SINGLE, "lag", (double)lag[i], (struct sequence){13, 1, 0}, (struct sequence){13, 1, lag[i]});
    for (size_t i = 0; i < sizeof lag / sizeof *lag; i++)
        correlation(
            DOUBLE, "lag64", (double)lag[i], (struct sequence){13, 1, 0}, (struct sequence){13, 1, lag[i]});
}
END_TEST

/* Streams and seeds that differ in one bit, or by one. */
START_TEST(streams_and_seeds)
{
    static const uint64_t others[] = {
        1, 2, 3, (uint64_t)1 << 32, (uint64_t)1 << 40, (uint64_t)1 << 56, (uint64_t)1 << 63};
    const struct sequence base = {0, 0, 0};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        correlation(SINGLE, "stream", (double)others[i], base, (struct sequence){0, others[i], 0});
        correlation(SINGLE, "seed", (double)others[i], base, (struct sequence){others[i], 0, 0});
    }
    correlation(SINGLE, "seed and stream", 1, (struct sequence){0, 1, 0}, (struct sequence){1, 0, 0});
    correlation(DOUBLE, "stream64", 1, base, (struct sequence){0, 1, 0});
    correlation(DOUBLE, "seed64", 1, base, (struct sequence){1, 0, 0});
}
END_TEST

/* ---- words and draws ---- */

START_TEST(bits_of_words)
{
    static uint32_t word[CHUNK];
    double set[32] = {0}, n = (double)draws;
    static double bytes[4][256];
    for (size_t at = 0; at < draws; at += CHUNK) {
        rng()->random_u32(14, 1, at, CHUNK, word);
        for (size_t i = 0; i < CHUNK; i++) {
            for (int bit = 0; bit < 32; bit++)
                set[bit] += word[i] >> bit & 1;
            for (int byte = 0; byte < 4; byte++)
                bytes[byte][word[i] >> 8 * byte & 255]++;
        }
    }
    for (int bit = 0; bit < 32; bit++)
        count_score("bit", bit, set[bit], n, 0.5);
    for (int byte = 0; byte < 4; byte++) {
        double chi2 = 0, mean = n / 256;
        for (int value = 0; value < 256; value++)
            chi2 += (bytes[byte][value] - mean) * (bytes[byte][value] - mean) / mean;
        expect_score("byte", byte, (chi2 - 255) / sqrt(2 * 255.0));
    }
}
END_TEST

START_TEST(bernoulli_frequencies)
{
    static const float chance[] = {1e-4f, 0.01f, 0.25f, 0.5f, 0.7f, 0.999f};
    static float p[CHUNK], x[CHUNK];
    static double q[CHUNK], y[CHUNK];
    for (size_t k = 0; k < sizeof chance / sizeof *chance; k++) {
        double ones32 = 0, ones64 = 0;
        for (size_t i = 0; i < CHUNK; i++)
            q[i] = p[i] = chance[k];
        for (size_t at = 0; at < draws; at += CHUNK) {
            rng()->bernoulli32(15, k, at, CHUNK, p, x);
            rng()->bernoulli64(16, k, at, CHUNK, q, y);
            for (size_t i = 0; i < CHUNK; i++) {
                ones32 += x[i];
                ones64 += y[i];
            }
        }
        count_score("bernoulli", chance[k], ones32, (double)draws, chance[k]);
        count_score("bernoulli64", chance[k], ones64, (double)draws, chance[k]);
    }
}
END_TEST

int main(int argc, char **argv)
{
    long log2_draws = argc > 1 ? strtol(argv[1], NULL, 10) : 20;
    if (log2_draws < 16 || log2_draws > 40)
        return 2;
    draws = (size_t)1 << log2_draws;
    Suite *suite = suite_create("random statistics");
    TCase *tests = tcase_create("scores");
    tcase_set_timeout(tests, 3600);
    tcase_add_test(tests, moments);
    tcase_add_test(tests, distribution);
    tcase_add_test(tests, lags);
    tcase_add_test(tests, streams_and_seeds);
    tcase_add_test(tests, bits_of_words);
    tcase_add_test(tests, bernoulli_frequencies);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    printf("largest score: %.2f, of 2^%ld draws each\n", largest, log2_draws);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
