/* SPDX-License-Identifier: BSD-2-Clause
 * Tests. The readers of the examples: what they read, and files that lie.
 */
#include <check.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "common/data.h"

static char dir[] = "/tmp/vae-test-data-XXXXXX";
static char path[PATH_MAX];

struct bytes {
    size_t n;
    unsigned char at[4096];
};

static void add(struct bytes *b, const void *data, size_t n)
{
    ck_assert_uint_le(b->n + n, sizeof b->at);
    memcpy(b->at + b->n, data, n);
    b->n += n;
}

static struct bytes idx(unsigned type, unsigned dims, const uint32_t *dim, size_t cell_bytes)
{
    struct bytes b = {0};
    add(&b, (unsigned char[]){0, 0, (unsigned char)type, (unsigned char)dims}, 4);
    for (unsigned i = 0; i < dims; i++)
        add(&b,
            (unsigned char[]){(unsigned char)(dim[i] >> 24), (unsigned char)(dim[i] >> 16),
                (unsigned char)(dim[i] >> 8), (unsigned char)dim[i]},
            4);
    for (size_t i = 0; i < cell_bytes; i++)
        add(&b, (unsigned char[]){(unsigned char)(i * 7)}, 1);
    return b;
}

static struct bytes npy(unsigned version, const char *dictionary, const void *cells, size_t cell_bytes)
{
    struct bytes b = {0};
    size_t length = strlen(dictionary);
    add(&b, "\x93NUMPY", 6);
    add(&b, (unsigned char[]){(unsigned char)version, 0}, 2);
    add(&b, (unsigned char[]){(unsigned char)length, (unsigned char)(length >> 8), 0, 0},
        version == 1 ? 2 : 4);
    add(&b, dictionary, length);
    add(&b, cells, cell_bytes);
    return b;
}

static void write_plain(const struct bytes *b)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(b->at, 1, b->n, file), b->n);
    ck_assert_int_eq(fclose(file), 0);
}

static void write_gz(const struct bytes *b)
{
    gzFile file = gzopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(gzwrite(file, b->at, (unsigned)b->n), (int)b->n);
    ck_assert_int_eq(gzclose(file), Z_OK);
}

static void slurp(struct bytes *b)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    b->n = fread(b->at, 1, sizeof b->at, file);
    fclose(file);
}

static void expect_shape(const struct data *data, size_t rows, size_t height, size_t width)
{
    ck_assert_uint_eq(data->rows, rows);
    ck_assert_uint_eq(data->height, height);
    ck_assert_uint_eq(data->width, width);
    ck_assert_uint_eq(data->dim, height * width);
}

static void read_good(struct data *data, size_t limit)
{
    char why[DATA_WHY] = "";
    int status = data_read(data, path, limit, why);
    ck_assert_msg(status == 0, "%s", why);
}

/* It is refused, in words that name the file and include `words`. */
static void expect_refusal(const char *words)
{
    struct data data;
    char why[DATA_WHY] = "";
    ck_assert_int_eq(data_read(&data, path, 0, why), -1);
    ck_assert_msg(strstr(why, path) && strstr(why, words), "'%s' lacks '%s'", why, words);
    ck_assert_ptr_null(data.cells);
}

START_TEST(idx_of_bytes)
{
    struct bytes b = idx(8, 3, (uint32_t[]){3, 2, 5}, 30);
    for (int compressed = 0; compressed < 2; compressed++) {
        struct data data;
        (compressed ? write_gz : write_plain)(&b);
        read_good(&data, 0);
        expect_shape(&data, 3, 2, 5);
        ck_assert_mem_eq(data.cells, b.at + 16, 30);
        data_free(&data);
        read_good(&data, 2);
        expect_shape(&data, 2, 2, 5);
        data_free(&data);
    }
}
END_TEST

START_TEST(idx_of_floats)
{
    struct bytes b = idx(0x0d, 2, (uint32_t[]){1, 2}, 0);
    add(&b, "\x3f\x80\x00\x00\xc0\x20\x00\x00", 8); /* 1, -2.5 */
    write_plain(&b);
    struct data data;
    read_good(&data, 0);
    expect_shape(&data, 1, 1, 2);
    ck_assert(((float *)data.cells)[0] == 1.0f && ((float *)data.cells)[1] == -2.5f);
    ck_assert(data.low == -2.5f && data.high == 1.0f);
    data_free(&data);
}
END_TEST

START_TEST(npy_of_bytes)
{
    static const char *const dictionary[] = {
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }   \n",
        "{\"shape\":(2,3),\"fortran_order\":False,\"descr\":\"|u1\"}\n",
    };
    for (int i = 0; i < 6; i++) {
        struct bytes b = npy((unsigned)(1 + i / 2), dictionary[i % 2], "abcdef", 6);
        write_plain(&b);
        struct data data;
        read_good(&data, 0);
        expect_shape(&data, 2, 1, 3);
        ck_assert_mem_eq(data.cells, "abcdef", 6);
        data_free(&data);
    }
}
END_TEST

START_TEST(npy_of_floats)
{
    const float cells[] = {0.25f, 0.5f, 0.75f, 1};
    struct bytes b =
        npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 2), }\n", cells, sizeof cells);
    write_gz(&b);
    struct data data;
    read_good(&data, 0);
    expect_shape(&data, 1, 2, 2);
    ck_assert_mem_eq(data.cells, cells, sizeof cells);
    data_free(&data);
}
END_TEST

/* The same numbers in every cell type and byte order. */
START_TEST(every_kind_of_float)
{
    static const char *const types[] = {"<f4", ">f4", "<f8", ">f8"};
    static const float numbers[] = {0.25f, -2.5f, 0x1p-126f, 1};
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        char dictionary[80];
        unsigned char cells[4 * 8], *at = cells;
        size_t bytes = types[t][2] == '4' ? 4 : 8;
        for (int i = 0; i < 4; i++) {
            double wide = (double)numbers[i];
            uint64_t word = 0;
            uint32_t half;
            memcpy(&half, &numbers[i], 4);
            memcpy(&word, &wide, 8);
            word = bytes == 4 ? half : word;
            for (size_t b = 0; b < bytes; b++)
                *at++ = (unsigned char)(word >> 8 * (types[t][0] == '<' ? b : bytes - 1 - b));
        }
        snprintf(dictionary, sizeof dictionary, "{'descr': '%s', 'fortran_order': False, 'shape': (2, 2)}\n",
            types[t]);
        struct bytes b = npy(1, dictionary, cells, 4 * bytes);
        (t % 2 ? write_gz : write_plain)(&b);
        struct data data;
        read_good(&data, 0);
        expect_shape(&data, 2, 1, 2);
        ck_assert_mem_eq(data.cells, numbers, sizeof numbers);
        ck_assert(data.low == -2.5f && data.high == 1.0f);
        data_free(&data);
    }
    struct bytes b = idx(0x0e, 2, (uint32_t[]){1, 1}, 0);
    add(&b, "\xc0\x04\x00\x00\x00\x00\x00\x00", 8); /* -2.5 */
    write_plain(&b);
    struct data data;
    read_good(&data, 0);
    ck_assert(((float *)data.cells)[0] == -2.5f);
    data_free(&data);
}
END_TEST

START_TEST(lying_idx)
{
    static const struct {
        const char *words;
        unsigned type, dims;
        uint32_t dim[4];
        size_t cells;
    } lies[] = {
        {"truncated: its header promises 30 bytes of cells, 29 follow", 8, 3, {3, 2, 5}, 29},
        {"bytes left over", 8, 3, {3, 2, 5}, 31},
        {"truncated", 8, 3, {3, 2, 5}, 0},
        {"1 dimension;", 8, 1, {5}, 5},
        {"4 dimensions", 8, 4, {1, 1, 1, 1}, 1},
        {"0 dimensions", 8, 0, {0}, 0},
        {"dimension 0 is 0", 8, 3, {0, 2, 5}, 0},
        {"dimension 2 is 0", 8, 3, {2, 5, 0}, 0},
        {"type 0x0b", 0x0b, 3, {1, 1, 1}, 2},
        {"overflow", 8, 3, {UINT32_MAX, UINT32_MAX, UINT32_MAX}, 64},
        {"overflow", 0x0d, 2, {UINT32_MAX, UINT32_MAX}, 64},
        {"truncated", 8, 2, {UINT32_MAX, 0x7fffffff}, 64},
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct bytes b = idx(lies[i].type, lies[i].dims, lies[i].dim, lies[i].cells);
        write_plain(&b);
        expect_refusal(lies[i].words);
    }
    /* behind compression the length is not known: memory may only grow with what comes */
    struct bytes b = idx(8, 2, (uint32_t[]){UINT32_MAX, 0x7fffffff}, 64);
    write_gz(&b);
    expect_refusal("truncated");
    b = idx(8, 2, (uint32_t[]){3, 4}, 13);
    write_gz(&b);
    expect_refusal("bytes left over");
}
END_TEST

START_TEST(lying_npy)
{
    static const struct {
        const char *words, *dictionary;
    } lies[] = {
        {"Fortran", "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }\n"},
        {"'<f2'", "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 3), }\n"},
        {"'<i4'", "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }\n"},
        {"1 dimension;", "{'descr': '|u1', 'fortran_order': False, 'shape': (6,), }\n"},
        {"5 dimensions", "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 1, 2, 3), }\n"},
        {"dimension 1 is 0", "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 0), }\n"},
        {"truncated", "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 4), }\n"},
        {"left over", "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 5), }\n"},
        {"overflow", "{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296), }\n"},
        {"'shape'", "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 99999999999999999999999), }\n"},
        {"'shape'", "{'descr': '|u1', 'fortran_order': False, 'shape': (2, -3), }\n"},
        {"'shape'", "{'descr': '|u1', 'fortran_order': False, 'shape': (2 3), }\n"},
        {"'shape'", "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3}\n"},
        {"'shape'", "{'shape': (2, 3), 'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)}\n"},
        {"'descr'",
            "{'descr': 'more characters than any cell type has', 'fortran_order': False, 'shape': (2, 3)}\n"},
        {"'descr'", "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (2, 3)}\n"},
        {"'fortran_order'", "{'descr': '|u1', 'fortran_order': 0, 'shape': (2, 3)}\n"},
        {"does not belong", "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), 'x': 1}\n"},
        {"malformed", "{'descr': '|u1', 'shape': (2, 3)}\n"},
        {"malformed", "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)} more\n"},
        {"malformed", "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)}"},
        {"malformed", "{'descr': '|u1' 'fortran_order': False, 'shape': (2, 3)}\n"},
        {"malformed", "[]\n"},
        {"malformed", ""},
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct bytes b = npy(1, lies[i].dictionary, "abcdef", 6);
        write_plain(&b);
        expect_refusal(lies[i].words);
    }
    struct bytes b = npy(4, "{}\n", "", 0);
    write_plain(&b);
    expect_refusal("version 4.0");
    b = npy(2, "{}\n", "", 0);
    b.at[11] = 0x7f; /* a header of two gigabytes */
    write_plain(&b);
    expect_refusal("are the limit");
}
END_TEST

START_TEST(not_data_at_all)
{
    struct bytes b = {0};
    write_plain(&b);
    expect_refusal("is empty");
    write_gz(&b);
    expect_refusal("is empty");
    add(&b, "\0\0", 2);
    write_plain(&b);
    expect_refusal("truncated");
    b.n = 0;
    add(&b, "PK\3\4 and more", 13);
    write_plain(&b);
    expect_refusal("neither IDX nor NPY");
    b.n = 0;
    add(&b, "\x93NUMBER", 7);
    add(&b, "1234567", 7);
    write_plain(&b);
    expect_refusal("neither IDX nor NPY");
    unlink(path);
    expect_refusal("cannot be opened");
    char file[PATH_MAX];
    memcpy(file, path, sizeof file);
    snprintf(path, sizeof path, "%s", dir);
    expect_refusal("is a directory");
    memcpy(path, file, sizeof file);
}
END_TEST

/* Every prefix of a file, and every byte of it changed: refused or read, never more than that. */
static void mangle(const struct bytes *good)
{
    static const unsigned char change[] = {0x01, 0x10, 0x80, 0xff};
    char why[DATA_WHY];
    struct data data;
    for (size_t n = 0; n < good->n; n++) {
        struct bytes b = *good;
        b.n = n;
        write_plain(&b);
        ck_assert_msg(data_read(&data, path, 0, why) == -1, "a prefix of %zu bytes was read", n);
    }
    for (size_t i = 0; i < good->n * sizeof change; i++) {
        struct bytes b = *good;
        b.at[i / sizeof change] ^= change[i % sizeof change];
        write_plain(&b);
        why[0] = '\0';
        if (data_read(&data, path, 0, why) != 0)
            ck_assert_ptr_nonnull(strstr(why, path));
        else
            ck_assert_uint_eq(data.dim, data.height * data.width);
        data_free(&data);
    }
}

START_TEST(mangled_files)
{
    const float cells[] = {0.25f, 0.5f, 0.75f, 1};
    struct bytes b = idx(8, 3, (uint32_t[]){3, 2, 5}, 30);
    mangle(&b);
    write_gz(&b);
    slurp(&b);
    mangle(&b);
    b = npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 2), }\n", cells, sizeof cells);
    mangle(&b);
    write_gz(&b);
    slurp(&b);
    mangle(&b);
}
END_TEST

START_TEST(values_are_checked)
{
    static const struct {
        float value;
        int any, unit, counts;
    } known[] = {{-0.001f, 1, 0, 0}, {0.5f, 1, 1, 0}, {1, 1, 1, 1}, {1.001f, 1, 0, 0}, {3, 1, 0, 1},
        {0x1p24f, 1, 0, 1}, {0x1.8p24f, 1, 0, 0}, {NAN, 0, 0, 0}, {INFINITY, 0, 0, 0}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        float cells[] = {0, 1, 1, known[i].value};
        char why[DATA_WHY] = "";
        struct data data = {.rows = 2, .dim = 2, .cell = DATA_FLOAT32, .cells = cells};
        ck_assert_int_eq(data_check(&data, DATA_ANY, "x.npy", why), known[i].any - 1);
        ck_assert_int_eq(data_check(&data, DATA_COUNTS, "x.npy", why), known[i].counts - 1);
        why[0] = '\0';
        ck_assert_int_eq(data_check(&data, DATA_UNIT, "x.npy", why), known[i].unit - 1);
        ck_assert(known[i].unit || strstr(why, "x.npy: row 1, column 1 is "));
        data.rows = 1;
        ck_assert_int_eq(data_check(&data, DATA_UNIT, "x.npy", why), 0);
    }
}
END_TEST

START_TEST(bytes_as_shares_and_as_counts)
{
    struct bytes b = idx(8, 2, (uint32_t[]){1, 3}, 3); /* 0, 7, 14 */
    write_plain(&b);
    struct data data;
    struct set set;
    float x[3];
    read_good(&data, 0);
    ck_assert_int_eq(set_all(&set, &data), 0);
    set_fetch(&set, 0, 1, x);
    ck_assert(x[0] == 0 && x[1] == 7 / 255.0f && x[2] == 14 / 255.0f && data.high == 1);
    data_as_counts(&data);
    set_fetch(&set, 0, 1, x);
    ck_assert(x[0] == 0 && x[1] == 7 && x[2] == 14 && data.high == 255);
    set_free(&set);
    data_free(&data);
}
END_TEST

START_TEST(width_of_flat_rows)
{
    struct data data = {.dim = 560, .height = 1, .width = 560};
    ck_assert_int_eq(data_set_width(&data, 20), 0);
    ck_assert(data.width == 20 && data.height == 28);
    ck_assert_int_eq(data_set_width(&data, 33), -1);
    ck_assert_int_eq(data_set_width(&data, 0), 0);
    ck_assert(data.width == 560 && data.height == 1);
    data.dim = 784;
    ck_assert_int_eq(data_set_width(&data, 0), 0);
    ck_assert(data.width == 28 && data.height == 28);
}
END_TEST

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/file", dir);
    Suite *suite = suite_create("data");
    TCase *tests = tcase_create("readers");
    tcase_add_test(tests, idx_of_bytes);
    tcase_add_test(tests, idx_of_floats);
    tcase_add_test(tests, npy_of_bytes);
    tcase_add_test(tests, npy_of_floats);
    tcase_add_test(tests, every_kind_of_float);
    tcase_add_test(tests, lying_idx);
    tcase_add_test(tests, lying_npy);
    tcase_add_test(tests, not_data_at_all);
    tcase_add_test(tests, mangled_files);
    tcase_add_test(tests, values_are_checked);
    tcase_add_test(tests, bytes_as_shares_and_as_counts);
    tcase_add_test(tests, width_of_flat_rows);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    unlink(path);
    rmdir(dir);
    return failed != 0;
}
