/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. A line plot with axes, ticks and a legend, as a PNG.
 */
#ifndef VAE_EXAMPLES_PLOT_H
#define VAE_EXAMPLES_PLOT_H

#include <stddef.h>

struct plot_line {
    const char *name;
    const double *y; /* [n], over x = 1..n; values that are not finite leave a gap */
    unsigned colour; /* 0xrrggbb */
};

struct plot {
    const char *title, *x_label;
    size_t n, n_lines;
    int from_zero; /* the y axis begins at 0 or below */
    const struct plot_line *line;
};

/* 0, or -1 with the reason on stderr. */
int plot_write(const struct plot *plot, const char *path);

#endif
