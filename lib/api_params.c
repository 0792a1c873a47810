/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 0. Entry points that copy parameters and gradients, and those that ask a model what it is.
 */
#include "model.h"
#include "status.h"

static int check_copy(
    const char *function, const vae_model *model, const char *name, const void *array, uint64_t count)
{
    if (!model)
        return vae_fail(VAE_ERR_ARG, "%s: model is NULL", function);
    if (!array)
        return vae_fail(VAE_ERR_ARG, "%s: %s is NULL", function, name);
    if (count != model->param_count)
        return vae_fail(VAE_ERR_ARG, "%s: count is %llu: must be vae_param_count(), %llu", function,
            (unsigned long long)count, (unsigned long long)model->param_count);
    return VAE_OK;
}

uint64_t vae_param_count(const vae_model *model)
{
    return model ? model->param_count : 0;
}

int vae_get_params(const vae_model *model, float *params, uint64_t count)
{
    int status = check_copy("vae_get_params", model, "params", params, count);
    if (status == VAE_OK)
        vae_model_export(model, model->net.weights.params, params);
    return status;
}

int vae_set_params(vae_model *model, const float *params, uint64_t count)
{
    int status = check_copy("vae_set_params", model, "params", params, count);
    if (status != VAE_OK)
        return status;
    if (model->owner)
        return vae_fail(VAE_ERR_STATE, "vae_set_params: not on a view");
    for (uint64_t i = 0; i < count; i++)
        if (!(params[i] - params[i] == 0))
            return vae_fail(VAE_ERR_ARG, "vae_set_params: params[%llu] is %g: must be finite",
                (unsigned long long)i, (double)params[i]);
    vae_model_import(model, params);
    return VAE_OK;
}

int vae_get_grads(const vae_model *model, float *grads, uint64_t count)
{
    int status = check_copy("vae_get_grads", model, "grads", grads, count);
    if (status != VAE_OK)
        return status;
    if (model->owner)
        return vae_fail(VAE_ERR_STATE, "vae_get_grads: not on a view");
    if (model->gradient == VAE_GRADIENT_NONE)
        return vae_fail(
            VAE_ERR_STATE, "vae_get_grads: no gradient; call vae_grad first (vae_step keeps none)");
    vae_model_export(model, model->optimizer.grads, grads);
    return VAE_OK;
}

float *vae_grad_buffer(vae_model *model, uint64_t *count)
{
    if (!model || model->owner) {
        vae_fail(model ? VAE_ERR_STATE : VAE_ERR_ARG, "vae_grad_buffer: %s",
            model ? "not on a view" : "model is NULL");
        return NULL;
    }
    if (count)
        *count = model->param_count;
    return model->optimizer.grads;
}

uint64_t vae_tensor_count(const vae_model *model)
{
    return model ? model->tensor_count : 0;
}

int vae_tensor(const vae_model *model, uint64_t index, const char **name, uint64_t *offset, uint64_t shape[2])
{
    if (!model)
        return vae_fail(VAE_ERR_ARG, "vae_tensor: model is NULL");
    if (index >= model->tensor_count)
        return vae_fail(VAE_ERR_ARG, "vae_tensor: index is %llu: must be below vae_tensor_count(), %llu",
            (unsigned long long)index, (unsigned long long)model->tensor_count);
    const struct vae_tensor *t = &model->tensors[index];
    if (name)
        *name = t->name;
    if (offset)
        *offset = t->offset;
    for (int i = 0; shape && i < 2; i++)
        shape[i] = t->shape[i];
    return VAE_OK;
}

uint64_t vae_x_dim(const vae_model *model)
{
    return model ? model->net.x_dim : 0;
}

uint64_t vae_z_dim(const vae_model *model)
{
    return model ? model->net.z_dim : 0;
}

uint64_t vae_steps(const vae_model *model)
{
    if (!model)
        return 0;
    return model->owner ? model->owner->optimizer.steps : model->optimizer.steps;
}
