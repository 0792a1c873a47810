/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. Images as rows: IDX and NPY files (plain or gzip-compressed), sets of rows, their order.
 *
 * Files are not trusted: every size is checked before memory is taken, and errors are explained in words.
 */
#ifndef VAE_EXAMPLES_DATA_H
#define VAE_EXAMPLES_DATA_H

#include <stddef.h>
#include <stdint.h>

#define DATA_WHY 512 /* characters of an explanation */

enum data_cell { DATA_UINT8, DATA_FLOAT32 };
enum data_domain { DATA_ANY, DATA_UNIT, DATA_COUNTS }; /* finite; 0..1; whole numbers 0..2^24 */

/* Rows of a file: bytes stay bytes and are converted when they are fetched; float64 becomes float32 at
 * once. */
struct data {
    size_t rows, dim;
    size_t height, width; /* dim = height * width; of 2-D files height is 1 until data_set_width */
    enum data_cell cell;
    void *cells;     /* [rows][dim], owned */
    float unit;      /* bytes are divided by it: 255, or 1 for counts */
    float low, high; /* black and white in pictures */
};

/* Read at most `limit` rows (0: all) of an IDX or NPY file. Returns 0, or -1 with the file's name and the
 * reason in `why`. */
int data_read(struct data *data, const char *path, size_t limit, char why[DATA_WHY]);
void data_free(struct data *data);

/* The width of one image, for rows that do not say; 0: a square where dim is one. -1 where it does not divide
 * dim. */
int data_set_width(struct data *data, size_t width);

/* Bytes are numbers, not shares of 255. */
void data_as_counts(struct data *data);

/* -1 with the first value that is not of the domain. */
int data_check(const struct data *data, enum data_domain domain, const char *path, char why[DATA_WHY]);

/* Rows of some data in an order. */
struct set {
    const struct data *data;
    size_t n;
    uint32_t *row;   /* [n], owned: the rows */
    uint32_t *order; /* [n], owned: place i of the order is row[order[i]] */
    float *grey;     /* [dim], owned: one row before it is binarised */
};

/* Every row, in order. -1: out of memory. */
int set_all(struct set *set, const struct data *data);
/* One row in ten, always the same, goes to `held_out`. -1: out of memory, or fewer than two rows. After an
 * error, too, the sets are to be freed. */
int set_split(struct set *train, struct set *held_out, const struct data *data);
void set_free(struct set *set);

/* An order for each epoch, a function of seed and epoch alone. */
void set_shuffle(struct set *set, uint64_t seed, uint64_t epoch);
/* Places first..first + n - 1 of the order into x [n][dim]. */
void set_fetch(const struct set *set, size_t first, size_t n, float *x);
/* The same rows as draws of 0 and 1 with the grey values as probabilities: new ones for each epoch. Epoch 0
 * is for data that must stay the same. */
void set_fetch_binary(const struct set *set, size_t first, size_t n, uint64_t seed, uint64_t epoch, float *x);

#endif
