/* SPDX-License-Identifier: BSD-2-Clause
 * Walking strided rows for the exact float32 kernels; see rows32.h.
 */
#include <math.h>
#include <string.h>

#include "kernels/math/math64.h"
#include "rows32.h"

/* Local copies and buffers of one call; `out` takes the outputs that nobody wants, too. The odd length keeps
 * arrays that are walked together from falling on the same lines of the first cache. */
#define ROOM (ROWS_TILE + VAE_LANES)
struct buffers {
    _Alignas(64) float in[ROWS_MATRICES][ROOM];
    float out[ROWS_MATRICES][ROOM];
    double weight[ROOM];
    double term[ROOM];
};

/* One row of at least `block` elements in blocks of so many, the last of which overlaps the one before. */
static inline void copy(float *to, const float *from, size_t columns, size_t block)
{
    for (size_t j = 0; j + block < columns; j += block)
        memcpy(to + j, from + j, block * sizeof *to);
    memcpy(to + columns - block, from + columns - block, block * sizeof *to);
}

/* Rows of one stride into rows of another. A call of memcpy for each would cost more than the copies do. */
static void copy_rows(float *to, size_t ld_to, const float *from, size_t ld_from, size_t rows, size_t columns)
{
    if (columns >= 16)
        for (size_t i = 0; i < rows; i++)
            copy(to + i * ld_to, from + i * ld_from, columns, 16);
    else if (columns >= 4)
        for (size_t i = 0; i < rows; i++)
            copy(to + i * ld_to, from + i * ld_from, columns, 4);
    else
        for (size_t i = 0; i < rows; i++)
            copy(to + i * ld_to, from + i * ld_from, columns, 1);
}

static inline void fill(float *to, float value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = value;
}

static size_t round_up(size_t count)
{
    return (count + VAE_LANES - 1) / VAE_LANES * VAE_LANES;
}

static int any_output(const struct rows_job *job)
{
    for (int k = 0; k < job->outputs; k++)
        if (job->out[k])
            return 1;
    return 0;
}

static int contiguous(const struct rows_job *job)
{
    for (int k = 0; k < job->inputs; k++)
        if (job->ld_in[k] != job->d)
            return 0;
    for (int k = 0; k < job->outputs; k++)
        if (job->out[k] && job->ld_out[k] != job->d)
            return 0;
    return !job->overwrite;
}

/* Where a tile stands: rows x columns elements from (row, column) on. */
struct window {
    size_t row, rows, column, columns;
};

static const float *input_at(const struct rows_job *job, int k, const struct window *at)
{
    return job->in[k] + at->row * job->ld_in[k] + at->column;
}

static float *output_at(const struct rows_job *job, int k, const struct window *at)
{
    return job->out[k] ? job->out[k] + at->row * job->ld_out[k] + at->column : NULL;
}

/* A window that begins `skip` elements later, through local copies that are padded to whole blocks. */
static void run_copied(
    const struct rows_job *job, struct buffers *b, const struct window *at, size_t skip, int grad)
{
    size_t count = at->rows * at->columns, padded = round_up(count);
    struct rows_tile tile = {.weight = b->weight + skip, .term = job->value ? b->term + skip : NULL};
    for (int k = 0; k < job->inputs; k++) {
        copy_rows(b->in[k], at->columns, input_at(job, k, at) + skip, job->ld_in[k], at->rows, at->columns);
        fill(b->in[k] + count, 0.0f, padded - count);
        tile.in[k] = b->in[k];
    }
    for (int k = 0; k < job->outputs && grad; k++) {
        float *out = output_at(job, k, at);
        tile.out[k] = b->out[k];
        if (!out || job->overwrite)
            continue;
        copy_rows(b->out[k], at->columns, out + skip, job->ld_out[k], at->rows, at->columns);
        fill(b->out[k] + count, 0.0f, padded - count);
    }
    job->blocks(padded / VAE_LANES, &tile);
    for (int k = 0; k < job->outputs && grad; k++) {
        float *out = output_at(job, k, at);
        if (out)
            copy_rows(out + skip, job->ld_out[k], b->out[k], at->columns, at->rows, at->columns);
    }
}

/* A window whose elements lie contiguous: whole blocks in place, the rest copied. */
static void run_in_place(const struct rows_job *job, struct buffers *b, const struct window *at, int grad)
{
    size_t count = at->rows * at->columns, whole = count / VAE_LANES * VAE_LANES;
    struct rows_tile tile = {.weight = b->weight, .term = job->value ? b->term : NULL};
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

static void spread_weights(const struct rows_job *job, struct buffers *b, const struct window *at)
{
    for (size_t i = 0; i < at->rows; i++)
        fill_weights(b->weight + i * at->columns, job->weight[at->row + i], at->columns);
}

static double finish(double lanes[VAE_LANES])
{
    double sum = lanes_total(lanes);
    return sum > M64_SUM_MAX ? (double)INFINITY : sum < -M64_SUM_MAX ? -(double)INFINITY : sum;
}

/* Rows of a tile: sixteen of them are whole blocks, whatever d is. */
static size_t short_rows(const struct rows_job *job)
{
    return 16 * (job->d < 16 ? 16 / job->d : 1);
}

/* Tiles of several short rows. */
static void run_short(const struct rows_job *job, struct buffers *b, int grad)
{
    size_t step = short_rows(job);
    int in_place = contiguous(job);
    for (size_t row = 0; row < job->n; row += step) {
        struct window at = {row, job->n - row < step ? job->n - row : step, 0, job->d};
        if (job->weight)
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
static void run_long(const struct rows_job *job, struct buffers *b, int grad)
{
    for (size_t row = 0; row < job->n; row++) {
        double lanes[VAE_LANES] = {0};
        for (size_t column = 0; column < job->d; column += ROWS_TILE) {
            size_t left = job->d - column;
            struct window at = {row, 1, column, left < ROWS_TILE ? left : ROWS_TILE};
            if (job->weight && column == 0)
                fill_weights(b->weight, job->weight[row], at.columns);
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

void K(rows_run)(const struct rows_job *job)
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
    /* Initialised as far as they are read: unit weights, outputs that nobody wants, terms past the last row.
     */
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
