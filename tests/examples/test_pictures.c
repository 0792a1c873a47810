/* SPDX-License-Identifier: BSD-2-Clause
 * Tests. What the examples make: sets of rows and their order, sprites, sheets and plots as PNG, progress.
 */
#include <check.h>
#include <limits.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/data.h"
#include "common/plot.h"
#include "common/progress.h"
#include "common/sheet.h"
#include "common/sprites.h"

static char path[] = "/tmp/vae-test-picture-XXXXXX";

static struct data bytes_of(size_t rows, size_t dim, unsigned char *cells)
{
    return (struct data){
        .rows = rows, .dim = dim, .height = 1, .width = dim, .cells = cells, .unit = 255, .high = 1};
}

START_TEST(orders_are_permutations)
{
    unsigned char cells[1000] = {0};
    struct data data = bytes_of(1000, 1, cells);
    struct set a, b;
    int seen[1000] = {0}, moved = 0;
    ck_assert_int_eq(set_all(&a, &data), 0);
    ck_assert_int_eq(set_all(&b, &data), 0);
    set_shuffle(&a, 5, 1);
    set_shuffle(&b, 5, 3);
    ck_assert_mem_ne(a.order, b.order, sizeof *a.order * 1000);
    set_shuffle(&b, 5, 1); /* an order is a function of seed and epoch, not of the orders before */
    ck_assert_mem_eq(a.order, b.order, sizeof *a.order * 1000);
    for (size_t i = 0; i < 1000; i++) {
        seen[a.order[i]]++;
        moved += a.order[i] != i;
    }
    for (size_t i = 0; i < 1000; i++)
        ck_assert_int_eq(seen[i], 1);
    ck_assert_int_gt(moved, 900);
    set_shuffle(&b, 6, 1);
    ck_assert_mem_ne(a.order, b.order, sizeof *a.order * 1000);
    set_free(&a);
    set_free(&b);
}
END_TEST

START_TEST(split_is_disjoint)
{
    unsigned char cells[995] = {0};
    struct data data = bytes_of(995, 1, cells);
    struct set train, held_out;
    int seen[995] = {0};
    ck_assert_int_eq(set_split(&train, &held_out, &data), 0);
    ck_assert_uint_eq(train.n, 895);
    ck_assert_uint_eq(held_out.n, 100);
    for (size_t i = 0; i < train.n; i++)
        seen[train.row[i]]++;
    for (size_t i = 0; i < held_out.n; i++)
        seen[held_out.row[i]]++;
    for (size_t i = 0; i < 995; i++)
        ck_assert_int_eq(seen[i], 1);
    set_free(&train);
    set_free(&held_out);
    struct data lone = bytes_of(1, 1, cells);
    struct set none[2];
    memset(none, 0xa5, sizeof none);
    ck_assert_int_eq(set_split(&none[0], &none[1], &lone), -1);
    set_free(&none[0]);
    set_free(&none[1]);
}
END_TEST

START_TEST(binarised_rows)
{
    enum { ROWS = 200, DIM = 50 };
    static unsigned char cells[ROWS * DIM];
    static float one[ROWS * DIM], two[ROWS * DIM], other[DIM];
    memset(cells, 51, sizeof cells); /* 0.2 */
    struct data data = bytes_of(ROWS, DIM, cells);
    struct set set;
    ck_assert_int_eq(set_all(&set, &data), 0);
    set_fetch_binary(&set, 0, ROWS, 9, 1, one);
    set_fetch_binary(&set, 0, ROWS, 9, 2, two);
    double mean = 0;
    for (int i = 0; i < ROWS * DIM; i++) {
        ck_assert(one[i] == 0 || one[i] == 1);
        mean += (double)one[i] / (ROWS * DIM);
    }
    ck_assert_double_eq_tol(mean, 0.2, 4 * sqrt(0.2 * 0.8 / (ROWS * DIM)));
    ck_assert_mem_ne(one, two, sizeof one);
    set_shuffle(&set, 1, 1); /* a row's draws go with the row, at any place of the order */
    set_fetch_binary(&set, 17, 1, 9, 1, other);
    ck_assert_mem_eq(other, one + (size_t)set.order[17] * DIM, sizeof other);
    set_free(&set);
}
END_TEST

static double mass(const unsigned char *pixel, double *x, double *y)
{
    double sum = 0;
    *x = *y = 0;
    for (int i = 0; i < SPRITE_SIDE * SPRITE_SIDE; i++) {
        sum += pixel[i];
        *x += pixel[i] * (i % SPRITE_SIDE + 0.5);
        *y += pixel[i] * (i / SPRITE_SIDE + 0.5);
    }
    *x /= sum * SPRITE_SIDE;
    *y /= sum * SPRITE_SIDE;
    return sum;
}

START_TEST(sprites_follow_their_factors)
{
    unsigned char pixel[SPRITE_SIDE * SPRITE_SIDE], turned[SPRITE_SIDE * SPRITE_SIDE];
    double x, y;
    for (int shape = 0; shape < SPRITE_SHAPES; shape++) {
        struct sprite sprite = {shape, 0.4f, 0.6f, 0.15f, 0.3f};
        sprite_draw(&sprite, pixel);
        double small = mass(pixel, &x, &y);
        ck_assert_double_eq_tol(x, 0.4, 0.02);
        ck_assert_double_eq_tol(y, 0.6, 0.02);
        sprite.angle = 1.0f;
        sprite_draw(&sprite, turned);
        ck_assert_mem_ne(pixel, turned, sizeof pixel);
        ck_assert_double_eq_tol(mass(turned, &x, &y) / small, 1, 0.05);
        sprite.scale = 0.2f;
        sprite_draw(&sprite, pixel);
        ck_assert_double_eq_tol(mass(pixel, &x, &y) / small, 16.0 / 9, 0.1);
    }
    struct data data;
    ck_assert_int_eq(sprites_make(&data, 50, 3), 0);
    struct sprite sprite = sprite_factors(3, 49);
    sprite_draw(&sprite, pixel);
    ck_assert_mem_eq(pixel, (unsigned char *)data.cells + 49 * data.dim, sizeof pixel);
    data_free(&data);
}
END_TEST

static unsigned char *read_png(unsigned format, unsigned *width, unsigned *height)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    ck_assert_int_ne(png_image_begin_read_from_file(&image, path), 0);
    image.format = format;
    unsigned char *pixel = malloc(PNG_IMAGE_SIZE(image));
    ck_assert_ptr_nonnull(pixel);
    ck_assert_int_ne(png_image_finish_read(&image, NULL, pixel, 0, NULL), 0);
    *width = image.width;
    *height = image.height;
    return pixel;
}

START_TEST(sheet_shows_its_images)
{
    static float images[6][4]; /* 2 x 3 images of 2 x 2, each of one grey */
    unsigned width, height;
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 4; j++)
            images[i][j] = -1 + 0.4f * (float)i;
    struct sheet sheet = {.rows = 2, .columns = 3, .height = 2, .width = 2, .low = -1, .high = 1};
    ck_assert_int_eq(sheet_write(&sheet, images[0], path), 0);
    unsigned char *pixel = read_png(PNG_FORMAT_GRAY, &width, &height);
    ck_assert_uint_gt(width, 3 * 48);
    ck_assert_uint_gt(height, 2 * 48);
    for (unsigned i = 0; i < 6; i++) {
        unsigned x = 6 + i % 3 * 50 + 24, y = 6 + i / 3 * 50 + 24;
        ck_assert_int_le(abs(pixel[y * width + x] - (int)(51 * i)), 1);
    }
    ck_assert_uint_eq(pixel[0], 255);
    free(pixel);
}
END_TEST

static int count_colour(const unsigned char *pixel, size_t n, unsigned colour)
{
    int count = 0;
    for (size_t i = 0; i < n; i++, pixel += 3)
        count += ((unsigned)pixel[0] << 16 | (unsigned)pixel[1] << 8 | pixel[2]) == colour;
    return count;
}

START_TEST(plots_of_any_values)
{
    static const double ys[][4] = {
        {3, 2, 1.5, 1.4}, {5, 5, 5, 5}, {NAN, 1, INFINITY, 2}, {NAN, NAN, NAN, NAN}, {-1e9, 1e9, 0, 1e-9}};
    for (size_t i = 0; i < sizeof ys / sizeof ys[0]; i++) {
        for (size_t n = 0; n <= 4; n++) {
            struct plot_line line = {"line", ys[i], 0xff0000};
            struct plot plot = {"title", "x", n, 1, (int)(n % 2), &line};
            unsigned width, height;
            ck_assert_int_eq(plot_write(&plot, path), 0);
            unsigned char *pixel = read_png(PNG_FORMAT_RGB, &width, &height);
            int red = count_colour(pixel, (size_t)width * height, 0xff0000);
            if (i != 3 && n > 1)
                ck_assert_int_ge(red, 48 + 25); /* legend and at least one point */
            ck_assert_int_gt(count_colour(pixel, (size_t)width * height, 0x202020), 500); /* axes, numerals */
            free(pixel);
        }
    }
}
END_TEST

/* A line never exceeds its columns, and says as much as fits. */
START_TEST(progress_fits_the_terminal)
{
    char text[256];
    for (int columns = 0; columns <= 200; columns++) {
        progress_line(text, sizeof text, columns, "epoch 12/100", 0.5, 12345, 67);
        ck_assert_int_le((int)strlen(text), columns);
        ck_assert_int_eq(strchr(text, '[') != NULL, strchr(text, ']') != NULL);
        ck_assert_msg(
            columns < 29 || (strstr(text, " 50 %") && strstr(text, "67 s left")), "%d: %s", columns, text);
        ck_assert_msg(columns < 60 || strstr(text, "12345 images/s"), "%d: %s", columns, text);
        ck_assert_msg(columns < 40 || strchr(text, '['), "%d: %s", columns, text);
    }
    progress_line(text, 9, 200, "epoch 12/100", 0.5, 12345, 67);
    ck_assert_str_eq(text, "epoch 12");
}
END_TEST

START_TEST(unwritable_place)
{
    float image = 0;
    struct sheet sheet = {.rows = 1, .columns = 1, .height = 1, .width = 1, .high = 1};
    ck_assert_int_eq(sheet_write(&sheet, &image, "/nonexistent/sheet.png"), -1);
}
END_TEST

int main(void)
{
    int file = mkstemp(path);
    if (file < 0)
        return 1;
    close(file);
    Suite *suite = suite_create("pictures");
    TCase *tests = tcase_create("pictures");
    tcase_add_test(tests, orders_are_permutations);
    tcase_add_test(tests, split_is_disjoint);
    tcase_add_test(tests, binarised_rows);
    tcase_add_test(tests, sprites_follow_their_factors);
    tcase_add_test(tests, sheet_shows_its_images);
    tcase_add_test(tests, plots_of_any_values);
    tcase_add_test(tests, progress_fits_the_terminal);
    tcase_add_test(tests, unwritable_place);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    unlink(path);
    return failed != 0;
}
