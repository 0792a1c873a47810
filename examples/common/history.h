/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. Results of each epoch, as CSV and as a picture.
 */
#ifndef VAE_EXAMPLES_HISTORY_H
#define VAE_EXAMPLES_HISTORY_H

#include <stddef.h>
#include <stdio.h>
#include <vae/vae.h>

struct history {
    size_t n, room;
    double *train;    /* [n] negative ELBO, nats a row: mean over the epoch's steps */
    double *held_out; /* [n] the same after the epoch */
    FILE *csv;        /* DIR/history.csv, complete after every epoch */
};

/* Begins DIR/history.csv, with the rows up to epoch `last` that an earlier run left there. 0, or -1 with the
 * reason on stderr; history_free comes after either. */
int history_init(struct history *history, size_t room, size_t last, const char *dir);
void history_free(struct history *history);
/* Adds an epoch; `rate` is images a second. 0, or -1 with the reason on stderr. */
int history_add(struct history *history, size_t epoch, double train, const vae_terms *held_out, double rate);
/* Writes DIR/curve.png. 0, or -1 with the reason on stderr. */
int history_plot(const struct history *history, const char *dir);

#endif
