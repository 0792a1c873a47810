/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 4. What rests on the exponentials of a row, float64 in double-double: categorical log-likelihood,
 * log-mean-exp. Forms and source: exact32_softmax.c; log-mean-exp in the expm1 form alone. Elements equal to
 * the maximum are counted, not summed.
 */
#include "exact64.h"

struct row {
    const double *x;
    size_t k;
    double max, count; /* elements equal to the maximum */
    struct dd rest;    /* sum over the others of exp(x_j - max), or of that less 1 */
};

/* NaNs are passed over: -inf where there is nothing else. */
static double row_max(const double *x, size_t k)
{
    double max = -DD_INF;
    for (size_t j = 0; j < k; j++)
        max = x[j] > max ? x[j] : max;
    return max;
}

DD_INLINE struct dd_exp exp_below(double x, double max)
{
    struct dd below = dd_sum(x, -max);
    return dd_exp_parts(dd_guard(below, below.h));
}

static void load(struct rows64_block *b, int i, const double *x, size_t count)
{
    memset(b->in[i], 0, sizeof b->in[i]);
    memcpy(b->in[i], x, count * sizeof *x);
}

static void exp_terms(struct rows64_block *b, double max)
{
    for (int l = 0; l < VAE_LANES; l++) {
        double x = b->in[0][l];
        struct dd e = dd_narrow(dd_exp_of(exp_below(x, max)));
        b->term_h[l] = x == max ? 0.0 : e.h;
        b->term_l[l] = x == max ? 0.0 : e.l;
    }
}

static void expm1_terms(struct rows64_block *b, double max)
{
    for (int l = 0; l < VAE_LANES; l++) {
        double x = b->in[0][l];
        struct dd e = dd_narrow(dd_expm1_of(exp_below(x, max)));
        b->term_h[l] = x == max ? 0.0 : e.h;
        b->term_l[l] = x == max ? 0.0 : e.l;
    }
}

static struct row sum_row(const double *x, size_t k, void (*terms)(struct rows64_block *b, double max))
{
    struct row row = {x, k, row_max(x, k), 0.0, {0.0, 0.0}};
    struct rows64_sum sum = {{0}, {0}, {0}};
    struct rows64_block block;
    for (size_t at = 0; at < k; at += VAE_LANES) {
        size_t count = k - at < VAE_LANES ? k - at : VAE_LANES;
        load(&block, 0, x + at, count);
        terms(&block, row.max);
        rows64_add(&sum, block.term_h, block.term_l, count, 1.0);
        for (size_t j = at; j < at + count; j++)
            row.count += x[j] == row.max ? 1.0 : 0.0;
    }
    row.rest = rows64_total(&sum);
    return row;
}

/* With the maximum infinite and not alone, the weights have no limit. */
static int without_limit(const struct row *row)
{
    return !dd_finite(row->max) && row->count > 1.0;
}

/* exp(x - max) / total */
DD_INLINE struct dd_wide share(double x, double max, struct dd inverse)
{
    struct dd_wide e = dd_exp_of(exp_below(x, max));
    struct dd_wide top = {inverse, 0.0};
    struct dd_wide y = {dd_mul(e.v, inverse), e.e};
    return (struct dd_wide){dd_select(x == max, top.v, y.v), x == max ? top.e : y.e};
}

static void add_shares(struct rows64_block *b, double max, struct dd inverse)
{
    const double w = b->w;
    for (int l = 0; l < VAE_LANES; l++)
        b->out[0][l] = dd_add_weighted(b->out[0][l], w, share(b->in[0][l], max, inverse));
}

/* out += w exp(x - max) inverse */
static void add_row(const struct row *row, struct dd inverse, double w, double *out)
{
    struct rows64_block block = {.w = w};
    for (size_t at = 0; at < row->k; at += VAE_LANES) {
        size_t count = row->k - at < VAE_LANES ? row->k - at : VAE_LANES;
        load(&block, 0, row->x + at, count);
        memcpy(block.out[0], out + at, count * sizeof *out);
        add_shares(&block, row->max, inverse);
        memcpy(out + at, block.out[0], count * sizeof *out);
    }
}

static struct dd inverse_of(const struct row *row, struct dd total)
{
    return without_limit(row) ? dd_of((double)NAN) : dd_div(dd_of(1.0), total);
}

static void categorical_grad(const struct row *row, uint32_t label, double w, double *g)
{
    double before = g[label], x = row->x[label];
    struct dd rest = dd_add(row->rest, dd_of(row->count - 1.0)), total = dd_add(dd_of(1.0), rest);
    struct dd inverse = inverse_of(row, total);
    add_row(row, inverse, -w, g);
    struct dd own = dd_narrow(dd_exp_of(exp_below(x, row->max)));
    struct dd others = x == row->max ? rest : dd_add(dd_of(1.0), dd_sub(rest, own));
    g[label] = dd_add_weighted(before, w, (struct dd_wide){dd_mul(others, inverse), 0.0});
}

static double categorical_value(const struct row *row, uint32_t label)
{
    double target = row->x[label];
    struct dd below = target == row->max ? dd_of(0.0) : dd_sum(target, -row->max);
    struct dd log1p = dd_log1p(dd_add(row->rest, dd_of(row->count - 1.0)));
    struct dd value = dd_guard(dd_sub(below, log1p), below.h - log1p.h);
    return without_limit(row) ? (double)NAN : value.h + value.l;
}

void K(categorical64)(size_t n, size_t k, const uint32_t *label, const double *logits, size_t ldlogits,
    const double *w, double *value, double *glogits, size_t ldglogits)
{
    for (size_t i = 0; i < n; i++) {
        struct row row = sum_row(logits + i * ldlogits, k, exp_terms);
        if (value)
            value[i] = categorical_value(&row, label[i]);
        if (glogits)
            categorical_grad(&row, label[i], w ? w[i] : 1.0, glogits + i * ldglogits);
    }
}

void K(logmeanexp64)(
    size_t n, size_t k, const double *logw, size_t ldlogw, double *lme, double *weights, size_t ldweights)
{
    for (size_t i = 0; i < n; i++) {
        struct row row = sum_row(logw + i * ldlogw, k, expm1_terms);
        struct dd log1p = dd_log1p(dd_div(row.rest, dd_of((double)k)));
        struct dd value = dd_guard(dd_add(dd_of(row.max), log1p), row.max + log1p.h);
        if (lme)
            lme[i] = value.h + value.l;
        if (!weights)
            continue;
        double *out = weights + i * ldweights;
        memset(out, 0, k * sizeof *out);
        add_row(&row, inverse_of(&row, dd_add(row.rest, dd_of((double)k))), 1.0, out);
    }
}
