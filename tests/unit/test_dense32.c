/* SPDX-License-Identifier: BSD-2-Clause
 * The float32 kernels on dense random points against the C library's long double functions. One number as an
 * argument asks for that many rounds of 4096 points a family instead of 20; the worst errors are printed.
 */
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/expect.h"
#include "../support/families.h"
#include "../support/runner.h"
#include "../support/ulp.h"

enum { POINTS = 4096 };
/* What the kernels promise away from cancellation, where the rule is 2^-28 of the largest term. */
#define LIMIT 0.501
#define CANCELLING_BITS 28

typedef long double real;

static long rounds = 20;

/* ---- points ---- */

static uint64_t state;

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static double uniform(double low, double high)
{
    return low + (high - low) * ((double)(draw() >> 11) * 0x1p-53);
}

/* Of either sign, by magnitude from 2^low to `high`, or uniform: everywhere, near 1, near 0. */
static float spread(double low, double high)
{
    double by_magnitude = exp2(uniform(low, log2(high)));
    switch (draw() % 4) {
    case 0:
        return (float)(draw() % 2 ? by_magnitude : -by_magnitude);
    case 1:
        return (float)uniform(-high, high);
    case 2:
        return (float)uniform(-4, 4);
    default:
        return (float)uniform(-0.4, 0.4);
    }
}

static float target(void)
{
    switch (draw() % 3) {
    case 0:
        return (float)(draw() % 2);
    default:
        return (float)uniform(0, 1);
    }
}

static float whole(void)
{
    return draw() % 2 ? (float)(draw() % 40) : floorf((float)exp2(uniform(0, 16)));
}

static void point(int family, float *in)
{
    switch (family) {
    case KL_DIAG:
        in[0] = draw() % 2 ? 0.0f : spread(-20, 9e18);
        in[1] = spread(-30, 88);
        break;
    case KL_PAIR:
        in[0] = spread(-30, 100);
        in[1] = spread(-30, 44);
        in[2] = draw() % 2 ? in[0] : spread(-30, 100);
        in[3] = draw() % 2 ? in[1] + 0.01f * spread(-30, 3) : spread(-30, 44);
        break;
    case GAUSS:
    case LAPLACE:
        in[0] = spread(-30, 100);
        in[1] = spread(-30, 100);
        in[2] = spread(-30, 60);
        break;
    case STD_NORMAL:
        in[0] = spread(-30, 9e18);
        break;
    case POISSON:
        in[0] = whole();
        in[1] = draw() % 2 ? spread(-20, 30) : (float)(log(in[0] + 0.1) + uniform(-2, 2) / sqrt(in[0] + 1.0));
        break;
    default:
        in[0] = target();
        in[1] = spread(-30, 100);
    }
}

/* ---- references: out and, where a number may cancel, its largest term (else 0) ---- */

/* exp(x) - 1 - x */
static real expm1mx(real x)
{
    if (fabsl(x) > 0.5L)
        return expm1l(x) - x;
    real term = x * x / 2, sum = 0;
    for (int k = 3; k < 30; k++, term *= x / (k - 1))
        sum += term;
    return sum;
}

static void refer_kl(const float *in, real *out, real *largest)
{
    real mu = in[0], lv = in[1];
    out[0] = (mu * mu + expm1mx(lv)) / 2;
    out[1] = mu;
    out[2] = expm1l(lv) / 2;
    largest[0] = largest[1] = largest[2] = 0;
}

static void refer_pair(const float *in, real *out, real *largest)
{
    real ratio = (real)in[1] - in[3], scale = expl(-(real)in[3] / 2), t = ((real)in[0] - in[2]) * scale;
    out[0] = (t * t + expm1mx(ratio)) / 2;
    out[1] = t * scale;
    out[2] = expm1l(ratio) / 2;
    out[3] = -t * scale;
    out[4] = -(expm1l(ratio) + t * t) / 2;
    largest[0] = largest[1] = largest[2] = largest[3] = 0;
    largest[4] = fmaxl(fabsl(expm1l(ratio)), t * t) / 2;
}

static void refer_gauss(const float *in, real *out, real *largest)
{
    real scale = expl(-(real)in[2] / 2), t = ((real)in[0] - in[1]) * scale, log_2pi = logl(2 * acosl(-1));
    out[0] = -(log_2pi + in[2] + t * t) / 2;
    out[1] = t * scale;
    out[2] = (t * t - 1) / 2;
    largest[0] = fmaxl(fmaxl(log_2pi, fabsl(in[2])), t * t) / 2;
    largest[1] = 0;
    largest[2] = fmaxl(1, t * t) / 2;
}

static void refer_laplace(const float *in, real *out, real *largest)
{
    real scale = expl(-(real)in[2]), a = fabsl((real)in[0] - in[1]) * scale;
    out[0] = -(logl(2) + in[2] + a);
    out[1] = in[0] == in[1] ? 0 : in[0] > in[1] ? scale : -scale;
    out[2] = a - 1;
    largest[0] = fmaxl(fmaxl(logl(2), fabsl(in[2])), a);
    largest[1] = 0;
    largest[2] = fmaxl(1, a);
}

static void refer_bernoulli(const float *in, real *out, real *largest)
{
    real a = fabsl(in[1]), t = expl(-a), w = in[1] > 0 ? 1 - (real)in[0] : in[0], tail = t / (1 + t);
    out[0] = -(w * a + log1pl(t));
    out[1] = in[1] > 0 ? tail - w : w - tail;
    largest[0] = 0;
    largest[1] = fmaxl(tail, w);
}

/* Below 2^-7 by the series of log(sinh(l / 2) / (l / 2)), whose next term is l^8 / 9676800. */
static void refer_cbernoulli(const float *in, real *out, real *largest)
{
    real l = in[1], a = fabsl(l), z = l * l, centred = (real)in[0] - 0.5L,
         w = l > 0 ? 1 - (real)in[0] : in[0];
    largest[0] = fmaxl(fabsl(w * a), 1);
    largest[1] = 1;
    if (a < 0x1p-7L) {
        largest[0] = fabsl(centred * l) + z / 24;
        out[0] = centred * l - z * (1 / 24.0L - z * (1 / 2880.0L - z / 181440.0L));
        out[1] = centred - l * (1 / 12.0L - z * (1 / 720.0L - z / 30240.0L));
        return;
    }
    real rest = -expm1l(-a), slope = w + expl(-a) / rest - 1 / a;
    out[0] = logl(a / rest) - w * a;
    out[1] = l > 0 ? -slope : slope;
}

static void refer_poisson(const float *in, real *out, real *largest)
{
    real k = in[0], eta = in[1];
    out[0] = k * eta - expl(eta) - lgammal(k + 1);
    out[1] = k - expl(eta);
    largest[0] = 0;
    largest[1] = fmaxl(k, expl(eta));
}

static void refer_std_normal(const float *in, real *out, real *largest)
{
    real z = in[0];
    out[0] = -(logl(2 * acosl(-1)) + z * z) / 2;
    out[1] = -z;
    largest[0] = largest[1] = 0;
}

static void (*const references[FAMILIES])(const float *in, real *out, real *largest) = {
    [KL_DIAG] = refer_kl,
    [KL_PAIR] = refer_pair,
    [GAUSS] = refer_gauss,
    [LAPLACE] = refer_laplace,
    [BERNOULLI] = refer_bernoulli,
    [CBERNOULLI] = refer_cbernoulli,
    [POISSON] = refer_poisson,
    [STD_NORMAL] = refer_std_normal,
};

/* ---- comparisons ---- */

struct worst {
    double ulp;     /* where nothing cancels */
    real cancelled; /* in units of the largest term, where the value is less than 1/16 of it */
};

static void compare(
    const char *name, const float *in, int output, float got, real want, real largest, struct worst *worst)
{
    double error = ulp_error32(got, want);
    real relative = fabsl(got - want) / largest;
    if (fabsl(want) < largest / 16) {
        EXPECT(error <= LIMIT || relative <= ldexpl(1, -CANCELLING_BITS),
            "%s(%.9g, %.9g, %.9g, %.9g): output %d is %.9g, should be %.12Lg: off by %.3Lg of its largest "
            "term",
            name, (double)in[0], (double)in[1], (double)in[2], (double)in[3], output, (double)got, want,
            relative);
        worst->cancelled = relative > worst->cancelled ? relative : worst->cancelled;
        return;
    }
    EXPECT(error <= LIMIT, "%s(%.9g, %.9g, %.9g, %.9g): output %d is %.9g, should be %.12Lg: %.4g ULP", name,
        (double)in[0], (double)in[1], (double)in[2], (double)in[3], output, (double)got, want, error);
    worst->ulp = error > worst->ulp ? error : worst->ulp;
}

/* One column of POINTS rows. */
static void run_round(int family, struct worst *worst)
{
    static float in[FAMILY_MATRICES][POINTS], out[1 + FAMILY_MATRICES][POINTS];
    const struct family *f = &families[family];
    struct family_call c = {.n = POINTS, .d = 1, .value = out[0]};
    for (size_t i = 0; i < POINTS; i++) {
        float at[FAMILY_MATRICES] = {0};
        point(family, at);
        for (int k = 0; k < FAMILY_MATRICES; k++)
            in[k][i] = at[k];
    }
    memset(out, 0, sizeof out);
    for (int k = 0; k < FAMILY_MATRICES; k++) {
        c.in[k] = in[k];
        c.grad[k] = out[1 + k];
        c.ld_in[k] = c.ld_grad[k] = 1;
    }
    EXPECT_OK(f->grad(&c));
    for (size_t i = 0; i < POINTS; i++) {
        const float at[FAMILY_MATRICES] = {in[0][i], in[1][i], in[2][i], in[3][i]};
        real want[1 + FAMILY_MATRICES], largest[1 + FAMILY_MATRICES];
        references[family](at, want, largest);
        for (int o = 0; o <= f->grads; o++)
            compare(f->name, at, o, out[o][i], want[o], largest[o], &worst[o]);
    }
}

START_TEST(elements)
{
    struct worst worst[1 + FAMILY_MATRICES] = {0};
    state = 0x9e3779b97f4a7c15u + (uint64_t)_i;
    for (long r = 0; r < rounds; r++)
        run_round(_i, worst);
    printf("%-20s %9ld points:", families[_i].name, rounds * POINTS);
    for (int o = 0; o <= families[_i].grads; o++)
        printf("  %.5f", worst[o].ulp);
    printf(" ULP; cancelling");
    for (int o = 0; o <= families[_i].grads; o++)
        if (worst[o].cancelled > 0)
            printf("  2^%.1f", (double)log2l(worst[o].cancelled));
    printf("\n");
}
END_TEST

START_TEST(draws)
{
    struct worst worst[2] = {0};
    state = 77;
    for (long r = 0; r < rounds * POINTS; r++) {
        float in[FAMILY_MATRICES] = {spread(-30, 100), spread(-30, 80), spread(-30, 6)}, z, g = 0, one = 1;
        EXPECT_OK(vae_reparam(1, 1, in, 1, in + 1, 1, in + 2, 1, &z, 1));
        EXPECT_OK(vae_reparam_grad(1, 1, in + 1, 1, in + 2, 1, &one, 1, NULL, 0, &g, 1));
        real step = expl((real)in[1] / 2) * in[2];
        compare("reparam", in, 0, z, in[0] + step, fmaxl(fabsl(in[0]), fabsl(step)), &worst[0]);
        compare("reparam", in, 1, g, step / 2, 0, &worst[1]);
    }
    printf("%-20s %9ld points:  %.5f  %.5f ULP; cancelling  2^%.1f\n", "reparam", rounds * POINTS,
        worst[0].ulp, worst[1].ulp, (double)log2l(worst[0].cancelled));
}
END_TEST

/* ---- rows ---- */

enum { MOST = 200 };

/* Log-mean-exp about the maximum; near uniform weights its logarithm is the small one. */
static void refer_row(const float *x, size_t k, real *max, real *others, real *mean_less_1)
{
    size_t top = 0;
    for (size_t j = 1; j < k; j++)
        top = x[j] > x[top] ? j : top;
    *max = x[top];
    *others = *mean_less_1 = 0;
    for (size_t j = 0; j < k; j++) {
        *others += j == top ? 0 : expl(x[j] - *max);
        *mean_less_1 += expm1l(x[j] - *max) / k;
    }
}

static void run_row(const float *x, size_t k, struct worst *worst)
{
    float at[FAMILY_MATRICES] = {x[0], x[1], (float)k}, lp, lme, grad[MOST] = {0}, weight[MOST];
    uint32_t label = (uint32_t)(draw() % k);
    real max, others, less;
    refer_row(x, k, &max, &others, &less);
    EXPECT_OK(vae_loglik_categorical_grad(1, k, &label, x, k, NULL, &lp, grad, k));
    EXPECT_OK(vae_logmeanexp(1, k, x, k, &lme, weight, k));
    compare("categorical", at, 0, lp, (x[label] - max) - log1pl(others), 0, &worst[0]);
    real mean = less > -0.5L ? log1pl(less) : logl((1 + others) / k);
    compare("logmeanexp", at, 0, lme, max + mean, fmaxl(fabsl(max), fabsl(mean)), &worst[2]);
    for (size_t j = 0; j < k; j++) {
        real share = expl(x[j] - max) / (1 + others);
        compare("logmeanexp", at, 1, weight[j], share, 0, &worst[3]);
        if (j != label)
            compare("categorical", at, 1, grad[j], -share, 0, &worst[1]);
    }
}

START_TEST(softmax_rows)
{
    struct worst worst[4] = {0};
    state = 99;
    for (long r = 0; r < rounds * POINTS / 64; r++) {
        float x[MOST];
        size_t k = 2 + draw() % (MOST - 2);
        double middle = uniform(-50, 50), width = exp2(uniform(-12, 6));
        for (size_t j = 0; j < k; j++)
            x[j] = (float)(draw() % 8 ? middle + uniform(-width, width) : middle);
        run_row(x, k, worst);
    }
    printf("%-20s %9ld rows:  %.5f  %.5f ULP;  logmeanexp  %.5f  %.5f ULP\n", "categorical",
        rounds * POINTS / 64, worst[0].ulp, worst[1].ulp, worst[2].ulp, worst[3].ulp);
}
END_TEST

int main(int argc, char **argv)
{
    TCase *tests = tcase_create("dense");
    if (argc > 1)
        rounds = atol(argv[1]);
    tcase_set_timeout(tests, 0);
    if (LDBL_MANT_DIG < 64)
        return TEST_SKIPPED; /* no reference that is better than the kernels */
    tcase_add_loop_test(tests, elements, 0, FAMILIES);
    tcase_add_test(tests, draws);
    tcase_add_test(tests, softmax_rows);
    return run_case("dense32", tests);
}
