/* SPDX-License-Identifier: BSD-2-Clause
 * KL(N(mu_q, L_q L_q') || N(mu_p, L_p L_p')) from Cholesky factors, float64 in double-double. Forms:
 * klfull32.c.
 *
 * Rows are first scaled by the powers of two that bring L_p's diagonal into [1, 2), which changes no value
 * and makes units of any size safe. Every solved element then saturates at 2^500, so that no later product or
 * sum overflows: finite input gives no NaN. A slope above 2^498 times its row's unit, and a divergence above
 * 2^998, count as infinite.
 */
#include "exact64.h"

#define SATURATED 0x1p500
#define INFINITE 0x1p498
#define VALUE_MAX 0x1p998

/* g + w x, not inlined */
static double add_weighted(double g, double w, struct dd_wide x)
{
    return dd_add_weighted(g, w, x);
}

/* A vector or matrix, high and low parts apart so that loops along it vectorise */
struct parts {
    double *h, *l;
};

struct full {
    size_t d;
    double *lp;            /* [d][d], rows scaled */
    double *exponent;      /* [d]: row i was multiplied by 2^-exponent[i] */
    struct parts n, nt, m; /* [d][d]: N, its transpose, scratch */
    struct parts y, row;   /* [d], [d + 16] */
};

DD_INLINE struct dd at(struct parts p, size_t i)
{
    return (struct dd){p.h[i], p.l[i]};
}

DD_INLINE void put(struct parts p, size_t i, struct dd x)
{
    p.h[i] = x.h;
    p.l[i] = x.l;
}

static struct parts from(struct parts p, size_t offset)
{
    return (struct parts){p.h + offset, p.l + offset};
}

DD_INLINE struct dd saturate(struct dd x)
{
    return (struct dd){dd_clamp(x.h, -SATURATED, SATURATED), fabs(x.h) > SATURATED ? 0.0 : x.l};
}

/* x 2^-e within +-SATURATED, exactly but for what underflows */
static double scaled(double x, double e)
{
    struct dd_wide v = dd_wide_of(x);
    return saturate(dd_of(dd_finite(x) ? dd_scale(v.v, v.e - e).h : x)).h;
}

/* The slope of what was scaled by 2^-e; infinite where something may have saturated */
DD_INLINE struct dd_wide unscaled(struct dd x, double e)
{
    return fabs(x.h) > INFINITE ? (struct dd_wide){dd_of(x.h > 0.0 ? DD_INF : -DD_INF), 0.0}
                                : (struct dd_wide){x, -e};
}

/* to -= factor source, `count` elements */
static void subtract(struct parts to, struct dd factor, struct parts source, size_t count)
{
    double *restrict h = to.h, *restrict l = to.l;
    const double *restrict sh = source.h, *restrict sl = source.l;
    for (size_t j = 0; j < count; j++) {
        struct dd x = dd_sub((struct dd){h[j], l[j]}, dd_mul((struct dd){sh[j], sl[j]}, factor));
        h[j] = x.h;
        l[j] = x.l;
    }
}

static void divide(struct parts row, double by, size_t count)
{
    for (size_t j = 0; j < count; j++)
        put(row, j, saturate(dd_div(at(row, j), dd_of(by))));
}

static void scale_rows(const struct full *f, const double *lp, size_t ldp)
{
    for (size_t i = 0; i < f->d; i++) {
        f->exponent[i] = dd_wide_of(lp[i * ldp + i]).e;
        for (size_t j = 0; j <= i; j++)
            f->lp[i * f->d + j] = scaled(lp[i * ldp + j], f->exponent[i]);
    }
}

static void solve_forward(
    const struct full *f, const double *lq, size_t ldq, const double *mu_q, const double *mu_p)
{
    for (size_t i = 0; i < f->d; i++) {
        const double *lp = f->lp + i * f->d;
        struct parts row = from(f->n, i * f->d);
        for (size_t j = 0; j <= i; j++)
            put(row, j, dd_sum(scaled(lq[i * ldq + j], f->exponent[i]), -lp[j]));
        struct dd_wide t = dd_difference(mu_q[i], mu_p[i]);
        double plain = mu_q[i] - mu_p[i];
        struct dd y = dd_scale(t.v, t.e - f->exponent[i]);
        put(f->y, i, saturate(dd_finite(mu_q[i]) && dd_finite(mu_p[i]) ? y : dd_of(plain)));
        for (size_t k = 0; k < i; k++) {
            subtract(row, dd_of(lp[k]), from(f->n, k * f->d), k + 1);
            subtract(from(f->y, i), dd_of(lp[k]), from(f->y, k), 1);
        }
        divide(row, lp[i], i + 1);
        divide(from(f->y, i), lp[i], 1);
    }
}

/* The squares of a row, sixteen lanes */
static void add_squares(struct rows64_sum *sum, struct parts x, size_t count)
{
    struct dd_lanes squares = {{0}, {0}};
    for (size_t j = 0; j < count; j += VAE_LANES) {
        size_t left = count - j < VAE_LANES ? count - j : VAE_LANES;
        for (size_t i = 0; i < left; i++)
            set_lane(&squares, (int)i, dd_mul(at(x, j + i), at(x, j + i)));
        rows64_add(sum, &squares, left, 1.0);
    }
}

/* 2 (u - log1p(u)) for u = N_ii, 1 + u = L_q,ii / L_p,ii, of up to sixteen rows from i on */
static void twice_excess(struct dd_lanes *to, const struct full *f, const double *lq, size_t ldq, size_t i)
{
    struct wide_lanes ratio = {.e = {0}};
    struct dd_lanes log, u = {.h = {0}};
    for (int l = 0; l < VAE_LANES && i + (size_t)l < f->d; l++) {
        size_t row = i + (size_t)l;
        struct dd_wide diagonal = dd_wide_of(lq[row * ldq + row]);
        diagonal.v = dd_div(diagonal.v, dd_of(f->lp[row * f->d + row]));
        set_wide_lane(&ratio, l, (struct dd_wide){diagonal.v, diagonal.e - f->exponent[row]});
        set_lane(&u, l, at(f->n, row * f->d + row));
    }
    lanes_log(&log, &ratio.v);
    for (int l = 0; l < VAE_LANES; l++) {
        struct dd log1p = dd_add(dd_mul_by(DD_LN2, ratio.e[l]), lane_of(&log, l));
        set_lane(to, l, dd_times(dd_xmlog1p(lane_of(&u, l), log1p), 2.0));
    }
}

static double divergence(const struct full *f, const double *lq, size_t ldq)
{
    struct rows64_sum sum = {.odd = {0}};
    struct dd_lanes excess;
    for (size_t i = 0; i < f->d; i++) {
        size_t l = i % VAE_LANES;
        if (l == 0)
            twice_excess(&excess, f, lq, ldq, i);
        struct dd_lanes term = {{excess.h[l]}, {excess.l[l]}};
        add_squares(&sum, from(f->n, i * f->d), i + 1);
        rows64_add(&sum, &term, 1, 1.0);
    }
    add_squares(&sum, f->y, f->d);
    struct dd total = rows64_total(&sum);
    double value = 0.5 * (total.h + total.l);
    return value > VALUE_MAX ? DD_INF : value;
}

/* x = L_p^-T x in place for the lower triangle of x, L_p scaled; rest (or NULL): [d] of what row i's diagonal
 * owes to the rows below. */
static void solve_backward(const struct full *f, struct parts x, const struct parts *rest)
{
    for (size_t i = f->d; i-- > 0;) {
        struct parts row = from(x, i * f->d);
        double by = f->lp[i * f->d + i];
        memset(f->row.h, 0, (i + 1) * sizeof(double));
        memset(f->row.l, 0, (i + 1) * sizeof(double));
        for (size_t k = i + 1; k < f->d; k++)
            subtract(f->row, dd_of(f->lp[k * f->d + i]), from(x, k * f->d), i + 1);
        if (rest)
            put(*rest, i, saturate(dd_div(at(f->row, i), dd_of(by))));
        for (size_t j = 0; j <= i; j++)
            put(row, j, dd_add(at(row, j), at(f->row, j)));
        divide(row, by, i + 1);
    }
}

static void grad_means(const struct full *f, double w, double *gmu_q, double *gmu_p)
{
    for (size_t i = f->d; i-- > 0;) {
        put(f->row, i, at(f->y, i));
        for (size_t k = i + 1; k < f->d; k++)
            subtract(from(f->row, i), dd_of(f->lp[k * f->d + i]), from(f->row, k), 1);
        divide(from(f->row, i), f->lp[i * f->d + i], 1);
    }
    for (size_t i = 0; i < f->d; i++) {
        struct dd_wide slope = unscaled(at(f->row, i), f->exponent[i]);
        if (gmu_q)
            gmu_q[i] = add_weighted(gmu_q[i], w, slope);
        if (gmu_p)
            gmu_p[i] = add_weighted(gmu_p[i], -w, slope);
    }
}

/* Of its own row, the diagonal of dL_q has u (2 + u) / L_q,ii. */
static struct dd_wide own_slope(double lq, struct dd u)
{
    struct dd_wide diagonal = dd_wide_of(lq), product = dd_normalise(dd_mul(u, dd_add(dd_of(2.0), u)), 0.0);
    return (struct dd_wide){dd_div(product.v, diagonal.v), product.e - diagonal.e};
}

static void grad_chol_q(const struct full *f, const double *lq, size_t ldq, double w, double *g, size_t ldg)
{
    struct parts rest = f->nt; /* free as yet */
    memcpy(f->m.h, f->n.h, f->d * f->d * sizeof(double));
    memcpy(f->m.l, f->n.l, f->d * f->d * sizeof(double));
    solve_backward(f, f->m, &rest);
    for (size_t i = 0; i < f->d; i++) {
        double e = f->exponent[i];
        for (size_t j = 0; j < i; j++)
            g[i * ldg + j] = add_weighted(g[i * ldg + j], w, unscaled(at(f->m, i * f->d + j), e));
        struct dd_wide below = dd_normalise(at(rest, i), -e);
        struct dd_wide own = own_slope(lq[i * ldq + i], at(f->n, i * f->d + i));
        g[i * ldg + i] = add_weighted(g[i * ldg + i], w, dd_wide_add(own, below));
    }
}

/* m = N + N' + N N' + y y', lower triangle */
static void form_inner(const struct full *f)
{
    for (size_t i = 0; i < f->d; i++)
        for (size_t j = 0; j <= i; j++)
            put(f->nt, j * f->d + i, at(f->n, i * f->d + j));
    for (size_t i = 0; i < f->d; i++) {
        struct parts n = from(f->n, i * f->d), row = from(f->m, i * f->d);
        memcpy(row.h, n.h, (i + 1) * sizeof(double));
        memcpy(row.l, n.l, (i + 1) * sizeof(double));
        put(row, i, dd_times(at(row, i), 2.0));
        for (size_t k = 0; k <= i; k++)
            subtract(from(row, k), dd_neg(at(n, k)), from(f->nt, k * f->d + k), i + 1 - k);
        subtract(row, dd_neg(at(f->y, i)), f->y, i + 1);
        divide(row, 1.0, i + 1);
    }
}

static void grad_chol_p(const struct full *f, double w, double *g, size_t ldg)
{
    form_inner(f);
    solve_backward(f, f->m, NULL);
    for (size_t i = 0; i < f->d; i++)
        for (size_t j = 0; j <= i; j++) {
            struct dd_wide slope = unscaled(at(f->m, i * f->d + j), f->exponent[i]);
            g[i * ldg + j] = add_weighted(g[i * ldg + j], -w, slope);
        }
}

static struct parts take(double **base, size_t count)
{
    struct parts p = {*base, *base + count};
    *base += 2 * count;
    return p;
}

void kl_full64(size_t d, const double *mu_q, const double *chol_q, size_t ldq, const double *mu_p,
    const double *chol_p, size_t ldp, void *work, double w, double *value, double *gmu_q, double *gchol_q,
    size_t ldgq, double *gmu_p, double *gchol_p, size_t ldgp)
{
    double *base = (double *)(((uintptr_t)work + sizeof(double) - 1) & ~(uintptr_t)(sizeof(double) - 1));
    struct full f = {.d = d};
    f.n = take(&base, d * d);
    f.nt = take(&base, d * d);
    f.m = take(&base, d * d);
    f.y = take(&base, d);
    f.row = take(&base, d);
    f.lp = base;
    f.exponent = base + d * d;
    if (d) {
        scale_rows(&f, chol_p, ldp);
        solve_forward(&f, chol_q, ldq, mu_q, mu_p);
    }
    if (value)
        *value = divergence(&f, chol_q, ldq);
    if (gmu_q || gmu_p)
        grad_means(&f, w, gmu_q, gmu_p);
    if (gchol_q)
        grad_chol_q(&f, chol_q, ldq, w, gchol_q, ldgq);
    if (gchol_p)
        grad_chol_p(&f, w, gchol_p, ldgp);
}
