/* SPDX-License-Identifier: BSD-2-Clause
 * The entry point for losses of a program's own.
 */
#include "base/defaults.h"
#include "base/status.h"
#include "batch.h"
#include "pass/adjoint.h"
#include "pass/rows.h"
#include "train.h"

#include <string.h>

/* A batch whose weights do not matter: they are not read. */
static int read_batch(const char *function, const vae_model *model, vae_batch *own, const vae_batch *caller)
{
    vae_batch given = vae_batch_of(NULL, 0);
    int status = vae_check_pointer(function, "batch", caller, 1);
    if (status != VAE_OK || (status = vae_struct_read(function, &vae_batch_struct, &given, caller)) != VAE_OK)
        return status;
    given.weight = NULL;
    given.total_weight = 0;
    return vae_batch_read(function, model, own, &given);
}

static int check_batch(const char *function, const vae_model *model, const vae_batch *batch)
{
    if (batch->source != VAE_FROM_DATA)
        return vae_fail(VAE_ERR_ARG, "%s: batch.source must stay at its default", function);
    if (batch->n > model->ws.max_batch)
        return vae_fail(VAE_ERR_ARG, "%s: n is %llu: must be at most max_batch, %zu", function,
            (unsigned long long)batch->n, model->ws.max_batch);
    return VAE_OK;
}

static int check_adjoints(const char *function, const vae_batch *batch, const vae_adjoints *a)
{
    const char *of_x = a->mu ? "mu" : "logvar";
    const char *of_z = a->x_location ? "x_location" : a->x_scale ? "x_scale" : "x_shape";
    if (vae_adjoint_encodes(a) && !batch->x && batch->n > 0)
        return vae_fail(VAE_ERR_ARG, "%s: adjoints.%s needs batch.x", function, of_x);
    if (vae_adjoint_decodes(a) && !batch->z && batch->n > 0)
        return vae_fail(VAE_ERR_ARG, "%s: adjoints.%s needs batch.z", function, of_z);
    if (a->c)
        return vae_fail(VAE_ERR_ARG, "%s: adjoints.c must be NULL: the model has no condition", function);
    return VAE_OK;
}

static int read_call(const char *function, const vae_model *model, const vae_batch *batch,
    const vae_adjoints *adjoints, vae_batch *own, vae_adjoints *own_adjoints)
{
    int status = vae_check_trained(function, model);
    *own_adjoints = *(const vae_adjoints *)vae_adjoints_struct.defaults;
    if (status != VAE_OK || (status = vae_check_pointer(function, "adjoints", adjoints, 1)) != VAE_OK ||
        (status = vae_struct_read(function, &vae_adjoints_struct, own_adjoints, adjoints)) != VAE_OK ||
        (status = read_batch(function, model, own, batch)) != VAE_OK ||
        (status = check_batch(function, model, own)) != VAE_OK)
        return status;
    return check_adjoints(function, own, own_adjoints);
}

/* All but the outputs; the gradient is closed unless it returns VAE_OK. */
static int run(const char *function, vae_model *model, const struct vae_pass *pass, const vae_adjoints *own)
{
    struct vae_trainer *trainer = &model->trainer;
    int status, was_open = trainer->open;
    trainer->open = 0;
    if ((status = vae_adjoint_check(function, pass, own)) != VAE_OK)
        return status;
    if (!was_open) {
        memset(trainer->grads, 0, (size_t)model->network->learned * sizeof *trainer->grads);
        trainer->rows = 0;
    }
    double squared_norm = vae_adjoint_run(pass, trainer, own);
    if ((status = vae_check_gradient(function, model, squared_norm)) != VAE_OK ||
        (status = vae_adjoint_check_outputs(function, pass, own)) != VAE_OK)
        return status;
    trainer->open = 1;
    return VAE_OK;
}

int vae_backward(vae_model *model, const vae_batch *batch, const vae_adjoints *adjoints)
{
    vae_batch own;
    vae_adjoints own_adjoints;
    size_t next = 0;
    int status = read_call(__func__, model, batch, adjoints, &own, &own_adjoints);
    if (status != VAE_OK)
        return status;
    struct vae_rows rows = vae_rows_take(&model->ws, &own, 0, &next);
    struct vae_pass pass = vae_adjoint_pass(model->network, &model->ws, &rows);
    if ((status = run(__func__, model, &pass, &own_adjoints)) != VAE_OK)
        return status;
    vae_adjoint_put(&pass, &own_adjoints);
    return VAE_OK;
}
