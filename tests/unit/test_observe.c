/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Draws from p(x|z): their distributions, by Kolmogorov and Smirnov's test and by chi-square, each at
 * an error level of 10^-6: together, the 30 comparisons fail a right library for one choice of seeds in
 * 30,000. Slices equal the whole; parameters at the ends of their ranges.
 */
#include "../support/runner.h"

#include "kernels/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS = 100000, LARGE_DRAWS = 5000 };
static float drawn[DRAWS], parameter[2][DRAWS];
static double sorted[DRAWS];

static const struct vae_rng_kernels *rng(void)
{
    return vae_kernels_get()->rng;
}

static void fill(float *to, float value)
{
    for (size_t i = 0; i < DRAWS; i++)
        to[i] = value;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* P(sqrt(n) D > c) = 2 exp(-2 c^2) at most: c = 2.69 for 10^-6. */
static void check_continuous(const char *what, double at, size_t n, double (*cdf)(double x, double at))
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        sorted[i] = (double)drawn[i];
    qsort(sorted, n, sizeof *sorted, compare);
    for (size_t i = 0; i < n; i++) {
        double p = cdf(sorted[i], at), below = p - (double)i / (double)n;
        double above = (double)(i + 1) / (double)n - p;
        most = fmax(most, fmax(below, above));
    }
    ck_assert_msg(most * sqrt((double)n) < 2.69, "%s at %g: D is %g of %zu", what, at, most, n);
}

static double laplace_cdf(double x, double log_scale)
{
    double t = (x - 0.75) / exp(log_scale);
    return t < 0 ? exp(t) / 2 : 1 - exp(-t) / 2;
}

START_TEST(laplace)
{
    static const float log_scale[] = {-5, -1, 0, 2};
    fill(parameter[0], 0.75f);
    for (size_t i = 0; i < sizeof log_scale / sizeof *log_scale; i++) {
        fill(parameter[1], log_scale[i]);
        rng()->laplace32(7, i, 1000, DRAWS, parameter[0], parameter[1], drawn);
        check_continuous("laplace", (double)log_scale[i], DRAWS, laplace_cdf);
    }
}
END_TEST

static double cbernoulli_cdf(double x, double logit)
{
    return logit == 0 ? x : expm1(logit * x) / expm1(logit);
}

START_TEST(cbernoulli)
{
    static const float logit[] = {-40, -8, -1.01f, -0.99f, -1e-3f, -1e-30f, 0, 1e-7f, 0.5f, 1, 3, 30};
    for (size_t i = 0; i < sizeof logit / sizeof *logit; i++) {
        fill(parameter[0], logit[i]);
        rng()->cbernoulli32(8, i, 5, DRAWS, parameter[0], drawn);
        check_continuous("cbernoulli", (double)logit[i], DRAWS, cbernoulli_cdf);
    }
}
END_TEST

/* ---- Poisson ---- */

static double chance(double k, double rate)
{
    return exp(k * log(rate) - rate - lgamma(k + 1));
}

/* Wilson and Hilferty: the quantile of 10^-6 is that of a normal, 4.7534. */
static double chi_square_bound(double freedom)
{
    double spread = 2 / (9 * freedom), root = 1 - spread + 4.7534 * sqrt(spread);
    return freedom * root * root * root;
}

static size_t draws_between(double low, double high)
{
    size_t count = 0;
    for (size_t i = 0; i < DRAWS; i++)
        count += drawn[i] >= (float)low && drawn[i] < (float)high;
    return count;
}

/* Cells of neighbouring counts with 400 draws expected, and what is left above them. */
static void check_counts(double rate)
{
    double sum = 0, cell = 0, rest = DRAWS, first = 0, cells = 0;
    for (double k = 0; rest - cell >= 400; k++) {
        cell += DRAWS * chance(k, rate);
        if (cell < 400)
            continue;
        double off = (double)draws_between(first, k + 1) - cell;
        sum += off * off / cell;
        rest -= cell;
        cell = 0;
        first = k + 1;
        cells++;
    }
    double off = (double)draws_between(first, INFINITY) - rest;
    if (rest > 20)
        sum += off * off / rest;
    else
        cells--;
    ck_assert_msg(cells < 1 || sum < chi_square_bound(cells),
        "poisson of rate %g: chi-square is %g, %g cells", rate, sum, cells);
}

START_TEST(poisson)
{
    static const float log_rate[] = {-5, -1, -0.01f, 0, 0.01f, 1, 2.7f, 4.1f, 7};
    for (size_t i = 0; i < sizeof log_rate / sizeof *log_rate; i++) {
        fill(parameter[0], log_rate[i]);
        rng()->poisson32(9, i, 77, DRAWS, parameter[0], drawn);
        check_counts(exp((double)log_rate[i]));
    }
}
END_TEST

static double normal_cdf(double x, double rate)
{
    return erfc(-(x + 0.5 - rate) / sqrt(2 * rate)) / 2;
}

/* Large rates, against the normal distribution: the difference, at most 1 / sqrt(72 pi rate) by skewness, is
 * below 1 / 500 of the bound. Above 2^24 the draws are rounded normals. */
START_TEST(large_rates)
{
    static const float log_rate[] = {15, 16.6f, 16.7f, 20, 21};
    for (size_t i = 0; i < sizeof log_rate / sizeof *log_rate; i++) {
        fill(parameter[0], log_rate[i]);
        rng()->poisson32(10, i, 3, LARGE_DRAWS, parameter[0], drawn);
        check_continuous("poisson", exp((double)log_rate[i]), LARGE_DRAWS, normal_cdf);
        for (size_t k = 0; k < LARGE_DRAWS; k++)
            ck_assert(drawn[k] == rintf(drawn[k]));
    }
}
END_TEST

/* ---- slices and ends ---- */

START_TEST(slices)
{
    static float whole[3][500], part[3][500];
    for (size_t i = 0; i < 500; i++) {
        parameter[0][i] = (float)i * 0.01f - 2;
        parameter[1][i] = (float)(i % 7) * 4 - 7;
    }
    for (size_t from = 0, n; from <= 500; from += n) {
        n = from == 0 ? 500 : from % 129 + 1;
        size_t at = from == 0 ? 0 : from % 371;
        float(*to)[500] = from == 0 ? whole : part;
        rng()->laplace32(1, 2, 40 + at, n, parameter[0] + at, parameter[1] + at, to[0] + at);
        rng()->poisson32(1, 2, 40 + at, n, parameter[1] + at, to[1] + at);
        rng()->cbernoulli32(1, 2, 40 + at, n, parameter[1] + at, to[2] + at);
        for (size_t k = 0; k < 3; k++)
            ck_assert(from == 0 || memcmp(whole[k] + at, part[k] + at, n * sizeof(float)) == 0);
        n = from == 0 ? 1 : n;
    }
}
END_TEST

static float laplace_of(float mean, float log_scale)
{
    rng()->laplace32(1, 1, 1, 1, &mean, &log_scale, drawn);
    return drawn[0];
}

static float poisson_of(float log_rate)
{
    rng()->poisson32(1, 1, 1, 1, &log_rate, drawn);
    return drawn[0];
}

static float cbernoulli_of(float logit)
{
    rng()->cbernoulli32(1, 1, 1, 1, &logit, drawn);
    return drawn[0];
}

START_TEST(ends)
{
    ck_assert(isnan(laplace_of(NAN, 0)) && isnan(laplace_of(0, NAN)));
    ck_assert(isnan(poisson_of(NAN)) && isnan(cbernoulli_of(NAN)));
    ck_assert(laplace_of(1.5f, -INFINITY) == 1.5f);
    ck_assert(laplace_of(INFINITY, 1) == INFINITY && isinf(laplace_of(0, 200)));
    ck_assert(poisson_of(-INFINITY) == 0 && poisson_of(-200) == 0);
    ck_assert(poisson_of(INFINITY) == INFINITY && poisson_of(200) == INFINITY);
    ck_assert(cbernoulli_of(-INFINITY) == 0 && cbernoulli_of(INFINITY) == 1);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {laplace, cbernoulli, poisson, large_rates, slices, ends};
    return RUN_SUITE("observe", tests);
}
