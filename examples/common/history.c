/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. Results of each epoch, as CSV and as a picture.
 */
#include "history.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "plot.h"

int history_init(struct history *history, size_t room, const char *dir)
{
    char path[PATH_MAX];
    *history = (struct history){.room = room, .train = calloc(room, 2 * sizeof *history->train)};
    if (!history->train) {
        fprintf(stderr, "history.csv: out of memory for %zu epochs\n", room);
        return -1;
    }
    history->held_out = history->train + room;
    snprintf(path, sizeof path, "%s/history.csv", dir);
    history->csv = fopen(path, "w");
    if (!history->csv) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    fprintf(history->csv, "epoch,train_nelbo,heldout_nelbo,heldout_loglik,heldout_kl,images_per_second\n");
    return 0;
}

void history_free(struct history *history)
{
    if (history->csv)
        fclose(history->csv);
    free(history->train);
    memset(history, 0, sizeof *history);
}

int history_add(struct history *history, double train, const vae_terms *held_out, double rate)
{
    size_t i = history->n++;
    history->train[i] = train;
    history->held_out[i] = -held_out->elbo;
    fprintf(history->csv, "%zu,%.6f,%.6f,%.6f,%.6f,%.0f\n", i + 1, train, -held_out->elbo, held_out->loglik,
        held_out->kl, rate);
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
