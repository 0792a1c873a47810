/* SPDX-License-Identifier: BSD-2-Clause
 * Entry points that make and end a model, and those that say what it is.
 */
#include "base/defaults.h"
#include "base/status.h"
#include "batch.h"
#include "config.h"

static int read_request(const char *function, struct vae_request *r, const vae_config *config,
    const vae_training *training, const vae_runtime *runtime)
{
    int status;
    *r = (struct vae_request){.function = function,
        .training = *(const vae_training *)vae_training_struct.defaults,
        .runtime = *(const vae_runtime *)vae_runtime_struct.defaults};
    if ((status = vae_config_read(function, &r->config, config)) != VAE_OK ||
        (status = vae_training_read(function, &r->training, training, r->config.prior)) != VAE_OK ||
        (status = vae_runtime_read(function, &r->runtime, runtime)) != VAE_OK)
        return status;
    r->training.size = sizeof r->training;
    return vae_runtime_fit(function, &r->runtime, &r->training);
}

int vae_create(
    vae_model **out, const vae_config *config, const vae_training *training, const vae_runtime *runtime)
{
    struct vae_request r;
    if (!out)
        return vae_fail(VAE_ERR_ARG, "%s: out is NULL", __func__);
    *out = NULL;
    int status = read_request(__func__, &r, config, training, runtime);
    return status == VAE_OK ? vae_model_create(out, &r) : status;
}

int vae_footprint(
    const vae_config *config, const vae_training *training, const vae_runtime *runtime, size_t *bytes)
{
    struct vae_request r;
    int status = vae_check_pointer(__func__, "bytes", bytes, 1);
    if (status != VAE_OK || (status = read_request(__func__, &r, config, training, runtime)) != VAE_OK)
        return status;
    return vae_model_footprint(&r, bytes);
}

/* The owner's allocator, log and max_batch, one thread. */
static vae_runtime runtime_of(const vae_model *owner)
{
    vae_runtime runtime = *(const vae_runtime *)vae_runtime_struct.defaults;
    runtime.max_batch = owner->ws.max_batch;
    runtime.alloc_ctx = owner->allocator.ctx;
    runtime.alloc = owner->allocator.alloc;
    runtime.free = owner->allocator.free;
    return runtime;
}

int vae_share(vae_model **view, const vae_model *owner, const vae_runtime *runtime)
{
    vae_runtime own = *(const vae_runtime *)vae_runtime_struct.defaults;
    int status;
    if (!view)
        return vae_fail(VAE_ERR_ARG, "%s: view is NULL", __func__);
    *view = NULL;
    if (!owner)
        return vae_fail(VAE_ERR_ARG, "%s: owner is NULL", __func__);
    owner = vae_model_owner(owner);
    if (!runtime)
        own = runtime_of(owner);
    else if ((status = vae_struct_read(__func__, &vae_runtime_struct, &own, runtime)) != VAE_OK)
        return status;
    own.max_draws = 0; /* of no meaning here, and so not checked */
    own.inference_only = 0;
    if ((status = vae_runtime_read(__func__, &own, NULL)) != VAE_OK)
        return status;
    own.sgemm = owner->network->gemm.sgemm;
    return vae_model_share(__func__, view, owner, &own);
}

void vae_destroy(vae_model *model)
{
    vae_model_destroy(model);
}

/* ---- what a model is ---- */

/* A caller's output struct: there, and of a possible size. */
static int check_output(
    const char *function, const vae_model *model, const struct vae_struct *kind, const void *out)
{
    int status = vae_check_model(function, model);
    if (status != VAE_OK || (status = vae_check_pointer(function, kind->name, out, 1)) != VAE_OK)
        return status;
    return vae_struct_check(function, kind, out);
}

static int check_index(const char *function, uint64_t index, uint64_t count)
{
    if (index < count)
        return VAE_OK;
    return vae_fail(VAE_ERR_ARG, "%s: index is %llu: must be below %llu", function, (unsigned long long)index,
        (unsigned long long)count);
}

int vae_get_config(const vae_model *model, vae_config *config)
{
    int status = check_output(__func__, model, &vae_config_struct, config);
    if (status != VAE_OK)
        return status;
    vae_config own = vae_model_owner(model)->config;
    own.encoder = own.decoder = NULL;
    own.spans = NULL;
    vae_struct_write(&vae_config_struct, config, &own);
    return VAE_OK;
}

int vae_get_layer(const vae_model *model, int32_t decoder, uint64_t index, vae_layer *layer)
{
    int status = check_output(__func__, model, &vae_layer_struct, layer);
    if (status != VAE_OK)
        return status;
    const vae_config *c = &vae_model_owner(model)->config;
    if (decoder != 0 && decoder != 1)
        return vae_fail(VAE_ERR_ARG, "%s: decoder is %d: must be 0 or 1", __func__, (int)decoder);
    if ((status = check_index(__func__, index, decoder ? c->n_decoder : c->n_encoder)) != VAE_OK)
        return status;
    vae_struct_write(&vae_layer_struct, layer, (decoder ? c->decoder : c->encoder) + index);
    return VAE_OK;
}

int vae_get_span(const vae_model *model, uint64_t index, vae_span *span)
{
    int status = check_output(__func__, model, &vae_span_struct, span);
    if (status != VAE_OK)
        return status;
    const vae_config *c = &vae_model_owner(model)->config;
    if ((status = check_index(__func__, index, vae_plan_spans(c))) != VAE_OK)
        return status;
    vae_span own = vae_plan_span(c, (size_t)index);
    vae_struct_write(&vae_span_struct, span, &own);
    return VAE_OK;
}

int vae_get_training(const vae_model *model, vae_training *training)
{
    int status = check_output(__func__, model, &vae_training_struct, training);
    if (status == VAE_OK)
        vae_struct_write(&vae_training_struct, training, &vae_model_owner(model)->trainer.settings);
    return status;
}

uint64_t vae_x_dim(const vae_model *model)
{
    return model ? model->network->x_dim : 0;
}

uint64_t vae_z_dim(const vae_model *model)
{
    return model ? model->network->z_dim : 0;
}

uint64_t vae_steps(const vae_model *model)
{
    return model ? vae_model_owner(model)->trainer.counts.steps : 0;
}
