/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. A sheet of images in rows and columns, as one PNG.
 */
#ifndef VAE_EXAMPLES_SHEET_H
#define VAE_EXAMPLES_SHEET_H

#include <stddef.h>

struct sheet {
    int rows, columns;
    int pairs;         /* images stand two and two, as original and copy */
    int height, width; /* of an image */
    float low, high;   /* black and white */
};

/* images: [rows * columns][height * width], row by row. 0, or -1 with the reason on stderr. */
int sheet_write(const struct sheet *sheet, const float *images, const char *path);

#endif
