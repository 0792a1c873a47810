/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. Pictures of a trained model.
 */
#include "pictures.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sheet.h"

enum {
    PAIRS = 6,
    PAIR_ROWS = 8,
    SAMPLES = 12,
    MANIFOLD = 20,
    PATHS = 8,
    STOPS = 12,
    UNUSUAL = 4,
    SHEET_SIDE = 1200
};

/* `most` images along a side, or as many as fit. */
static int fitting(size_t side, int most)
{
    int fit = side < SHEET_SIDE ? (int)(SHEET_SIDE / side) : 1;
    return fit < most ? fit : most;
}

static struct sheet sheet_of(const struct data *data, int columns, int rows)
{
    return (struct sheet){.rows = fitting(data->height, rows),
        .columns = fitting(data->width, columns),
        .height = (int)data->height,
        .width = (int)data->width,
        .low = data->low,
        .high = data->high};
}

size_t pictures_rows(const struct data *data)
{
    struct sheet sheet = sheet_of(data, PAIRS, PAIR_ROWS);
    return (size_t)(sheet.rows * sheet.columns);
}

size_t pictures_unusual_rows(const struct data *data)
{
    struct sheet sheet = sheet_of(data, SAMPLES, UNUSUAL);
    return (size_t)(sheet.rows * sheet.columns);
}

static int failed(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, vae_last_error());
    return -1;
}

static int out_of_memory(const char *path)
{
    fprintf(stderr, "%s: out of memory\n", path);
    return -1;
}

static int write_reconstructions(
    vae_model *model, const struct data *data, const float *x, size_t n, const char *path)
{
    struct sheet sheet = sheet_of(data, PAIRS, PAIR_ROWS);
    sheet.rows = (int)((n + (size_t)sheet.columns - 1) / (size_t)sheet.columns);
    size_t room = (size_t)(sheet.rows * sheet.columns), dim = data->dim;
    sheet.columns *= 2;
    sheet.pairs = 1;
    float *pairs = malloc(room * 2 * dim * sizeof *pairs), *copy = malloc(n * dim * sizeof *copy);
    int status = -1;
    if (!pairs || !copy)
        out_of_memory(path);
    else if (vae_reconstruct(model, x, n, copy) != VAE_OK)
        failed(path);
    else {
        for (size_t i = 0; i < room * 2 * dim; i++)
            pairs[i] = data->high; /* places without an image stay white */
        for (size_t i = 0; i < n; i++) {
            memcpy(pairs + 2 * i * dim, x + i * dim, dim * sizeof *x);
            memcpy(pairs + (2 * i + 1) * dim, copy + i * dim, dim * sizeof *x);
        }
        status = sheet_write(&sheet, pairs, path);
    }
    free(pairs);
    free(copy);
    return status;
}

static int write_samples(vae_model *model, const struct data *data, const char *path)
{
    struct sheet sheet = sheet_of(data, SAMPLES, SAMPLES);
    size_t n = (size_t)(sheet.rows * sheet.columns);
    float *images = malloc(n * data->dim * sizeof *images);
    if (!images)
        return out_of_memory(path);
    int status =
        vae_sample_mean(model, 1, n, images) == VAE_OK ? sheet_write(&sheet, images, path) : failed(path);
    free(images);
    return status;
}

/* The standard normal's quantile, by halving. */
static double quantile(double p)
{
    double low = -8, high = 8;
    for (int i = 0; i < 60; i++) {
        double middle = 0.5 * (low + high);
        if (0.5 * erfc(-middle * 0.70710678118654752) < p)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int write_manifold(vae_model *model, const struct data *data, const char *path)
{
    struct sheet sheet = sheet_of(data, MANIFOLD, MANIFOLD);
    size_t n = (size_t)(sheet.rows * sheet.columns);
    float *z = malloc(n * 2 * sizeof *z), *images = malloc(n * data->dim * sizeof *images);
    int status = -1;
    if (!z || !images)
        out_of_memory(path);
    else {
        for (int i = 0; i < sheet.rows * sheet.columns; i++) {
            z[2 * i] = (float)quantile((i % sheet.columns + 0.5) / sheet.columns);
            z[2 * i + 1] = (float)quantile((i / sheet.columns + 0.5) / sheet.rows);
        }
        status = vae_decode(model, z, n, images) == VAE_OK ? sheet_write(&sheet, images, path) : failed(path);
    }
    free(z);
    free(images);
    return status;
}

/* Rows of latents, each from one end to the other in even steps. ends: [2 * rows][z_dim], two for each
 * row. */
static void walk(const struct sheet *sheet, size_t z_dim, const float *ends, float *z)
{
    for (int row = 0; row < sheet->rows; row++) {
        const float *from = ends + 2 * (size_t)row * z_dim, *to = from + z_dim;
        for (int stop = 0; stop < sheet->columns; stop++) {
            float part = sheet->columns > 1 ? (float)stop / (float)(sheet->columns - 1) : 0;
            for (size_t j = 0; j < z_dim; j++)
                *z++ = from[j] + part * (to[j] - from[j]);
        }
    }
}

static int write_interpolation(
    vae_model *model, const struct data *data, const float *x, size_t n, const char *path)
{
    struct sheet sheet = sheet_of(data, STOPS, PATHS);
    sheet.rows = (size_t)sheet.rows < n / 2 ? sheet.rows : (int)(n / 2);
    if (sheet.rows == 0)
        return 0;
    size_t z_dim = (size_t)vae_z_dim(model), images = (size_t)(sheet.rows * sheet.columns);
    float *ends = malloc(2 * (size_t)sheet.rows * z_dim * sizeof *ends);
    float *z = malloc(images * z_dim * sizeof *z), *means = malloc(images * data->dim * sizeof *means);
    int status = -1;
    if (!ends || !z || !means)
        out_of_memory(path);
    else if (vae_encode(model, x, 2 * (size_t)sheet.rows, ends, NULL) != VAE_OK)
        failed(path);
    else {
        walk(&sheet, z_dim, ends, z);
        status =
            vae_decode(model, z, images, means) == VAE_OK ? sheet_write(&sheet, means, path) : failed(path);
    }
    free(ends);
    free(z);
    free(means);
    return status;
}

int pictures_unusual(const struct data *data, const float *x, size_t n, const char *dir)
{
    char path[PATH_MAX];
    struct sheet sheet = sheet_of(data, SAMPLES, UNUSUAL);
    sheet.rows = (int)((n + (size_t)sheet.columns - 1) / (size_t)sheet.columns);
    size_t room = (size_t)(sheet.rows * sheet.columns);
    float *images = malloc(room * data->dim * sizeof *images);
    snprintf(path, sizeof path, "%s/unusual.png", dir);
    if (!images)
        return out_of_memory(path);
    memcpy(images, x, n * data->dim * sizeof *x);
    for (size_t i = n * data->dim; i < room * data->dim; i++)
        images[i] = data->high; /* places without an image stay white */
    int status = sheet_write(&sheet, images, path);
    free(images);
    return status;
}

int pictures_write(vae_model *model, const struct data *data, const float *x, size_t n, const char *dir)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/reconstructions.png", dir);
    int status = write_reconstructions(model, data, x, n, path);
    snprintf(path, sizeof path, "%s/samples.png", dir);
    status = status == 0 ? write_samples(model, data, path) : status;
    snprintf(path, sizeof path, "%s/interpolation.png", dir);
    status = status == 0 ? write_interpolation(model, data, x, n, path) : status;
    snprintf(path, sizeof path, "%s/manifold.png", dir);
    return status == 0 && vae_z_dim(model) == 2 ? write_manifold(model, data, path) : status;
}
