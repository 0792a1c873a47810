/* SPDX-License-Identifier: BSD-2-Clause
 * KL divergences between Gaussians of diagonal covariance, exact float32. Kingma & Welling,
 * arXiv:1312.6114, appendix B; with g(x) = exp(x) - 1 - x, which is computed without cancellation, every sum
 * has terms >= 0.
 *
 *   to N(0, I):  sum (mu^2 + g(lv)) / 2;  dmu = mu, dlv = expm1(lv) / 2
 *   of a pair:   sum (t^2 + g(D)) / 2,  t = (mu_q - mu_p) exp(-lv_p / 2),  D = lv_q - lv_p;
 *                dmu_q = -dmu_p = t exp(-lv_p / 2), dlv_q = expm1(D) / 2, dlv_p = -(expm1(D) + t^2) / 2
 *
 * Worst error: 0.50001 ULP in every output on 4.1e6 random points each (tests/unit/test_dense32.c), 0.50 in
 * rows of up to 1,000 elements; dlv_p, where it cancels, 2^-28.1 of its largest term, which is its own
 * rounding.
 */
#include "exact32.h"

BLOCK diag16(const float *restrict mu, const float *restrict lv, const double *restrict w,
    double *restrict term, float *restrict gmu, float *restrict glv, int value, int grad)
{
    for (int l = 0; l < VAE_LANES; l++) {
        double m = mu[l], x = m64_at_most(M64_EXP_MAX, lv[l]);
        struct m64_exp e = m64_exp_parts(m64_at_least(-M64_EXP_MAX, x));
        if (value)
            term[l] = 0.5 * fma(m, m, m64_expm1mx_of(e, x));
        if (grad) {
            gmu[l] = add_grad(gmu[l], w[l], m);
            glv[l] = add_grad(glv[l], w[l], 0.5 * m64_expm1_of(e));
        }
    }
}

BLOCK diag_block(const struct rows32_tile *t, size_t at, int value, int grad)
{
    diag16(t->in[0] + at, t->in[1] + at, t->weight + at, value ? t->term + at : NULL,
        grad ? t->out[0] + at : NULL, grad ? t->out[1] + at : NULL, value, grad);
}
ROWS_BLOCKS(kl_diag32_blocks, diag_block)

struct pair_in {
    const float *mu_q, *lv_q, *mu_p, *lv_p;
    const double *w;
};

BLOCK pair16(struct pair_in in, double *restrict term, float *restrict gmu_q, float *restrict glv_q,
    float *restrict gmu_p, float *restrict glv_p, int value, int grad)
{
    for (int l = 0; l < VAE_LANES; l++) {
        double x = m64_at_most(M64_EXP_MAX, (double)in.lv_q[l] - (double)in.lv_p[l]);
        struct m64_exp e = m64_exp_parts(m64_at_least(-M64_EXP_MAX, x));
        double scale = m64_exp(-0.5 * (double)in.lv_p[l]);
        double t = ((double)in.mu_q[l] - (double)in.mu_p[l]) * scale;
        double t2 = m64_at_most(M64_SQUARE_MAX, t * t);
        if (value)
            term[l] = 0.5 * (t2 + m64_expm1mx_of(e, x));
        if (grad) {
            double w = in.w[l], dmu = t * scale, dlv = m64_expm1_of(e);
            gmu_q[l] = add_grad(gmu_q[l], w, dmu);
            gmu_p[l] = add_grad(gmu_p[l], w, -dmu);
            glv_q[l] = add_grad(glv_q[l], w, 0.5 * dlv);
            glv_p[l] = add_grad(glv_p[l], w, -0.5 * (dlv + t2));
        }
    }
}

BLOCK pair_block(const struct rows32_tile *t, size_t at, int value, int grad)
{
    struct pair_in in = {t->in[0] + at, t->in[1] + at, t->in[2] + at, t->in[3] + at, t->weight + at};
    float *out[4] = {0};
    for (int k = 0; k < 4 && grad; k++)
        out[k] = t->out[k] + at;
    pair16(in, value ? t->term + at : NULL, out[0], out[1], out[2], out[3], value, grad);
}
ROWS_BLOCKS(kl_pair32_blocks, pair_block)
