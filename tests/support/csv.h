/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: the CSV files of reference vectors. One header line, no quoting; an input v has its bits in
 * v_hex, an output o is in decimals in o, lists are separated by spaces.
 */
#ifndef VAE_TESTS_CSV_H
#define VAE_TESTS_CSV_H

#include <stddef.h>

struct csv;

/* NULL where there is no such file; a malformed one ends the program with words. */
struct csv *csv_open(const char *folder, const char *name);
void csv_close(struct csv *csv);
size_t csv_rows(const struct csv *csv);
/* The field, or NULL where there is no column of that name. */
const char *csv_field(const struct csv *csv, size_t row, const char *column);

/* Readers of lists; each returns how many elements stood there and stores at most `capacity`. */
size_t csv_hex32(const char *field, float *to, size_t capacity);
size_t csv_hex64(const char *field, double *to, size_t capacity);
size_t csv_decimals(const char *field, long double *to, size_t capacity);

#endif
