/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: the CSV files of reference vectors.
 */
#include "csv.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct csv {
    char *text;
    size_t rows, columns;
    char **field; /* [1 + rows][columns], the header first */
};

static void fail(const char *what, const char *path)
{
    fprintf(stderr, "%s: %s\n", path, what);
    exit(1);
}

static char *read_all(FILE *file, const char *path)
{
    if (fseek(file, 0, SEEK_END) != 0)
        fail("cannot be read", path);
    long size = ftell(file);
    char *text = size < 0 ? NULL : malloc((size_t)size + 1);
    rewind(file);
    if (!text || fread(text, 1, (size_t)size, file) != (size_t)size)
        fail("cannot be read", path);
    text[size] = '\0';
    return text;
}

static size_t count(const char *text, const char *end, char wanted)
{
    size_t n = 0;
    for (; text < end; text++)
        n += *text == wanted;
    return n;
}

/* Cuts the text at commas and line ends. */
static void split(struct csv *csv, const char *path)
{
    char *at = csv->text, *end = at + strlen(at);
    size_t lines = count(at, end, '\n'), fields = 0;
    csv->columns = 1 + count(at, at + strcspn(at, "\n"), ',');
    csv->rows = lines - 1;
    csv->field = calloc(lines * csv->columns, sizeof *csv->field);
    if (lines < 2 || !csv->field)
        fail("no rows", path);
    while (at < end) {
        size_t length = strcspn(at, ",\r\n");
        char separator = at[length];
        if (fields == lines * csv->columns || (separator != ',') != ((fields + 1) % csv->columns == 0))
            fail("a row has too few fields or too many", path);
        csv->field[fields++] = at;
        at[length] = '\0';
        at += length + (separator == '\r' ? 2 : 1);
    }
}

struct csv *csv_open(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    struct csv *csv = calloc(1, sizeof *csv);
    if (!csv)
        fail("out of memory", path);
    csv->text = read_all(file, path);
    fclose(file);
    split(csv, path);
    return csv;
}

void csv_close(struct csv *csv)
{
    free(csv->field);
    free(csv->text);
    free(csv);
}

size_t csv_rows(const struct csv *csv)
{
    return csv->rows;
}

const char *csv_field(const struct csv *csv, size_t row, const char *column)
{
    for (size_t c = 0; c < csv->columns; c++)
        if (strcmp(csv->field[c], column) == 0)
            return csv->field[(row + 1) * csv->columns + c];
    return NULL;
}

/* Calls strtoull or strtold until the field ends. */
#define LIST(NAME, TYPE, READ)                                                                               \
    size_t NAME(const char *field, TYPE *to, size_t capacity)                                                \
    {                                                                                                        \
        size_t n = 0;                                                                                        \
        for (;;) {                                                                                           \
            char *end;                                                                                       \
            TYPE value = READ(field, &end);                                                                  \
            if (end == field)                                                                                \
                return n;                                                                                    \
            if (n < capacity)                                                                                \
                to[n] = value;                                                                               \
            n++;                                                                                             \
            field = end;                                                                                     \
        }                                                                                                    \
    }

static float bits32(const char *field, char **end)
{
    uint32_t bits = (uint32_t)strtoull(field, end, 16);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static double bits64(const char *field, char **end)
{
    uint64_t bits = strtoull(field, end, 16);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

LIST(csv_hex32, float, bits32)
LIST(csv_hex64, double, bits64)
LIST(csv_decimals, long double, strtold)
