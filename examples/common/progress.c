/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. How far a pass over the data has come.
 */
#include "progress.h"

#include <time.h>
#include <unistd.h>

enum { BAR = 24 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void progress_start(struct progress *progress, FILE *out, const char *label, size_t total)
{
    progress->out = out;
    progress->terminal = isatty(fileno(out));
    progress->label = label;
    progress->total = total;
    progress->start = progress->shown = now();
}

static void draw_bar(const struct progress *progress, double part)
{
    char bar[BAR + 1];
    for (int i = 0; i < BAR; i++)
        bar[i] = i < (int)(part * BAR) ? '#' : '.';
    bar[BAR] = '\0';
    fprintf(progress->out, "\r%s [%s] ", progress->label, bar);
}

void progress_update(struct progress *progress, size_t done)
{
    double time = now(), part = (double)done / (double)progress->total;
    if (done == 0 || time - progress->shown < (progress->terminal ? 0.1 : 10))
        return;
    progress->shown = time;
    double rate = (double)done / (time - progress->start);
    double left = (double)(progress->total - done) / rate;
    if (progress->terminal)
        draw_bar(progress, part);
    else
        fprintf(progress->out, "%s: ", progress->label);
    fprintf(progress->out, "%3.0f %%  %.0f images/s  %.0f s left%s", 100 * part, rate, left,
        progress->terminal ? "\033[K" : "\n");
    fflush(progress->out);
}

double progress_end(struct progress *progress)
{
    if (progress->terminal)
        fputs("\r\033[K", progress->out);
    return now() - progress->start;
}
