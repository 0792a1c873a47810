/* SPDX-License-Identifier: BSD-2-Clause
 * Log-likelihoods of location and scale, exact float32, and of the standard normal.
 *
 *   Gaussian:  -(ln 2 pi + lv + t^2) / 2,  t = (x - mean) exp(-lv / 2);
 *              dmean = t exp(-lv / 2), dlv = (t^2 - 1) / 2
 *   standard:  -(ln 2 pi + z^2) / 2,  dz = -z: the bits of a Gaussian with mean and log-variance 0
 *   Laplace:   -(ln 2 + s + a),  a = |x - mean| exp(-s);
 *              dmean = sign(x - mean) exp(-s), 0 at the centre, ds = a - 1
 *
 * The logarithms saturate from below, so that at -inf the limit comes out: the density is infinite at the
 * centre and 0 elsewhere. t and its product with exp(-lv / 2) cannot overflow: see M64_EXP_MAX.
 *
 * Worst error: 0.50000 ULP in every output on 4.1e6 random points each (tests/unit/test_dense32.c); where a
 * value is below 1/16 of its largest term, 2^-28.1 of that term, which is its own rounding.
 */
#include "exact32.h"

struct in3 {
    const float *x, *mean, *log_scale;
    const double *w;
};

BLOCK gauss16(
    struct in3 in, double *restrict term, float *restrict gmean, float *restrict glv, int value, int grad)
{
    for (int l = 0; l < VAE_LANES; l++) {
        double lv = m64_at_least(-M64_LOG_MAX, in.log_scale[l]), scale = m64_exp(-0.5 * lv);
        double t = ((double)in.x[l] - (double)in.mean[l]) * scale;
        double t2 = m64_at_most(M64_SQUARE_MAX, t * t);
        if (value)
            term[l] = -0.5 * ((lv + 0x1.d67f1c864beb5p0) + t2);
        if (grad) {
            gmean[l] = add_grad(gmean[l], in.w[l], t * scale);
            glv[l] = add_grad(glv[l], in.w[l], 0.5 * (t2 - 1.0));
        }
    }
}

BLOCK std_normal16(const float *restrict z, const double *restrict weight, double *restrict term,
    float *restrict gz, int value, int grad)
{
    for (int l = 0; l < VAE_LANES; l++) {
        double t = 0.0 - (double)z[l];
        if (value)
            term[l] = -0.5 * (0x1.d67f1c864beb5p0 + m64_at_most(M64_SQUARE_MAX, t * t));
        if (grad)
            gz[l] = add_grad(gz[l], weight[l], t);
    }
}

BLOCK laplace16(
    struct in3 in, double *restrict term, float *restrict gmean, float *restrict gls, int value, int grad)
{
    for (int l = 0; l < VAE_LANES; l++) {
        double s = m64_at_least(-M64_LOG_MAX, in.log_scale[l]), scale = m64_exp(-s);
        double diff = (double)in.x[l] - (double)in.mean[l];
        double a = fabs(diff) * scale;
        if (value)
            term[l] = -((s + 0x1.62e42fefa39efp-1) + a);
        if (grad) {
            double sloped = diff < 0.0 ? -scale : diff * scale;
            gmean[l] = add_grad(gmean[l], in.w[l], diff > 0.0 ? scale : sloped);
            gls[l] = add_grad(gls[l], in.w[l], a - 1.0);
        }
    }
}

static inline struct in3 in3_at(const struct rows32_tile *t, size_t at)
{
    return (struct in3){t->in[0] + at, t->in[1] + at, t->in[2] + at, t->weight + at};
}

BLOCK gauss_block(const struct rows32_tile *t, size_t at, int value, int grad)
{
    gauss16(in3_at(t, at), value ? t->term + at : NULL, grad ? t->out[0] + at : NULL,
        grad ? t->out[1] + at : NULL, value, grad);
}
ROWS_BLOCKS(gauss32_blocks, gauss_block)

BLOCK std_normal_block(const struct rows32_tile *t, size_t at, int value, int grad)
{
    std_normal16(t->in[0] + at, t->weight + at, value ? t->term + at : NULL, grad ? t->out[0] + at : NULL,
        value, grad);
}
ROWS_BLOCKS(std_normal32_blocks, std_normal_block)

BLOCK laplace_block(const struct rows32_tile *t, size_t at, int value, int grad)
{
    laplace16(in3_at(t, at), value ? t->term + at : NULL, grad ? t->out[0] + at : NULL,
        grad ? t->out[1] + at : NULL, value, grad);
}
ROWS_BLOCKS(laplace32_blocks, laplace_block)
