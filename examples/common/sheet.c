/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. A sheet of images in rows and columns, as one PNG.
 */
#include "sheet.h"

#include <stdio.h>

#include "canvas.h"

enum { GAP = 2, PAIR_GAP = 6, SMALL = 48 }; /* images narrower than SMALL are enlarged by a whole number */

static int enlargement(const struct sheet *sheet)
{
    int side = sheet->width > sheet->height ? sheet->width : sheet->height;
    return side >= SMALL ? 1 : (SMALL + side - 1) / side;
}

static int left_of(const struct sheet *sheet, int column, int step)
{
    int gaps = sheet->pairs ? column / 2 * PAIR_GAP + (column + 1) / 2 * GAP : column * GAP;
    return PAIR_GAP + column * step + gaps;
}

static uint32_t grey(const struct sheet *sheet, float value)
{
    float unit = (value - sheet->low) / (sheet->high - sheet->low);
    return unit >= 1 ? 255 : unit > 0 ? (uint32_t)(unit * 255 + 0.5f) : 0;
}

static void place(
    struct canvas *canvas, const struct sheet *sheet, const float *image, int left, int top, int zoom)
{
    for (int y = 0; y < sheet->height; y++)
        for (int x = 0; x < sheet->width; x++)
            canvas_fill(canvas, left + x * zoom, top + y * zoom, zoom, zoom,
                grey(sheet, image[y * sheet->width + x]));
}

int sheet_write(const struct sheet *sheet, const float *images, const char *path)
{
    int zoom = enlargement(sheet), step = sheet->width * zoom, fall = sheet->height * zoom;
    int right = left_of(sheet, sheet->columns - 1, step) + step + PAIR_GAP;
    int bottom = 2 * PAIR_GAP + sheet->rows * fall + (sheet->rows - 1) * GAP;
    struct canvas canvas;
    if (canvas_init(&canvas, right, bottom, 1) != 0) {
        fprintf(stderr, "%s: out of memory\n", path);
        return -1;
    }
    for (int i = 0; i < sheet->rows * sheet->columns; i++) {
        int row = i / sheet->columns, column = i % sheet->columns;
        const float *image = images + (size_t)i * (size_t)(sheet->height * sheet->width);
        place(&canvas, sheet, image, left_of(sheet, column, step), PAIR_GAP + row * (fall + GAP), zoom);
    }
    int status = canvas_write_png(&canvas, path);
    canvas_free(&canvas);
    return status;
}
