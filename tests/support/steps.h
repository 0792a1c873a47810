/* SPDX-License-Identifier: BSD-2-Clause
 * Test support, from inside: the pass of a training step without its update, and what the bound says of it.
 */
#ifndef VAE_TESTS_STEPS_H
#define VAE_TESTS_STEPS_H

#include "models.h"

#include "model/model.h"
#include "pass/gradient.h"
#include "pass/rows.h"
#include "pass/train.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 11, X = 13, DRAWS = 2 };

/* ---- a pass, as vae_step() runs it ---- */

struct step {
    struct vae_pass pass;
    struct vae_bound bound;
};

static inline struct step run_step(vae_model *model, const float *x)
{
    struct step step;
    size_t next = 0;
    vae_batch batch = batch_of(model, x, ROWS);
    batch.ldz = vae_z_dim(model);
    struct vae_rows rows = vae_rows_take(&model->ws, &batch, model->network->seed, &next);
    step.pass = vae_train_pass(model->network, &model->ws, &model->trainer, &rows);
    step.bound = vae_train_bound(&step.pass, &model->trainer, ROWS, ROWS);
    vae_train_run(&step.pass, &model->trainer, &step.bound);
    return step;
}

static inline int is_bounded(const struct step *step, const vae_model *model)
{
    return vae_gradient_bounded(&step->pass, &model->trainer, &step->bound);
}

static inline void plan_overflow(struct plan *plan, int32_t scale, int32_t threads)
{
    plan_init(plan, VAE_GAUSS, VAE_TANH, 2);
    plan->encoder[1].kind = plan->decoder[0].kind = VAE_LAYER_GATED;
    plan_scale(plan, 0, scale);
    plan->training.samples = DRAWS;
    plan->runtime.threads = threads;
}

/* Does a step run in the fused form, which leaves the gradient's memory alone? */
static inline int step_is_fused(vae_model *model, const float *x)
{
    float *grads = model->trainer.grads;
    size_t bytes = (size_t)model->network->learned * sizeof *grads;
    memset(grads, 0x5a, bytes);
    must(vae_step(model, x, ROWS, NULL));
    for (size_t i = 0; i < bytes; i++)
        if (((unsigned char *)grads)[i] != 0x5a)
            return 0;
    return 1;
}

#endif
