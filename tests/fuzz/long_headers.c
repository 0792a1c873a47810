/* SPDX-License-Identifier: BSD-2-Clause
 * Fuzzing. Files that would take long to read if any work grew faster than their size: one part is long, and
 * there are many others to compare it with. Fuzzers, whose inputs are short, find none of these.
 */
#include "fuzz.h"

#include <string.h>
#include <time.h>

#include <vae/vae.h>

enum { MANY = 10000, LONG = 1 << 20, ROOM = 1 << 24 };
#define MOST_SECONDS 10 /* of a sanitized build on a slow machine; quadratic work takes minutes */

static char header[ROOM];
static size_t used;

static void put(const char *text)
{
    used += strlen(strcpy(header + used, text));
}

static void put_long(char c)
{
    memset(header + used, c, LONG);
    used += LONG;
    header[used] = 0;
}

static void put_tensor(unsigned i, int bytes)
{
    char text[160];
    snprintf(text, sizeof text, "\"t%05u\":{\"dtype\":\"U8\",\"shape\":[%d],\"data_offsets\":[0,%d]},", i,
        bytes, bytes);
    put(text);
}

/* Tensors without elements, which all have the same place, in an order that has to be sorted. */
static void put_many(void)
{
    for (unsigned i = MANY; i-- > 1;)
        put_tensor(i, 0);
}

static void long_field(void)
{
    put("\"u\":{\"more\":\"");
    put_long('a');
    put("\",\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},");
    put_many();
}

static void long_name(void)
{
    put("\"t0");
    put_long('0');
    put("\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},");
    put_many();
}

static void long_key(void)
{
    char text[32];
    put("\"__metadata__\":{\"");
    put_long('z');
    put("\":\"\"");
    for (unsigned i = MANY; i-- > 1;) {
        snprintf(text, sizeof text, ",\"z%05u\":\"\"", i);
        put(text);
    }
    put("},");
}

static void escapes(void)
{
    put("\"__metadata__\":{\"");
    for (unsigned i = 0; i < LONG / 12; i++)
        put("\\ud83d\\ude00");
    put("\":\"\"},");
}

static void nested(void)
{
    put("\"u\":{\"more\":");
    put_long('[');
    put("},");
}

static void digits(void)
{
    put("\"u\":{\"shape\":[");
    put_long('9');
    put("]},");
}

static const struct {
    const char *name;
    void (*write)(void);
} files[] = {{"a long field", long_field}, {"a long name", long_name}, {"a long key", long_key},
    {"escapes", escapes}, {"nested", nested}, {"digits", digits}};

/* The file of the header: its length, itself, four bytes of data. */
static uint8_t *finish(size_t *size)
{
    header[used - 1] = '}';
    uint8_t *file = calloc(used + 12, 1);
    EXPECT(file);
    for (size_t i = 0; i < 8; i++)
        file[i] = (uint8_t)((uint64_t)used >> 8 * i);
    memcpy(file + 8, header, used);
    *size = used + 12;
    return file;
}

int main(void)
{
    int slow = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        vae_model *model;
        size_t size;
        used = 0;
        put("{");
        put_tensor(99999, 4);
        files[i].write();
        uint8_t *file = finish(&size);
        clock_t begin = clock();
        EXPECT(vae_load_memory(&model, file, size, 0, NULL) != VAE_OK);
        double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
        printf("%s: %zu bytes, %.2f s: %s\n", files[i].name, size, seconds, vae_last_error());
        slow += seconds > MOST_SECONDS;
        free(file);
    }
    return slow > 0;
}
