/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 3. Stacks of dense layers, forward and backward, over a range of rows.
 */
#include "network.h"

#include <vae/vae.h>

struct vae_panels vae_dense_weight(const struct vae_dense *layer, const struct vae_weights *weights)
{
    return vae_panels_packed(weights->params + layer->weight, layer->in, layer->out, weights->panel);
}

int vae_activation_keeps_pre(int32_t activation)
{
    return activation == VAE_SOFTPLUS || activation == VAE_SILU || activation == VAE_GELU;
}

size_t vae_row_stride(size_t cols)
{
    size_t lines = cols / 16 + (cols % 16 != 0);
    return (lines | 1) * 16;
}

size_t vae_stack_packed(const struct vae_stack *stack, size_t rows)
{
    size_t widest = 0;
    for (size_t i = 0; i < stack->count; i++) {
        const struct vae_dense *layer = &stack->layers[i];
        size_t wider = layer->in > layer->out ? layer->in : layer->out;
        widest = wider > widest ? wider : widest;
    }
    return vae_gemm_packed(rows, widest);
}

static void forward_one(const struct vae_gemm *gemm, const struct vae_weights *weights,
    const struct vae_dense *layer, const struct vae_activations *to, const float *x, size_t ldx, size_t first,
    size_t last, float *packed)
{
    struct vae_product product = {.m = last - first,
        .k = layer->in,
        .a = x + first * ldx,
        .a_row = ldx,
        .a_col = 1,
        .b = vae_dense_weight(layer, weights),
        .c = vae_panels_rows(to->y + first * to->ld, layer->out, to->ld),
        .descending = weights->descending,
        .packed = packed};
    product.epilogue = (struct vae_epilogue){.kind = VAE_EPILOGUE_FORWARD,
        .activation = layer->activation,
        .bias = weights->params + layer->bias,
        .pre = to->pre ? to->pre + first * to->ld : NULL,
        .ldpre = to->ld};
    vae_gemm_run(gemm, &product);
}

void vae_stack_forward(const struct vae_gemm *gemm, const struct vae_weights *weights,
    const struct vae_stack *stack, const float *x, size_t ldx, size_t first, size_t last, float *packed)
{
    for (size_t i = 0; i < stack->count; i++) {
        forward_one(gemm, weights, &stack->layers[i], &stack->values[i], x, ldx, first, last, packed);
        x = stack->values[i].y;
        ldx = stack->values[i].ld;
    }
}

/* gx = g W', times the derivative of the activation below (NULL: none). */
static void backward_one(const struct vae_gemm *gemm, const struct vae_weights *weights,
    const struct vae_dense *layer, const struct vae_activations *from, const struct vae_dense *below,
    const struct vae_activations *to, float *gx, size_t ldgx, size_t first, size_t last, float *packed)
{
    struct vae_product product = {.m = last - first,
        .k = layer->out,
        .a = from->g + first * from->ld,
        .a_row = from->ld,
        .a_col = 1,
        .b = vae_dense_weight(layer, weights),
        .c = vae_panels_rows(gx + first * ldgx, layer->in, ldgx),
        .back = 1,
        .packed = packed};
    if (below)
        product.epilogue = (struct vae_epilogue){.kind = VAE_EPILOGUE_BACKWARD,
            .activation = below->activation,
            .y = to->y + first * to->ld,
            .ldy = to->ld,
            .pre = to->pre ? to->pre + first * to->ld : NULL,
            .ldpre = to->ld};
    vae_gemm_run(gemm, &product);
}

void vae_stack_backward(const struct vae_gemm *gemm, const struct vae_weights *weights,
    const struct vae_stack *stack, float *gx, size_t ldgx, size_t first, size_t last, float *packed)
{
    for (size_t i = stack->count - 1; i > 0; i--) {
        struct vae_activations *to = &stack->values[i - 1];
        backward_one(gemm, weights, &stack->layers[i], &stack->values[i], &stack->layers[i - 1], to, to->g,
            to->ld, first, last, packed);
    }
    if (gx)
        backward_one(
            gemm, weights, &stack->layers[0], &stack->values[0], NULL, NULL, gx, ldgx, first, last, packed);
}
