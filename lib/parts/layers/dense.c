/* SPDX-License-Identifier: BSD-2-Clause
 * The dense layer, y = act(W x + b).
 */
#include "matrix.h"

static int tensor(const struct vae_node *node, size_t i, struct vae_layer_tensor *to)
{
    if (i == 0)
        *to = vae_matrix_weight(node, "weight", offsetof(struct vae_node, weight));
    else if (i == 1)
        *to = vae_matrix_bias(node, "bias", offsetof(struct vae_node, bias));
    return i < 2;
}

static uint64_t packed(const struct vae_node *node, size_t rows, int training)
{
    (void)training;
    return vae_matrix_packed(node, rows);
}

static void forward(const struct vae_layer_call *call, const struct vae_layer_rows *rows)
{
    const struct vae_node *node = rows->node;
    const struct vae_value *out = rows->out;
    struct vae_epilogue epilogue = {.kind = VAE_EPILOGUE_FORWARD,
        .activation = node->activation,
        .slope = node->slope,
        .bias = call->params + node->bias,
        .pre = out->pre ? out->pre + rows->first * out->ld : NULL,
        .ldpre = out->ld,
        .most = rows->most_out ? rows->most_out->y : NULL};
    vae_matrix_forward(call, rows, node->weight, out->y, &epilogue);
}

/* G W', times the derivative of the activation below, if there is one. */
static void backward(const struct vae_layer_call *call, const struct vae_layer_rows *rows)
{
    const struct vae_value *in = rows->in;
    struct vae_epilogue slope =
        vae_matrix_slope(rows, rows->most_in ? VAE_EPILOGUE_BACKWARD : VAE_EPILOGUE_NONE);
    vae_matrix_backward(
        call, rows, rows->node->weight, rows->out->g, in->g + rows->first * in->ld, in->ld, &slope);
}

static struct vae_piece piece(const struct vae_node *node, const struct vae_gemm *gemm, size_t index)
{
    return vae_matrix_piece(node, gemm, node->weight, node->bias, index);
}

static void gradient(const struct vae_layer_call *call, const struct vae_layer_rows *rows,
    const struct vae_piece *p, const struct vae_ahead *ahead, float *weight, float *bias)
{
    vae_matrix_gradient(call, rows, p, ahead, rows->out->g, weight, bias);
}

const struct vae_layer_kind vae_layer_dense = {
    .number = VAE_LAYER_DENSE,
    .activation = VAE_RELU,
    .tensor = tensor,
    .packed = packed,
    .forward = forward,
    .backward = backward,
    .pieces = vae_matrix_pieces,
    .piece = piece,
    .gradient = gradient,
    .bound = vae_matrix_bound,
};
