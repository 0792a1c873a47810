/* SPDX-License-Identifier: BSD-2-Clause
 * The reading pass: everything that vae_infer() gives, a workspace's rows at a time.
 */
#ifndef VAE_LIB_PASS_INFER_H
#define VAE_LIB_PASS_INFER_H

#include "pass.h"

/* A reading call after all checks. */
struct vae_reading {
    const vae_batch *batch;
    vae_outputs out;
    int terms; /* are the sums below asked for? */
};

/* Sums over the rows, each by its weight. */
struct vae_reading_sums {
    double loglik, kl;
};

struct vae_reading_sums vae_infer_run(
    const struct vae_network *net, struct vae_workspace *ws, const struct vae_reading *reading);

#endif
