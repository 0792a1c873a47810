/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. IDX (http://yann.lecun.com/exdb/mnist) and NPY (numpy.lib.format, versions 1 to 3) readers,
 * through zlib, which reads plain files as they are.
 *
 * A header may claim anything. What it claims is held against SIZE_MAX and, for plain files, against the
 * file's real length before memory is taken; a compressed file's memory grows with what really comes out of
 * it.
 */
#include "data.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum { MAX_DIMS = 3, MAX_NPY_HEADER = 65536, FIRST_CHUNK = 1 << 20, MAX_CHUNK = 1 << 24 };

struct reader {
    gzFile file;
    const char *path;
    char *why;
    uint64_t taken; /* bytes so far, decompressed */
    uint64_t size;  /* of a plain file; unknown (0) of a compressed one */
    int plain;
};

/* What a header says. */
struct header {
    unsigned dims; /* as said, possibly more than dim[] has room for */
    uint64_t dim[MAX_DIMS];
    unsigned bytes; /* of a cell: uint8, float32 or float64 */
    int big_endian;
};

__attribute__((format(printf, 2, 3))) static int fail(struct reader *reader, const char *format, ...)
{
    va_list args;
    int used = snprintf(reader->why, DATA_WHY, "%s: ", reader->path);
    if (used < 0 || used >= DATA_WHY)
        return -1;
    va_start(args, format);
    vsnprintf(reader->why + used, (size_t)(DATA_WHY - used), format, args);
    va_end(args);
    return -1;
}

/* Read up to n bytes; fewer only at the end. -1 where the stream is damaged. */
static long read_some(struct reader *reader, void *to, unsigned n)
{
    int got = gzread(reader->file, to, n);
    int code;
    const char *words = gzerror(reader->file, &code);
    if (got < 0 || code != Z_OK)
        return fail(reader, "cannot be read: %s", code == Z_ERRNO ? strerror(errno) : words);
    reader->taken += (uint64_t)got;
    return got;
}

static int read_header_bytes(struct reader *reader, void *to, unsigned n)
{
    long got = read_some(reader, to, n);
    if (got < 0)
        return -1;
    if ((unsigned)got < n)
        return fail(
            reader, "truncated: ends inside its header, after %llu bytes", (unsigned long long)reader->taken);
    return 0;
}

/* ---- IDX: 0, 0, type, number of dimensions, the dimensions as big-endian words, the cells -------------- */

static int read_idx_header(struct reader *reader, const unsigned char magic[4], struct header *header)
{
    enum { IDX_UINT8 = 0x08, IDX_FLOAT32 = 0x0d, IDX_FLOAT64 = 0x0e };
    if (magic[2] != IDX_UINT8 && magic[2] != IDX_FLOAT32 && magic[2] != IDX_FLOAT64)
        return fail(reader,
            "IDX cells of type 0x%02x; uint8 (0x08), float32 (0x0d) and float64 (0x0e) are read", magic[2]);
    header->bytes = magic[2] == IDX_UINT8 ? 1 : magic[2] == IDX_FLOAT32 ? 4 : 8;
    header->big_endian = 1;
    header->dims = magic[3];
    for (unsigned i = 0; i < header->dims && i < MAX_DIMS; i++) {
        unsigned char word[4];
        if (read_header_bytes(reader, word, 4) != 0)
            return -1;
        header->dim[i] = (uint64_t)word[0] << 24 | (uint64_t)word[1] << 16 | (uint64_t)word[2] << 8 | word[3];
    }
    return 0;
}

/* ---- NPY: magic, version, length, a Python dictionary of exactly three keys, the cells ----------------- */

static void skip_spaces(const char **at)
{
    while (**at == ' ')
        ++*at;
}

static int next_is(const char **at, char character)
{
    skip_spaces(at);
    return **at == character;
}

static int take_text(const char **at, const char *text)
{
    size_t n = strlen(text);
    skip_spaces(at);
    if (strncmp(*at, text, n) != 0)
        return 0;
    *at += n;
    return 1;
}

/* A quoted string of printable characters without escapes, shorter than `size`. */
static int take_string(const char **at, char *to, size_t size)
{
    skip_spaces(at);
    char quote = **at;
    if (quote != '\'' && quote != '"')
        return 0;
    const char *from = *at + 1, *end = strchr(from, quote);
    if (!end || (size_t)(end - from) >= size || memchr(from, '\\', (size_t)(end - from)))
        return 0;
    memcpy(to, from, (size_t)(end - from));
    to[end - from] = '\0';
    *at = end + 1;
    return 1;
}

static int take_number(const char **at, uint64_t *number)
{
    skip_spaces(at);
    if (**at < '0' || **at > '9')
        return 0;
    for (*number = 0; **at >= '0' && **at <= '9'; ++*at) {
        uint64_t digit = (uint64_t)(**at - '0');
        if (*number > (UINT64_MAX - digit) / 10)
            return 0;
        *number = *number * 10 + digit;
    }
    return 1;
}

static int take_shape(const char **at, struct header *header)
{
    if (!take_text(at, "("))
        return 0;
    header->dims = 0;
    while (!take_text(at, ")")) {
        uint64_t number;
        if (!take_number(at, &number))
            return 0;
        if (header->dims < MAX_DIMS)
            header->dim[header->dims] = number;
        header->dims++;
        if (!take_text(at, ",") && !next_is(at, ')'))
            return 0;
    }
    return 1;
}

static int set_npy_cell(struct reader *reader, const char *descr, struct header *header)
{
    header->big_endian = descr[0] == '>';
    if (strcmp(descr, "|u1") == 0)
        header->bytes = 1;
    else if (strcmp(descr, "<f4") == 0 || strcmp(descr, ">f4") == 0)
        header->bytes = 4;
    else if (strcmp(descr, "<f8") == 0 || strcmp(descr, ">f8") == 0)
        header->bytes = 8;
    else
        return fail(reader,
            "NPY cells of type '%s'; uint8 ('|u1'), float32 ('<f4') and float64 ('<f8') are read", descr);
    return 0;
}

static int parse_npy(struct reader *reader, const char *at, struct header *header)
{
    enum { DESCR = 1, ORDER = 2, SHAPE = 4 };
    static const char malformed[] =
        "its NPY header is malformed: not a dictionary of descr, fortran_order and shape";
    char key[16], descr[16] = "";
    int seen = 0, fortran = 0, key_bit;
    if (!take_text(&at, "{"))
        return fail(reader, malformed);
    while (!take_text(&at, "}")) {
        if (!take_string(&at, key, sizeof key) || !take_text(&at, ":"))
            return fail(reader, malformed);
        int good = 0;
        if (strcmp(key, "descr") == 0)
            key_bit = DESCR, good = take_string(&at, descr, sizeof descr);
        else if (strcmp(key, "fortran_order") == 0)
            key_bit = ORDER, good = (fortran = take_text(&at, "True")) || take_text(&at, "False");
        else if (strcmp(key, "shape") == 0)
            key_bit = SHAPE, good = take_shape(&at, header);
        else
            return fail(reader, "its NPY header has a key '%s' that does not belong", key);
        if (!good || (seen & key_bit))
            return fail(reader, "its NPY header is malformed at '%s'", key);
        seen |= key_bit;
        if (!take_text(&at, ",") && !next_is(&at, '}'))
            return fail(reader, malformed);
    }
    skip_spaces(&at);
    if (seen != (DESCR | ORDER | SHAPE) || strcmp(at, "\n") != 0)
        return fail(reader, malformed);
    if (fortran)
        return fail(reader, "is in Fortran order; save it in C order (numpy.ascontiguousarray)");
    return set_npy_cell(reader, descr, header);
}

static int read_npy_header(struct reader *reader, struct header *header)
{
    unsigned char start[8] = {0}; /* rest of the magic, version, length */
    if (read_header_bytes(reader, start, 6) != 0)
        return -1;
    if (memcmp(start, "PY", 2) != 0)
        return fail(reader, "neither IDX nor NPY: wrong magic number");
    unsigned major = start[2], minor = start[3];
    if (major < 1 || major > 3 || minor != 0)
        return fail(reader, "NPY format version %u.%u; 1.0, 2.0 and 3.0 are read", major, minor);
    uint64_t length = start[4] | (uint64_t)start[5] << 8;
    if (major > 1) {
        if (read_header_bytes(reader, start + 6, 2) != 0)
            return -1;
        length |= (uint64_t)start[6] << 16 | (uint64_t)start[7] << 24;
    }
    if (length > MAX_NPY_HEADER)
        return fail(reader, "its NPY header claims %llu bytes; %d are the limit", (unsigned long long)length,
            MAX_NPY_HEADER);
    char *text = calloc(length + 1, 1);
    if (!text)
        return fail(reader, "out of memory");
    int status = read_header_bytes(reader, text, (unsigned)length);
    if (status == 0 && memchr(text, '\0', length))
        status = fail(reader, "its NPY header is malformed: a zero byte");
    if (status == 0)
        status = parse_npy(reader, text, header);
    free(text);
    return status;
}

/* ---- both ---------------------------------------------------------------------------------------------- */

static int read_header(struct reader *reader, struct header *header)
{
    unsigned char magic[4];
    long got = read_some(reader, magic, 4);
    if (got < 0)
        return -1;
    if (got == 0)
        return fail(reader, "is empty");
    if (got < 4)
        return fail(reader, "truncated: %ld bytes are less than a magic number", got);
    if (memcmp(magic, "\x93NUM", 4) == 0)
        return read_npy_header(reader, header);
    if (magic[0] == 0 && magic[1] == 0)
        return read_idx_header(reader, magic, header);
    return fail(reader, "neither IDX nor NPY: begins with %02x %02x %02x %02x", magic[0], magic[1], magic[2],
        magic[3]);
}

/* Rows, height and width from the header, sizes that cannot wrap, a length that fits a plain file's. */
static int accept_header(struct reader *reader, const struct header *header, struct data *data)
{
    uint64_t total = header->bytes;
    if (header->dims < 2 || header->dims > MAX_DIMS)
        return fail(reader, "has %u dimension%s; images need 2 (rows, pixels) or 3 (rows, height, width)",
            header->dims, header->dims == 1 ? "" : "s");
    for (unsigned i = 0; i < header->dims; i++) {
        if (header->dim[i] == 0)
            return fail(reader, "is without cells: dimension %u is 0", i);
        if (total > (uint64_t)PTRDIFF_MAX / header->dim[i])
            return fail(reader, "its dimensions overflow: %llu x %llu x %llu",
                (unsigned long long)header->dim[0], (unsigned long long)header->dim[1],
                (unsigned long long)(header->dims == 3 ? header->dim[2] : 1));
        total *= header->dim[i];
    }
    if (header->dim[0] > UINT32_MAX)
        return fail(reader, "has %llu rows; 2^32 - 1 are the limit", (unsigned long long)header->dim[0]);
    if (reader->plain && total != reader->size - reader->taken)
        return fail(reader, "%s: its header promises %llu bytes of cells, %llu follow",
            total > reader->size - reader->taken ? "truncated" : "has bytes left over",
            (unsigned long long)total, (unsigned long long)(reader->size - reader->taken));
    data->rows = (size_t)header->dim[0];
    data->height = header->dims == 3 ? (size_t)header->dim[1] : 1;
    data->width = (size_t)header->dim[header->dims - 1];
    data->dim = data->height * data->width;
    data->cell = header->bytes == 1 ? DATA_UINT8 : DATA_FLOAT32;
    return 0;
}

/* `total` bytes. A plain file's length is known to be right; a compressed one's buffer doubles as bytes
 * arrive. */
static int read_cells(struct reader *reader, size_t total, struct data *data)
{
    size_t have = 0, room = reader->plain || total < FIRST_CHUNK ? total : FIRST_CHUNK;
    if (!(data->cells = malloc(room)))
        return fail(reader, "out of memory for %zu bytes", room);
    while (have < total) {
        if (have == room) {
            room = room > total / 2 ? total : room * 2;
            void *more = realloc(data->cells, room);
            if (!more)
                return fail(reader, "out of memory for %zu bytes", room);
            data->cells = more;
        }
        size_t want = room - have < MAX_CHUNK ? room - have : MAX_CHUNK;
        long got = read_some(reader, (char *)data->cells + have, (unsigned)want);
        if (got < 0)
            return -1;
        if (got == 0)
            return fail(reader, "truncated: %zu bytes of cells expected, %zu found", total, have);
        have += (size_t)got;
    }
    return 0;
}

/* At the end of all cells the file ends, and a compressed one's checksum has been seen. */
static int expect_end(struct reader *reader)
{
    char byte;
    long got = read_some(reader, &byte, 1);
    return got < 0 ? -1 : got > 0 ? fail(reader, "has bytes left over after its cells") : 0;
}

/* A cell of four or eight bytes, in either order, on a machine of either order. */
static float float_of(const unsigned char *byte, const struct header *header)
{
    uint64_t word = 0;
    for (unsigned i = 0; i < header->bytes; i++)
        word |= (uint64_t)byte[header->big_endian ? header->bytes - 1 - i : i] << 8 * i;
    if (header->bytes == sizeof(float)) {
        uint32_t half = (uint32_t)word;
        float x;
        memcpy(&x, &half, sizeof x);
        return x;
    }
    double x;
    memcpy(&x, &word, sizeof x);
    return (float)x;
}

/* The cells, in place, as float32. */
static void finish_floats(struct data *data, const struct header *header)
{
    unsigned char *cells = data->cells;
    float low = 0, high = 1;
    for (size_t i = 0; i < data->rows * data->dim; i++) {
        float x = float_of(cells + i * header->bytes, header);
        memcpy(cells + i * sizeof x, &x, sizeof x);
        low = x < low ? x : low;
        high = x > high ? x : high;
    }
    data->low = low;
    data->high = high;
}

static int read_all(struct reader *reader, size_t limit, struct data *data)
{
    struct header header = {0};
    if (read_header(reader, &header) != 0 || accept_header(reader, &header, data) != 0)
        return -1;
    int whole = limit == 0 || limit >= data->rows;
    data->rows = whole ? data->rows : limit;
    if (read_cells(reader, data->rows * data->dim * header.bytes, data) != 0 ||
        (whole && expect_end(reader) != 0))
        return -1;
    data->unit = 255;
    data->high = 1;
    if (data->cell == DATA_FLOAT32)
        finish_floats(data, &header);
    return 0;
}

int data_read(struct data *data, const char *path, size_t limit, char why[DATA_WHY])
{
    struct reader reader = {.path = path, .why = why};
    struct stat info;
    memset(data, 0, sizeof *data);
    if (stat(path, &info) != 0 || !(reader.file = gzopen(path, "rb")))
        return fail(&reader, "cannot be opened: %s", strerror(errno));
    reader.plain = S_ISREG(info.st_mode) && gzdirect(reader.file);
    reader.size = (uint64_t)info.st_size;
    int status = S_ISDIR(info.st_mode) ? fail(&reader, "is a directory") : read_all(&reader, limit, data);
    gzclose(reader.file);
    if (status != 0)
        data_free(data);
    return status;
}
