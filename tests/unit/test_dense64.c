/* SPDX-License-Identifier: BSD-2-Clause
 * The float64 kernels at many random points, against long double forms that keep 2^-62 there: a wider net
 * than the vectors, to a coarser rule. Argument: points for each output, in thousands.
 */
#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FAMILIES_F64
#include "../support/families.h"
#include "../support/runner.h"
#include "../support/ulp.h"

static size_t thousands = 20;

/* ---- references ---- */

/* exp(x) - 1 - x */
static long double expm1mx(long double x)
{
    if (fabsl(x) > 1.0L)
        return expm1l(x) - x;
    long double sum = 0.0L;
    for (int k = 30; k >= 2; k--)
        sum = (sum + 1.0L) * x / k;
    return sum * x;
}

/* log(sinh(l / 2) / (l / 2)) */
static long double normaliser(long double l)
{
    long double h = fabsl(l) / 2.0L, term = 1.0L, sum = 0.0L;
    if (h > 2.0L)
        return h + log1pl(-expl(-2.0L * h)) - logl(2.0L * h);
    for (int k = 1; k < 20; k++)
        sum += term *= h * h / (2 * k * (2 * k + 1));
    return log1pl(sum);
}

/* Its derivative, coth(l / 2) / 2 - 1 / l = (cosh - sinhc) / (2 h sinhc) */
static long double centred_mean(long double l)
{
    long double h = l / 2.0L, term = 1.0L, sinhc = 1.0L, difference = 0.0L;
    if (fabsl(h) > 2.0L)
        return 0.5L / tanhl(h) - 1.0L / l;
    for (int k = 1; k < 20; k++) {
        term *= h * h / (2 * k);
        difference += term * 2 * k / (2 * k + 1);
        sinhc += term / (2 * k + 1);
        term /= 2 * k + 1;
    }
    return difference / (2.0L * h * sinhc);
}

struct reference {
    long double out[1 + FAMILY_MATRICES],
        size[1 + FAMILY_MATRICES]; /* size: of the largest term, 0 where none cancels */
};

static struct reference kl_diag(const double *x)
{
    long double mu = x[0], lv = x[1];
    return (struct reference){{(mu * mu + expm1mx(lv)) / 2, mu, expm1l(lv) / 2}, {0}};
}

static struct reference kl_pair(const double *x)
{
    long double t = (long double)x[0] - x[2], d = (long double)x[1] - x[3], e = expl(-(long double)x[3]);
    long double square = t * t * e, ratio = expm1l(d);
    return (struct reference){{(square + expm1mx(d)) / 2, t * e, ratio / 2, -t * e, -(ratio + square) / 2},
        {0, 0, 0, 0, fmaxl(fabsl(ratio), square)}};
}

static struct reference gauss(const double *x)
{
    const long double log_2pi = 1.83787706640934548356065947281123527L;
    long double t = (long double)x[0] - x[1], lv = x[2], slope = t * expl(-lv), square = t * slope;
    return (struct reference){
        {-(log_2pi + lv + square) / 2, slope, (square - 1) / 2}, {fabsl(lv) + square + 1, 0, square + 1}};
}

static struct reference laplace(const double *x)
{
    const long double log_2 = 0.693147180559945309417232121458176568L;
    long double t = (long double)x[0] - x[1], s = x[2], slope = expl(-s), distance = fabsl(t) * slope;
    return (struct reference){{-(log_2 + s + distance),
                                  t > 0   ? slope
                                  : t < 0 ? -slope
                                          : 0,
                                  distance - 1},
        {fabsl(s) + distance + 1, 0, distance + 1}};
}

static struct reference bernoulli(const double *x)
{
    long double a = fabs(x[1]), e = expl(-a), w = x[1] > 0 ? 1.0L - x[0] : x[0], p = e / (1 + e);
    return (struct reference){{-(w * a + log1pl(e)), x[1] > 0 ? p - w : w - p}, {0, fmaxl(w, p)}};
}

static struct reference cbernoulli(const double *x)
{
    long double l = x[1], centred = (long double)x[0] - 0.5L;
    return (struct reference){{centred * l - normaliser(l), centred - centred_mean(l)},
        {fabsl(l), fmaxl(fabsl(centred), fabsl(centred_mean(l)))}};
}

static struct reference poisson(const double *x)
{
    long double k = x[0], eta = x[1], rate = expl(eta), lgamma = lgammal(k + 1);
    return (struct reference){{k * eta - rate - lgamma, k - rate},
        {fmaxl(fmaxl(fabsl(k * eta), rate), fabsl(lgamma)), fmaxl(k, rate)}};
}

static struct reference std_normal(const double *x)
{
    const long double log_2pi = 1.83787706640934548356065947281123527L;
    return (struct reference){{-(log_2pi + (long double)x[0] * x[0]) / 2, -x[0]}, {0}};
}

static struct reference (*const references[FAMILIES])(const double *x) = {[KL_DIAG] = kl_diag,
    [KL_PAIR] = kl_pair,
    [GAUSS] = gauss,
    [LAPLACE] = laplace,
    [BERNOULLI] = bernoulli,
    [CBERNOULLI] = cbernoulli,
    [POISSON] = poisson,
    [STD_NORMAL] = std_normal};

/* ---- points ---- */

static uint64_t state;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static double uniform(double low, double high)
{
    return low + (high - low) * (double)(next() >> 11) * 0x1p-53;
}

/* Of every size: uniform, or +-2^e. */
static double number(double reach, int least, int most)
{
    if (next() & 1)
        return uniform(-reach, reach);
    return ldexp(uniform(-1, 1), least + (int)(next() % (uint64_t)(most - least)));
}

static void draw(int family, double *x)
{
    switch (family) {
    case KL_PAIR:
        x[2] = number(3, -60, 20);
        x[3] = number(20, -60, 5);
        x[0] = next() & 1 ? number(3, -60, 20) : x[2] * (1 + number(0.5, -40, 0));
        x[1] = next() & 1 ? number(20, -60, 5) : x[3] * (1 + number(0.5, -40, 0));
        break;
    case BERNOULLI:
    case CBERNOULLI:
        x[0] = uniform(0, 1);
        x[1] = number(40, -60, 6);
        break;
    case POISSON:
        x[0] = next() & 1 ? (double)(next() % 200) : uniform(0, 40);
        x[1] = uniform(-8, 8);
        break;
    default:
        x[0] = number(3, -60, 20);
        x[1] = family == KL_DIAG ? number(40, -60, 6) : number(3, -60, 20);
        x[2] = number(40, -60, 5);
    }
}

/* 0.50 is the kernels' own; the rest is the reference's, whose long double has eleven bits more and loses
 * some of them where terms cancel: the worst of four million points are correctly rounded, by 300-bit
 * arithmetic. */
#define WORST 0.53

static void check_point(const struct family *f, const double *x, const struct reference *want, double worst[])
{
    double out[1 + FAMILY_MATRICES];
    ck_assert_int_eq(family_element(f, x, NULL, out), VAE_OK);
    for (int o = 0; o <= f->grads; o++) {
        double error = ulp_error64(out[o], want->out[o]);
        ck_assert_msg(ulp_within(error, WORST, out[o], want->out[o], want->size[o], 58),
            "%s(%.17g, %.17g, %.17g, %.17g): output %d is %.17g, should be %.20Lg: %g ULP", f->name, x[0],
            x[1], x[2], x[3], o, out[o], want->out[o], error);
        if (error <= WORST && error > worst[o])
            worst[o] = error;
    }
}

START_TEST(points_hold)
{
    const struct family *f = &families[_i];
    double worst[1 + FAMILY_MATRICES] = {0};
    state = 0x9e3779b97f4a7c15u + (uint64_t)_i;
    for (size_t i = 0; i < 1000 * thousands; i++) {
        double x[FAMILY_MATRICES] = {0};
        draw(_i, x);
        struct reference want = references[_i](x);
        check_point(f, x, &want, worst);
    }
    printf("%-20s %zu points, worst ULP:", f->name, 1000 * thousands);
    for (int o = 0; o <= f->grads; o++)
        printf(" %.4f", worst[o]);
    printf("\n");
}
END_TEST

int main(int argc, char **argv)
{
    if (argc > 1)
        thousands = strtoul(argv[1], NULL, 10);
    TCase *tests = tcase_create("dense");
    tcase_set_timeout(tests, 1800);
    tcase_add_loop_test(tests, points_hold, 0, FAMILIES);
    return run_case("dense64", tests);
}
