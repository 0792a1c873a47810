/* SPDX-License-Identifier: BSD-2-Clause
 * struct vae_model: a model or a view of one, in one block of memory.
 */
#ifndef VAE_LIB_MODEL_MODEL_H
#define VAE_LIB_MODEL_MODEL_H

#include "base/memory.h"
#include "metadata.h"
#include "pass/trainer.h"
#include "pass/workspace.h"
#include "tensors.h"

struct vae_model {
    size_t size; /* of the block, which begins with this struct */
    struct vae_allocator allocator;
    const struct vae_model *owner;     /* NULL unless this is a view */
    const struct vae_network *network; /* of its own, or the owner's */
    struct vae_workspace ws;

    /* A view leaves the rest to its owner. */
    struct vae_network own_network;
    int inference_only;
    int in_place;               /* the parameters are the caller's, and read alone */
    struct vae_trainer trainer; /* of an inference-only model: the settings alone */
    vae_config config;          /* its arrays are the copies below */
    vae_layer *layers;          /* [n_encoder + n_decoder] */
    vae_span *spans;            /* [n_spans] */
    struct vae_tensor *tensors;
    size_t tensor_count;
    struct vae_metadata metadata;
};

/* A complete and valid request. */
struct vae_request {
    const char *function; /* whose words begin with it */
    vae_config config;
    vae_training training;
    vae_runtime runtime;
    int filled_later; /* the caller writes all parameters: none are drawn */
    const float
        *params; /* used where they are, in the model's own order, and the slack behind them; or NULL */
};

/* Floats behind the last parameter that may be read. */
#define VAE_PARAMS_SLACK 64

/* The size of the one block that vae_model_create() takes. */
int vae_model_footprint(const struct vae_request *request, size_t *size);
int vae_model_create(struct vae_model **out, const struct vae_request *request);
int vae_model_share(
    const char *function, struct vae_model **view, const struct vae_model *owner, const vae_runtime *runtime);
void vae_model_destroy(struct vae_model *model);

static inline const struct vae_model *vae_model_owner(const struct vae_model *model)
{
    return model->owner ? model->owner : model;
}

/* Copies between canonical order and an array in the model's own order. */
void vae_model_export(const struct vae_model *model, const float *own, float *canonical);
void vae_model_import(struct vae_model *model, const float *canonical);
void vae_model_import_grads(struct vae_model *model, const float *canonical);
/* The tensor that an element of the model's own order belongs to; its number in there into *element. */
const struct vae_tensor *vae_model_find(const struct vae_model *model, uint64_t own, uint64_t *element);

#endif
