/* SPDX-License-Identifier: BSD-2-Clause
 * The float32 kernels where numbers end: infinities, NaN, the largest and the smallest, and what lies
 * between.
 */
#include <check.h>
#include <math.h>
#include <string.h>

#include "../support/expect.h"
#include "../support/families.h"
#include "../support/runner.h"

#define INF INFINITY

/* ---- known limits, one element ---- */

struct limit {
    int family;
    float in[FAMILY_MATRICES];
    float want[1 + FAMILY_MATRICES];
};

static const struct limit limits[] = {
    /* mu, logvar -> kl, dmu, dlogvar */
    {KL_DIAG, {0, 0}, {0, 0, 0}},
    {KL_DIAG, {-0.0f, -0.0f}, {0, 0, 0}},
    {KL_DIAG, {0, 1e4f}, {INF, 0, INF}},
    {KL_DIAG, {0, -1e4f}, {4999.5f, 0, -0.5f}},
    {KL_DIAG, {1e-45f, 0}, {0, 1e-45f, 0}},
    {KL_DIAG, {1e19f, 0}, {5e37f, 1e19f, 0}},
    {KL_DIAG, {1e20f, 0}, {INF, 1e20f, 0}},
    {KL_DIAG, {INF, 0}, {INF, INF, 0}},
    {KL_DIAG, {-INF, 0}, {INF, -INF, 0}},
    {KL_DIAG, {1, INF}, {INF, 1, INF}},
    {KL_DIAG, {1, -INF}, {INF, 1, -0.5f}},
    {KL_DIAG, {NAN, 0}, {NAN, NAN, 0}},
    {KL_DIAG, {1, NAN}, {NAN, 1, NAN}},
    /* mu_q, logvar_q, mu_p, logvar_p -> kl, dmu_q, dlogvar_q, dmu_p, dlogvar_p */
    {KL_PAIR, {3, -2, 3, -2}, {0, 0, 0, 0, 0}},
    {KL_PAIR, {1e19f, 7, 1e19f, 7}, {0, 0, 0, 0, 0}},
    {KL_PAIR, {1, 0, 1, -1e4f}, {INF, 0, INF, 0, -INF}},
    {KL_PAIR, {1, 0, 1, 1e4f}, {4999.5f, 0, -0.5f, 0, 0.5f}},
    {KL_PAIR, {2, -1e4f, 1, -1e4f}, {INF, INF, 0, -INF, -INF}},
    {KL_PAIR, {2, 1e4f, 1, 1e4f}, {0, 0, 0, 0, 0}},
    {KL_PAIR, {2, 0, 1, INF}, {INF, 0, -0.5f, 0, 0.5f}},
    {KL_PAIR, {2, 0, 1, -INF}, {INF, INF, INF, -INF, -INF}},
    {KL_PAIR, {2, -INF, 1, 0}, {INF, 1, -0.5f, -1, 0}},
    {KL_PAIR, {INF, 0, 1, 0}, {INF, INF, 0, -INF, -INF}},
    {KL_PAIR, {INF, 0, INF, 0}, {NAN, NAN, 0, NAN, NAN}},
    {KL_PAIR, {0, INF, 0, INF}, {NAN, 0, NAN, 0, NAN}},
    /* x, mean, logvar -> loglik, dmean, dlogvar */
    {GAUSS, {1, 1, -1e4f}, {4999.081f, 0, -0.5f}},
    {GAUSS, {1, 1, 1e4f}, {-5000.919f, 0, -0.5f}},
    {GAUSS, {1, 2, -1e4f}, {-INF, -INF, INF}},
    {GAUSS, {1, 2, 1e4f}, {-5000.919f, 0, -0.5f}},
    {GAUSS, {INF, 0, 0}, {-INF, INF, INF}},
    {GAUSS, {0, INF, 1e4f}, {-INF, -INF, INF}},
    {GAUSS, {1, 2, INF}, {-INF, 0, -0.5f}},
    {GAUSS, {1, 2, -INF}, {-INF, -INF, INF}},
    {GAUSS, {1, 1, -INF}, {INF, 0, -0.5f}},
    {GAUSS, {INF, INF, 0}, {NAN, NAN, NAN}},
    {GAUSS, {0, 0, NAN}, {NAN, NAN, NAN}},
    /* x, mean, logscale -> loglik, dmean, dlogscale */
    {LAPLACE, {1, 1, -1e4f}, {9999.307f, 0, -1}},
    {LAPLACE, {1, 2, -1e4f}, {-INF, -INF, INF}},
    {LAPLACE, {1, 2, 1e4f}, {-10000.693f, 0, -1}},
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
    {BERNOULLI, {0.5f, INF}, {-INF, -0.5f}},
    {BERNOULLI, {1, 1e4f}, {0, 0}},
    {BERNOULLI, {0, 1e4f}, {-1e4f, -1}},
    {BERNOULLI, {0, -100}, {-3.7835059e-44f, -3.7835059e-44f}},
    {BERNOULLI, {NAN, 1}, {NAN, NAN}},
    {BERNOULLI, {1, NAN}, {NAN, NAN}},
    {CBERNOULLI, {0.5f, 0}, {0, 0}},
    {CBERNOULLI, {1, INF}, {INF, 0}},
    {CBERNOULLI, {0, -INF}, {INF, 0}},
    {CBERNOULLI, {0, INF}, {-INF, -1}},
    {CBERNOULLI, {1, -INF}, {-INF, 1}},
    {CBERNOULLI, {1, 1e4f}, {9.2103404f, 1e-4f}},
    {CBERNOULLI, {NAN, 1}, {NAN, NAN}},
    {CBERNOULLI, {1, NAN}, {NAN, NAN}},
    /* x, lograte -> loglik, dlograte */
    {POISSON, {0, -INF}, {0, 0}},
    {POISSON, {1, -INF}, {-INF, 1}},
    {POISSON, {0, INF}, {-INF, -INF}},
    {POISSON, {7, INF}, {-INF, -INF}},
    {POISSON, {INF, 0}, {-INF, INF}},
    {POISSON, {0, -1e4f}, {0, 0}},
    {POISSON, {3, -1e4f}, {-30001.791759f, 3}},
    {POISSON, {-1, 0}, {-INF, -2}},
    {POISSON, {-3e38f, 5}, {-INF, -3e38f}},
    {POISSON, {NAN, 1}, {NAN, NAN}},
    {POISSON, {0, NAN}, {NAN, NAN}},
    {POISSON, {2, NAN}, {NAN, NAN}},
};

static int same(float got, float want)
{
    if (isnan(want) || isinf(want) || want == 0.0f)
        return isnan(want) ? isnan(got) : got == want;
    return fabsf(got - want) <= 1.5e-7f * fabsf(want);
}

START_TEST(limits_come_out)
{
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        const struct limit *l = &limits[i];
        const struct family *f = &families[l->family];
        float out[1 + FAMILY_MATRICES];
        EXPECT_OK(family_element(f, l->in, NULL, out));
        for (int o = 0; o <= f->grads; o++)
            EXPECT(same(out[o], l->want[o]), "%s(%g, %g, %g, %g): output %d is %.9g, should be %.9g", f->name,
                (double)l->in[0], (double)l->in[1], (double)l->in[2], (double)l->in[3], o, (double)out[o],
                (double)l->want[o]);
    }
}
END_TEST

/* ---- finite numbers give no NaN ---- */

static const float ends[] = {0.0f, -0.0f, 1e-45f, -1e-45f, 1e-38f, 0.25f, 1.0f, -1.0f, 88.0f, -104.0f, 1e4f,
    -1e4f, 1e19f, -1e19f, 3.4028235e38f, -3.4028235e38f};
static const float weights[] = {1.0f, 0.0f, 1e-45f, -3.4028235e38f};
enum { ENDS = sizeof ends / sizeof *ends, WEIGHTS = sizeof weights / sizeof *weights };

START_TEST(finite_gives_no_nan)
{
    const struct family *f = &families[_i];
    size_t cases = 1;
    for (int k = 0; k < f->inputs; k++)
        cases *= ENDS;
    for (size_t i = 0; i < cases * WEIGHTS; i++) {
        float in[FAMILY_MATRICES] = {0}, out[1 + FAMILY_MATRICES], w = weights[i % WEIGHTS];
        size_t rest = i / WEIGHTS;
        for (int k = 0; k < f->inputs; k++, rest /= ENDS)
            in[k] = ends[rest % ENDS];
        EXPECT_OK(family_element(f, in, &w, out));
        for (int o = 0; o <= f->grads; o++) {
            EXPECT(!isnan(out[o]), "%s(%g, %g, %g, %g), w = %g: output %d is NaN", f->name, (double)in[0],
                (double)in[1], (double)in[2], (double)in[3], (double)w, o);
            EXPECT(o == 0 || w != 0.0f || out[o] == 0.0f, "%s: a weight of 0 leaves %g", f->name,
                (double)out[o]);
        }
    }
}
END_TEST

START_TEST(reparam_gives_no_nan)
{
    for (size_t i = 0; i < ENDS * ENDS * ENDS; i++) {
        float mu = ends[i % ENDS], lv = ends[i / ENDS % ENDS], eps = ends[i / ENDS / ENDS], z = NAN,
              g[2] = {0};
        EXPECT_OK(vae_reparam(1, 1, &mu, 1, &lv, 1, &eps, 1, &z, 1));
        EXPECT_OK(vae_reparam_grad(1, 1, &lv, 1, &eps, 1, &mu, 1, g, 1, g + 1, 1));
        EXPECT(!isnan(z) && g[0] == mu && !isnan(g[1]), "mu %g, logvar %g, eps %g: %g, %g, %g", (double)mu,
            (double)lv, (double)eps, (double)z, (double)g[0], (double)g[1]);
    }
}
END_TEST

/* Two dimensions, every factor of extreme entries. */
START_TEST(full_covariance_gives_no_nan)
{
    static const float entries[] = {1e-45f, 1e-3f, 1.0f, 3.4028235e38f};
    double work[256];
    ck_assert_uint_le(vae_kl_gauss_work(2), sizeof work);
    for (int i = 0; i < 1 << 16; i++) {
        const float e[8] = {entries[i & 3], entries[i >> 2 & 3], entries[i >> 4 & 3], entries[i >> 6 & 3],
            entries[i >> 8 & 3], entries[i >> 10 & 3], entries[i >> 12 & 3], entries[i >> 14 & 3]};
        const float lq[4] = {e[0], NAN, -e[1], e[2]}, lp[4] = {e[3], NAN, e[4], e[5]}, mq[2] = {e[6], e[7]};
        const float mp[2] = {-e[7], e[6]}, w = weights[i % WEIGHTS];
        float out[13] = {0};
        EXPECT_OK(vae_kl_gauss_grad(
            2, mq, lq, 2, mp, lp, 2, work, sizeof work, w, out, out + 1, out + 3, 2, out + 7, out + 9, 2));
        for (int o = 0; o < 13; o++)
            EXPECT(!isnan(out[o]), "case %d: output %d is NaN", i, o);
        EXPECT(out[0] >= 0.0f, "case %d: the divergence is %g", i, (double)out[0]);
    }
}
END_TEST

/* ---- rows of exponentials ---- */

struct softmax {
    size_t k;
    float x[4];
    uint32_t label;
    float loglik, grad[4]; /* categorical */
    float lme, weight[4];
};

static const struct softmax softmaxes[] = {
    {1, {-7}, 0, 0, {0}, -7, {1}},
    {1, {-INF}, 0, 0, {0}, -INF, {1}},
    {1, {INF}, 0, 0, {0}, INF, {1}},
    {2, {-INF, 3}, 1, 0, {0, 0}, 2.3068528f, {0, 1}},
    {2, {-INF, 3}, 0, -INF, {1, -1}, 2.3068528f, {0, 1}},
    {3, {INF, 3, 4}, 0, 0, {0, 0, 0}, INF, {1, 0, 0}},
    {3, {INF, 3, 4}, 1, -INF, {-1, 1, 0}, INF, {1, 0, 0}},
    {2, {INF, INF}, 0, NAN, {NAN, NAN}, INF, {NAN, NAN}},
    {2, {-INF, -INF}, 0, NAN, {NAN, NAN}, -INF, {NAN, NAN}},
    {2, {NAN, 1}, 1, NAN, {NAN, NAN}, NAN, {NAN, NAN}},
    {2, {NAN, NAN}, 1, NAN, {NAN, NAN}, NAN, {NAN, NAN}},
    {3, {NAN, INF, 0}, 1, NAN, {NAN, NAN, NAN}, NAN, {NAN, NAN, NAN}},
    {2, {3.4028235e38f, -3.4028235e38f}, 0, 0, {0, 0}, 3.4028235e38f, {1, 0}},
    {2, {3.4028235e38f, -3.4028235e38f}, 1, -INF, {-1, 1}, 3.4028235e38f, {1, 0}},
    {4, {5, 5, 5, 5}, 2, -1.3862944f, {-0.25f, -0.25f, 0.75f, -0.25f}, 5, {0.25f, 0.25f, 0.25f, 0.25f}},
};

START_TEST(softmax_limits)
{
    const struct softmax *s = &softmaxes[_i];
    float loglik = 1, lme = 1, grad[4] = {0}, weight[4] = {1, 1, 1, 1};
    EXPECT_OK(vae_loglik_categorical_grad(1, s->k, &s->label, s->x, 4, NULL, &loglik, grad, 4));
    EXPECT_OK(vae_logmeanexp(1, s->k, s->x, 4, &lme, weight, 4));
    EXPECT(same(loglik, s->loglik), "loglik is %g", (double)loglik);
    EXPECT(same(lme, s->lme), "lme is %g", (double)lme);
    for (size_t j = 0; j < s->k; j++) {
        EXPECT(same(grad[j], s->grad[j]), "gradient %zu is %g", j, (double)grad[j]);
        EXPECT(same(weight[j], s->weight[j]), "weight %zu is %g", j, (double)weight[j]);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("special values");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, limits_come_out);
    tcase_add_loop_test(tests, finite_gives_no_nan, 0, FAMILIES);
    tcase_add_test(tests, reparam_gives_no_nan);
    tcase_add_test(tests, full_covariance_gives_no_nan);
    tcase_add_loop_test(tests, softmax_limits, 0, sizeof softmaxes / sizeof *softmaxes);
    return run_case("special32", tests);
}
