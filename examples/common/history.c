/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. What each epoch came to, as CSV and as a picture.
 */
#include "history.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "plot.h"

enum { COLUMNS = 5 };

int history_init(struct history *history, size_t room)
{
    double *cells = calloc(room, COLUMNS * sizeof *cells);
    *history =
        (struct history){0, room, cells, cells + room, cells + 2 * room, cells + 3 * room, cells + 4 * room};
    return cells ? 0 : -1;
}

void history_free(struct history *history)
{
    free(history->train);
}

void history_add(struct history *history, double train, const vae_terms *held_out, double rate)
{
    size_t i = history->n++;
    history->train[i] = train;
    history->held_out[i] = -held_out->elbo;
    history->loglik[i] = held_out->loglik;
    history->kl[i] = held_out->kl;
    history->rate[i] = rate;
}

static int failed(const char *path)
{
    perror(path);
    return -1;
}

static int write_csv(const struct history *history, const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return failed(path);
    fprintf(file, "epoch,train_nelbo,heldout_nelbo,heldout_loglik,heldout_kl,images_per_second\n");
    for (size_t i = 0; i < history->n; i++)
        fprintf(file, "%zu,%.6f,%.6f,%.6f,%.6f,%.0f\n", i + 1, history->train[i], history->held_out[i],
            history->loglik[i], history->kl[i], history->rate[i]);
    int bad = ferror(file);
    if (fclose(file) != 0 || bad)
        return failed(path);
    return 0;
}

int history_write(const struct history *history, const char *dir)
{
    char path[PATH_MAX];
    struct plot_line lines[] = {
        {"train", history->train, 0x1f77b4},
        {"held-out", history->held_out, 0xd62728},
    };
    struct plot plot = {"negative ELBO, nats", "epoch", history->n, 2, lines};
    snprintf(path, sizeof path, "%s/history.csv", dir);
    if (write_csv(history, path) != 0)
        return -1;
    snprintf(path, sizeof path, "%s/curve.png", dir);
    return plot_write(&plot, path);
}
