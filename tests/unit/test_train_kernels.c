/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Accuracy of what runs inside a training step: the float32 functions of lib/kernels/math/math32.h
 * against long double on every n-th float32 there is (the argument; 397 is what their heads speak of), and
 * the training log-likelihoods on every instruction set that runs.
 */
#include "../support/runner.h"

#include "kernels/table.h"
#include "kernels/math/math32.h"

#include <stdio.h>
#include <string.h>

static uint32_t stride = 6353;

/* ---- functions of one number ---- */

static float phi(float x)
{
    float cdf, density;
    m32_normal(x, &cdf, &density);
    return cdf;
}

static float x_phi(float x)
{
    float cdf, density;
    m32_normal(x, &cdf, &density);
    return density;
}

static long double sigmoid_ref(long double x)
{
    return 1 / (1 + expl(-x));
}

static long double softplus_ref(long double x)
{
    return log1pl(expl(-fabsl(x))) + (x > 0 ? x : 0);
}

static long double phi_ref(long double x)
{
    return erfcl(-x * 0.70710678118654752440084436210484904L) / 2;
}

static long double x_phi_ref(long double x)
{
    return x * expl(-x * x / 2) * 0.39894228040143267793994605993438187L;
}

static const struct function {
    const char *name;
    float (*function)(float x);
    long double (*reference)(long double x);
    float least, most;
    double ulps;             /* as math32.h says */
    float at_least, at_most; /* values at the ends */
} functions[] = {
    {"exp", m32_exp_neg, expl, -INFINITY, 0, 0.95, 0, 1},
    {"expm1", m32_expm1_neg, expm1l, -INFINITY, 0, 0.85, -1, 0},
    {"log1p", m32_log1p_unit, log1pl, 0, 1, 1.1, 0, 0x1.62e43p-1f},
    {"sigmoid", m32_sigmoid, sigmoid_ref, -INFINITY, INFINITY, 2.5, 0, 1},
    {"softplus", m32_softplus, softplus_ref, -INFINITY, INFINITY, 2.0, 0, INFINITY},
    {"tanh", m32_tanh, tanhl, -INFINITY, INFINITY, 2.5, -1, 1},
    {"Phi", phi, phi_ref, -INFINITY, INFINITY, 4.0, 0, 1},
    {"x phi", x_phi, x_phi_ref, -INFINITY, INFINITY, 3.3, 0, 0},
};

/* Error in units of the last place of the float32 next to `right`; 0 where both are below the normal
 * numbers, which the functions may flush. */
static double ulps_off(float found, long double wanted)
{
    const long double smallest = 0x1p-122L;
    int exponent;
    if (fabsl(wanted) < smallest && fabsf(found) < (float)smallest)
        return 0;
    frexpl(wanted, &exponent);
    return (double)(fabsl((long double)found - wanted) / ldexpl(1, exponent - 24));
}

static void check_function(const struct function *f)
{
    double worst = 0;
    float where = 0;
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += stride) {
        float x = float_of_bits((uint32_t)bits);
        if (!(x >= f->least && x <= f->most) || isinf(x))
            continue;
        double off = ulps_off(f->function(x), f->reference((long double)x));
        if (!(off <= worst)) {
            worst = off;
            where = x;
        }
    }
    printf("%-8s %.3f ULP at %a\n", f->name, worst, (double)where);
    ck_assert_msg(worst <= f->ulps, "%s: %g ULP at %a", f->name, worst, (double)where);
    ck_assert_msg(f->function(f->least) == f->at_least, "%s at its lower end", f->name);
    ck_assert_msg(f->function(f->most) == f->at_most, "%s at its upper end", f->name);
    ck_assert_msg(f->most < INFINITY && f->least == 0 ? 1 : isnan(f->function(NAN)), "%s of NaN", f->name);
}

START_TEST(functions_of_one_number)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        check_function(&functions[i]);
}
END_TEST

/* ---- log-likelihoods ---- */

enum { ROWS = 4000 };
static const char *const isas[] = {"scalar", "avx2", "avx512", "neon"};

static uint32_t state = 1;

/* Uniform within `range` and, by a cube, dense around 0. */
static float number(float range)
{
    state = state * 1664525u + 1013904223u;
    float u = (float)(state >> 8) * 0x1p-23f - 1;
    return range * u * u * u;
}

static void off(const char *what, float found, long double wanted, long double largest, double ulps)
{
    double units = (double)(fabsl((long double)found - wanted) / (largest * 0x1p-24L)) / 2;
    if (!(units <= ulps))
        ck_abort_msg("%s: %a, right is %La, %g ULP of the largest term, %La", what, (double)found, wanted,
            units, largest);
}

/* One column at a time, so that the row's sum is the term. */
static void check_bernoulli(const struct vae_train_kernels *k)
{
    const float weight = -0.5f;
    for (int i = 0; i < ROWS; i++) {
        float x = i % 3 == 0 ? 1 : i % 3 == 1 ? 0 : fabsf(number(1)), l = number(80), g;
        double value;
        k->bernoulli(1, 1, &x, 1, &l, 1, &weight, &value, &g, 1, NULL);
        long double w = l > 0 ? 1 - (long double)x : (long double)x,
                    tail = log1pl(expl(-fabsl((long double)l)));
        long double straight = w * fabsl((long double)l), p = sigmoid_ref((long double)l);
        off("bernoulli", (float)value, -(straight + tail), fmaxl(straight, tail), 2);
        off("its slope", g, -0.5L * ((long double)x - p), 0.5L * fmaxl((long double)x, p), 2);
    }
}

static void check_gauss(const struct vae_train_kernels *k)
{
    const float weight = -0.5f;
    for (int i = 0; i < ROWS; i++) {
        float x = number(3), mean = number(3), logvar = number(20), gm, gv;
        double value;
        k->gauss(1, 1, &x, 1, &mean, 1, &logvar, 1, &weight, &value, &gm, 1, &gv, 1, NULL, NULL);
        long double inverse = expl(-(long double)logvar / 2),
                    t = ((long double)x - (long double)mean) * inverse;
        long double largest = fmaxl(fmaxl(t * t, fabsl((long double)logvar)), 1.8378770664093453L) / 2;
        off("gauss", (float)value, -(t * t + (long double)logvar + 1.83787706640934548356L) / 2, largest, 4);
        off("its mean's slope", gm, -0.5L * t * inverse, fmaxl(0.5L * fabsl(t * inverse), 1e-37L), 4);
        off("its logvar's slope", gv, -0.25L * (t * t - 1), 0.25L * fmaxl(t * t, 1), 4);
    }
}

START_TEST(loglikelihoods)
{
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
        const struct vae_kernels *kernels = vae_kernels_named(isas[i]);
        if (!kernels)
            continue;
        check_bernoulli(kernels->train);
        check_gauss(kernels->train);
    }
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *tests[] = {functions_of_one_number, loglikelihoods};
    if (argc > 1)
        stride = (uint32_t)strtoul(argv[1], NULL, 10);
    return RUN_SUITE("train-kernels", tests);
}
