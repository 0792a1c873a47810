/* SPDX-License-Identifier: BSD-2-Clause
 * The parameters as the outside sees them: tensors by name and shape in canonical order.
 */
#ifndef VAE_LIB_MODEL_TENSORS_H
#define VAE_LIB_MODEL_TENSORS_H

#include "plan.h"

struct vae_tensor {
    char name[40];
    size_t rank;
    uint64_t shape[2], count;
    uint64_t offset;             /* canonical */
    size_t own;                  /* in the model's own order */
    int in_panels;               /* [in][out] in panels; else as it is outside */
    const struct vae_node *node; /* the layer that it belongs to, or NULL */
};

/* Fills the list, which has as many as vae_plan_measure() counts, and tells layers and spans where their
 * parameters are. */
void vae_tensors_list(const struct vae_plan *plan, struct vae_network *net, struct vae_tensor *tensors);

/* Copies n elements of a tensor in canonical order, from `first` on, from or to their places in an array in
 * the model's own order. */
void vae_tensor_get(
    const struct vae_tensor *tensor, size_t panel, const float *own, uint64_t first, size_t n, float *values);
void vae_tensor_put(
    const struct vae_tensor *tensor, size_t panel, const float *values, uint64_t first, size_t n, float *own);
/* Where canonical element i of a tensor is in the model's own order. */
uint64_t vae_tensor_own(const struct vae_tensor *tensor, size_t panel, uint64_t i);
/* The canonical number, within the tensor, of element `own` of the model's own order; count where it is no
 * part. */
uint64_t vae_tensor_find(const struct vae_tensor *tensor, size_t panel, uint64_t own);

#endif
