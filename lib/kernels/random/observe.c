/* SPDX-License-Identifier: BSD-2-Clause
 * Draws from p(x|z), for the tables of all instruction sets; Bernoulli's and the Gaussians' are in rng.c.
 *
 * Each element comes from its own word by inversion of u = (word + 1/2) / 2^32, in float64, rounded once:
 *
 *   Laplace:               mean -+ exp(s) log(2 min(u, 1 - u)), s the log-scale
 *   continuous Bernoulli:  the x for which (exp(l x) - 1) / (exp(l) - 1) = u, l the logit
 *   Poisson:               the k at which the probabilities, added from the mode outwards (Kemp, 1986),
 *                          exceed u; that of the mode in the saddle-point form of Loader (2000). Above
 *                          a rate of 2^24: mean + sqrt(mean) times the normal of the same number, rounded
 *
 * A word has 32 bits, so what is less likely than 2^-32 is not drawn. The search takes about 1.6 sqrt(rate)
 * steps.
 */
#include "random.h"

#include "kernels/math/math64.h"

#define PIECE 64
/* Above this rate a Poisson draw is a rounded normal. */
#define RATE_MAX 0x1p24
/* What is left of the probabilities at this point is below the error of their sum. */
#define NEGLIGIBLE 0x1p-80

/* (word + 1/2) / 2^32, exactly */
static double unit(uint32_t word)
{
    return ((double)word + 0.5) * 0x1p-32;
}

static size_t piece_of(size_t left)
{
    return left < PIECE ? left : PIECE;
}

static double laplace(double u, double mean, double log_scale)
{
    double size = m64_exp(log_scale) * m64_log(u < 0.5 ? 2.0 * u : 2.0 * (1.0 - u)); /* <= 0 */
    return u < 0.5 ? mean + size : mean - size;
}

void observe_laplace(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, const float *mean,
    const float *logscale, float *x)
{
    uint32_t word[PIECE];
    for (size_t first = 0; first < n; first += PIECE) {
        size_t count = piece_of(n - first);
        rng_words(seed, stream, offset + first, count, word);
        for (size_t i = first; i < first + count; i++)
            x[i] = (float)laplace(unit(word[i - first]), mean[i], logscale[i]);
    }
}

/* For l <= 0, a = -l: -log(1 - u (1 - exp(-a))) / a, of which far from 0 the sum (1 - u) + u exp(-a) cancels
 * nothing; l > 0 mirrors u and x. */
static double cbernoulli(double u, double logit)
{
    double a = m64_at_most(M64_HUGE, fabs(logit)), v = logit > 0.0 ? 1.0 - u : u;
    struct m64_exp e = m64_exp_parts(m64_at_least(-M64_EXP_MAX, -a));
    double log = a < 1.0 ? m64_log1p(v * m64_expm1_of(e)) : m64_log(fma(v, m64_exp_of(e), 1.0 - v));
    double x = a == 0.0 ? v : m64_at_least(0.0, m64_at_most(1.0, -log / a));
    return logit > 0.0 ? 1.0 - x : x;
}

void observe_cbernoulli(
    uint64_t seed, uint64_t stream, uint64_t offset, size_t n, const float *logits, float *x)
{
    uint32_t word[PIECE];
    for (size_t first = 0; first < n; first += PIECE) {
        size_t count = piece_of(n - first);
        rng_words(seed, stream, offset + first, count, word);
        for (size_t i = first; i < first + count; i++)
            x[i] = (float)cbernoulli(unit(word[i - first]), logits[i]);
    }
}

/* The probability of k, a whole number, 0 or near to the rate */
static double probability(double k, double log_rate, double rate)
{
    if (k == 0.0)
        return m64_exp(-rate);
    double log_k = m64_log(k), v = 1.0 / (k + 0.5);
    double u = m64_clamp(M64_EXP_MAX, log_rate - log_k);
    double half = fma(0.5, log_k, 0x1.d67f1c864beb5p-1); /* log(2 pi k) / 2 */
    return m64_exp(-(fma(v, m64_stirlerr_poly(v), half) + k * m64_expm1mx_of(m64_exp_parts(u), u)));
}

/* rate <= RATE_MAX */
static double search(double u, double log_rate, double rate)
{
    double above = (double)(uint32_t)rate, below = above;
    double p_above = probability(above, log_rate, rate), p_below = p_above;
    u -= p_above;
    while (u >= 0.0 && (p_above > NEGLIGIBLE || (below > 0.0 && p_below > NEGLIGIBLE))) {
        above += 1.0;
        p_above *= rate / above;
        u -= p_above;
        if (u >= 0.0 && below > 0.0) {
            p_below *= below / rate;
            below -= 1.0;
            u -= p_below;
            if (u < 0.0)
                return below;
        }
    }
    return above;
}

/* A rate above RATE_MAX, or NaN */
static double rounded_normal(double rate, float normal)
{
    double x = fma(sqrt(rate), (double)normal, rate);
    return x < 0x1p52 ? (x + 0x1p52) - 0x1p52 : x;
}

void observe_poisson(
    uint64_t seed, uint64_t stream, uint64_t offset, size_t n, const float *lograte, float *x)
{
    uint32_t word[PIECE];
    float normal;
    for (size_t first = 0; first < n; first += PIECE) {
        size_t count = piece_of(n - first);
        rng_words(seed, stream, offset + first, count, word);
        for (size_t i = first; i < first + count; i++) {
            double log_rate = lograte[i], rate = m64_exp(log_rate);
            if (rate <= RATE_MAX) {
                x[i] = (float)search(unit(word[i - first]), log_rate, rate);
                continue;
            }
            rng_normals(seed, stream, offset + i, 1, &normal);
            x[i] = (float)rounded_normal(rate, normal);
        }
    }
}
