/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. Progress of a pass over the data.
 */
#include "progress.h"

#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { BAR = 24, SHORTEST_BAR = 5, USUAL_COLUMNS = 80, MOST_COLUMNS = 200 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The terminal may be made narrower at any time. A line that fills it would wrap on some. */
static int columns_of(FILE *out)
{
    struct winsize size;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return USUAL_COLUMNS - 1;
    return size.ws_col <= MOST_COLUMNS ? size.ws_col - 1 : MOST_COLUMNS;
}

void progress_start(struct progress *progress, FILE *out, const char *label, size_t total)
{
    progress->out = out;
    progress->terminal = isatty(fileno(out));
    progress->label = label;
    progress->total = total;
    progress->start = progress->shown = now();
}

void progress_line(
    char *text, size_t size, int columns, const char *label, double part, double rate, double left)
{
    char share[32], speed[64], rest[64], bar[BAR + 4] = "";
    snprintf(share, sizeof share, " %3.0f %%", 100 * part);
    snprintf(speed, sizeof speed, "  %.0f images/s", rate);
    snprintf(rest, sizeof rest, "  %.0f s left", left);
    int room = columns - (int)(strlen(label) + strlen(share) + strlen(speed) + strlen(rest));
    if (room < 3 + SHORTEST_BAR) {
        room += (int)strlen(speed);
        speed[0] = '\0';
    }
    int cells = room - 3 < BAR ? room - 3 : BAR; /* " [" and "]" */
    if (cells >= SHORTEST_BAR) {
        bar[0] = ' ';
        bar[1] = '[';
        for (int i = 0; i < cells; i++)
            bar[2 + i] = i < (int)(part * cells) ? '#' : '.';
        bar[2 + cells] = ']';
    }
    size_t most = (size_t)columns + 1 < size ? (size_t)columns + 1 : size;
    snprintf(text, most, "%s%s%s%s%s", label, bar, share, speed, rest);
}

void progress_update(struct progress *progress, size_t done)
{
    double time = now(), part = (double)done / (double)progress->total;
    if (done == 0 || time - progress->shown < (progress->terminal ? 0.1 : 10))
        return;
    progress->shown = time;
    double rate = (double)done / (time - progress->start);
    double left = (double)(progress->total - done) / rate;
    char line[MOST_COLUMNS + 1];
    if (progress->terminal) {
        progress_line(line, sizeof line, columns_of(progress->out), progress->label, part, rate, left);
        fprintf(progress->out, "\r%s\033[K", line);
    } else
        fprintf(progress->out, "%s: %3.0f %%  %.0f images/s  %.0f s left\n", progress->label, 100 * part,
            rate, left);
    fflush(progress->out);
}

double progress_end(struct progress *progress)
{
    if (progress->terminal)
        fputs("\r\033[K", progress->out);
    return now() - progress->start;
}
