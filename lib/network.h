/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 3. Stacks of dense layers, forward and backward, over a range of rows.
 *
 * A layer is y = act(x W + b). W is held transposed, [in][out], in the panels that the matrix product wants,
 * which serve the product of the backward pass as they lie.
 */
#ifndef VAE_LIB_NETWORK_H
#define VAE_LIB_NETWORK_H

#include "gemm.h"

struct vae_dense {
    size_t in, out;
    int32_t activation;
    size_t weight, bias; /* offsets in the flat parameters */
};

/* What a pass leaves behind, one set a layer: rows of ld floats. */
struct vae_activations {
    size_t ld;
    float *y;   /* after the activation */
    float *pre; /* before it; NULL unless the backward pass needs it */
    float *g; /* gradient of the objective with respect to the value before the activation; NULL where none is
                 wanted */
};

struct vae_stack {
    size_t count;
    const struct vae_dense *layers;
    struct vae_activations *values;
};

/* The weights, wherever they live: a view's point into its owner. */
struct vae_weights {
    float *params;
    int descending; /* a pass of one row begins with a layer's last panel */
    size_t panel;
};

struct vae_panels vae_dense_weight(const struct vae_dense *layer, const struct vae_weights *weights);
/* Does this activation's derivative need the value before it? */
int vae_activation_keeps_pre(int32_t activation);
/* A row stride of whole cache lines, an odd number of them: rows then spread over all the sets of a cache. */
size_t vae_row_stride(size_t cols);

/* Floats of `packed` below for passes of so many rows. */
size_t vae_stack_packed(const struct vae_stack *stack, size_t rows);
/* Rows first .. last - 1 of every layer's y from the same rows of x. */
void vae_stack_forward(const struct vae_gemm *gemm, const struct vae_weights *weights,
    const struct vae_stack *stack, const float *x, size_t ldx, size_t first, size_t last, float *packed);
/* From the last layer's g to every lower layer's, and to gx (rows of ldgx) unless that is NULL. */
void vae_stack_backward(const struct vae_gemm *gemm, const struct vae_weights *weights,
    const struct vae_stack *stack, float *gx, size_t ldgx, size_t first, size_t last, float *packed);

static inline struct vae_activations *vae_stack_top(const struct vae_stack *stack)
{
    return &stack->values[stack->count - 1];
}

#endif
