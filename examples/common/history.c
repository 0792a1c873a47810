/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. Results of each epoch, as CSV and as a picture.
 */
#include "history.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plot.h"

#define ROW "%zu,%.6f,%.6f,%.6f,%.6f,%.0f\n"

static void put(struct history *history, size_t epoch, const double row[5])
{
    fprintf(history->csv, ROW, epoch, row[0], row[1], row[2], row[3], row[4]);
    history->train[history->n] = row[0];
    history->held_out[history->n++] = row[1];
}

/* Of what an earlier run left there, the rows up to epoch `last`. */
static void keep(struct history *history, FILE *old, size_t last)
{
    char line[256];
    size_t epoch;
    double row[5];
    while (old && fgets(line, sizeof line, old))
        if (sscanf(line, "%zu,%lf,%lf,%lf,%lf,%lf", &epoch, &row[0], &row[1], &row[2], &row[3], &row[4]) ==
                6 &&
            epoch <= last && history->n < history->room)
            put(history, epoch, row);
}

int history_init(struct history *history, size_t room, size_t last, const char *dir)
{
    char path[PATH_MAX];
    *history = (struct history){.room = room, .train = calloc(room, 2 * sizeof *history->train)};
    if (!history->train) {
        fprintf(stderr, "history.csv: out of memory for %zu epochs\n", room);
        return -1;
    }
    history->held_out = history->train + room;
    snprintf(path, sizeof path, "%s/history.csv", dir);
    FILE *old = last > 0 ? fopen(path, "r") : NULL;
    if (old)
        unlink(path); /* what is open can still be read */
    history->csv = fopen(path, "w");
    if (history->csv) {
        fprintf(
            history->csv, "epoch,train_nelbo,heldout_nelbo,heldout_loglik,heldout_kl,images_per_second\n");
        keep(history, old, last);
    } else {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    }
    if (old)
        fclose(old);
    return history->csv ? 0 : -1;
}

void history_free(struct history *history)
{
    if (history->csv)
        fclose(history->csv);
    free(history->train);
    memset(history, 0, sizeof *history);
}

int history_add(struct history *history, size_t epoch, double train, const vae_terms *held_out, double rate)
{
    const double row[5] = {train, -held_out->elbo, held_out->loglik, held_out->kl, rate};
    put(history, epoch, row);
    if (fflush(history->csv) == 0)
        return 0;
    fprintf(stderr, "history.csv: %s\n", strerror(errno));
    return -1;
}

int history_plot(const struct history *history, const char *dir)
{
    char path[PATH_MAX];
    struct plot_line lines[] = {
        {"train", history->train, 0x1f77b4},
        {"held-out", history->held_out, 0xd62728},
    };
    struct plot plot = {"negative ELBO, nats", "epoch", history->n, 2, 0, lines};
    snprintf(path, sizeof path, "%s/curve.png", dir);
    return plot_write(&plot, path);
}
