/* SPDX-License-Identifier: BSD-2-Clause
 * How parameters follow a gradient.
 *
 * An optimizer is one file in this folder and one row of the table in kinds.c. It sees flat arrays alone.
 */
#ifndef VAE_LIB_PARTS_OPTIMIZERS_OPTIMIZER_H
#define VAE_LIB_PARTS_OPTIMIZERS_OPTIMIZER_H

#include "kernels/table.h"

#include <vae/vae.h>

#define VAE_MOST_MOMENTS 2
/* More than what the roundings of one update can add to a bound */
#define VAE_ROUNDED_UP (1 + 0x1p-21)

/* The numbers of one update, the same for all parameters. */
struct vae_rule {
    union {
        struct vae_adam adam;
        struct vae_adagrad adagrad;
        struct vae_sgd sgd;
    } of;
};

/* What is counted from update to update, and saved. */
struct vae_optimizer_counts {
    uint64_t steps;
    double power[VAE_MOST_MOMENTS]; /* of the decays, by multiplication: pow() differs between C libraries */
};

struct vae_optimizer_kind {
    int32_t number;
    unsigned moments; /* arrays as long as the parameters */
    unsigned squares; /* bit k: moment k is made of squares, none below 0 */
    unsigned powers;  /* of the decays that it counts; the others stay 1 */
    int decoupled;    /* weight_decay is part of the update; else it is added to the gradient before */
    void (*count)(const vae_training *training, struct vae_optimizer_counts *counts);
    /* The rule of an update, after it was counted. */
    struct vae_rule (*prepare)(const vae_training *training, const struct vae_optimizer_counts *counts);
    /* p and the moments updated by g, n elements; returns the sum of g's squares. */
    double (*update)(const struct vae_train_kernels *kernels, const struct vae_rule *rule, size_t n,
        const float *g, float *p, float *const moment[VAE_MOST_MOMENTS]);
    /* What no update by gradients of at most g adds to a parameter, while moment k is at most reach[k], which
     * becomes its bound after the update. Infinity where a moment, or a parameter by its decay, may
     * overflow. */
    double (*most)(const struct vae_rule *rule, double g, double reach[VAE_MOST_MOMENTS]);
};

/* AdamW is made of it. */
extern const struct vae_optimizer_kind vae_optimizer_adam;

/* NULL for a number that names no optimizer, or one that is not served. */
const struct vae_optimizer_kind *vae_optimizer_of(int32_t number);
/* The last number that names an optimizer. */
extern const int32_t vae_optimizer_last;

#endif
