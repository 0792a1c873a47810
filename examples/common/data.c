/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. Images as rows: checks, sets, order, fetching. The file formats are in data_read.c.
 */
#include "data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vae/vae.h>

/* Streams of our own, beside the library's (vae.h: purposes 6 and up are the caller's). */
#define STREAM_SHUFFLE ((uint64_t)6 << 56)
#define STREAM_SPLIT ((uint64_t)7 << 56)

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

int data_check(const struct data *data, int unit, const char *path, char why[DATA_WHY])
{
    if (data->cell == DATA_UINT8)
        return 0;
    const float *x = data->cells;
    for (size_t i = 0; i < data->rows * data->dim; i++) {
        int bad = unit ? !(x[i] >= 0 && x[i] <= 1) : !isfinite(x[i]);
        if (bad) {
            snprintf(why, DATA_WHY, "%s: row %zu, column %zu is %g, which is not %s", path, i / data->dim,
                i % data->dim, (double)x[i],
                unit ? "within 0..1 (Bernoulli's targets are probabilities)" : "a finite number");
            return -1;
        }
    }
    return 0;
}

int set_all(struct set *set, const struct data *data)
{
    set->data = data;
    set->n = data->rows;
    set->row = malloc(data->rows * sizeof *set->row);
    set->grey = malloc(data->dim * sizeof *set->grey);
    if (!set->row || !set->grey)
        return -1;
    for (size_t i = 0; i < data->rows; i++)
        set->row[i] = (uint32_t)i;
    return 0;
}

/* Fisher and Yates, from the end. */
static void shuffle(uint32_t *row, size_t n, uint64_t seed, uint64_t stream)
{
    uint32_t word[256];
    for (size_t i = n; i > 1; i--) {
        size_t at = n - i;
        if (at % 256 == 0)
            vae_random_u32(seed, stream, at, 256, word);
        size_t j = (size_t)((uint64_t)word[at % 256] * i >> 32);
        uint32_t other = row[j];
        row[j] = row[i - 1];
        row[i - 1] = other;
    }
}

int set_split(struct set *train, struct set *held_out, const struct data *data)
{
    size_t held = (data->rows + 9) / 10;
    if (data->rows < 2 || set_all(train, data) != 0 || set_all(held_out, data) != 0)
        return -1;
    shuffle(train->row, train->n, 0, STREAM_SPLIT);
    train->n -= held;
    held_out->n = held;
    memcpy(held_out->row, train->row + train->n, held * sizeof *held_out->row);
    return 0;
}

void set_free(struct set *set)
{
    free(set->row);
    free(set->grey);
    memset(set, 0, sizeof *set);
}

void set_shuffle(struct set *set, uint64_t seed, uint64_t epoch)
{
    shuffle(set->row, set->n, seed, STREAM_SHUFFLE | epoch);
}

static void fetch_row(const struct data *data, size_t row, float *x)
{
    if (data->cell == DATA_FLOAT32) {
        memcpy(x, (const float *)data->cells + row * data->dim, data->dim * sizeof *x);
        return;
    }
    const uint8_t *byte = (const uint8_t *)data->cells + row * data->dim;
    for (size_t j = 0; j < data->dim; j++)
        x[j] = (float)byte[j] / 255.0f;
}

void set_fetch(const struct set *set, size_t first, size_t n, float *x)
{
    for (size_t i = 0; i < n; i++)
        fetch_row(set->data, set->row[first + i], x + i * set->data->dim);
}

void set_fetch_binary(const struct set *set, size_t first, size_t n, uint64_t seed, uint64_t epoch, float *x)
{
    uint64_t stream = (uint64_t)VAE_STREAM_BINARISE << 56 | epoch;
    size_t dim = set->data->dim;
    for (size_t i = 0; i < n; i++) {
        uint64_t row = set->row[first + i];
        fetch_row(set->data, row, set->grey);
        vae_bernoulli(seed, stream, row * dim, dim, set->grey, x + i * dim);
    }
}
