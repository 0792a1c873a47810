/* SPDX-License-Identifier: BSD-2-Clause
 * Log-likelihoods inside a training step: value and gradient in one pass, float32 terms, float64
 * sums.
 *
 *   Bernoulli on logits: x l - softplus(l) = -(w |l| + log1p(e^-|l|)), w = 1 - x for l > 0, else x;
 *                        both terms are >= 0
 *   Gauss:               -(log 2 pi + logvar + t^2) / 2, t = (x - mean) e^(-logvar / 2)
 *                        (Kingma & Welling, arXiv:1312.6114, app. C)
 *
 * Worst error of a term and of a gradient: 2 ULP of the largest term for Bernoulli, 4 for Gauss
 * (`tests/unit/test_train_kernels`). The reading calls use the exact kernels instead.
 */
#include "note.h"
#include "train.h"

#include "kernels/math/lanes.h"
#include "kernels/math/math32.h"

/* A row goes through in pieces that stay in the nearest cache; a multiple of the lanes, so sums know nothing
 * of it. */
#define PIECE 128

/* Copies of the last, incomplete piece of a row, padded so that every loop below has a constant length. */
static const float *padded(const float *from, size_t n, float to[PIECE])
{
    if (n == PIECE)
        return from;
    memcpy(to, from, n * sizeof *to);
    memset(to + n, 0, (PIECE - n) * sizeof *to);
    return to;
}

static void add_terms(size_t n, float term[PIECE], double lane[VAE_LANES])
{
    memset(term + n, 0, (PIECE - n) * sizeof *term);
    for (size_t j = 0; j < n; j += VAE_LANES)
        for (size_t l = 0; l < VAE_LANES; l++)
            lane[l] += (double)term[j + l];
}

static void bernoulli_piece(size_t n, const float *restrict x, const float *restrict logits, float scale,
    float *restrict term, float *restrict g)
{
    for (size_t j = 0; j < n; j++) {
        float l = logits[j], e = m32_exp_neg(-fabsf(l));
        float weight = l > 0 ? 1.0f - x[j] : x[j];
        float q = 1.0f / (1.0f + e);
        float slope = l > 0 ? fmaf(e, q, -weight) : fmaf(-e, q, weight);
        term[j] = -fmaf(weight, fabsf(l), m32_log1p_unit(e));
        g[j] = scale * slope;
    }
}

void train_bernoulli(size_t n, size_t d, const float *x, size_t ldx, const float *logits, size_t ldlogits,
    const float *w, double *value, float *g, size_t ldg, struct vae_seen *seen)
{
    struct seen_lanes noted = {{0}, {0}};
    for (size_t i = 0; i < n; i++) {
        double lane[VAE_LANES] = {0};
        for (size_t j = 0; j < d; j += PIECE) {
            float xs[PIECE], ls[PIECE], term[PIECE], slope[PIECE];
            size_t cols = d - j < PIECE ? d - j : PIECE, whole = round_up(cols);
            float *to = g && cols == PIECE ? g + i * ldg + j : slope;
            const float *from = padded(x + i * ldx + j, cols, xs);
            bernoulli_piece(whole, from, padded(logits + i * ldlogits + j, cols, ls), w[i], term, to);
            if (g && to == slope)
                memcpy(g + i * ldg + j, slope, cols * sizeof *slope);
            if (seen)
                see_blocks(whole, from, &noted);
            add_terms(cols, term, lane);
        }
        if (value)
            value[i] = lanes_sum_by_tree(lane);
    }
    if (seen)
        seen_raise(seen, &noted);
}

/* Copies a gradient's piece where it is asked for; notes its magnitudes unless `lanes` is NULL. */
static void keep(float *to, const float *from, size_t cols, uint32_t *lanes)
{
    if (!to)
        return;
    memcpy(to, from, cols * sizeof *to);
    if (lanes)
        note_row(cols, from, lanes);
}

static void gauss_piece(size_t n, const float *restrict x, const float *restrict mean,
    const float *restrict logvar, float scale, float *restrict term, float *restrict gmean,
    float *restrict glogvar)
{
    for (size_t j = 0; j < n; j++) {
        float half = -0.5f * logvar[j];
        float e = m32_exp_neg(-fabsf(half));
        float inverse = half > 0 ? 1.0f / e : e; /* e^(-logvar / 2) */
        float t = (x[j] - mean[j]) * inverse;
        term[j] = -0.5f * (fmaf(t, t, logvar[j]) + 0x1.d67f1cp+0f);
        gmean[j] = scale * (t * inverse);
        glogvar[j] = scale * (0.5f * fmaf(t, t, -1.0f));
    }
}

void train_gauss(size_t n, size_t d, const float *x, size_t ldx, const float *mean, size_t ldmean,
    const float *logvar, size_t ldlogvar, const float *w, double *value, float *gmean, size_t ldgmean,
    float *glogvar, size_t ldglogvar, struct vae_seen *seen, uint32_t *most)
{
    struct seen_lanes noted = {{0}, {0}};
    uint32_t largest[VAE_LANES] = {0}, *note = most ? largest : NULL;
    for (size_t i = 0; i < n; i++) {
        double lane[VAE_LANES] = {0};
        for (size_t j = 0; j < d; j += PIECE) {
            float xs[PIECE], ms[PIECE], vs[PIECE], term[PIECE], dm[PIECE], dv[PIECE];
            size_t cols = d - j < PIECE ? d - j : PIECE, whole = round_up(cols);
            const float *from = padded(x + i * ldx + j, cols, xs);
            gauss_piece(whole, from, padded(mean + i * ldmean + j, cols, ms),
                padded(logvar + i * ldlogvar + j, cols, vs), w[i], term, dm, dv);
            keep(gmean ? gmean + i * ldgmean + j : NULL, dm, cols, note);
            keep(glogvar ? glogvar + i * ldglogvar + j : NULL, dv, cols, note);
            if (seen)
                see_blocks(whole, from, &noted);
            add_terms(cols, term, lane);
        }
        if (value)
            value[i] = lanes_sum_by_tree(lane);
    }
    if (seen)
        seen_raise(seen, &noted);
    if (most)
        note_raise(most, largest, VAE_LANES);
}
