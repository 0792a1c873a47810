/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. Progress of a pass over the data: a bar on a terminal, a plain line now and then elsewhere.
 */
#ifndef VAE_EXAMPLES_PROGRESS_H
#define VAE_EXAMPLES_PROGRESS_H

#include <stddef.h>
#include <stdio.h>

struct progress {
    FILE *out;
    int terminal; /* out is one */
    const char *label;
    size_t total;
    double start, shown; /* seconds, of a clock that does not jump */
};

void progress_start(struct progress *progress, FILE *out, const char *label, size_t total);
/* `done` of `total` are done. Draws ten times a second on a terminal, every ten seconds elsewhere; costs next
 * to nothing in between. */
void progress_update(struct progress *progress, size_t done);
/* Takes the bar away. Returns the seconds since the start. */
double progress_end(struct progress *progress);

/* One line of at most `columns` characters, into text of `size` bytes. Where columns are few the bar is
 * short, then the speed is left out, then the bar. */
void progress_line(
    char *text, size_t size, int columns, const char *label, double part, double rate, double left);

#endif
