/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. What each epoch came to, as CSV and as a picture.
 */
#ifndef VAE_EXAMPLES_HISTORY_H
#define VAE_EXAMPLES_HISTORY_H

#include <stddef.h>
#include <vae/vae.h>

struct history {
    size_t n, room;
    double *train;    /* [n] negative ELBO, nats a row: mean over the epoch's steps */
    double *held_out; /* [n] and after the epoch */
    double *loglik, *kl;
    double *rate; /* images a second */
};

/* -1: out of memory. */
int history_init(struct history *history, size_t room);
void history_free(struct history *history);
void history_add(struct history *history, double train, const vae_terms *held_out, double rate);
/* DIR/history.csv and DIR/curve.png. 0, or -1 with the reason on stderr. */
int history_write(const struct history *history, const char *dir);

#endif
