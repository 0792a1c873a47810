/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. Images as rows: checks, sets, order, fetching. The file formats are in data_read.c.
 */
#include "data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vae/vae.h>

/* A stream of the program's own: vae.h reserves purposes 128 to 255 for applications. */
#define STREAM_SPLIT ((uint64_t)128 << 56)

void data_free(struct data *data)
{
    free(data->cells);
    memset(data, 0, sizeof *data);
}

int data_set_width(struct data *data, size_t width)
{
    if (width == 0) {
        size_t side = (size_t)(sqrt((double)data->dim) + 0.5);
        width = side * side == data->dim ? side : data->dim;
    }
    if (data->dim % width != 0)
        return -1;
    data->width = width;
    data->height = data->dim / width;
    return 0;
}

void data_as_counts(struct data *data)
{
    data->unit = 1;
    data->high = data->cell == DATA_UINT8 ? 255 : data->high;
}

static int belongs(enum data_domain domain, float x)
{
    if (domain == DATA_UNIT)
        return x >= 0 && x <= 1;
    if (domain == DATA_COUNTS)
        return x >= 0 && x <= 0x1p24f && x == floorf(x);
    return isfinite(x);
}

int data_check(const struct data *data, enum data_domain domain, const char *path, char why[DATA_WHY])
{
    static const char *const domains[] = {[DATA_ANY] = "a finite number",
        [DATA_UNIT] = "within 0..1, as Bernoulli likelihoods need it",
        [DATA_COUNTS] = "a whole number 0..2^24, as the Poisson likelihood needs it"};
    if (data->cell == DATA_UINT8)
        return 0;
    const float *x = data->cells;
    for (size_t i = 0; i < data->rows * data->dim; i++) {
        if (belongs(domain, x[i]))
            continue;
        snprintf(why, DATA_WHY, "%s: row %zu, column %zu is %g, which is not %s", path, i / data->dim,
            i % data->dim, (double)x[i], domains[domain]);
        return -1;
    }
    return 0;
}

int set_all(struct set *set, const struct data *data)
{
    set->data = data;
    set->n = data->rows;
    set->row = malloc(data->rows * sizeof *set->row);
    set->order = malloc(data->rows * sizeof *set->order);
    set->grey = malloc(data->dim * sizeof *set->grey);
    if (!set->row || !set->order || !set->grey)
        return -1;
    for (size_t i = 0; i < data->rows; i++)
        set->row[i] = set->order[i] = (uint32_t)i;
    return 0;
}

int set_split(struct set *train, struct set *held_out, const struct data *data)
{
    size_t held = (data->rows + 9) / 10;
    memset(train, 0, sizeof *train);
    memset(held_out, 0, sizeof *held_out);
    if (data->rows < 2 || set_all(train, data) != 0 || set_all(held_out, data) != 0)
        return -1;
    vae_permutation(0, STREAM_SPLIT, train->n, train->row);
    train->n -= held;
    held_out->n = held;
    memcpy(held_out->row, train->row + train->n, held * sizeof *held_out->row);
    return 0;
}

void set_free(struct set *set)
{
    free(set->row);
    free(set->order);
    free(set->grey);
    memset(set, 0, sizeof *set);
}

void set_shuffle(struct set *set, uint64_t seed, uint64_t epoch)
{
    vae_permutation(seed, (uint64_t)VAE_STREAM_SHUFFLE << 56 | epoch, set->n, set->order);
}

static size_t row_at(const struct set *set, size_t place)
{
    return set->row[set->order[place]];
}

static void fetch_row(const struct data *data, size_t row, float *x)
{
    if (data->cell == DATA_FLOAT32) {
        memcpy(x, (const float *)data->cells + row * data->dim, data->dim * sizeof *x);
        return;
    }
    const uint8_t *byte = (const uint8_t *)data->cells + row * data->dim;
    for (size_t j = 0; j < data->dim; j++)
        x[j] = (float)byte[j] / data->unit;
}

void set_fetch(const struct set *set, size_t first, size_t n, float *x)
{
    for (size_t i = 0; i < n; i++)
        fetch_row(set->data, row_at(set, first + i), x + i * set->data->dim);
}

void set_fetch_binary(const struct set *set, size_t first, size_t n, uint64_t seed, uint64_t epoch, float *x)
{
    uint64_t stream = (uint64_t)VAE_STREAM_BINARISE << 56 | epoch;
    size_t dim = set->data->dim;
    for (size_t i = 0; i < n; i++) {
        size_t row = row_at(set, first + i);
        fetch_row(set->data, row, set->grey);
        vae_bernoulli(seed, stream, (uint64_t)row * dim, dim, set->grey, x + i * dim);
    }
}
