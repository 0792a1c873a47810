/* SPDX-License-Identifier: BSD-2-Clause
 * Bernoulli log-likelihood on logits, exact float32; x may be soft, and outside [0, 1] the formula
 * goes on.
 *
 *   sum x l - log(1 + exp(l)) = -sum (w |l| + log1p(t)),  t = exp(-|l|), w = 1 - x for l > 0, else x
 *   dl = x - sigmoid(l) = +-(t / (1 + t) - w)
 *
 * For x in [0, 1] both terms of the value are >= 0. log1p(t) = 2 atanh(t / (2 + t)), and one division serves
 * it and the sigmoid. |l| saturates, so that w = 0 makes 0 of an infinite logit.
 *
 * Worst error: 0.50000 ULP in both outputs on 1.2e6 random points (as tests/unit/test_dense32.c draws them);
 * where the gradient is below 1/16 of its largest term, 2^-28.1 of that term.
 */
#include "exact32.h"
#include "kernels/math/math64.h"
#include "rows32.h"

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

BLOCK bernoulli_block(const struct rows_tile *t, size_t at, int value, int grad)
{
    bernoulli16(t->in[0] + at, t->in[1] + at, t->weight + at, value ? t->term + at : NULL,
        grad ? t->out[0] + at : NULL, value, grad);
}
ROWS_BLOCKS(bernoulli)

void K(bernoulli32)(size_t n, size_t d, const float *x, size_t ldx, const float *logits, size_t ldlogits,
    const float *w, double *value, float *glogits, size_t ldglogits)
{
    K(rows_run)
    (&(struct rows_job){.n = n,
        .d = d,
        .weight = w,
        .value = value,
        .blocks = bernoulli,
        .inputs = 2,
        .in = {x, logits},
        .ld_in = {ldx, ldlogits},
        .outputs = 1,
        .out = {glogits},
        .ld_out = {ldglogits}});
}
