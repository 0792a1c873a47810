/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 4. KL divergences between Gaussians of diagonal covariance, float64 in double-double. Forms and
 * source: exact32_kl.c.
 */
#include "exact64.h"

/* (exp(x) - 1 - x) / 2, also for infinite x */
DD_INLINE struct dd half_expm1mx(struct dd_exp e, struct dd x)
{
    struct dd_wide g = dd_expm1mx_of(e, x);
    struct dd half = dd_scale(g.v, g.e - 1.0);
    return dd_guard(half, dd_finite(x.h) ? half.h : fabs(x.h));
}

static void diag_term(struct rows64_block *b)
{
    for (int l = 0; l < VAE_LANES; l++) {
        double mu = b->in[0][l];
        struct dd x = dd_of(b->in[1][l]);
        struct dd term = dd_add_guarded(half_expm1mx(dd_exp_parts(x), x), dd_prod(0.5 * mu, mu));
        b->term_h[l] = term.h;
        b->term_l[l] = term.l;
    }
}

static void diag_grad(struct rows64_block *b)
{
    const double w = b->w;
    for (int l = 0; l < VAE_LANES; l++) {
        struct dd_wide dlv = dd_expm1_of(dd_exp_parts(dd_of(b->in[1][l])));
        dlv.e -= 1.0;
        b->out[0][l] = dd_add_weighted(b->out[0][l], w, (struct dd_wide){dd_of(b->in[0][l]), 0.0});
        b->out[1][l] = dd_add_weighted(b->out[1][l], w, dlv);
    }
}

void K(kl_diag64)(size_t n, size_t d, const double *mu, size_t ldmu, const double *logvar, size_t ldlogvar,
    const double *w, double *value, double *gmu, size_t ldgmu, double *glogvar, size_t ldglogvar)
{
    K(rows64_run)
    (&(struct rows64_job){.n = n,
        .d = d,
        .w = w,
        .value = value,
        .term = diag_term,
        .grad = diag_grad,
        .inputs = 2,
        .in = {mu, logvar},
        .ld_in = {ldmu, ldlogvar},
        .outputs = 2,
        .out = {gmu, glogvar},
        .ld_out = {ldgmu, ldglogvar}});
}

/* D = lv_q - lv_p, t = mu_q - mu_p: t exp(-lv_p) and t^2 exp(-lv_p) */
struct pair {
    struct dd difference;
    struct dd_wide slope, square;
};

DD_INLINE struct pair pair_of(double mu_q, double lv_q, double mu_p, double lv_p)
{
    struct dd d = dd_sum(lv_q, -lv_p);
    d.l = dd_finite(d.h) ? d.l : 0.0;
    struct dd_wide t = dd_difference(mu_q, mu_p);
    struct dd_wide slope = dd_wide_mul(t, dd_exp(dd_of(-lv_p))), square = dd_wide_mul(t, slope);
    double infinite = dd_finite(mu_q) && dd_finite(mu_p) ? 0.0 : mu_q - mu_p;
    double scale = exp_limit(-lv_p);
    scale = infinite == 0.0 ? 1.0 : scale;
    return (struct pair){d, wide_or(slope, infinite * scale), wide_or(square, infinite * infinite * scale)};
}

static void pair_term(struct rows64_block *b)
{
    for (int l = 0; l < VAE_LANES; l++) {
        struct pair p = pair_of(b->in[0][l], b->in[1][l], b->in[2][l], b->in[3][l]);
        struct dd square = dd_scale(p.square.v, p.square.e - 1.0);
        struct dd term = dd_add_guarded(half_expm1mx(dd_exp_parts(p.difference), p.difference), square);
        b->term_h[l] = term.h;
        b->term_l[l] = term.l;
    }
}

static void pair_grad(struct rows64_block *b)
{
    const double w = b->w;
    for (int l = 0; l < VAE_LANES; l++) {
        struct pair p = pair_of(b->in[0][l], b->in[1][l], b->in[2][l], b->in[3][l]);
        struct dd_wide dlv = dd_expm1_of(dd_exp_parts(p.difference)), both = dd_wide_add(dlv, p.square);
        both = wide_or(both, dd_finite(p.square.v.h) ? dlv.v.h : p.square.v.h + dlv.v.h);
        struct dd_wide dlv_q = {dlv.v, dlv.e - 1.0}, dlv_p = {dd_neg(both.v), both.e - 1.0};
        struct dd_wide dmu_p = {dd_neg(p.slope.v), p.slope.e};
        b->out[0][l] = dd_add_weighted(b->out[0][l], w, p.slope);
        b->out[1][l] = dd_add_weighted(b->out[1][l], w, dlv_q);
        b->out[2][l] = dd_add_weighted(b->out[2][l], w, dmu_p);
        b->out[3][l] = dd_add_weighted(b->out[3][l], w, dlv_p);
    }
}

void K(kl_pair64)(size_t n, size_t d, const double *mu_q, size_t ldmu_q, const double *logvar_q,
    size_t ldlogvar_q, const double *mu_p, size_t ldmu_p, const double *logvar_p, size_t ldlogvar_p,
    const double *w, double *value, double *gmu_q, size_t ldgmu_q, double *glogvar_q, size_t ldglogvar_q,
    double *gmu_p, size_t ldgmu_p, double *glogvar_p, size_t ldglogvar_p)
{
    K(rows64_run)
    (&(struct rows64_job){.n = n,
        .d = d,
        .w = w,
        .value = value,
        .term = pair_term,
        .grad = pair_grad,
        .inputs = 4,
        .in = {mu_q, logvar_q, mu_p, logvar_p},
        .ld_in = {ldmu_q, ldlogvar_q, ldmu_p, ldlogvar_p},
        .outputs = 4,
        .out = {gmu_q, glogvar_q, gmu_p, glogvar_p},
        .ld_out = {ldgmu_q, ldglogvar_q, ldgmu_p, ldglogvar_p}});
}
