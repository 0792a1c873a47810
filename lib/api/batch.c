/* SPDX-License-Identifier: BSD-2-Clause
 * What the entry points of the model check alike: the model, batches, output structs.
 */
#include "batch.h"

#include "base/defaults.h"
#include "base/status.h"
#include "pass/rows.h"

int vae_check_model(const char *function, const vae_model *model)
{
    return model ? VAE_OK : vae_fail(VAE_ERR_ARG, "%s: model is NULL", function);
}

int vae_check_owner(const char *function, const vae_model *model)
{
    if (!model)
        return vae_check_model(function, model);
    return model->owner ? vae_fail(VAE_ERR_STATE, "%s: not on a view", function) : VAE_OK;
}

int vae_check_writable(const char *function, const vae_model *model)
{
    int status = vae_check_owner(function, model);
    if (status != VAE_OK || !model->in_place)
        return status;
    return vae_fail(VAE_ERR_STATE, "%s: the model reads its weights in place", function);
}

int vae_check_trained(const char *function, const vae_model *model)
{
    int status = vae_check_owner(function, model);
    if (status != VAE_OK || !model->inference_only)
        return status;
    return vae_fail(VAE_ERR_STATE, "%s: not on a model that is inference_only", function);
}

int vae_check_terms(const char *function, const vae_terms *terms)
{
    return terms ? vae_struct_check(function, &vae_terms_struct, terms) : VAE_OK;
}

int vae_check_pointer(const char *function, const char *name, const void *pointer, uint64_t n)
{
    return pointer || n == 0 ? VAE_OK : vae_fail(VAE_ERR_ARG, "%s: %s is NULL", function, name);
}

vae_batch vae_batch_of(const float *x, size_t n)
{
    vae_batch batch = *(const vae_batch *)vae_batch_struct.defaults;
    batch.size = sizeof batch;
    batch.n = n;
    batch.x = x;
    return batch;
}

/* n rows of `ld` elements, at least `least` of them; `ld` 0 is `least`. Without an index, do they fit? */
static int check_stride(const char *function, const vae_batch *batch, const char *name, const void *array,
    size_t least, size_t *ld)
{
    if (!array)
        return VAE_OK;
    if (*ld == 0)
        *ld = least;
    if (*ld < least)
        return vae_fail(
            VAE_ERR_ARG, "%s: batch.ld%s is %zu: must be at least %zu", function, name, *ld, least);
    if (batch->index || batch->n <= SIZE_MAX / sizeof(float) / *ld)
        return VAE_OK;
    return vae_fail(VAE_ERR_ARG, "%s: batch.n is %llu: so many rows of %zu do not fit the address space",
        function, (unsigned long long)batch->n, *ld);
}

static int check_weights(const char *function, const vae_batch *batch)
{
    double total = batch->total_weight;
    for (size_t i = 0; batch->weight && i < batch->n; i++) {
        double weight = vae_batch_weight(batch, i);
        if (!(weight >= 0) || weight - weight != 0)
            return vae_fail(VAE_ERR_ARG, "%s: batch.weight of row %zu is %g: must be finite and at least 0",
                function, i, vae_shown(weight));
    }
    if (total >= 0 && total - total == 0)
        return VAE_OK;
    return vae_fail(VAE_ERR_ARG, "%s: batch.total_weight is %g: must be finite and at least 0", function,
        vae_shown(total));
}

/* Refuses fields that are declared, but not served yet. */
static int check_unserved(const char *function, const vae_batch *batch)
{
    if (batch->reserved != 0)
        return vae_fail(VAE_ERR_ABI, "%s: batch.reserved must be 0", function);
    if (batch->observed)
        return vae_fail(
            VAE_ERR_UNSUPPORTED, "%s: batch.observed is not served yet: leave the default", function);
    if (batch->c)
        return vae_fail(VAE_ERR_ARG, "%s: batch.c must be NULL: the model has no condition", function);
    if (batch->source != VAE_FROM_DATA && batch->source != VAE_FROM_PRIOR)
        return vae_fail(VAE_ERR_ARG, "%s: batch.source is %d: no such choice", function, (int)batch->source);
    return VAE_OK;
}

int vae_batch_read(const char *function, const vae_model *model, vae_batch *own, const vae_batch *caller)
{
    const struct vae_network *net = model->network;
    int status;
    if (!caller)
        return vae_fail(VAE_ERR_ARG, "%s: batch is NULL", function);
    *own = vae_batch_of(NULL, 0);
    if ((status = vae_struct_read(function, &vae_batch_struct, own, caller)) != VAE_OK ||
        (status = check_unserved(function, own)) != VAE_OK)
        return status;
    if (own->n > SIZE_MAX)
        return vae_fail(VAE_ERR_ARG, "%s: batch.n does not fit the address space", function);
    if ((status = check_stride(function, own, "x", own->x, net->x_dim, &own->ldx)) != VAE_OK ||
        (status = check_stride(function, own, "z", own->z, net->z_dim, &own->ldz)) != VAE_OK)
        return status;
    return check_weights(function, own);
}
