/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. The mean of log p(x) over rows, and how far it can be trusted.
 */
#ifndef VAE_EXAMPLES_EVIDENCE_H
#define VAE_EXAMPLES_EVIDENCE_H

#include <vae/vae.h>

enum { EVIDENCE_ROWS = 100 };

/* Sums over rows; starts as {0}. */
struct evidence {
    uint64_t draws; /* of each row; at least 2 */
    size_t rows, unsure;
    double sum, squares, variances;
};

/* Adds a batch of at most EVIDENCE_ROWS rows; a status of the library. */
int evidence_add(struct evidence *evidence, vae_model *model, const vae_batch *batch);
void evidence_print(const struct evidence *evidence);

#endif
