/* SPDX-License-Identifier: BSD-2-Clause
 * KL divergences between Gaussians of diagonal covariance, float64 in double-double. Forms and
 * source: kl32.c.
 */
#include "exact64.h"

/* (exp(x) - 1 - x) / 2, also for infinite x */
DD_INLINE struct dd half_expm1mx(struct dd_exp e, struct dd x)
{
    struct dd_wide g = dd_expm1mx_of(e, x);
    struct dd half = dd_scale(g.v, g.e - 1.0);
    return dd_guard(half, dd_finite(x.h) ? half.h : fabs(x.h));
}

DD_INLINE struct dd_wide half_of(struct dd_wide x)
{
    return (struct dd_wide){x.v, x.e - 1.0};
}

void kl_diag64_terms(struct rows64_block *b)
{
    struct exp_lanes e;
    exps(&e, b->in[1]);
    for (int l = 0; l < VAE_LANES; l++) {
        double mu = b->in[0][l];
        struct dd half = half_expm1mx(exp_lane_of(&e, l), dd_of(b->in[1][l]));
        set_lane(&b->term, l, dd_add_guarded(half, dd_prod(0.5 * mu, mu)));
    }
}

void kl_diag64_grads(struct rows64_block *b)
{
    struct exp_lanes e;
    struct wide_lanes dmu, dlv;
    exps(&e, b->in[1]);
    for (int l = 0; l < VAE_LANES; l++) {
        set_wide_lane(&dmu, l, (struct dd_wide){dd_of(b->in[0][l]), 0.0});
        set_wide_lane(&dlv, l, half_of(dd_expm1_of(exp_lane_of(&e, l))));
    }
    lanes_add_weighted(b->out[0], b->w, &dmu);
    lanes_add_weighted(b->out[1], b->w, &dlv);
}

/* With D = lv_q - lv_p, t = mu_q - mu_p: D, the parts of exp(D), and those of exp(-lv_p) */
struct pair_lanes {
    struct dd_lanes difference;
    struct exp_lanes ratio, scale;
};

static void pair_exps(struct pair_lanes *to, const double *lv_q, const double *lv_p)
{
    struct dd_lanes minus = {.l = {0}};
    for (int l = 0; l < VAE_LANES; l++) {
        struct dd d = dd_sum(lv_q[l], -lv_p[l]);
        set_lane(&to->difference, l, dd_guard(d, d.h));
        minus.h[l] = -lv_p[l];
    }
    lanes_exp(&to->ratio, &to->difference);
    lanes_exp(&to->scale, &minus);
}

/* t exp(-lv_p) and t^2 exp(-lv_p) */
struct pair {
    struct dd_wide slope, square;
};

DD_INLINE struct pair pair_of(double mu_q, double mu_p, double lv_p, struct dd_exp e)
{
    struct dd_wide t = dd_difference(mu_q, mu_p);
    struct dd_wide slope = dd_wide_mul(t, dd_exp_of(e)), square = dd_wide_mul(t, slope);
    double infinite = dd_finite(mu_q) && dd_finite(mu_p) ? 0.0 : mu_q - mu_p;
    double scale = exp_limit(-lv_p);
    scale = infinite == 0.0 ? 1.0 : scale;
    return (struct pair){wide_or(slope, infinite * scale), wide_or(square, infinite * infinite * scale)};
}

void kl_pair64_terms(struct rows64_block *b)
{
    struct pair_lanes e;
    pair_exps(&e, b->in[1], b->in[3]);
    for (int l = 0; l < VAE_LANES; l++) {
        struct pair p = pair_of(b->in[0][l], b->in[2][l], b->in[3][l], exp_lane_of(&e.scale, l));
        struct dd half = half_expm1mx(exp_lane_of(&e.ratio, l), lane_of(&e.difference, l));
        set_lane(&b->term, l, dd_add_guarded(half, dd_narrow(half_of(p.square))));
    }
}

/* -dlv_p */
DD_INLINE struct dd_wide both_of(struct dd_wide dlv, struct dd_wide square)
{
    double infinite = square.v.h + dlv.v.h;
    return wide_or(dd_wide_add(dlv, square), dd_finite(square.v.h) ? dlv.v.h : infinite);
}

void kl_pair64_grads(struct rows64_block *b)
{
    struct pair_lanes e;
    struct wide_lanes slope[ROWS_MATRICES];
    pair_exps(&e, b->in[1], b->in[3]);
    for (int l = 0; l < VAE_LANES; l++) {
        struct pair p = pair_of(b->in[0][l], b->in[2][l], b->in[3][l], exp_lane_of(&e.scale, l));
        struct dd_wide dlv = dd_expm1_of(exp_lane_of(&e.ratio, l)), both = both_of(dlv, p.square);
        set_wide_lane(&slope[0], l, p.slope);
        set_wide_lane(&slope[1], l, half_of(dlv));
        set_wide_lane(&slope[2], l, (struct dd_wide){dd_neg(p.slope.v), p.slope.e});
        set_wide_lane(&slope[3], l, (struct dd_wide){dd_neg(both.v), both.e - 1.0});
    }
    for (int i = 0; i < ROWS_MATRICES; i++)
        lanes_add_weighted(b->out[i], b->w, &slope[i]);
}
