/* SPDX-License-Identifier: BSD-2-Clause
 * Walking strided rows for the exact float32 kernels; see rows32.h.
 */
#include "rows32.h"

/* Local copies and buffers of one call; `out` takes the outputs that are skipped, too. The odd length keeps
 * arrays that are walked together from falling on the same lines of the first cache. */
#define ROOM (ROWS_TILE + VAE_LANES)
struct buffers {
    _Alignas(64) float in[ROWS_MATRICES][ROOM];
    float out[ROWS_MATRICES][ROOM];
    double weight[ROOM];
    double term[ROOM];
};

/* Copies rows of one stride into rows of another, each in blocks of a constant size, the last of which
 * overlaps the one before: a call of memcpy for each row would cost more than the copies do. At least `block`
 * columns. */
static inline __attribute__((always_inline)) void copy_rows(
    float *to, size_t ld_to, const float *from, size_t ld_from, size_t rows, size_t columns, size_t block)
{
    for (; rows > 0; rows--, to += ld_to, from += ld_from) {
        for (size_t j = 0; j + block < columns; j += block)
            memcpy(to + j, from + j, block * sizeof *to);
        memcpy(to + columns - block, from + columns - block, block * sizeof *to);
    }
}

static void copy(float *to, size_t ld_to, const float *from, size_t ld_from, size_t rows, size_t columns)
{
    if (columns >= 16)
        copy_rows(to, ld_to, from, ld_from, rows, columns, 16);
    else if (columns >= 4)
        copy_rows(to, ld_to, from, ld_from, rows, columns, 4);
    else
        copy_rows(to, ld_to, from, ld_from, rows, columns, 1);
}

static inline void fill(float *to, float value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = value;
}

static int any_output(const struct rows32_job *job)
{
    for (int k = 0; k < job->outputs; k++)
        if (job->out[k])
            return 1;
    return 0;
}

static int contiguous(const struct rows32_job *job)
{
    for (int k = 0; k < job->inputs; k++)
        if (job->ld_in[k] != job->d)
            return 0;
    for (int k = 0; k < job->outputs; k++)
        if (job->out[k] && job->ld_out[k] != job->d)
            return 0;
    return !job->overwrite;
}

/* The place of a tile: rows x columns elements from (row, column) on. */
struct window {
    size_t row, rows, column, columns;
};

static const float *input_at(const struct rows32_job *job, int k, const struct window *at)
{
    return job->in[k] + at->row * job->ld_in[k] + at->column;
}

static float *output_at(const struct rows32_job *job, int k, const struct window *at)
{
    return job->out[k] ? job->out[k] + at->row * job->ld_out[k] + at->column : NULL;
}

/* A window that begins `skip` elements later, through local copies that are padded to whole blocks. */
static void run_copied(
    const struct rows32_job *job, struct buffers *b, const struct window *at, size_t skip, int grad)
{
    size_t count = at->rows * at->columns, padded = round_up(count);
    struct rows32_tile tile = {.weight = b->weight + skip, .term = job->value ? b->term + skip : NULL};
    for (int k = 0; k < job->inputs; k++) {
        copy(b->in[k], at->columns, input_at(job, k, at) + skip, job->ld_in[k], at->rows, at->columns);
        fill(b->in[k] + count, 0.0f, padded - count);
        tile.in[k] = b->in[k];
    }
    for (int k = 0; k < job->outputs && grad; k++) {
        float *out = output_at(job, k, at);
        tile.out[k] = b->out[k];
        if (!out || job->overwrite)
            continue;
        copy(b->out[k], at->columns, out + skip, job->ld_out[k], at->rows, at->columns);
        fill(b->out[k] + count, 0.0f, padded - count);
    }
    job->blocks(padded / VAE_LANES, &tile);
    for (int k = 0; k < job->outputs && grad; k++) {
        float *out = output_at(job, k, at);
        if (out)
            copy(out + skip, job->ld_out[k], b->out[k], at->columns, at->rows, at->columns);
    }
}

/* A window whose elements lie contiguous: whole blocks in place, the rest copied. */
static void run_in_place(const struct rows32_job *job, struct buffers *b, const struct window *at, int grad)
{
    size_t count = at->rows * at->columns, whole = count / VAE_LANES * VAE_LANES;
    struct rows32_tile tile = {.weight = b->weight, .term = job->value ? b->term : NULL};
    for (int k = 0; k < job->inputs; k++)
        tile.in[k] = input_at(job, k, at);
    for (int k = 0; k < job->outputs && grad; k++) {
        float *out = output_at(job, k, at);
        tile.out[k] = out ? out : b->out[k];
    }
    if (whole)
        job->blocks(whole / VAE_LANES, &tile);
    if (whole < count) {
        struct window rest = {at->row, 1, at->column, count - whole};
        run_copied(job, b, &rest, whole, grad);
    }
}

static void fill_weights(double *to, double weight, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = weight;
}

static void spread_weights(const struct rows32_job *job, struct buffers *b, const struct window *at)
{
    for (size_t i = 0; i < at->rows; i++)
        fill_weights(b->weight + i * at->columns, job->w[at->row + i], at->columns);
}

static double finish(double lanes[VAE_LANES])
{
    double sum = lanes_sum_by_tree(lanes);
    return sum > M64_SUM_MAX ? (double)INFINITY : sum < -M64_SUM_MAX ? -(double)INFINITY : sum;
}

/* Rows of a tile: sixteen of them are whole blocks for any d. */
static size_t short_rows(const struct rows32_job *job)
{
    return 16 * (job->d < 16 ? 16 / job->d : 1);
}

/* Tiles of several short rows. */
static void run_short(const struct rows32_job *job, struct buffers *b, int grad)
{
    size_t step = short_rows(job);
    int in_place = contiguous(job);
    for (size_t row = 0; row < job->n; row += step) {
        struct window at = {row, job->n - row < step ? job->n - row : step, 0, job->d};
        if (job->w)
            spread_weights(job, b, &at);
        if (in_place)
            run_in_place(job, b, &at, grad);
        else
            run_copied(job, b, &at, 0, grad);
        for (size_t i = 0; i < at.rows && job->value; i++) {
            double lanes[VAE_LANES] = {0};
            lanes_add(lanes, b->term + i * job->d, job->d);
            job->value[row + i] = finish(lanes);
        }
    }
}

/* Tiles that are pieces of one long row. */
static void run_long(const struct rows32_job *job, struct buffers *b, int grad)
{
    for (size_t row = 0; row < job->n; row++) {
        double lanes[VAE_LANES] = {0};
        for (size_t column = 0; column < job->d; column += ROWS_TILE) {
            size_t left = job->d - column;
            struct window at = {row, 1, column, left < ROWS_TILE ? left : ROWS_TILE};
            if (job->w && column == 0)
                fill_weights(b->weight, job->w[row], at.columns);
            if (job->overwrite)
                run_copied(job, b, &at, 0, grad);
            else
                run_in_place(job, b, &at, grad);
            if (job->value)
                lanes_add(lanes, b->term, at.columns);
        }
        if (job->value)
            job->value[row] = finish(lanes);
    }
}

void rows32_run(const struct rows32_job *job)
{
    struct buffers b;
    int grad = any_output(job);
    if (job->d == 0) {
        for (size_t i = 0; i < job->n && job->value; i++)
            job->value[i] = 0.0;
        return;
    }
    if (job->n == 0 || (!grad && !job->value))
        return;
    /* Initialised as far as they are read: unit weights, skipped outputs, terms past the last row. */
    size_t tile = job->d <= ROWS_TILE / 16 ? short_rows(job) * job->d : ROWS_TILE;
    size_t used = job->d < tile / job->n ? round_up(job->n * job->d) : tile;
    fill_weights(b.weight, 1.0, used);
    memset(b.term, 0, (used + VAE_LANES) * sizeof *b.term);
    for (int k = 0; k < job->outputs && grad; k++)
        if (!job->out[k])
            fill(b.out[k], 0.0f, used);
    if (job->d <= ROWS_TILE / 16)
        run_short(job, &b, grad);
    else
        run_long(job, &b, grad);
}
