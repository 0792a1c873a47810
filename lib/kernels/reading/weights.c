/* SPDX-License-Identifier: BSD-2-Clause
 * Importance weights, draw by draw, in float64: their mean and their spread, without their exponentials ever
 * overflowing. Owen, Monte Carlo theory, methods and examples (2013), chapter 9.
 *
 * With m the largest logarithm so far, v = exp(l - m) is in 0 .. 1. A draw whose logarithm is the largest so
 * far scales what was kept by exp(m - l), its square by the square of that; then, for draw number s,
 *
 *   d = v - mean;  mean += d / s;  squares += d (v - mean)
 *
 * which is Welford's update: sums of v and v^2 would cancel where weights are nearly equal, as they are where
 * q is nearly the posterior. Both factors come from one exponential, that of -|l - m|. Exponents below
 * -M64_EXP_MAX are taken as that, 5e-131 of the largest weight.
 *
 *   log mean = m + log(mean);  error = sqrt(squares / (S - 1) / S) / mean
 *
 * exp is good to 2^-39, so log p(x) to 2e-12 nats beyond what the logarithms come to.
 */
#include "kernels/isa.h"
#include "kernels/math/math64.h"

/* One draw of all rows, number `count`. */
static void weigh_draw(size_t n, double count, const double *restrict loglik,
    const double *restrict log_ratio, double *restrict largest, double *restrict mean,
    double *restrict squares)
{
    for (size_t i = 0; i < n; i++) {
        double logarithm = loglik[i] + log_ratio[i];
        double e = logarithm == largest[i] ? 1.0 : m64_exp(-fabs(logarithm - largest[i]));
        int larger = logarithm > largest[i];
        double scale = larger ? e : 1.0, v = larger ? 1.0 : e;
        double before = mean[i] * scale, d = v - before, after = before + d / count;
        largest[i] = larger ? logarithm : largest[i];
        mean[i] = after;
        squares[i] = fma(d, v - after, squares[i] * scale * scale);
    }
}

static void weigh(size_t n, size_t k, uint64_t done, const double *loglik, const double *log_ratio, size_t ld,
    const struct vae_weights *weights)
{
    for (size_t i = 0; done == 0 && i < n; i++) {
        weights->largest[i] = -(double)INFINITY;
        weights->mean[i] = weights->squares[i] = 0.0;
    }
    for (size_t s = 0; s < k; s++)
        weigh_draw(n, (double)(done + s + 1), loglik + s * ld, log_ratio + s * ld, weights->largest,
            weights->mean, weights->squares);
}

static void evidence(
    size_t n, uint64_t draws, const struct vae_weights *weights, double *log_mean, double *error)
{
    double count = (double)draws;
    for (size_t i = 0; i < n; i++) {
        double largest = weights->largest[i], mean = weights->mean[i];
        if (log_mean)
            log_mean[i] = largest + (mean == mean ? m64_log(mean) : mean);
        if (error)
            error[i] = draws > 1 && largest - largest == 0.0
                           ? sqrt(weights->squares[i] / (count - 1.0) / count) / mean
                           : (double)NAN;
    }
}

const struct vae_reading_kernels K(reading) = {.weigh = weigh, .evidence = evidence};
