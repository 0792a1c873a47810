/* SPDX-License-Identifier: BSD-2-Clause
 * Gaussian, standard normal and Laplace log-likelihoods, float64 in double-double; t = x - mean.
 *
 *   Gauss:   -(log(2 pi) + lv + t^2 exp(-lv)) / 2;  dmean = t exp(-lv), dlv = (t^2 exp(-lv) - 1) / 2
 *   Normal:  -(log(2 pi) + z^2) / 2;  dz = -z
 *   Laplace: -(log 2 + s + |t| exp(-s));  dmean = sign(t) exp(-s), ds = |t| exp(-s) - 1
 */
#include "exact64.h"

/* t exp(-lv) and t^2 exp(-lv); an infinite t has the limit's sign and size, or NaN where there is none */
struct residual {
    struct dd_wide slope, square;
};

/* exp(-s) */
static void inverse_exps(struct exp_lanes *to, const double *s)
{
    double x[VAE_LANES];
    for (int l = 0; l < VAE_LANES; l++)
        x[l] = -s[l];
    exps(to, x);
}

DD_INLINE struct residual residual_of(double x, double mean, double lv, struct dd_exp e)
{
    struct dd_wide t = dd_difference(x, mean);
    struct dd_wide slope = dd_wide_mul(t, dd_exp_of(e));
    double infinite = dd_finite(x) && dd_finite(mean) ? 0.0 : x - mean;
    double scale = exp_limit(-lv);
    scale = infinite == 0.0 ? 1.0 : scale;
    return (struct residual){
        wide_or(slope, infinite * scale), wide_or(dd_wide_mul(t, slope), infinite * infinite * scale)};
}

/* -(a + b), b >= 0, for a logarithm a: an infinite b wins. */
DD_INLINE struct dd minus_sum(struct dd a, struct dd b)
{
    double plain = b.h > DBL_MAX && a.h == a.h ? b.h : a.h + b.h;
    return dd_guard(dd_neg(dd_add(a, b)), -plain);
}

/* b, or 0 where an infinite scale decides for any numbers x and mean */
DD_INLINE struct dd unless_flat(struct dd b, double x, double mean, double scale)
{
    return dd_select(scale > DBL_MAX && x == x && mean == mean, dd_of(0.0), b);
}

DD_INLINE struct dd_wide wide_minus_one(struct dd_wide x)
{
    struct dd_wide y = dd_wide_add(x, (struct dd_wide){dd_of(-1.0), 0.0});
    return wide_or(y, dd_finite(x.v.h) ? 0.0 : x.v.h);
}

void gauss64_terms(struct rows64_block *b)
{
    struct exp_lanes e;
    inverse_exps(&e, b->in[2]);
    for (int l = 0; l < VAE_LANES; l++) {
        double x = b->in[0][l], mean = b->in[1][l], lv = b->in[2][l];
        struct dd_wide square = residual_of(x, mean, lv, exp_lane_of(&e, l)).square;
        struct dd half = dd_scale(square.v, square.e - 1.0);
        struct dd half_log = dd_guard(dd_times(dd_add(DD_LN2PI, dd_of(lv)), 0.5), 0.5 * lv);
        set_lane(&b->term, l, minus_sum(half_log, unless_flat(half, x, mean, lv)));
    }
}

void gauss64_grads(struct rows64_block *b)
{
    struct exp_lanes e;
    struct wide_lanes dmean, dlv;
    inverse_exps(&e, b->in[2]);
    for (int l = 0; l < VAE_LANES; l++) {
        struct residual r = residual_of(b->in[0][l], b->in[1][l], b->in[2][l], exp_lane_of(&e, l));
        struct dd_wide twice = wide_minus_one(r.square);
        set_wide_lane(&dmean, l, r.slope);
        set_wide_lane(&dlv, l, (struct dd_wide){twice.v, twice.e - 1.0});
    }
    lanes_add_weighted(b->out[0], b->w, &dmean);
    lanes_add_weighted(b->out[1], b->w, &dlv);
}

void std_normal64_terms(struct rows64_block *b)
{
    for (int l = 0; l < VAE_LANES; l++) {
        double z = b->in[0][l];
        struct dd_wide wide = dd_difference(z, 0.0);
        struct dd_wide square = wide_or(dd_wide_mul(wide, wide), dd_finite(z) ? 0.0 : z * z);
        set_lane(&b->term, l, minus_sum(dd_times(DD_LN2PI, 0.5), dd_scale(square.v, square.e - 1.0)));
    }
}

void std_normal64_grads(struct rows64_block *b)
{
    struct wide_lanes dz;
    for (int l = 0; l < VAE_LANES; l++)
        set_wide_lane(&dz, l, wide_or(dd_difference(0.0, b->in[0][l]), 0.0 - b->in[0][l]));
    lanes_add_weighted(b->out[0], b->w, &dz);
}

/* |t| exp(-s) */
DD_INLINE struct dd_wide distance_of(double x, double mean, double s, struct dd_exp e)
{
    struct dd_wide t = dd_difference(x, mean);
    struct dd_wide size = {dd_select(t.v.h < 0.0, dd_neg(t.v), t.v), t.e};
    double infinite = dd_finite(x) && dd_finite(mean) ? 0.0 : fabs(x - mean);
    double scale = exp_limit(-s);
    scale = infinite == 0.0 ? 1.0 : scale;
    return wide_or(dd_wide_mul(size, dd_exp_of(e)), infinite * scale);
}

void laplace64_terms(struct rows64_block *b)
{
    struct exp_lanes e;
    inverse_exps(&e, b->in[2]);
    for (int l = 0; l < VAE_LANES; l++) {
        double x = b->in[0][l], mean = b->in[1][l], s = b->in[2][l];
        struct dd distance = dd_narrow(distance_of(x, mean, s, exp_lane_of(&e, l)));
        struct dd log = dd_guard(dd_add(DD_LN2, dd_of(s)), s);
        set_lane(&b->term, l, minus_sum(log, unless_flat(distance, x, mean, s)));
    }
}

void laplace64_grads(struct rows64_block *b)
{
    struct exp_lanes e;
    struct wide_lanes dmean, dscale;
    inverse_exps(&e, b->in[2]);
    for (int l = 0; l < VAE_LANES; l++) {
        double x = b->in[0][l], mean = b->in[1][l], s = b->in[2][l];
        struct dd_wide slope = dd_exp_of(exp_lane_of(&e, l));
        double t = x - mean, sign = t < 0.0 ? -1.0 : t;
        sign = t > 0.0 ? 1.0 : sign;
        set_wide_lane(&dmean, l, (struct dd_wide){dd_times(slope.v, sign), slope.e});
        set_wide_lane(&dscale, l, wide_minus_one(distance_of(x, mean, s, exp_lane_of(&e, l))));
    }
    lanes_add_weighted(b->out[0], b->w, &dmean);
    lanes_add_weighted(b->out[1], b->w, &dscale);
}
