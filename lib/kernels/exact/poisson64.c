/* SPDX-License-Identifier: BSD-2-Clause
 * Poisson log-likelihood on log rates, float64 in double-double: k eta - exp(eta) - lgamma(k + 1);
 * d eta = k - exp(eta). k need not be whole; below 0 the likelihood is 0, its log -inf.
 *
 * With z = k for k >= 16, else k + 16, and stirlerr(z) the tail of Stirling's series,
 *   k >= 16:   -(log(2 pi k) / 2 + stirlerr(k) + k g(u)), u = eta - log(k), g(u) = exp(u) - 1 - u
 *              (Loader, 2000)
 *   k < 16:    as written, lgamma(k + 1) = (z + 1/2) log z - z + log(2 pi) / 2 + stirlerr(z)
 *              - log((k + 1) ... (k + 16))
 *   k < 2^-16: lgamma(k + 1) by its series at 0
 */
#include "exact64.h"

#define SHIFT 16

/* sum of B_2n / (2n (2n - 1) z^(2n - 1)), z >= 16 */
DD_INLINE struct dd stirlerr(struct dd z)
{
    struct dd v = dd_div(dd_of(1.0), z);
    double s = v.h * v.h, t = -0x1.6476701181f3ap+0;
    t = fma(t, s, 0x1.6fe96381e0680p-3);
    t = fma(t, s, -0x1.e4286cb0f5398p-6);
    t = fma(t, s, 0x1.a41a41a41a41ap-8);
    t = fma(t, s, -0x1.f6ab0d9993c7dp-10);
    t = fma(t, s, 0x1.b951e2b18ff23p-11);
    t = fma(t, s, -0x1.3813813813814p-11);
    t = fma(t, s, 0x1.a01a01a01a01ap-11);
    t = fma(t, s, -0x1.6c16c16c16c17p-9);
    struct dd p = dd_add((struct dd){0x1.5555555555555p-4, 0x1.5555555555555p-58}, dd_of(s * t));
    return dd_mul(p, v);
}

/* lgamma(k + 1) for 0 <= k < 2^-16 */
DD_INLINE struct dd lgamma_near(double k)
{
    double t = -k * fma(-k, 0x1.151322ac7d848p-2, 0x1.9a4d55beab2d7p-2);
    struct dd p = dd_mul_by(dd_add((struct dd){0x1.a51a6625307d3p-1, 0x1.1873d8912200cp-56}, dd_of(t)), k);
    return dd_mul_by(dd_add((struct dd){-0x1.2788cfc6fb619p-1, 0x1.6cb90701fbfabp-58}, p), k);
}

/* (k + 1) ... (k + 16); (k + i) (k + 17 - i) = k (k + 17) + i (17 - i) */
DD_INLINE struct dd shift_product(double k)
{
    static const double product[SHIFT / 2] = {16.0, 30.0, 42.0, 52.0, 60.0, 66.0, 70.0, 72.0};
    struct dd q = dd_mul_by(dd_sum(k, 17.0), k), p = dd_add(q, dd_of(product[0]));
    DD_UNROLL
    for (int i = 1; i < SHIFT / 2; i++)
        p = dd_mul(p, dd_add(q, dd_of(product[i])));
    return p;
}

DD_INLINE double small_of(double k)
{
    return dd_clamp(k, 0.0, (double)SHIFT);
}

DD_INLINE double large_of(double k)
{
    return dd_clamp(k, (double)SHIFT, DBL_MAX);
}

DD_INLINE struct dd shifted(double k)
{
    return dd_select(k < SHIFT, dd_sum((double)SHIFT, small_of(k)), dd_of(large_of(k)));
}

/* Steps of a term, a loop each: in one, gcc finds too many conditions to turn into selections. */

static void logs(struct dd_lanes *restrict log_z, const double *restrict count)
{
    struct dd_lanes z;
    for (int l = 0; l < VAE_LANES; l++)
        set_lane(&z, l, shifted(count[l]));
    lanes_log(log_z, &z);
}

/* log(2 pi z) / 2 + stirlerr(z) */
static void stirling_rests(
    struct dd_lanes *restrict to, const struct dd_lanes *restrict log_z, const double *restrict count)
{
    for (int l = 0; l < VAE_LANES; l++) {
        struct dd half = dd_times(dd_add(lane_of(log_z, l), DD_LN2PI), 0.5);
        set_lane(to, l, dd_add(half, stirlerr(shifted(count[l]))));
    }
}

/* lgamma(k + 1), k in [0, 16) */
static void lgammas(struct dd_lanes *restrict to, const struct dd_lanes *restrict log_z,
    const struct dd_lanes *restrict rest, const double *restrict count)
{
    struct dd_lanes product, log_shift;
    for (int l = 0; l < VAE_LANES; l++)
        set_lane(&product, l, shift_product(small_of(count[l])));
    lanes_log(&log_shift, &product);
    for (int l = 0; l < VAE_LANES; l++) {
        double k = small_of(count[l]);
        struct dd z = shifted(count[l]), log = lane_of(log_z, l);
        struct dd stirling = dd_add(dd_sub(dd_mul(z, log), z), lane_of(rest, l));
        struct dd far = dd_sub(stirling, lane_of(&log_shift, l));
        set_lane(to, l, dd_select(k < 0x1p-16, lgamma_near(k), far));
    }
}

/* k eta - exp(eta) - lgamma(k + 1), k in [0, 16) */
static void small_counts(struct dd_lanes *restrict to, const struct dd_lanes *restrict lgamma,
    const double *restrict count, const double *restrict lograte)
{
    struct exp_lanes e;
    exps(&e, lograte);
    for (int l = 0; l < VAE_LANES; l++) {
        double k = small_of(count[l]), eta = lograte[l];
        struct dd linear = dd_select(k == 0.0, dd_of(0.0), dd_prod(k, eta)),
                  rate = dd_narrow(dd_exp_of(exp_lane_of(&e, l)));
        struct dd sum = dd_sub(dd_sub(linear, rate), lane_of(lgamma, l));
        double plain = k * eta;
        plain = plain > DBL_MAX ? DBL_MAX : plain; /* an infinite rate wins */
        plain = k == 0.0 ? 0.0 : plain;
        set_lane(to, l, dd_guard(sum, plain - rate.h));
    }
}

/* -(log(2 pi k) / 2 + stirlerr(k) + k g(eta - log(k))), k >= 16 */
static void large_counts(struct dd_lanes *restrict to, const struct dd_lanes *restrict log_z,
    const struct dd_lanes *restrict rests, const double *restrict count, const double *restrict lograte)
{
    struct dd_lanes below;
    struct exp_lanes e;
    for (int l = 0; l < VAE_LANES; l++) {
        struct dd log_k = lane_of(log_z, l);
        set_lane(&below, l, dd_guard(dd_sub(dd_of(lograte[l]), log_k), lograte[l] - log_k.h));
    }
    lanes_exp(&e, &below);
    for (int l = 0; l < VAE_LANES; l++) {
        double k = large_of(count[l]);
        struct dd u = lane_of(&below, l), rest = lane_of(rests, l);
        struct dd_wide g = dd_expm1mx_of(exp_lane_of(&e, l), u);
        struct dd loss = dd_narrow(dd_wide_mul(dd_wide_of(k), dd_normalise(g.v, g.e)));
        loss = dd_guard(loss, dd_finite(u.h) ? loss.h : fabs(u.h));
        set_lane(to, l, dd_guard(dd_neg(dd_add(rest, loss)), -(rest.h + loss.h)));
    }
}

void poisson64_terms(struct rows64_block *b)
{
    struct dd_lanes log_z, rest, small, large;
    logs(&log_z, b->in[0]);
    stirling_rests(&rest, &log_z, b->in[0]);
    lgammas(&large, &log_z, &rest, b->in[0]);
    small_counts(&small, &large, b->in[0], b->in[1]);
    large_counts(&large, &log_z, &rest, b->in[0], b->in[1]);
    for (int l = 0; l < VAE_LANES; l++) {
        double k = b->in[0][l], eta = b->in[1][l];
        double h = k < SHIFT ? small.h[l] : large.h[l], low = k < SHIFT ? small.l[l] : large.l[l];
        int outside = k < 0.0 || k > DBL_MAX;
        set_lane(&b->term, l, dd_guard((struct dd){h, low}, outside && eta == eta ? -DD_INF : h + (k - k)));
    }
}

void poisson64_grads(struct rows64_block *b)
{
    struct exp_lanes e;
    struct wide_lanes slopes;
    exps(&e, b->in[1]);
    for (int l = 0; l < VAE_LANES; l++) {
        double k = b->in[0][l], eta = b->in[1][l];
        struct dd_wide rate = dd_exp_of(exp_lane_of(&e, l)), count = dd_wide_of(k);
        struct dd_wide slope = dd_wide_add(count, (struct dd_wide){dd_neg(rate.v), rate.e});
        double infinite = fabs(k) > DBL_MAX ? k : 0.0;
        infinite = infinite > 0.0 && eta > DBL_MAX ? infinite - eta : infinite;
        set_wide_lane(&slopes, l, wide_or(slope, infinite));
    }
    lanes_add_weighted(b->out[0], b->w, &slopes);
}
