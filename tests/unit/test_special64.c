/* SPDX-License-Identifier: BSD-2-Clause
 * The float64 kernels where numbers end: infinities, NaN, the largest and the smallest, products of which one
 * factor overflows, sums that overflow on their way, and rows of every length.
 */
#include <check.h>
#include <float.h>
#include <math.h>
#include <string.h>

#define FAMILIES_F64
#include "../support/families.h"
#include "../support/runner.h"

#define INF INFINITY

/* ---- known limits, one element ---- */

struct limit {
    int family;
    double in[FAMILY_MATRICES];
    double want[1 + FAMILY_MATRICES];
};

static const struct limit limits[] = {
    /* mu, logvar -> kl, dmu, dlogvar */
    {KL_DIAG, {0, 0}, {0, 0, 0}},
    {KL_DIAG, {-0.0, -0.0}, {0, 0, 0}},
    {KL_DIAG, {0, 1e4}, {INF, 0, INF}},
    {KL_DIAG, {0, -1e4}, {4999.5, 0, -0.5}},
    {KL_DIAG, {0, -1e308}, {5e307, 0, -0.5}},
    {KL_DIAG, {5e-324, 0}, {0, 5e-324, 0}},
    {KL_DIAG, {1e19, 0}, {5e37, 1e19, 0}},
    {KL_DIAG, {1.5e154, 0}, {1.125e308, 1.5e154, 0}},
    {KL_DIAG, {2e154, 0}, {INF, 2e154, 0}},
    {KL_DIAG, {INF, 0}, {INF, INF, 0}},
    {KL_DIAG, {-INF, 0}, {INF, -INF, 0}},
    {KL_DIAG, {1, INF}, {INF, 1, INF}},
    {KL_DIAG, {1, -INF}, {INF, 1, -0.5}},
    {KL_DIAG, {NAN, 0}, {NAN, NAN, 0}},
    {KL_DIAG, {1, NAN}, {NAN, 1, NAN}},
    /* mu_q, logvar_q, mu_p, logvar_p -> kl, dmu_q, dlogvar_q, dmu_p, dlogvar_p */
    {KL_PAIR, {3, -2, 3, -2}, {0, 0, 0, 0, 0}},
    {KL_PAIR, {1e300, 7, 1e300, 7}, {0, 0, 0, 0, 0}},
    {KL_PAIR, {1, 0, 1, -1e4}, {INF, 0, INF, 0, -INF}},
    {KL_PAIR, {1, 0, 1, 1e4}, {4999.5, 0, -0.5, 0, 0.5}},
    {KL_PAIR, {2, -1e4, 1, -1e4}, {INF, INF, 0, -INF, -INF}},
    {KL_PAIR, {2, 1e4, 1, 1e4}, {0, 0, 0, 0, 0}},
    {KL_PAIR, {1e-200, -900, 0, -900},
        {3.66440711115371e-10, 7.32881422230742e190, 0, -7.32881422230742e190, -3.66440711115371e-10}},
    {KL_PAIR, {2, 0, 1, INF}, {INF, 0, -0.5, 0, 0.5}},
    {KL_PAIR, {2, 0, 1, -INF}, {INF, INF, INF, -INF, -INF}},
    {KL_PAIR, {2, -INF, 1, 0}, {INF, 1, -0.5, -1, 0}},
    {KL_PAIR, {INF, 0, 1, 0}, {INF, INF, 0, -INF, -INF}},
    {KL_PAIR, {INF, 0, INF, 0}, {NAN, NAN, 0, NAN, NAN}},
    {KL_PAIR, {0, INF, 0, INF}, {NAN, 0, NAN, 0, NAN}},
    {KL_PAIR, {INF, 0, 1, INF}, {NAN, NAN, -0.5, NAN, NAN}},
    {KL_PAIR, {NAN, 0, 1, 0}, {NAN, NAN, 0, NAN, NAN}},
    /* x, mean, logvar -> loglik, dmean, dlogvar */
    {GAUSS, {1, 1, -1e4}, {4999.0810614667953, 0, -0.5}},
    {GAUSS, {1, 1, 1e4}, {-5000.9189385332047, 0, -0.5}},
    {GAUSS, {1, 2, -1e4}, {-INF, -INF, INF}},
    {GAUSS, {1, 2, 1e4}, {-5000.9189385332047, 0, -0.5}},
    {GAUSS, {1e200, 0, 920}, {-462.325137107706, 2.81239714900239e-200, 0.906198574501196}},
    {GAUSS, {1e308, -1e308, 1420}, {-711.319681300688, 4.00742767483378e-309, -0.099257232516622}},
    {GAUSS, {INF, 0, 0}, {-INF, INF, INF}},
    {GAUSS, {0, INF, 1e4}, {-INF, -INF, INF}},
    {GAUSS, {1, 2, INF}, {-INF, 0, -0.5}},
    {GAUSS, {INF, 2, INF}, {-INF, NAN, NAN}},
    {GAUSS, {1, 2, -INF}, {-INF, -INF, INF}},
    {GAUSS, {1, 1, -INF}, {INF, 0, -0.5}},
    {GAUSS, {INF, INF, 0}, {NAN, NAN, NAN}},
    {GAUSS, {NAN, 0, INF}, {NAN, NAN, NAN}},
    {GAUSS, {0, 0, NAN}, {NAN, NAN, NAN}},
    /* x, mean, logscale -> loglik, dmean, dlogscale */
    {LAPLACE, {1, 1, -1e4}, {9999.306852819440, 0, -1}},
    {LAPLACE, {1, 2, -1e4}, {-INF, -INF, INF}},
    {LAPLACE, {1, 2, 1e4}, {-10000.693147180560, 0, -1}},
    {LAPLACE, {1e-320, 0, -709}, {708.306852819439, 8.21840746155497e307, -1}},
    {LAPLACE, {INF, 0, 0}, {-INF, 1, INF}},
    {LAPLACE, {1, 2, INF}, {-INF, 0, -1}},
    {LAPLACE, {1, 2, -INF}, {-INF, -INF, INF}},
    {LAPLACE, {1, 1, -INF}, {INF, 0, -1}},
    {LAPLACE, {NAN, 0, 0}, {NAN, NAN, NAN}},
    /* x, logits -> loglik, dlogits */
    {BERNOULLI, {1, INF}, {0, 0}},
    {BERNOULLI, {0, -INF}, {0, 0}},
    {BERNOULLI, {0, INF}, {-INF, -1}},
    {BERNOULLI, {1, -INF}, {-INF, 1}},
    {BERNOULLI, {0.5, INF}, {-INF, -0.5}},
    {BERNOULLI, {INF, 0}, {-0.69314718055994531, INF}},
    {BERNOULLI, {1, 1e4}, {0, 0}},
    {BERNOULLI, {0, 1e4}, {-1e4, -1}},
    {BERNOULLI, {0, -740}, {-4.18873988004805e-322, -4.18873988004805e-322}},
    {BERNOULLI, {NAN, 1}, {NAN, NAN}},
    {BERNOULLI, {NAN, 0}, {NAN, NAN}},
    {BERNOULLI, {1, NAN}, {NAN, NAN}},
    {CBERNOULLI, {0.5, 0}, {0, 0}},
    {CBERNOULLI, {1, INF}, {INF, 0}},
    {CBERNOULLI, {0, -INF}, {INF, 0}},
    {CBERNOULLI, {0, INF}, {-INF, -1}},
    {CBERNOULLI, {1, -INF}, {-INF, 1}},
    {CBERNOULLI, {1, 1e4}, {9.210340371976183, 1e-4}},
    {CBERNOULLI, {1, 1e300}, {690.7755278982137, 1e-300}},
    {CBERNOULLI, {NAN, 1}, {NAN, NAN}},
    {CBERNOULLI, {NAN, 0}, {NAN, NAN}},
    {CBERNOULLI, {1, NAN}, {NAN, NAN}},
    /* x, lograte -> loglik, dlograte */
    {POISSON, {0, -INF}, {0, 0}},
    {POISSON, {1, -INF}, {-INF, 1}},
    {POISSON, {20, -INF}, {-INF, 20}},
    {POISSON, {0, INF}, {-INF, -INF}},
    {POISSON, {7, INF}, {-INF, -INF}},
    {POISSON, {70, INF}, {-INF, -INF}},
    {POISSON, {INF, 0}, {-INF, INF}},
    {POISSON, {INF, INF}, {-INF, NAN}},
    {POISSON, {0, -1e4}, {0, 0}},
    {POISSON, {3, -1e4}, {-30001.791759469228, 3}},
    {POISSON, {-1, 0}, {-INF, -2}},
    {POISSON, {-1e308, 5}, {-INF, -1e308}},
    {POISSON, {1e300, 0}, {-6.897755278982137e302, 1e300}},
    {POISSON, {NAN, 1}, {NAN, NAN}},
    {POISSON, {0, NAN}, {NAN, NAN}},
    {POISSON, {2, NAN}, {NAN, NAN}},
    {POISSON, {99, NAN}, {NAN, NAN}},
};

/* The table's finite numbers are typed in with some digits: what they say is that nothing over- or
 * underflowed. */
static int same(double got, double want)
{
    if (isnan(want) || isinf(want))
        return isnan(want) ? isnan(got) : got == want;
    return fabs(got - want) <= 1e-3 * fabs(want);
}

START_TEST(limits_come_out)
{
    const struct limit *l = &limits[_i];
    const struct family *f = &families[l->family];
    double out[1 + FAMILY_MATRICES];
    ck_assert_int_eq(family_element(f, l->in, NULL, out), VAE_OK);
    for (int o = 0; o <= f->grads; o++)
        ck_assert_msg(same(out[o], l->want[o]), "%s(%g, %g, %g, %g): output %d is %.17g, should be %.17g",
            f->name, l->in[0], l->in[1], l->in[2], l->in[3], o, out[o], l->want[o]);
}
END_TEST

/* ---- finite numbers give no NaN ---- */

static const double ends[] = {0.0, -0.0, 5e-324, -5e-324, 1e-308, 0.25, 1.0, -1.0, 709.0, -745.0, 1e4, -1e4,
    1e154, -1e154, DBL_MAX, -DBL_MAX};
static const double weights[] = {1.0, 0.0, 5e-324, -DBL_MAX};
enum { ENDS = sizeof ends / sizeof *ends, WEIGHTS = sizeof weights / sizeof *weights };

START_TEST(finite_gives_no_nan)
{
    const struct family *f = &families[_i];
    size_t cases = 1;
    for (int k = 0; k < f->inputs; k++)
        cases *= ENDS;
    for (size_t i = 0; i < cases; i++) {
        double in[FAMILY_MATRICES] = {0}, out[1 + FAMILY_MATRICES], w = weights[(i / ENDS + i) % WEIGHTS];
        size_t rest = i;
        for (int k = 0; k < f->inputs; k++, rest /= ENDS)
            in[k] = ends[rest % ENDS];
        ck_assert_int_eq(family_element(f, in, &w, out), VAE_OK);
        for (int o = 0; o <= f->grads; o++) {
            ck_assert_msg(!isnan(out[o]), "%s(%g, %g, %g, %g), w = %g: output %d is NaN", f->name, in[0],
                in[1], in[2], in[3], w, o);
            ck_assert_msg(
                o == 0 || w != 0.0 || out[o] == 0.0, "%s: a weight of 0 leaves %g", f->name, out[o]);
        }
    }
}
END_TEST

/* A weight brings back a slope that is itself out of range. */
START_TEST(weights_reach_far)
{
    double mu = 0.0, lv = 800.0, w = 1e-300, value, gmu = 0.0, glv = 0.0;
    ck_assert_int_eq(vae_kl_diag_gauss_grad_f64(1, 1, &mu, 1, &lv, 1, &w, &value, &gmu, 1, &glv, 1), VAE_OK);
    ck_assert(isinf(value));
    ck_assert_msg(same(glv, 1.36318728605628e47), "%.17g", glv);
}
END_TEST

START_TEST(reparam_gives_no_nan)
{
    for (size_t i = 0; i < ENDS * ENDS * ENDS; i++) {
        double mu = ends[i % ENDS], lv = ends[i / ENDS % ENDS], eps = ends[i / ENDS / ENDS], z = NAN,
               g[2] = {0};
        ck_assert_int_eq(vae_reparam_f64(1, 1, &mu, 1, &lv, 1, &eps, 1, &z, 1), VAE_OK);
        ck_assert_int_eq(vae_reparam_grad_f64(1, 1, &lv, 1, &eps, 1, &mu, 1, g, 1, g + 1, 1), VAE_OK);
        ck_assert_msg(!isnan(z) && g[0] == mu && !isnan(g[1]), "mu %g, logvar %g, eps %g: %g, %g, %g", mu, lv,
            eps, z, g[0], g[1]);
    }
}
END_TEST

START_TEST(reparam_limits)
{
    static const double cases[][4] = {/* mu, logvar, eps, z */
        {1, -INF, 5, 1}, {1, INF, 0, 1}, {1, INF, -2, -INF}, {INF, 1e4, -1, INF}, {1, 0, INF, INF},
        {1, -INF, INF, NAN}, {INF, 0, -INF, NAN}, {1, -1400, 1e304, 1.98596765437598}, {NAN, 0, 1, NAN},
        {0, NAN, 0, NAN}, {0, 0, NAN, NAN}};
    const double *c = cases[_i];
    double z = c[2];
    ck_assert_int_eq(vae_reparam_f64(1, 1, c, 1, c + 1, 1, &z, 1, &z, 1), VAE_OK); /* in place */
    ck_assert_msg(same(z, c[3]), "%.17g, should be %g", z, c[3]);
}
END_TEST

/* Two dimensions, every factor of extreme entries. */
START_TEST(full_covariance_gives_no_nan)
{
    static const double entries[] = {5e-324, 1e-3, 1.0, DBL_MAX};
    double work[256];
    ck_assert_uint_le(vae_kl_gauss_work(2), sizeof work);
    for (int i = 0; i < 1 << 16; i += 5) {
        const double e[8] = {entries[i & 3], entries[i >> 2 & 3], entries[i >> 4 & 3], entries[i >> 6 & 3],
            entries[i >> 8 & 3], entries[i >> 10 & 3], entries[i >> 12 & 3], entries[i >> 14 & 3]};
        const double lq[4] = {e[0], NAN, -e[1], e[2]}, lp[4] = {e[3], NAN, e[4], e[5]}, mq[2] = {e[6], e[7]};
        const double mp[2] = {-e[7], e[6]}, w = weights[i % WEIGHTS];
        double out[13] = {0};
        ck_assert_int_eq(vae_kl_gauss_grad_f64(2, mq, lq, 2, mp, lp, 2, work, sizeof work, w, out, out + 1,
                             out + 3, 2, out + 7, out + 9, 2),
            VAE_OK);
        for (int o = 0; o < 13; o++)
            ck_assert_msg(!isnan(out[o]), "case %d: output %d is NaN", i, o);
        ck_assert_msg(out[0] >= 0.0, "case %d: the divergence is %g", i, out[0]);
    }
}
END_TEST

/* Units change nothing: rows of both factors and the means times powers of two. */
START_TEST(full_covariance_any_unit)
{
    static const double lq[4] = {1.5, 0, -0.25, 0.75}, lp[4] = {1.25, 0, 0.5, 0.875}, mq[2] = {1, 2},
                        mp[2] = {0.5, 3};
    double value[2] = {0}, g[2][12] = {{0}}, work[256], unit[2] = {0x1p-1000, 0x1p1000};
    for (int i = 0; i < 2; i++) {
        double u0 = i ? unit[0] : 1.0, u1 = i ? unit[1] : 1.0;
        const double q[4] = {lq[0] * u0, 0, lq[2] * u1, lq[3] * u1},
                     p[4] = {lp[0] * u0, 0, lp[2] * u1, lp[3] * u1};
        const double a[2] = {mq[0] * u0, mq[1] * u1}, b[2] = {mp[0] * u0, mp[1] * u1};
        ck_assert_int_eq(vae_kl_gauss_grad_f64(2, a, q, 2, b, p, 2, work, sizeof work, 1.0, &value[i], g[i],
                             g[i] + 2, 2, g[i] + 6, g[i] + 8, 2),
            VAE_OK);
        for (int o = 0; o < 12; o++)
            g[i][o] *= o == 0 || o == 2 || o == 6 || o == 8 ? u0 : u1;
    }
    ck_assert(value[0] == value[1] && value[0] > 0.0);
    for (int o = 0; o < 12; o++)
        ck_assert_msg(g[0][o] == g[1][o], "gradient %d: %.17g, %.17g", o, g[0][o], g[1][o]);
}
END_TEST

/* ---- rows of exponentials ---- */

struct softmax {
    size_t k;
    double x[4];
    uint32_t label;
    double loglik, grad[4]; /* categorical */
    double lme, weight[4];
};

static const struct softmax softmaxes[] = {
    {1, {-7}, 0, 0, {0}, -7, {1}},
    {1, {-INF}, 0, 0, {0}, -INF, {1}},
    {1, {INF}, 0, 0, {0}, INF, {1}},
    {2, {-INF, 3}, 1, 0, {0, 0}, 2.3068528194400547, {0, 1}},
    {2, {-INF, 3}, 0, -INF, {1, -1}, 2.3068528194400547, {0, 1}},
    {3, {INF, 3, 4}, 0, 0, {0, 0, 0}, INF, {1, 0, 0}},
    {3, {INF, 3, 4}, 1, -INF, {-1, 1, 0}, INF, {1, 0, 0}},
    {2, {INF, INF}, 0, NAN, {NAN, NAN}, INF, {NAN, NAN}},
    {2, {-INF, -INF}, 0, NAN, {NAN, NAN}, -INF, {NAN, NAN}},
    {2, {NAN, 1}, 1, NAN, {NAN, NAN}, NAN, {NAN, NAN}},
    {2, {NAN, NAN}, 1, NAN, {NAN, NAN}, NAN, {NAN, NAN}},
    {3, {NAN, INF, 0}, 1, NAN, {NAN, NAN, NAN}, NAN, {NAN, NAN, NAN}},
    {2, {DBL_MAX, -DBL_MAX}, 0, 0, {0, 0}, DBL_MAX, {1, 0}},
    {2, {DBL_MAX, -DBL_MAX}, 1, -INF, {-1, 1}, DBL_MAX, {1, 0}},
    {4, {5, 5, 5, 5}, 2, -1.3862943611198906, {-0.25, -0.25, 0.75, -0.25}, 5, {0.25, 0.25, 0.25, 0.25}},
};

START_TEST(softmax_limits)
{
    const struct softmax *s = &softmaxes[_i];
    double loglik = 1, lme = 1, grad[4] = {0}, weight[4] = {1, 1, 1, 1};
    ck_assert_int_eq(
        vae_loglik_categorical_grad_f64(1, s->k, &s->label, s->x, 4, NULL, &loglik, grad, 4), VAE_OK);
    ck_assert_int_eq(vae_logmeanexp_f64(1, s->k, s->x, 4, &lme, weight, 4), VAE_OK);
    ck_assert_msg(same(loglik, s->loglik), "loglik is %g", loglik);
    ck_assert_msg(same(lme, s->lme), "lme is %g", lme);
    for (size_t j = 0; j < s->k; j++) {
        ck_assert_msg(same(grad[j], s->grad[j]), "gradient %zu is %g", j, grad[j]);
        ck_assert_msg(same(weight[j], s->weight[j]), "weight %zu is %g", j, weight[j]);
    }
}
END_TEST

/* ---- sums and rows ---- */

/* Partial sums may overflow where the whole does not, and terms of both signs are no NaN. */
START_TEST(sums_overflow_and_return)
{
    enum { N = 33 };
    double x[N] = {0}, mean[N] = {0}, lv[N], value = NAN;
    for (int j = 0; j < N; j++)
        lv[j] = j < 16 ? -1.7e308 : 1.7e308;
    lv[32] = 0.0;
    ck_assert_int_eq(vae_loglik_gauss_f64(1, N, x, N, mean, N, lv, N, &value), VAE_OK);
    ck_assert_msg(fabs(value + 0.91893853320467274 * N) < 1e300, "%g", value);
    lv[16] = lv[17] = -1.7e308;
    ck_assert_int_eq(vae_loglik_gauss_f64(1, N, x, N, mean, N, lv, N, &value), VAE_OK);
    ck_assert(value == INF);
    x[32] = 1e200;
    ck_assert_int_eq(vae_loglik_gauss_f64(1, N, x, N, mean, N, lv, N, &value), VAE_OK);
    ck_assert(value == -INF);
}
END_TEST

enum { LONGEST = 1000, STRIDE = LONGEST + 3, CANARY = 77 };

/* Arrays of two rows as the call gets them, and what they hold. */
struct rows {
    unsigned char bytes[2 * FAMILY_MATRICES][2 * STRIDE * sizeof(double) + 1];
    double in[FAMILY_MATRICES][2 * STRIDE], grad[FAMILY_MATRICES][2 * STRIDE];
    double value[2], w[2];
    size_t misalign;
};

static void place_rows(const struct family *f, size_t d, size_t ld, struct rows *r, struct family_call *c)
{
    for (int k = 0; k < f->inputs; k++) {
        for (size_t j = 0; j < 2 * STRIDE; j++)
            r->in[k][j] = f == &families[POISSON] && k == 0 ? (double)(j % 40)
                                                            : sin((double)(j * 7 + (size_t)k * 3 + d)) * 1.5;
        memcpy(r->bytes[k] + r->misalign, r->in[k], sizeof r->in[k]);
        c->in[k] = (const double *)(const void *)(r->bytes[k] + r->misalign);
        c->ld_in[k] = ld;
    }
    for (int k = 0; k < f->grads; k++) {
        for (size_t j = 0; j < 2 * STRIDE; j++)
            r->grad[k][j] = CANARY;
        memcpy(r->bytes[FAMILY_MATRICES + k] + r->misalign, r->grad[k], sizeof r->grad[k]);
        c->grad[k] = (double *)(void *)(r->bytes[FAMILY_MATRICES + k] + r->misalign);
        c->ld_grad[k] = ld;
    }
}

/* The row's sum is that of its elements, whose gradients are added to those expected. */
static void check_sum(const struct family *f, size_t d, size_t ld, struct rows *r, size_t i)
{
    long double sum = 0.0L, size = 0.0L;
    for (size_t j = 0; j < d; j++) {
        double one[FAMILY_MATRICES], out[1 + FAMILY_MATRICES];
        for (int k = 0; k < f->inputs; k++)
            one[k] = r->in[k][i * ld + j];
        ck_assert_int_eq(family_element(f, one, &r->w[i], out), VAE_OK);
        sum += out[0];
        size += fabs(out[0]);
        for (int k = 0; k < f->grads; k++)
            r->grad[k][i * ld + j] += out[1 + k];
    }
    ck_assert_msg(fabsl(r->value[i] - sum) <= 0x1p-51L * size, "%s, d = %zu: %.17g, elements give %.17Lg",
        f->name, d, r->value[i], sum);
}

/* Rows of d elements, one after another or `gap` apart and misaligned by a byte, against the elements one by
 * one. */
static void check_rows(const struct family *f, size_t d, size_t gap)
{
    static struct rows r;
    struct family_call c = {.n = 2, .d = d, .w = r.w, .value = r.value};
    r.w[0] = 2.0;
    r.w[1] = -0.5;
    r.value[0] = r.value[1] = NAN;
    r.misalign = gap ? 1 : 0;
    place_rows(f, d, d + gap, &r, &c);
    ck_assert_int_eq(f->grad(&c), VAE_OK);
    for (size_t i = 0; i < 2; i++)
        check_sum(f, d, d + gap, &r, i);
    for (int k = 0; k < f->grads; k++)
        for (size_t j = 0; j < 2 * STRIDE; j++) {
            double got;
            memcpy(&got, r.bytes[FAMILY_MATRICES + k] + r.misalign + j * sizeof got, sizeof got);
            ck_assert_msg(fabs(got - r.grad[k][j]) <= 0x1p-50 * fabs(r.grad[k][j]),
                "%s, d = %zu: gradient %d at %zu", f->name, d, k, j);
        }
}

START_TEST(rows_of_every_length)
{
    static const size_t lengths[] = {0, 1, 2, 15, 16, 17, 31, 32, 33, 100, LONGEST};
    for (int f = 0; f < FAMILIES; f++)
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            check_rows(&families[f], lengths[i], 0);
            check_rows(&families[f], lengths[i], 3);
        }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("special values");
    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, limits_come_out, 0, sizeof limits / sizeof *limits);
    tcase_add_loop_test(tests, finite_gives_no_nan, 0, FAMILIES);
    tcase_add_test(tests, weights_reach_far);
    tcase_add_test(tests, reparam_gives_no_nan);
    tcase_add_loop_test(tests, reparam_limits, 0, 11);
    tcase_add_test(tests, full_covariance_gives_no_nan);
    tcase_add_test(tests, full_covariance_any_unit);
    tcase_add_loop_test(tests, softmax_limits, 0, sizeof softmaxes / sizeof *softmaxes);
    tcase_add_test(tests, sums_overflow_and_return);
    tcase_add_test(tests, rows_of_every_length);
    return run_case("special64", tests);
}
