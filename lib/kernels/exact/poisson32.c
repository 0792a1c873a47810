/* SPDX-License-Identifier: BSD-2-Clause
 * Poisson log-likelihood on log rates, exact float32:
 * x eta - exp(eta) - lgamma(x + 1); d eta = x - exp(eta).
 *
 * For x >= 1 in the saddle-point form of Loader (2000), which does not cancel:
 *
 *   -(log(2 pi x) / 2 + stirlerr(x) + x g(u)),  u = eta - log(x),  g(u) = exp(u) - 1 - u;
 *   d eta = -x expm1(u)
 *
 * with stirlerr(x) = lgamma(x + 1) - (x + 1/2) log x + x - log(2 pi) / 2 as v P(v), v = 1 / (x + 1/2). For x
 * in [0, 1) as written, with lgamma(x + 1) = x (x - 1) P(x). x need not be whole; below 0 the likelihood is
 * 0, its log -inf.
 *
 * Worst error: 0.50000 ULP in both outputs on 1.1e6 random points, whole and not (as
 * tests/unit/test_dense32.c draws them); where the gradient is below 1/16 of its largest term, 2^-28.1 of
 * that term.
 */
#include "exact32.h"

/* Replaces x = inf: x g(u) is then infinite for every float32 eta. */
#define COUNT_MAX 0x1p300

/* lgamma(1 + x) / (x (x - 1)) for x in [0, 1], 2^-43 */
static inline double lgamma_poly(double x)
{
    double p = -0x1.a5378152c35eep-14;
    p = fma(p, x, 0x1.de87ff2ac14c6p-11);
    p = fma(p, x, -0x1.00095fe0f8eb7p-8);
    p = fma(p, x, 0x1.5afb8d806993ap-7);
    p = fma(p, x, -0x1.540a295ce77f2p-6);
    p = fma(p, x, 0x1.074318fc14184p-5);
    p = fma(p, x, -0x1.5ad2054600a5cp-5);
    p = fma(p, x, 0x1.9f6994a3aa7cdp-5);
    p = fma(p, x, -0x1.dd7b9ad5d76c6p-5);
    p = fma(p, x, 0x1.10f1478a68921p-4);
    p = fma(p, x, -0x1.3ca45a3678c19p-4);
    p = fma(p, x, 0x1.79ce60a1f137ep-4);
    p = fma(p, x, -0x1.d7a3d53674b87p-4);
    p = fma(p, x, 0x1.3e5451c32467bp-3);
    p = fma(p, x, -0x1.f64659781158ep-3);
    return fma(p, x, 0x1.2788cfc6fb493p-1);
}

BLOCK poisson16(const float *restrict x, const float *restrict lograte, const double *restrict w,
    double *restrict term, float *restrict g, int value, int grad)
{
    for (int l = 0; l < VAE_LANES; l++) {
        double k = x[l], eta = m64_clamp(M64_HUGE, lograte[l]);
        double y = k >= 1.0 ? m64_at_most(COUNT_MAX, k) : 1.0;
        struct m64_log log = m64_log_parts(y);
        double inverse = 1.0 / ((y + 0.5) * (2.0 + log.f)); /* one division for two */
        double v = (2.0 + log.f) * inverse, log_y = m64_log_of(log, log.f * ((y + 0.5) * inverse));
        double u = m64_at_most(M64_EXP_MAX, eta - log_y);
        struct m64_exp e = m64_exp_parts(m64_at_least(-M64_EXP_MAX, u));
        double rate = m64_exp_of(e); /* for k < 1, where log_y = 0 */
        if (value) {
            double half = fma(0.5, log_y, 0x1.d67f1c864beb5p-1); /* log(2 pi y) / 2 */
            double saddle = -(fma(v, m64_stirlerr_poly(v), half) + y * m64_expm1mx_of(e, u));
            double plain = fma(k, eta, -rate) - k * (k - 1.0) * lgamma_poly(k);
            double inside = k >= 1.0 ? saddle : plain;
            term[l] = k < 0.0 ? -M64_HUGE : inside;
        }
        if (grad)
            g[l] = add_grad(g[l], w[l], k >= 1.0 ? -y * m64_expm1_of(e) : k - rate);
    }
}

BLOCK poisson_block(const struct rows32_tile *t, size_t at, int value, int grad)
{
    poisson16(t->in[0] + at, t->in[1] + at, t->weight + at, value ? t->term + at : NULL,
        grad ? t->out[0] + at : NULL, value, grad);
}
ROWS_BLOCKS(poisson32_blocks, poisson_block)
