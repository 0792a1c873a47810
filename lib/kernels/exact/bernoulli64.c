/* SPDX-License-Identifier: BSD-2-Clause
 * Bernoulli and continuous Bernoulli log-likelihoods on logits, float64 in double-double; x may be
 * soft, and outside [0, 1] the formulas go on. Forms and source: bernoulli32.c.
 */
#include "exact64.h"

/* a = |l|, w = 1 - x for l > 0, else x, so that every term of -(w a + ...) has one sign for x in [0, 1] */
struct folded {
    struct dd w;
    double a;
    struct dd_wide e; /* exp(-a) */
};

DD_INLINE struct folded fold(double x, double logit, struct dd_exp e)
{
    return (struct folded){dd_select(logit > 0.0, dd_sum(1.0, -x), dd_of(x)), fabs(logit), dd_exp_of(e)};
}

/* exp(-|l|) */
static void folded_exps(struct exp_lanes *to, const double *logits)
{
    double x[VAE_LANES];
    for (int l = 0; l < VAE_LANES; l++)
        x[l] = -fabs(logits[l]);
    exps(to, x);
}

/* w a: 0 where a factor is 0, also if the other one is infinite */
DD_INLINE struct dd product_of(struct folded f)
{
    int zero = (f.w.h == 0.0 && f.a == f.a) || (f.a == 0.0 && f.w.h == f.w.h);
    return dd_select(zero, dd_of(0.0), dd_guard(dd_mul_by(f.w, f.a), f.w.h * f.a));
}

/* l > 0: tail - w, else w - tail: x minus the mean, for tail = 1 - mean or the mean */
DD_INLINE struct dd_wide slope_of(struct folded f, struct dd_wide tail, double logit)
{
    struct dd_wide s = dd_wide_add(tail, (struct dd_wide){dd_neg(f.w), 0.0});
    s = wide_or(s, dd_finite(f.w.h) ? 0.0 : -f.w.h);
    return (struct dd_wide){dd_select(logit > 0.0, s.v, dd_neg(s.v)), s.e};
}

void bernoulli64_terms(struct rows64_block *b)
{
    struct exp_lanes e;
    struct dd_lanes log1p;
    folded_exps(&e, b->in[1]);
    for (int l = 0; l < VAE_LANES; l++)
        set_lane(&b->term, l, dd_narrow(dd_exp_of(exp_lane_of(&e, l))));
    lanes_log1p(&log1p, &b->term);
    for (int l = 0; l < VAE_LANES; l++) {
        struct folded f = fold(b->in[0][l], b->in[1][l], exp_lane_of(&e, l));
        set_lane(&b->term, l, dd_neg(dd_add_guarded(product_of(f), lane_of(&log1p, l))));
    }
}

void bernoulli64_grads(struct rows64_block *b)
{
    struct exp_lanes e;
    struct wide_lanes slope;
    folded_exps(&e, b->in[1]);
    for (int l = 0; l < VAE_LANES; l++) {
        struct folded f = fold(b->in[0][l], b->in[1][l], exp_lane_of(&e, l));
        struct dd_wide tail = {dd_div(f.e.v, dd_add(dd_of(1.0), dd_narrow(f.e))), f.e.e};
        set_wide_lane(&slope, l, slope_of(f, tail, b->in[1][l]));
    }
    lanes_add_weighted(b->out[0], b->w, &slope);
}

/* Below, the even series; above, exp. */
#define CB_NEAR 1.0

/* log(sinh(l / 2) / (l / 2)) / l^2, z = l^2 <= 1: B_2n / (2n (2n)!) */
DD_INLINE struct dd normaliser_poly(struct dd z)
{
    static const double small[12] = {0x1.76586051e8b1fp-84, -0x1.eed15866cb263p-79, 0x1.48b5244a5c143p-73,
        -0x1.b752159a2e47bp-68, 0x1.27a18aefd3f97p-62, -0x1.9131453d55727p-57, 0x1.12f948be82970p-51,
        -0x1.7da4e1f79955cp-46, 0x1.0d0f870805313p-40, -0x1.8355d1db03354p-35, 0x1.1eed8eff8d898p-29,
        -0x1.bbd779334ef0bp-24};
    static const struct dd large[3] = {{0x1.71de3a556c734p-18, -0x1.c154f8ddc6c00p-72},
        {-0x1.6c16c16c16c17p-12, 0x1.f49f49f49f49fp-67}, {0x1.5555555555555p-5, 0x1.5555555555555p-59}};
    return dd_poly(z, small, 12, large, 3);
}

/* its derivative by l, divided by l: B_2n / (2n)! */
DD_INLINE struct dd mean_poly(struct dd z)
{
    static const double small[12] = {0x1.5ef2da4cca26dp-79, -0x1.b0f72d59f1c16p-74, 0x1.0b132d7c6ad06p-68,
        -0x1.497d9033a2b5cp-63, 0x1.967e1f09c376fp-58, -0x1.f57d968caacf1p-53, 0x1.355871d652e9ep-47,
        -0x1.7da4e1f79955cp-42, 0x1.d6db2c4e09162p-37, -0x1.22805d644267fp-31, 0x1.66a8f2bf70ebep-26,
        -0x1.bbd779334ef0bp-21};
    static const struct dd large[3] = {{0x1.1566abc011567p-15, -0x1.50ffbaa655100p-69},
        {-0x1.6c16c16c16c17p-10, 0x1.f49f49f49f49fp-65}, {0x1.5555555555555p-4, 0x1.5555555555555p-58}};
    return dd_poly(z, small, 12, large, 3);
}

/* a / (1 - exp(-a)) */
DD_INLINE struct dd far_quotient(struct dd_wide e, double a)
{
    return dd_div(dd_of(dd_clamp(a, CB_NEAR, DBL_MAX)), dd_sub(dd_of(1.0), dd_narrow(e)));
}

/* log - w a for the logarithm of that; the product wins where both are infinite */
DD_INLINE struct dd far_term(struct folded f, struct dd log)
{
    struct dd product = product_of(f);
    double plain = (f.a > DBL_MAX ? f.a : log.h) - product.h;
    return dd_guard(dd_sub(log, product), dd_finite(product.h) ? plain : -product.h);
}

void cbernoulli64_terms(struct rows64_block *b)
{
    struct exp_lanes e;
    struct dd_lanes log;
    folded_exps(&e, b->in[1]);
    for (int l = 0; l < VAE_LANES; l++)
        set_lane(&b->term, l, far_quotient(dd_exp_of(exp_lane_of(&e, l)), fabs(b->in[1][l])));
    lanes_log(&log, &b->term);
    for (int l = 0; l < VAE_LANES; l++) {
        double x = b->in[0][l], logit = b->in[1][l];
        struct folded f = fold(x, logit, exp_lane_of(&e, l));
        struct dd z = dd_prod(logit, logit), centred = dd_sum(x, -0.5);
        struct dd product = dd_guard(dd_mul_by(centred, logit), x * logit);
        product = dd_select(logit == 0.0 && x == x, dd_of(0.0), product);
        struct dd near = dd_guard(dd_sub(product, dd_mul(z, normaliser_poly(z))), product.h);
        set_lane(&b->term, l, dd_select(f.a < CB_NEAR, near, far_term(f, lane_of(&log, l))));
    }
}

void cbernoulli64_grads(struct rows64_block *b)
{
    struct exp_lanes e;
    struct wide_lanes slopes;
    folded_exps(&e, b->in[1]);
    for (int l = 0; l < VAE_LANES; l++) {
        double x = b->in[0][l], logit = b->in[1][l];
        struct folded f = fold(x, logit, exp_lane_of(&e, l));
        struct dd z = dd_prod(logit, logit), t = dd_narrow(f.e);
        struct dd near = dd_sub(dd_sum(x, -0.5), dd_mul_by(mean_poly(z), logit));
        double a = dd_clamp(f.a, CB_NEAR, DBL_MAX);
        struct dd inverse = dd_select(f.a > DBL_MAX, dd_of(0.0), dd_div(dd_of(1.0), dd_of(a)));
        struct dd tail = dd_sub(inverse, dd_div(t, dd_sub(dd_of(1.0), t)));
        struct dd_wide far = slope_of(f, (struct dd_wide){tail, 0.0}, logit);
        struct dd slope = dd_select(f.a < CB_NEAR, dd_guard(near, x + logit), far.v);
        set_wide_lane(&slopes, l, (struct dd_wide){slope, f.a < CB_NEAR ? 0.0 : far.e});
    }
    lanes_add_weighted(b->out[0], b->w, &slopes);
}
