/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 4. What rests on the exponentials of a row, exact float32; m is the row's maximum.
 *
 *   categorical:    (x_t - m) - log1p(S), S = sum of exp(x_j - m) without one maximum;
 *                   dx_j = [j = t] - exp(x_j - m) / (1 + S), for j = t as (sum of the others) / (1 + S)
 *   log-mean-exp:   m + log1p(sum expm1(x_j - m) / k) near uniform weights, else m + log((1 + S) / k);
 *                   weights exp(x_j - m) / (1 + S); Burda et al., arXiv:1509.00519, for the bound it serves
 *
 * Elements equal to the maximum are counted, not summed. With the maximum infinite and not alone, the weights
 * have no limit: NaN.
 *
 * Worst error: 0.50000 ULP in values, gradients and weights on 1,280 random rows of 2 to 200 elements
 * (tests/unit/test_dense32.c).
 */
#include "exact32.h"
#include "math64.h"
#include "rows.h"

struct row_sums {
    double max, count; /* elements equal to the maximum */
    double rest;       /* sum of exp(x_j - max) over the others */
    double rest_expm1; /* of expm1 */
};

BLOCK max16(float lanes[restrict VAE_LANES], const float *restrict x)
{
    for (int l = 0; l < VAE_LANES; l++)
        lanes[l] = x[l] > lanes[l] ? x[l] : lanes[l];
}

/* The last, partial block of a row, filled up. */
static inline void load_rest(float block[VAE_LANES], const float *x, size_t left, float filler)
{
    for (size_t l = 0; l < VAE_LANES; l++)
        block[l] = filler;
    memcpy(block, x, left * sizeof *x);
}

/* NaNs are passed over: -inf where there is nothing else. */
static float row_max(const float *x, size_t k)
{
    float lanes[VAE_LANES], block[VAE_LANES], max = -INFINITY;
    size_t j = 0;
    for (int l = 0; l < VAE_LANES; l++)
        lanes[l] = max;
    for (; j + VAE_LANES <= k; j += VAE_LANES)
        max16(lanes, x + j);
    load_rest(block, x + j, k - j, max);
    max16(lanes, block);
    for (int half = VAE_LANES / 2; half; half /= 2)
        for (int l = 0; l < half; l++)
            lanes[l] = lanes[l + half] > lanes[l] ? lanes[l + half] : lanes[l];
    return lanes[0];
}

struct sum_lanes {
    double count[VAE_LANES], rest[VAE_LANES], rest_expm1[VAE_LANES];
};

BLOCK sums16(struct sum_lanes *restrict s, const float *restrict x, double max)
{
    for (int l = 0; l < VAE_LANES; l++) {
        double at = x[l];
        struct m64_exp e = m64_exp_parts(m64_at_least(-M64_EXP_MAX, at - max));
        s->count[l] += at == max ? 1.0 : 0.0;
        s->rest[l] += at == max ? 0.0 : m64_exp_of(e);
        s->rest_expm1[l] += at == max ? 0.0 : m64_expm1_of(e);
    }
}

static struct row_sums row_sums(const float *x, size_t k)
{
    float max = row_max(x, k), block[VAE_LANES];
    struct sum_lanes s = {0};
    size_t j = 0;
    for (; j + VAE_LANES <= k; j += VAE_LANES)
        sums16(&s, x + j, max);
    load_rest(block, x + j, k - j, max); /* the maximum adds nothing but to the count */
    sums16(&s, block, max);
    double filled = (double)(VAE_LANES - (k - j));
    return (struct row_sums){
        max, lanes_total(s.count) - filled, lanes_total(s.rest), lanes_total(s.rest_expm1)};
}

static int without_limit(const struct row_sums *s)
{
    return isinf(s->max) && s->count > 1.0;
}

static double share(const struct row_sums *s, double x)
{
    return x == s->max ? 1.0 : m64_exp(x - s->max);
}

BLOCK weights16(float *restrict out, const float *restrict x, double max, double inverse)
{
    for (int l = 0; l < VAE_LANES; l++) {
        double at = x[l], e = m64_exp(at - max);
        out[l] = (float)((at == max ? 1.0 : e) * inverse);
    }
}

BLOCK grads16(float *restrict g, const float *restrict x, double w, double max, double inverse)
{
    for (int l = 0; l < VAE_LANES; l++) {
        double at = x[l], e = m64_exp(at - max);
        g[l] = add_grad(g[l], -w, (at == max ? 1.0 : e) * inverse);
    }
}

static void categorical_grad(
    const struct row_sums *s, size_t k, uint32_t label, const float *x, double w, float *g)
{
    float block[VAE_LANES], grads[VAE_LANES], before = g[label];
    double rest = s->rest + (s->count - 1.0), total = 1.0 + rest;
    double inverse = without_limit(s) ? (double)NAN : 1.0 / total;
    size_t j = 0;
    for (; j + VAE_LANES <= k; j += VAE_LANES)
        grads16(g + j, x + j, w, s->max, inverse);
    load_rest(block, x + j, k - j, 0.0f);
    load_rest(grads, g + j, k - j, 0.0f);
    grads16(grads, block, w, s->max, inverse);
    memcpy(g + j, grads, (k - j) * sizeof *g);
    double others = x[label] == s->max ? rest : 1.0 + (rest - share(s, x[label]));
    g[label] = add_grad(before, w, others * inverse);
}

void K(categorical32)(size_t n, size_t k, const uint32_t *label, const float *logits, size_t ldlogits,
    const float *w, double *value, float *glogits, size_t ldglogits)
{
    for (size_t i = 0; i < n; i++) {
        const float *x = logits + i * ldlogits;
        struct row_sums s = row_sums(x, k);
        double target = x[label[i]], below = target == s.max ? 0.0 : target - s.max;
        if (value)
            value[i] = without_limit(&s) ? (double)NAN : below - m64_log1p(s.rest + (s.count - 1.0));
        if (glogits)
            categorical_grad(&s, k, label[i], x, w ? w[i] : 1.0, glogits + i * ldglogits);
    }
}

static double log_mean(const struct row_sums *s, size_t k)
{
    double mean = (s->rest + s->count) / (double)k, less = s->rest_expm1 / (double)k;
    if (isnan(mean))
        return mean;
    return s->max + (less > -0.5 ? m64_log1p(less) : m64_log(mean));
}

void K(logmeanexp32)(
    size_t n, size_t k, const float *logw, size_t ldlogw, double *lme, float *weights, size_t ldweights)
{
    for (size_t i = 0; i < n; i++) {
        const float *x = logw + i * ldlogw;
        struct row_sums s = row_sums(x, k);
        if (lme)
            lme[i] = log_mean(&s, k);
        if (!weights)
            continue;
        float *out = weights + i * ldweights, block[VAE_LANES];
        double inverse = without_limit(&s) ? (double)NAN : 1.0 / (s.rest + s.count);
        size_t j = 0;
        for (; j + VAE_LANES <= k; j += VAE_LANES)
            weights16(out + j, x + j, s.max, inverse);
        load_rest(block, x + j, k - j, 0.0f);
        float last[VAE_LANES];
        weights16(last, block, s.max, inverse);
        memcpy(out + j, last, (k - j) * sizeof *out);
    }
}
