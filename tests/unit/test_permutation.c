/* SPDX-License-Identifier: BSD-2-Clause
 * Test. vae_permutation(): two permutations that a Python program made from docs/random.md, uniformity, ends,
 * arguments.
 */
#include "../support/runner.h"

#include <string.h>
#include <vae/vae.h>

enum { LONG = 1000 };
static uint32_t out[LONG];

START_TEST(known)
{
    static const uint32_t twelve[12] = {0, 10, 4, 1, 7, 2, 9, 6, 3, 11, 5, 8};
    static const uint32_t first[4] = {43, 336, 384, 220}, last[4] = {365, 105, 326, 186};
    uint32_t hash = 0;
    ck_assert_int_eq(vae_permutation(0x123456789abcdef, (uint64_t)9 << 56 | 77, 12, out), VAE_OK);
    ck_assert_mem_eq(out, twelve, sizeof twelve);
    ck_assert_int_eq(vae_permutation(5, 3, LONG, out), VAE_OK);
    ck_assert_mem_eq(out, first, sizeof first);
    ck_assert_mem_eq(out + LONG - 4, last, sizeof last);
    for (size_t i = 0; i < LONG; i++)
        hash = hash * 31 + out[i];
    ck_assert_uint_eq(hash, 1426426112u);
}
END_TEST

START_TEST(every_number_once)
{
    for (size_t n = 0; n <= LONG; n += n < 20 ? 1 : 245) {
        char seen[LONG] = {0};
        ck_assert_int_eq(vae_permutation(1, n, n, out), VAE_OK);
        for (size_t i = 0; i < n; i++) {
            ck_assert(out[i] < n && !seen[out[i]]);
            seen[out[i]] = 1;
        }
    }
}
END_TEST

/* All 24 orders of four, 48,000 draws; the bound is the quantile of chi-square for 23 degrees at 10^-6. */
START_TEST(uniform)
{
    enum { DRAWS = 48000, ORDERS = 24 };
    size_t count[256] = {0}, orders = 0;
    double chi_square = 0;
    for (uint64_t stream = 0; stream < DRAWS; stream++) {
        ck_assert_int_eq(vae_permutation(11, stream, 4, out), VAE_OK);
        count[out[0] << 6 | out[1] << 4 | out[2] << 2 | out[3]]++;
    }
    for (size_t i = 0; i < 256; i++) {
        double expected = (double)DRAWS / ORDERS, off = (double)count[i] - expected;
        orders += count[i] > 0;
        chi_square += count[i] ? off * off / expected : 0;
    }
    ck_assert_uint_eq(orders, ORDERS);
    ck_assert_msg(chi_square < 72, "chi-square is %g", chi_square);
}
END_TEST

/* Each number in each place of a hundred, 20,000 draws; the quantile for 99^2 degrees at 10^-6 is 10,481. */
START_TEST(every_place)
{
    enum { DRAWS = 20000, N = 100 };
    static size_t count[N][N];
    double chi_square = 0;
    for (uint64_t stream = 0; stream < DRAWS; stream++) {
        ck_assert_int_eq(vae_permutation(12, stream, N, out), VAE_OK);
        for (size_t i = 0; i < N; i++)
            count[i][out[i]]++;
    }
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < N; k++) {
            double expected = (double)DRAWS / N, off = (double)count[i][k] - expected;
            chi_square += off * off / expected;
        }
    ck_assert_msg(chi_square < 10481, "chi-square is %g", chi_square);
}
END_TEST

START_TEST(arguments)
{
    uint32_t kept = 7;
    ck_assert_int_eq(vae_permutation(1, 1, 0, NULL), VAE_OK);
    ck_assert_int_eq(vae_permutation(1, 1, 1, NULL), VAE_ERR_ARG);
    ck_assert_str_eq(vae_last_error(), "vae_permutation: out is NULL");
    if (SIZE_MAX > UINT32_MAX) {
        size_t most = (size_t)UINT32_MAX + 1;
        ck_assert_int_eq(vae_permutation(1, 1, most + 1, &kept), VAE_ERR_ARG);
        ck_assert_int_eq(vae_permutation(1, 1, SIZE_MAX, &kept), VAE_ERR_ARG);
    }
    ck_assert_uint_eq(kept, 7);
    ck_assert_int_eq(vae_permutation(1, 1, 1, &kept), VAE_OK);
    ck_assert_uint_eq(kept, 0);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {known, every_number_once, uniform, every_place, arguments};
    return RUN_SUITE("permutation", tests);
}
