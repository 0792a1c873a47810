/* SPDX-License-Identifier: BSD-2-Clause
 * Bernoulli and continuous Bernoulli log-likelihoods on logits, exact float32; x may be soft, and outside
 * [0, 1] the formulas are applied unchanged.
 *
 * Bernoulli:
 *
 *   sum x l - log(1 + exp(l)) = -sum (w |l| + log1p(t)),  t = exp(-|l|), w = 1 - x for l > 0, else x
 *   dl = x - sigmoid(l) = +-(t / (1 + t) - w)
 *
 * For x in [0, 1] both terms of the value are >= 0. log1p(t) = 2 atanh(t / (2 + t)), and one division serves
 * it and the sigmoid. |l| saturates, so that w = 0 makes 0 of an infinite logit.
 *
 * Worst error: 0.50000 ULP in both outputs on 1.2e6 random points (as tests/unit/test_dense32.c draws them);
 * where the gradient is below 1/16 of its largest term, 2^-28.1 of that term.
 *
 * Continuous Bernoulli (Loaiza-Ganem & Cunningham, 2019):
 *
 *   (x - 1/2) l - A(l),  A(l) = log(sinh(l / 2) / (l / 2));  dl = (x - 1/2) - A'(l)
 *
 * |l| < 7/4: A = l^2 P(l^2) and A' = l Q(l^2). Beyond, with a = |l|, t = exp(-a), w = 1 - x for l > 0, else
 * x:
 *
 *   log(a / (1 - t)) - w a;  dl = -+(w + t / (1 - t) - 1 / a)
 *
 * Worst error: 0.50000 ULP in both outputs on 1.1e6 random points (as tests/unit/test_dense32.c draws them);
 * where they are below 1/16 of their largest term, 2^-28.2 of that term.
 */
#include "exact32.h"

BLOCK bernoulli16(const float *restrict x, const float *restrict logits, const double *restrict weight,
    double *restrict term, float *restrict g, int value, int grad)
{
    for (int l = 0; l < VAE_LANES; l++) {
        double a = m64_at_most(M64_HUGE, fabs((double)logits[l])), t = m64_exp(-a);
        double w = logits[l] > 0.0f ? 1.0 - (double)x[l] : (double)x[l];
        double inverse = t / ((1.0 + t) * (2.0 + t));
        if (value) {
            double s = (1.0 + t) * inverse, z = s * s;
            term[l] = -fma(w, a, fma(s + s, z * m64_atanh_poly(z), s + s));
        }
        if (grad) {
            double slope = fma(2.0 + t, inverse, -w);
            g[l] = add_grad(g[l], weight[l], logits[l] > 0.0f ? slope : -slope);
        }
    }
}

BLOCK bernoulli_block(const struct rows32_tile *t, size_t at, int value, int grad)
{
    bernoulli16(t->in[0] + at, t->in[1] + at, t->weight + at, value ? t->term + at : NULL,
        grad ? t->out[0] + at : NULL, value, grad);
}
ROWS_BLOCKS(bernoulli32_blocks, bernoulli_block)

/* A(l) / l^2 for z = l^2 in [0, 3.06], 2^-43 */
static inline double normaliser_poly(double z)
{
    double p = 0x1.ab06f5d6ad9ffp-41;
    p = fma(p, z, -0x1.7c5d85c114690p-35);
    p = fma(p, z, 0x1.1eb4a87222684p-29);
    p = fma(p, z, -0x1.bbd597603fca9p-24);
    p = fma(p, z, 0x1.71de3684ad71dp-18);
    p = fma(p, z, -0x1.6c16c1692d96fp-12);
    return fma(p, z, 0x1.555555555526dp-5);
}

/* A'(l) / l, 2^-45 */
static inline double slope_poly(double z)
{
    double p = -0x1.1a43978d6d63ep-42;
    p = fma(p, z, 0x1.c84e9b780956bp-37);
    p = fma(p, z, -0x1.21ededaae2f5ep-31);
    p = fma(p, z, 0x1.66a27cc5fa253p-26);
    p = fma(p, z, -0x1.bbd7514f6748cp-21);
    p = fma(p, z, 0x1.1566ab8359558p-15);
    p = fma(p, z, -0x1.6c16c16bd0220p-10);
    return fma(p, z, 0x1.55555555554e9p-4);
}

BLOCK cbernoulli16(const float *restrict x, const float *restrict logits, const double *restrict weight,
    double *restrict term, float *restrict g, int value, int grad)
{
    for (int l = 0; l < VAE_LANES; l++) {
        double logit = logits[l], z = logit * logit, centred = (double)x[l] - 0.5;
        double a = m64_at_most(M64_HUGE, fabs(logit)), t = m64_exp(-a);
        double w = logits[l] > 0.0f ? 1.0 - (double)x[l] : (double)x[l];
        double inverse = 1.0 / (a * (1.0 - t)), quotient = a * inverse; /* 1 / (1 - t) */
        if (value) {
            double near = fma(centred, logit, -z * normaliser_poly(z));
            double log = a < M64_HUGE ? m64_log(a * quotient) : M64_LOG_MAX;
            term[l] = a < 1.75 ? near : fma(-w, a, log);
        }
        if (grad) {
            double near = fma(-logit, slope_poly(z), centred);
            double slope = fma(t, quotient, w) - (1.0 - t) * inverse;
            double far = logits[l] > 0.0f ? -slope : slope;
            g[l] = add_grad(g[l], weight[l], a < 1.75 ? near : far);
        }
    }
}

BLOCK cbernoulli_block(const struct rows32_tile *t, size_t at, int value, int grad)
{
    cbernoulli16(t->in[0] + at, t->in[1] + at, t->weight + at, value ? t->term + at : NULL,
        grad ? t->out[0] + at : NULL, value, grad);
}
ROWS_BLOCKS(cbernoulli32_blocks, cbernoulli_block)
