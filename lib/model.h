/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 1. struct vae_model: a block that describes it and an arena of numbers, both laid out once at
 * creation.
 */
#ifndef VAE_LIB_MODEL_H
#define VAE_LIB_MODEL_H

#include "memory.h"
#include "net.h"
#include "optimizer.h"

/* A parameter tensor, in canonical order: weights [out][in], then the bias, layer by layer, encoder first. */
struct vae_tensor {
    char name[40];
    uint64_t offset; /* canonical */
    uint64_t shape[2];
    const struct vae_dense *layer; /* NULL: a scalar that stands alone */
    int is_bias;
    size_t own; /* offset in the model's own order */
};

/* What the gradient buffer holds. */
enum vae_gradient_state { VAE_GRADIENT_NONE, VAE_GRADIENT_FRESH, VAE_GRADIENT_APPLIED };

struct vae_model {
    size_t size; /* of the block that begins with this struct and describes the layers */
    void *arena; /* the numbers */
    size_t arena_size;
    vae_allocator allocator;
    vae_config config;             /* its layers are not kept: see net */
    const struct vae_model *owner; /* NULL unless this is a view */
    struct vae_net net;
    struct vae_optimizer optimizer;
    enum vae_gradient_state gradient;
    uint64_t param_count, tensor_count;
    struct vae_tensor *tensors;
};

/* From a config that is complete and valid. */
int vae_model_create(struct vae_model **out, const vae_config *config);
int vae_model_share(struct vae_model **view, const struct vae_model *owner, uint64_t max_batch);
void vae_model_destroy(struct vae_model *model);

/* Where canonical element `index` of a tensor lies in the model's own order. */
size_t vae_model_own_index(const struct vae_model *model, const struct vae_tensor *tensor, uint64_t index);
/* Copies between the canonical order and an array in the model's own order. */
void vae_model_export(const struct vae_model *model, const float *own, float *canonical);
void vae_model_import(struct vae_model *model, const float *canonical);

#endif
