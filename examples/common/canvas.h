/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. A picture in memory, and as a PNG file.
 */
#ifndef VAE_EXAMPLES_CANVAS_H
#define VAE_EXAMPLES_CANVAS_H

#include <stddef.h>
#include <stdint.h>

struct canvas {
    int width, height, channels; /* 1: grey, 3: red, green, blue */
    uint8_t *pixel;              /* [height][width][channels], owned */
};

enum { CANVAS_TEXT_WIDTH = 6, CANVAS_TEXT_HEIGHT = 7 }; /* of one character, its gap included */

/* White all over. -1: out of memory. */
int canvas_init(struct canvas *canvas, int width, int height, int channels);
void canvas_free(struct canvas *canvas);
/* 0, or -1 with errno or libpng's reason on stderr. */
int canvas_write_png(const struct canvas *canvas, const char *path);

/* Drawing is clipped at the edges. Colours are 0xrrggbb; a grey canvas takes the blue part. */
void canvas_dot(struct canvas *canvas, int x, int y, uint32_t colour);
void canvas_fill(struct canvas *canvas, int x, int y, int width, int height, uint32_t colour);
void canvas_line(struct canvas *canvas, int x0, int y0, int x1, int y1, int thickness, uint32_t colour);
/* A 5 x 7 font with a-z, 0-9 and a little more; the other letters leave a gap. */
void canvas_text(struct canvas *canvas, int x, int y, const char *text, uint32_t colour);

#endif
