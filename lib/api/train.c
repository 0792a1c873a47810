/* SPDX-License-Identifier: BSD-2-Clause
 * Entry points of training: a step, its two halves, and the settings.
 */
#include "base/defaults.h"
#include "base/status.h"
#include "batch.h"
#include "config.h"
#include "pass/gradient.h"
#include "pass/rows.h"
#include "pass/stream.h"
#include "pass/train.h"
#include "train.h"

#include <float.h>
#include <math.h>

/* ---- what must not happen ---- */

static int square_overflows(float g)
{
    return !(g * g <= FLT_MAX);
}

/* The first element of a tensor, in canonical order, whose square overflows; its count where there is none.
 */
static uint64_t first_overflow(const vae_model *model, const struct vae_tensor *t)
{
    const float *g = model->trainer.grads;
    uint64_t i = 0;
    while (i < t->count && !square_overflows(g[vae_tensor_own(t, model->network->panel, i)]))
        i++;
    return i;
}

int vae_check_gradient(const char *function, const vae_model *model, double squared_norm)
{
    if (squared_norm <= FLT_MAX)
        return VAE_OK;
    for (size_t k = 0; k < model->tensor_count; k++) {
        const struct vae_tensor *t = &model->tensors[k];
        uint64_t element = first_overflow(model, t);
        if (element == t->count)
            continue;
        float g = model->trainer.grads[vae_tensor_own(t, model->network->panel, element)];
        return vae_fail(VAE_ERR_NONFINITE,
            "%s: gradient of %s, element %llu, is %g%s: lower the learning rate", function, t->name,
            (unsigned long long)element, vae_shown((double)g),
            g - g == 0 ? ", whose square overflows float32" : "");
    }
    return VAE_OK;
}

static int check_update(const char *function, const vae_model *model, double squared_norm)
{
    uint64_t element, at = vae_gradient_overflows(model->network, &model->trainer, squared_norm);
    if (at == model->network->learned)
        return VAE_OK;
    const struct vae_tensor *t = vae_model_find(model, at, &element);
    return vae_fail(VAE_ERR_NONFINITE,
        "%s: the update would make %s, element %llu, or a moment of it infinite: lower the learning rate",
        function, t->name, (unsigned long long)element);
}

static int check_batch(const char *function, const vae_model *model, const vae_batch *batch, double sum)
{
    uint64_t least = batch->total_weight > 0 ? 0 : 1;
    if (batch->source != VAE_FROM_DATA || batch->z)
        return vae_fail(VAE_ERR_ARG,
            "%s: training takes z from the encoder: batch.source and batch.z stay at their defaults",
            function);
    if (batch->n < least || batch->n > model->ws.max_batch)
        return vae_fail(VAE_ERR_ARG, "%s: n is %llu: must be %llu to max_batch, %zu", function,
            (unsigned long long)batch->n, (unsigned long long)least, model->ws.max_batch);
    if (!(sum > 0) && least > 0)
        return vae_fail(VAE_ERR_ARG, "%s: the weights add up to 0: no row counts", function);
    return vae_check_pointer(function, "x", batch->x, batch->n);
}

/* ---- the pass ---- */

struct step {
    struct vae_pass pass;
    struct vae_bound bound;
    int adds; /* is the gradient added to an open one? */
};

/* Rows that an open gradient is made of come before those of a batch that is added. */
static void count_rows(vae_model *model, struct step *step, vae_batch *batch)
{
    struct vae_trainer *t = &model->trainer;
    step->adds = step->adds && t->open;
    if (!step->adds)
        t->rows = 0;
    batch->first_row += t->rows;
    t->rows += batch->n;
    t->open = 0;
}

/* All that gradients and steps share: arguments, the pass, its terms. */
static int run_pass(const char *function, vae_model *model, const vae_batch *caller, const vae_terms *terms,
    struct step *step)
{
    vae_batch batch;
    size_t next = 0;
    int status = vae_check_trained(function, model);
    if (status != VAE_OK || (status = vae_check_terms(function, terms)) != VAE_OK ||
        (status = vae_batch_read(function, model, &batch, caller)) != VAE_OK)
        return status;
    double sum = vae_rows_sum(&batch), total = batch.total_weight > 0 ? batch.total_weight : sum;
    if ((status = check_batch(function, model, &batch, sum)) != VAE_OK)
        return status;
    if (step->adds && !(batch.total_weight > 0))
        return vae_fail(
            VAE_ERR_ARG, "%s: batch.total_weight is 0: must be that of the whole batch", function);
    count_rows(model, step, &batch);
    struct vae_rows rows =
        vae_rows_take(&model->ws, &batch, vae_key(model->network->seed, batch.seed), &next);
    step->pass = vae_train_pass(model->network, &model->ws, &model->trainer, &rows);
    step->bound = vae_train_bound(&step->pass, &model->trainer, sum, total);
    vae_train_run(&step->pass, &model->trainer, &step->bound);
    return vae_train_check(function, &step->pass, &step->bound);
}

static void put_terms(const struct step *step, double squared_norm, vae_terms *terms)
{
    if (!terms)
        return;
    struct vae_sums sums = vae_train_sums(&step->pass, &step->bound);
    double total = step->bound.total;
    vae_terms own = {
        .objective = sums.objective / total, .loglik = sums.loglik / total, .kl = sums.kl / total};
    own.elbo = own.loglik - own.kl;
    own.grad_norm = sqrt(squared_norm);
    vae_struct_write(&vae_terms_struct, terms, &own);
}

/* One update by the gradient in the trainer's memory, or nothing. */
static int update(const char *function, vae_model *model, double squared_norm)
{
    int status = vae_check_gradient(function, model, squared_norm);
    if (status != VAE_OK)
        return status;
    squared_norm = vae_gradient_adjust(model->network, &model->ws, &model->trainer, squared_norm);
    if ((status = vae_check_gradient(function, model, squared_norm)) != VAE_OK ||
        (status = check_update(function, model, squared_norm)) != VAE_OK)
        return status;
    vae_gradient_apply(model->network, &model->ws, &model->trainer);
    return VAE_OK;
}

static int may_fuse(const vae_model *model, const struct step *step)
{
    return !model->network->gemm.sgemm && !vae_gradient_is_adjusted(&model->trainer) &&
           vae_gradient_bounded(&step->pass, &model->trainer, &step->bound);
}

static int step_on(const char *function, vae_model *model, const vae_batch *batch, vae_terms *terms)
{
    struct step step = {.adds = 0};
    double squared_norm;
    int status = run_pass(function, model, batch, terms, &step);
    if (status != VAE_OK)
        return status;
    if (may_fuse(model, &step)) {
        squared_norm = vae_gradient_fused(&step.pass, &model->trainer, &step.bound);
    } else {
        squared_norm = vae_gradient_run(&step.pass, &model->trainer, &step.bound);
        if ((status = update(function, model, squared_norm)) != VAE_OK)
            return status;
    }
    model->own_network.version++;
    put_terms(&step, squared_norm, terms);
    return VAE_OK;
}

int vae_step(vae_model *model, const float *x, size_t n, vae_terms *terms)
{
    vae_batch batch = vae_batch_of(x, n);
    return step_on(__func__, model, &batch, terms);
}

int vae_step_batch(vae_model *model, const vae_batch *batch, vae_terms *terms)
{
    return step_on(__func__, model, batch, terms);
}

static int gradient_of(
    const char *function, vae_model *model, const vae_batch *batch, vae_terms *terms, int adds)
{
    struct step step = {.adds = adds};
    int status = run_pass(function, model, batch, terms, &step);
    if (status != VAE_OK)
        return status;
    double squared_norm = step.adds ? vae_gradient_add(&step.pass, &model->trainer, &step.bound, 0,
                                          vae_network_nodes(model->network))
                                    : vae_gradient_run(&step.pass, &model->trainer, &step.bound);
    if ((status = vae_check_gradient(function, model, squared_norm)) != VAE_OK)
        return status;
    model->trainer.open = 1;
    put_terms(&step, squared_norm, terms);
    return VAE_OK;
}

int vae_grad(vae_model *model, const vae_batch *batch, vae_terms *terms)
{
    return gradient_of(__func__, model, batch, terms, 0);
}

int vae_grad_add(vae_model *model, const vae_batch *batch, vae_terms *terms)
{
    return gradient_of(__func__, model, batch, terms, 1);
}

int vae_apply(vae_model *model, double *grad_norm)
{
    int status = vae_check_trained(__func__, model);
    if (status != VAE_OK)
        return status;
    if (!model->trainer.open)
        return vae_fail(VAE_ERR_STATE, "%s: no gradient is open; call vae_grad first", __func__);
    double squared_norm = vae_gradient_norm(model->network, &model->ws, &model->trainer);
    model->trainer.open = 0;
    if ((status = update(__func__, model, squared_norm)) != VAE_OK)
        return status;
    model->own_network.version++;
    if (grad_norm)
        *grad_norm = sqrt(squared_norm);
    return VAE_OK;
}

/* ---- settings ---- */

int vae_set_training(vae_model *model, const vae_training *training)
{
    int status = vae_check_trained(__func__, model);
    if (status != VAE_OK || (status = vae_check_pointer(__func__, "training", training, 1)) != VAE_OK)
        return status;
    vae_training own = model->trainer.settings;
    if ((status = vae_training_read(__func__, &own, training, model->network->prior->number)) != VAE_OK)
        return status;
    if (own.optimizer != model->trainer.settings.optimizer)
        return vae_fail(VAE_ERR_ARG, "%s: training.optimizer is fixed by vae_create", __func__);
    if (own.samples * own.estimates > model->ws.max_draws)
        return vae_fail(VAE_ERR_ARG,
            "%s: training.samples * estimates is %llu: must be at most max_draws, %zu", __func__,
            (unsigned long long)(own.samples * own.estimates), model->ws.max_draws);
    model->trainer.settings = own;
    model->trainer.objective = vae_objective_of(own.objective);
    return VAE_OK;
}
