/* SPDX-License-Identifier: BSD-2-Clause
 * Fuzzing. The examples' reader of IDX and, with FUZZ_NPY, of NPY files. An input is one byte of options and
 * a file, whose first bytes become those of the format, so that every input reaches its parser.
 *
 * Options: bits 0 and 1 are the number of rows to read (0: all); bits 2 and 3 are how the file is stored:
 * 0 plain, 1 compressed, 2 compressed and cut, 3 compressed with a wrong checksum.
 */
#include "common/data.h"

#include "fuzz.h"

#include <string.h>
#include <zlib.h>

#ifdef FUZZ_NPY
static const char magic[] = "\x93NUMPY";
#else
static const char magic[] = "\0\0";
#endif

enum { MOST = 65000, PLAIN = 0, CUT = 2, WRONG = 3, HEAD = 10, BLOCK = 5, TAIL = 8 };

static void put_word(unsigned char *to, unsigned long word)
{
    for (int i = 0; i < 4; i++)
        to[i] = (unsigned char)(word >> 8 * i);
}

/* A gzip file of one stored block; returns its size. */
static size_t compress_file(const unsigned char *file, size_t n, int how, unsigned char *out)
{
    static const unsigned char head[HEAD] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
    memcpy(out, head, HEAD);
    out[HEAD] = 1;
    put_word(out + HEAD + 1, n | (~n & 0xffff) << 16);
    memcpy(out + HEAD + BLOCK, file, n);
    put_word(out + HEAD + BLOCK + n, crc32(0, file, (unsigned)n) ^ (how == WRONG));
    put_word(out + HEAD + BLOCK + n + 4, n);
    size_t whole = HEAD + BLOCK + n + TAIL;
    return how == CUT ? whole - 1 - n % (HEAD + TAIL) : whole;
}

/* All that train does with data that were read. */
static void use(struct data *data, const char *path)
{
    struct set set, other;
    char why[DATA_WHY];
    float sum = 0, *x = malloc(data->dim * sizeof *x);
    EXPECT(x);
    for (int domain = DATA_ANY; domain <= DATA_COUNTS; domain++)
        sum += (float)data_check(data, (enum data_domain)domain, path, why);
    EXPECT(set_all(&set, data) == 0);
    for (size_t i = 0; i < set.n; i++) {
        set_fetch(&set, i, 1, x);
        for (size_t j = 0; j < data->dim; j++)
            sum += x[j];
    }
    set_free(&set);
    EXPECT((set_split(&set, &other, data) == 0) == (data->rows > 1));
    set_free(&set);
    set_free(&other);
    data_as_counts(data);
    EXPECT(data_set_width(data, 0) == 0 && data->width * data->height == data->dim);
    volatile float sink = sum;
    (void)sink;
    free(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char file[MOST], stored[MOST + HEAD + BLOCK + TAIL];
    char why[DATA_WHY] = "";
    struct data read;
    if (size < 1 || size > MOST)
        return 0;
    size_t n = size - 1;
    int how = data[0] >> 2 & 3, limit = data[0] & 3;
    memcpy(file, data + 1, n);
    memcpy(file, magic, sizeof magic - 1 < n ? sizeof magic - 1 : n);
    const char *path =
        how == PLAIN ? fuzz_file(file, n) : fuzz_file(stored, compress_file(file, n, how, stored));
    int status = data_read(&read, path, (size_t)limit, why);
    if (status == 0) {
        EXPECT(read.rows > 0 && read.height * read.width == read.dim && read.rows * read.dim <= n);
        EXPECT(limit > 0 || how < CUT);
        use(&read, path);
    } else {
        EXPECT(status == -1 && !read.cells && strstr(why, path));
    }
    data_free(&read);
    return 0;
}
