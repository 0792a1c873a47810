/* SPDX-License-Identifier: BSD-2-Clause
 * What rests on the exponentials of a row, float64 in double-double: categorical log-likelihood,
 * log-mean-exp. Forms and source: softmax32.c; log-mean-exp in the expm1 form alone. Elements equal to
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

DD_INLINE struct dd below_of(double x, double max)
{
    struct dd below = dd_sum(x, -max);
    return dd_guard(below, below.h);
}

/* exp(x - max) */
static void exps_below(struct exp_lanes *to, const double *x, double max)
{
    struct dd_lanes below;
    for (int l = 0; l < VAE_LANES; l++)
        set_lane(&below, l, below_of(x[l], max));
    lanes_exp(to, &below);
}

static void load(struct rows64_block *b, int i, const double *x, size_t count)
{
    memset(b->in[i], 0, sizeof b->in[i]);
    memcpy(b->in[i], x, count * sizeof *x);
}

static void exp_terms(struct rows64_block *b, double max)
{
    struct exp_lanes e;
    exps_below(&e, b->in[0], max);
    for (int l = 0; l < VAE_LANES; l++) {
        struct dd term = dd_narrow(dd_exp_of(exp_lane_of(&e, l)));
        set_lane(&b->term, l, dd_select(b->in[0][l] == max, dd_of(0.0), term));
    }
}

static void expm1_terms(struct rows64_block *b, double max)
{
    struct exp_lanes e;
    exps_below(&e, b->in[0], max);
    for (int l = 0; l < VAE_LANES; l++) {
        struct dd term = dd_narrow(dd_expm1_of(exp_lane_of(&e, l)));
        set_lane(&b->term, l, dd_select(b->in[0][l] == max, dd_of(0.0), term));
    }
}

static struct row sum_row(const double *x, size_t k, void (*terms)(struct rows64_block *b, double max))
{
    struct row row = {x, k, row_max(x, k), 0.0, {0.0, 0.0}};
    struct rows64_sum sum = {.odd = {0}};
    struct rows64_block block;
    for (size_t at = 0; at < k; at += VAE_LANES) {
        size_t count = k - at < VAE_LANES ? k - at : VAE_LANES;
        load(&block, 0, x + at, count);
        terms(&block, row.max);
        rows64_add(&sum, &block.term, count, 1.0);
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
DD_INLINE struct dd_wide share(double x, double max, struct dd_exp parts, struct dd inverse)
{
    struct dd_wide e = dd_exp_of(parts);
    struct dd_wide top = {inverse, 0.0};
    struct dd_wide y = {dd_mul(e.v, inverse), e.e};
    return (struct dd_wide){dd_select(x == max, top.v, y.v), x == max ? top.e : y.e};
}

static void add_shares(struct rows64_block *b, double max, struct dd inverse)
{
    struct exp_lanes e;
    struct wide_lanes shares;
    exps_below(&e, b->in[0], max);
    for (int l = 0; l < VAE_LANES; l++)
        set_wide_lane(&shares, l, share(b->in[0][l], max, exp_lane_of(&e, l), inverse));
    lanes_add_weighted(b->out[0], b->w, &shares);
}

/* out += w exp(x - max) inverse */
static void add_row(const struct row *row, struct dd inverse, double w, double *out)
{
    struct rows64_block block;
    for (int l = 0; l < VAE_LANES; l++)
        block.w[l] = w;
    for (size_t at = 0; at < row->k; at += VAE_LANES) {
        size_t count = row->k - at < VAE_LANES ? row->k - at : VAE_LANES;
        load(&block, 0, row->x + at, count);
        memset(block.out[0], 0, sizeof block.out[0]);
        memcpy(block.out[0], out + at, count * sizeof *out);
        add_shares(&block, row->max, inverse);
        memcpy(out + at, block.out[0], count * sizeof *out);
    }
}

static struct dd inverse_of(const struct row *row, struct dd total)
{
    return without_limit(row) ? dd_of((double)NAN) : dd_div(dd_of(1.0), total);
}

/* Sixteen rows side by side, for what is computed once a row */
struct rows {
    size_t count;
    struct row row[VAE_LANES];
};

static struct rows sum_rows(
    size_t left, size_t k, const double *x, size_t ldx, void (*terms)(struct rows64_block *b, double max))
{
    struct rows rows = {.count = left < VAE_LANES ? left : VAE_LANES};
    for (size_t i = 0; i < rows.count; i++)
        rows.row[i] = sum_row(x + i * ldx, k, terms);
    return rows;
}

/* The sum without one element that is equal to the maximum */
DD_INLINE struct dd others_of(const struct row *row)
{
    return dd_add(row->rest, dd_of(row->count - 1.0));
}

static void categorical_values(const struct rows *rows, const uint32_t *label, double *value)
{
    struct dd_lanes others = {.h = {0}}, log1p;
    for (int i = 0; i < (int)rows->count; i++)
        set_lane(&others, i, others_of(&rows->row[i]));
    lanes_log1p(&log1p, &others);
    for (int i = 0; i < (int)rows->count; i++) {
        const struct row *row = &rows->row[i];
        double target = row->x[label[i]];
        struct dd below = target == row->max ? dd_of(0.0) : dd_sum(target, -row->max);
        struct dd log = lane_of(&log1p, i), sum = dd_guard(dd_sub(below, log), below.h - log.h);
        value[i] = without_limit(row) ? (double)NAN : sum.h + sum.l;
    }
}

/* The labels' slopes are (sum of the others) / (1 + S); those of add_row() are put right by them. */
static void categorical_grads(
    const struct rows *rows, const uint32_t *label, const double *w, double *g, size_t ldg)
{
    double target[VAE_LANES] = {0}, weight[VAE_LANES] = {0};
    struct dd_lanes below = {.h = {0}};
    struct wide_lanes slope = {.e = {0}};
    struct exp_lanes e;
    for (int i = 0; i < (int)rows->count; i++)
        set_lane(&below, i, below_of(rows->row[i].x[label[i]], rows->row[i].max));
    lanes_exp(&e, &below);
    for (int i = 0; i < (int)rows->count; i++, g += ldg) {
        const struct row *row = &rows->row[i];
        struct dd others = others_of(row), inverse = inverse_of(row, dd_add(dd_of(1.0), others));
        struct dd own = dd_narrow(dd_exp_of(exp_lane_of(&e, i)));
        if (row->x[label[i]] != row->max)
            others = dd_add(dd_of(1.0), dd_sub(others, own));
        set_wide_lane(&slope, i, (struct dd_wide){dd_mul(others, inverse), 0.0});
        target[i] = g[label[i]];
        weight[i] = w ? w[i] : 1.0;
        add_row(row, inverse, -weight[i], g);
    }
    lanes_add_weighted(target, weight, &slope);
    g -= rows->count * ldg;
    for (size_t i = 0; i < rows->count; i++)
        g[i * ldg + label[i]] = target[i];
}

void categorical64(size_t n, size_t k, const uint32_t *label, const double *logits, size_t ldlogits,
    const double *w, double *value, double *glogits, size_t ldglogits)
{
    for (size_t i = 0; i < n; i += VAE_LANES) {
        struct rows rows = sum_rows(n - i, k, logits + i * ldlogits, ldlogits, exp_terms);
        if (value)
            categorical_values(&rows, label + i, value + i);
        if (glogits)
            categorical_grads(&rows, label + i, w ? w + i : NULL, glogits + i * ldglogits, ldglogits);
    }
}

static void log_means(const struct rows *rows, size_t k, double *lme)
{
    struct dd_lanes mean = {.h = {0}}, log1p;
    for (int i = 0; i < (int)rows->count; i++)
        set_lane(&mean, i, dd_div(rows->row[i].rest, dd_of((double)k)));
    lanes_log1p(&log1p, &mean);
    for (int i = 0; i < (int)rows->count; i++) {
        double max = rows->row[i].max;
        struct dd log = lane_of(&log1p, i), value = dd_guard(dd_add(dd_of(max), log), max + log.h);
        lme[i] = value.h + value.l;
    }
}

void logmeanexp64(
    size_t n, size_t k, const double *logw, size_t ldlogw, double *lme, double *weights, size_t ldweights)
{
    for (size_t i = 0; i < n; i += VAE_LANES) {
        struct rows rows = sum_rows(n - i, k, logw + i * ldlogw, ldlogw, expm1_terms);
        if (lme)
            log_means(&rows, k, lme + i);
        for (size_t j = 0; j < rows.count && weights; j++) {
            const struct row *row = &rows.row[j];
            double *out = weights + (i + j) * ldweights;
            memset(out, 0, k * sizeof *out);
            add_row(row, inverse_of(row, dd_add(row->rest, dd_of((double)k))), 1.0, out);
        }
    }
}
