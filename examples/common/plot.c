/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. A line plot with axes, ticks and a legend, as a PNG.
 */
#include "plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "canvas.h"

enum { WIDTH = 640, HEIGHT = 400, LEFT = 64, RIGHT = 16, TOP = 32, BOTTOM = 44, TICKS = 6 };
#define INK 0x202020
#define GRID 0xdddddd

struct axis {
    double low, high, step; /* ticks at whole multiples of step */
    int from, to;           /* pixels */
};

/* A step of 1, 2 or 5 times a power of ten that gives at most TICKS ticks. */
static double round_step(double span)
{
    double power = pow(10, floor(log10(span / TICKS)));
    double lead = span / TICKS / power;
    return power * (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10);
}

static int pixel(const struct axis *axis, double value)
{
    return axis->from + (int)lround((value - axis->low) / (axis->high - axis->low) * (axis->to - axis->from));
}

static struct axis x_axis(const struct plot *plot)
{
    struct axis axis = {plot->n > 1 ? 1 : 0, plot->n > 0 ? (double)plot->n : 1, 1, LEFT, WIDTH - RIGHT};
    axis.step = fmax(1, round_step(axis.high - axis.low));
    return axis;
}

static struct axis y_axis(const struct plot *plot)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t k = 0; k < plot->n_lines; k++) {
        for (size_t i = 0; i < plot->n; i++) {
            double y = plot->line[k].y[i];
            if (isfinite(y)) {
                low = fmin(low, y);
                high = fmax(high, y);
            }
        }
    }
    if (!(low < high)) { /* one value, or none */
        low = isfinite(low) ? low - 1 : 0;
        high = low + 2;
    }
    low = plot->from_zero ? fmin(low, 0) : low;
    double step = round_step(high - low);
    return (struct axis){floor(low / step) * step, ceil(high / step) * step, step, HEIGHT - BOTTOM, TOP};
}

static void centred(struct canvas *canvas, int x, int y, const char *text)
{
    canvas_text(canvas, x - (int)strlen(text) * CANVAS_TEXT_WIDTH / 2, y, text, INK);
}

static void draw_axes(struct canvas *canvas, const struct axis *x, const struct axis *y)
{
    char text[32];
    for (double v = ceil(x->low / x->step) * x->step; v <= x->high + x->step * 1e-6; v += x->step) {
        int at = pixel(x, v);
        canvas_fill(canvas, at, y->from, 1, 5, INK);
        snprintf(text, sizeof text, "%.0f", v);
        centred(canvas, at, y->from + 9, text);
    }
    int digits = y->step < 1 ? (int)ceil(-log10(y->step) - 1e-9) : 0;
    for (double v = y->low; v <= y->high + y->step * 1e-6; v += y->step) {
        int at = pixel(y, v);
        canvas_fill(canvas, x->from, at, x->to - x->from, 1, GRID);
        canvas_fill(canvas, x->from - 5, at, 5, 1, INK);
        snprintf(text, sizeof text, "%.*f", digits, v);
        canvas_text(canvas, x->from - 8 - (int)strlen(text) * CANVAS_TEXT_WIDTH, at - CANVAS_TEXT_HEIGHT / 2,
            text, INK);
    }
    canvas_fill(canvas, x->from, y->to, 1, y->from - y->to, INK);
    canvas_fill(canvas, x->from, y->from, x->to - x->from, 1, INK);
}

static void draw_line(
    struct canvas *canvas, const struct plot_line *line, size_t n, const struct axis *x, const struct axis *y)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(line->y[i]))
            continue;
        int px = pixel(x, (double)(i + 1)), py = pixel(y, line->y[i]);
        canvas_fill(canvas, px - 2, py - 2, 5, 5, line->colour);
        if (i > 0 && isfinite(line->y[i - 1]))
            canvas_line(canvas, pixel(x, (double)i), pixel(y, line->y[i - 1]), px, py, 2, line->colour);
    }
}

int plot_write(const struct plot *plot, const char *path)
{
    struct axis x = x_axis(plot), y = y_axis(plot);
    struct canvas canvas;
    if (canvas_init(&canvas, WIDTH, HEIGHT, 3) != 0) {
        fprintf(stderr, "%s: out of memory\n", path);
        return -1;
    }
    draw_axes(&canvas, &x, &y);
    canvas_text(&canvas, LEFT, 12, plot->title, INK);
    centred(&canvas, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, plot->x_label);
    int legend = WIDTH - RIGHT;
    for (size_t k = plot->n_lines; k-- > 0;) {
        const struct plot_line *line = &plot->line[k];
        draw_line(&canvas, line, plot->n, &x, &y);
        legend -= ((int)strlen(line->name) + 1) * CANVAS_TEXT_WIDTH;
        canvas_text(&canvas, legend, 12, line->name, INK);
        legend -= 20;
        canvas_fill(&canvas, legend, 14, 16, 3, line->colour);
    }
    int status = canvas_write_png(&canvas, path);
    canvas_free(&canvas);
    return status;
}
