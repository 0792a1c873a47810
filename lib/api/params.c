/* SPDX-License-Identifier: BSD-2-Clause
 * Entry points that copy parameters and gradients, whole or tensor by tensor.
 */
#include "base/defaults.h"
#include "base/status.h"
#include "batch.h"

#include <string.h>

static int check_copy(
    const char *function, const vae_model *model, const char *name, const void *array, uint64_t count)
{
    int status = vae_check_model(function, model);
    if (status != VAE_OK || (status = vae_check_pointer(function, name, array, 1)) != VAE_OK)
        return status;
    if (count != model->network->learned)
        return vae_fail(VAE_ERR_ARG, "%s: count is %llu: must be vae_param_count(), %llu", function,
            (unsigned long long)count, (unsigned long long)model->network->learned);
    return VAE_OK;
}

static int check_finite(const char *function, const char *name, const float *values, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        if (!(values[i] - values[i] == 0))
            return vae_fail(VAE_ERR_ARG, "%s: %s[%llu] is %g: must be finite", function, name,
                (unsigned long long)i, vae_shown((double)values[i]));
    return VAE_OK;
}

/* ---- all at once ---- */

uint64_t vae_param_count(const vae_model *model)
{
    return model ? model->network->learned : 0;
}

int vae_get_params(const vae_model *model, float *params, uint64_t count)
{
    int status = check_copy(__func__, model, "params", params, count);
    if (status == VAE_OK)
        vae_model_export(model, model->network->params, params);
    return status;
}

int vae_set_params(vae_model *model, const float *params, uint64_t count)
{
    int status = check_copy(__func__, model, "params", params, count);
    if (status != VAE_OK || (status = vae_check_writable(__func__, model)) != VAE_OK ||
        (status = check_finite(__func__, "params", params, count)) != VAE_OK)
        return status;
    vae_model_import(model, params);
    return VAE_OK;
}

static int check_open(const char *function, const vae_model *model)
{
    int status = vae_check_trained(function, model);
    if (status != VAE_OK || model->trainer.open)
        return status;
    return vae_fail(
        VAE_ERR_STATE, "%s: no gradient is open; call vae_grad first (vae_step keeps none)", function);
}

int vae_get_grads(const vae_model *model, float *grads, uint64_t count)
{
    int status = check_copy(__func__, model, "grads", grads, count);
    if (status != VAE_OK || (status = check_open(__func__, model)) != VAE_OK)
        return status;
    vae_model_export(model, model->trainer.grads, grads);
    return VAE_OK;
}

int vae_set_grads(vae_model *model, const float *grads, uint64_t count)
{
    int status = check_copy(__func__, model, "grads", grads, count);
    if (status != VAE_OK || (status = vae_check_trained(__func__, model)) != VAE_OK ||
        (status = check_finite(__func__, "grads", grads, count)) != VAE_OK)
        return status;
    vae_model_import_grads(model, grads);
    model->trainer.open = 1;
    model->trainer.rows = 0;
    return VAE_OK;
}

float *vae_grad_buffer(vae_model *model, uint64_t *count)
{
    if (check_open(__func__, model) != VAE_OK)
        return NULL;
    if (count)
        *count = model->network->learned;
    return model->trainer.grads;
}

/* ---- by tensor ---- */

uint64_t vae_tensor_count(const vae_model *model)
{
    return model ? vae_model_owner(model)->tensor_count : 0;
}

int vae_tensor(const vae_model *model, uint64_t index, vae_tensor_info *info)
{
    int status = vae_check_model(__func__, model);
    if (status != VAE_OK || (status = vae_check_pointer(__func__, "info", info, 1)) != VAE_OK ||
        (status = vae_struct_check(__func__, &vae_tensor_info_struct, info)) != VAE_OK)
        return status;
    const vae_model *owner = vae_model_owner(model);
    if (index >= owner->tensor_count)
        return vae_fail(VAE_ERR_ARG, "%s: index is %llu: must be below vae_tensor_count(), %zu", __func__,
            (unsigned long long)index, owner->tensor_count);
    const struct vae_tensor *t = &owner->tensors[index];
    vae_tensor_info own = {.name = t->name,
        .rank = t->rank,
        .offset = t->offset,
        .count = t->count,
        .flags = VAE_TENSOR_LEARNED};
    for (size_t i = 0; i < t->rank; i++)
        own.shape[i] = t->shape[i];
    vae_struct_write(&vae_tensor_info_struct, info, &own);
    return VAE_OK;
}

/* The tensor of a name, or NULL and words. */
static const struct vae_tensor *find(const char *function, const vae_model *model, const char *name)
{
    const vae_model *owner = vae_model_owner(model);
    for (size_t i = 0; name && i < owner->tensor_count; i++)
        if (strcmp(owner->tensors[i].name, name) == 0)
            return &owner->tensors[i];
    if (name)
        vae_fail(VAE_ERR_ARG, "%s: no tensor is called \"%.100s\"", function, name);
    else
        vae_fail(VAE_ERR_ARG, "%s: name is NULL", function);
    return NULL;
}

int vae_get_tensor(const vae_model *model, const char *name, float *values, uint64_t count)
{
    int status = vae_check_model(__func__, model);
    if (status != VAE_OK || (status = vae_check_pointer(__func__, "values", values, 1)) != VAE_OK)
        return status;
    const struct vae_tensor *t = find(__func__, model, name);
    if (!t)
        return VAE_ERR_ARG;
    if (count != t->count)
        return vae_fail(VAE_ERR_ARG, "%s: count is %llu: %s has %llu", __func__, (unsigned long long)count,
            t->name, (unsigned long long)t->count);
    vae_tensor_get(t, model->network->panel, model->network->params, 0, (size_t)t->count, values);
    return VAE_OK;
}

static int check_shape(const char *function, const struct vae_tensor *t, const vae_tensor_info *info)
{
    if (info->rank != t->rank)
        return vae_fail(
            VAE_ERR_ARG, "%s: info.rank is %zu: %s has %zu", function, info->rank, t->name, t->rank);
    for (size_t i = 0; i < t->rank; i++)
        if (info->shape[i] != t->shape[i])
            return vae_fail(VAE_ERR_ARG, "%s: info.shape[%zu] is %llu: that of %s is %llu", function, i,
                (unsigned long long)info->shape[i], t->name, (unsigned long long)t->shape[i]);
    return VAE_OK;
}

int vae_set_tensor(vae_model *model, const vae_tensor_info *info, const float *values)
{
    vae_tensor_info own = {0};
    int status = vae_check_writable(__func__, model);
    if (status != VAE_OK || (status = vae_check_pointer(__func__, "info", info, 1)) != VAE_OK ||
        (status = vae_struct_read(__func__, &vae_tensor_info_struct, &own, info)) != VAE_OK ||
        (status = vae_check_pointer(__func__, "values", values, 1)) != VAE_OK)
        return status;
    const struct vae_tensor *t = find(__func__, model, own.name);
    if (!t)
        return VAE_ERR_ARG;
    if ((status = check_shape(__func__, t, &own)) != VAE_OK ||
        (status = check_finite(__func__, "values", values, t->count)) != VAE_OK)
        return status;
    vae_tensor_put(t, model->network->panel, values, 0, (size_t)t->count, model->own_network.params);
    model->own_network.version++;
    return VAE_OK;
}
