/* SPDX-License-Identifier: BSD-2-Clause
 * KL(N(mu_q, L_q L_q') || N(mu_p, L_p L_p')) from Cholesky factors, exact float32.
 *
 * With L_p N = L_q - L_p, L_p y = mu_q - mu_p and u = diag N, every term of the value is >= 0:
 *
 *   (sum_{i>j} N_ij^2 + sum (u^2 + 2 (u - log1p u)) + y'y) / 2
 *   dmu_q = -dmu_p = L_p^-T y
 *   dL_q = tril(L_p^-T (I + N)) - diag(1 / L_q),
 *          on the diagonal u (2 + u) / L_q,ii + sum_{k>i} (L_p^-T)_ik N_ki
 *   dL_p = -tril(L_p^-T (N + N' + N N' + y y'))
 *
 * Only lower triangles are formed. Every solved element saturates, so that no later product or sum can
 * overflow: finite input gives no NaN. Loops run along rows; no sum of them is split, and their order is that
 * of the text.
 *
 * Worst error on the 24 cases of the vectors, d up to 32, nearly equal and narrow factors among them: 0.48
 * ULP of the value, 4.1e-8 of the norm in every gradient (tests/unit/test_vectors32.c).
 */
#include "exact32.h"

/* Its square, summed over any matrix that fits into memory, is finite, and so is it divided by a float32. */
#define SATURATED 0x1p480

struct full {
    size_t d, ldp;
    const float *lp;
    double *n, *nt, *m; /* [d][d]: N, its transpose, scratch */
    double *y, *row;    /* [d], [d + 16] */
};

/* to -= factor from, `count` elements */
static inline void subtract(double *restrict to, double factor, const double *restrict from, size_t count)
{
    for (size_t j = 0; j < count; j++)
        to[j] = fma(-factor, from[j], to[j]);
}

static inline void divide(double *row, double by, size_t count)
{
    for (size_t j = 0; j < count; j++)
        row[j] = m64_clamp(SATURATED, row[j] / by);
}

static void solve_forward(
    const struct full *f, const float *lq, size_t ldq, const float *mu_q, const float *mu_p)
{
    for (size_t i = 0; i < f->d; i++) {
        const float *lp = f->lp + i * f->ldp;
        double *row = f->n + i * f->d;
        for (size_t j = 0; j <= i; j++)
            row[j] = (double)lq[i * ldq + j] - (double)lp[j];
        f->y[i] = (double)mu_q[i] - (double)mu_p[i];
        for (size_t k = 0; k < i; k++) {
            subtract(row, lp[k], f->n + k * f->d, k + 1);
            subtract(f->y + i, lp[k], f->y + k, 1);
        }
        divide(row, lp[i], i + 1);
        divide(f->y + i, lp[i], 1);
    }
}

static void add_squares(const struct full *f, double lanes[VAE_LANES], const double *x, size_t count)
{
    for (size_t j = 0; j < count; j++)
        f->row[j] = x[j] * x[j];
    for (size_t j = count; j % VAE_LANES; j++)
        f->row[j] = 0.0;
    lanes_add(lanes, f->row, count);
}

static double divergence(const struct full *f, const float *lq, size_t ldq)
{
    double lanes[VAE_LANES] = {0};
    for (size_t i = 0; i < f->d; i++) {
        double u = f->n[i * f->d + i];
        add_squares(f, lanes, f->n + i * f->d, i + 1);
        lanes[i % VAE_LANES] += 2.0 * m64_xmlog1p(u, (double)lq[i * ldq + i] / (double)f->lp[i * f->ldp + i]);
    }
    add_squares(f, lanes, f->y, f->d);
    double sum = 0.5 * lanes_sum_by_tree(lanes);
    return sum > M64_SUM_MAX ? (double)INFINITY : sum;
}

/* x = L_p^-T x in place for the lower triangle of x; rest[i] (or NULL) is what row i's diagonal owes to the
 * rows below. */
static void solve_backward(const struct full *f, double *x, double *rest)
{
    for (size_t i = f->d; i-- > 0;) {
        double *row = x + i * f->d, by = f->lp[i * f->ldp + i];
        memset(f->row, 0, (i + 1) * sizeof *row);
        for (size_t k = i + 1; k < f->d; k++)
            subtract(f->row, f->lp[k * f->ldp + i], x + k * f->d, i + 1);
        if (rest)
            rest[i] = m64_clamp(SATURATED, f->row[i] / by);
        for (size_t j = 0; j <= i; j++)
            row[j] += f->row[j];
        divide(row, by, i + 1);
    }
}

static void grad_means(const struct full *f, double w, float *gmu_q, float *gmu_p)
{
    double *v = f->row;
    for (size_t i = f->d; i-- > 0;) {
        v[i] = f->y[i];
        for (size_t k = i + 1; k < f->d; k++)
            v[i] = fma(-(double)f->lp[k * f->ldp + i], v[k], v[i]);
        divide(v + i, f->lp[i * f->ldp + i], 1);
    }
    for (size_t i = 0; i < f->d && gmu_q; i++)
        gmu_q[i] = add_grad(gmu_q[i], w, v[i]);
    for (size_t i = 0; i < f->d && gmu_p; i++)
        gmu_p[i] = add_grad(gmu_p[i], w, -v[i]);
}

static void grad_chol_q(const struct full *f, const float *lq, size_t ldq, double w, float *g, size_t ldg)
{
    double *rest = f->nt; /* free as yet */
    memcpy(f->m, f->n, f->d * f->d * sizeof *f->m);
    solve_backward(f, f->m, rest);
    for (size_t i = 0; i < f->d; i++) {
        double u = f->n[i * f->d + i], own = m64_clamp(SATURATED, u * (2.0 + u) / (double)lq[i * ldq + i]);
        f->m[i * f->d + i] = own + rest[i];
        for (size_t j = 0; j <= i; j++)
            g[i * ldg + j] = add_grad(g[i * ldg + j], w, f->m[i * f->d + j]);
    }
}

/* m = N + N' + N N' + y y', lower triangle */
static void form_inner(const struct full *f)
{
    for (size_t i = 0; i < f->d; i++)
        for (size_t j = 0; j <= i; j++)
            f->nt[j * f->d + i] = f->n[i * f->d + j];
    for (size_t i = 0; i < f->d; i++) {
        const double *n = f->n + i * f->d;
        double *row = f->m + i * f->d;
        memcpy(row, n, (i + 1) * sizeof *row);
        row[i] += n[i];
        for (size_t k = 0; k <= i; k++)
            subtract(row + k, -n[k], f->nt + k * f->d + k, i + 1 - k);
        subtract(row, -f->y[i], f->y, i + 1);
        divide(row, 1.0, i + 1);
    }
}

static void grad_chol_p(const struct full *f, double w, float *g, size_t ldg)
{
    form_inner(f);
    solve_backward(f, f->m, NULL);
    for (size_t i = 0; i < f->d; i++)
        for (size_t j = 0; j <= i; j++)
            g[i * ldg + j] = add_grad(g[i * ldg + j], w, -f->m[i * f->d + j]);
}

void kl_full32(size_t d, const float *mu_q, const float *chol_q, size_t ldq, const float *mu_p,
    const float *chol_p, size_t ldp, void *work, float w, double *value, float *gmu_q, float *gchol_q,
    size_t ldgq, float *gmu_p, float *gchol_p, size_t ldgp)
{
    double *base = (double *)(((uintptr_t)work + sizeof(double) - 1) & ~(uintptr_t)(sizeof(double) - 1));
    struct full f = {
        d, ldp, chol_p, base, base + d * d, base + 2 * d * d, base + 3 * d * d, base + 3 * d * d + d};
    if (d == 0) {
        if (value)
            *value = 0.0;
        return;
    }
    solve_forward(&f, chol_q, ldq, mu_q, mu_p);
    if (value)
        *value = divergence(&f, chol_q, ldq);
    if (gmu_q || gmu_p)
        grad_means(&f, w, gmu_q, gmu_p);
    if (gchol_q)
        grad_chol_q(&f, chol_q, ldq, w, gchol_q, ldgq);
    if (gchol_p)
        grad_chol_p(&f, w, gchol_p, ldgp);
}
