/* SPDX-License-Identifier: BSD-2-Clause
 * The gated layer, y = act(W x + b) * sigmoid(V x + c): Dauphin et al., arXiv:1612.08083, with the identity;
 * Tomczak & Welling, arXiv:1705.07120.
 *
 * Two products, the gate's first: the other one is multiplied by it while it is still in the nearest cache.
 */
#include "matrix.h"

static int tensor(const struct vae_node *node, size_t i, struct vae_layer_tensor *to)
{
    if (i == 0)
        *to = vae_matrix_weight(node, "weight", offsetof(struct vae_node, weight));
    else if (i == 1)
        *to = vae_matrix_bias(node, "bias", offsetof(struct vae_node, bias));
    else if (i == 2)
        *to = vae_matrix_weight(node, "gate.weight", offsetof(struct vae_node, gate_weight));
    else if (i == 3)
        *to = vae_matrix_bias(node, "gate.bias", offsetof(struct vae_node, gate_bias));
    return i < 4;
}

/* Backward, the gate's product is kept behind the operand. */
static uint64_t packed(const struct vae_node *node, size_t rows, int training)
{
    return vae_matrix_packed(node, rows) + (training ? (uint64_t)rows * vae_row_stride(node->in) : 0);
}

static float *from_row(float *array, const struct vae_layer_rows *rows)
{
    return array ? array + rows->first * rows->out->ld : NULL;
}

static void forward(const struct vae_layer_call *call, const struct vae_layer_rows *rows)
{
    const struct vae_node *node = rows->node;
    const struct vae_value *out = rows->out;
    struct vae_epilogue gate = {
        .kind = VAE_EPILOGUE_FORWARD, .activation = VAE_SIGMOID, .bias = call->params + node->gate_bias};
    struct vae_epilogue times = {.kind = VAE_EPILOGUE_TIMES,
        .activation = node->activation,
        .slope = node->slope,
        .bias = call->params + node->bias,
        .pre = from_row(out->pre, rows),
        .ldpre = out->ld,
        .other = from_row(out->gate, rows),
        .ldother = out->ld,
        .kept = from_row(out->kept, rows),
        .most = rows->most_out ? rows->most_out->y : NULL};
    vae_matrix_forward(call, rows, node->gate_weight, out->gate, &gate);
    vae_matrix_forward(call, rows, node->weight, out->y, &times);
}

/* out->g and out->gate_g as the gradients of both sums, W x + b and V x + c. */
static void open(const struct vae_layer_call *call, const struct vae_layer_rows *rows)
{
    const struct vae_value *out = rows->out;
    struct vae_epilogue slope = {.kind = VAE_EPILOGUE_BACKWARD,
        .activation = rows->node->activation,
        .slope = rows->node->slope,
        .y = from_row(out->kept ? out->kept : out->y, rows), /* y: not read */
        .ldy = out->ld,
        .pre = from_row(out->pre, rows),
        .ldpre = out->ld,
        .most = rows->most_out ? rows->most_out->g : NULL};
    call->gemm->kernels->gate_back(&slope, rows->last - rows->first, out->cols, from_row(out->y, rows),
        from_row(out->gate, rows), from_row(out->g, rows), from_row(out->gate_g, rows), out->ld);
}

/* G W' + (gate's G) V', each sum by itself, times the derivative of the activation below. */
static void backward(const struct vae_layer_call *call, const struct vae_layer_rows *rows)
{
    const struct vae_node *node = rows->node;
    const struct vae_value *in = rows->in;
    struct vae_epilogue none = {.kind = VAE_EPILOGUE_NONE};
    struct vae_epilogue plus = vae_matrix_slope(rows, VAE_EPILOGUE_PLUS);
    float *by_gate = call->packed + vae_matrix_packed(node, rows->last - rows->first);
    plus.other = by_gate;
    plus.ldother = vae_row_stride(node->in);
    vae_matrix_backward(call, rows, node->gate_weight, rows->out->gate_g, by_gate, plus.ldother, &none);
    vae_matrix_backward(call, rows, node->weight, rows->out->g, in->g + rows->first * in->ld, in->ld, &plus);
}

static size_t pieces(const struct vae_node *node, const struct vae_gemm *gemm)
{
    return 2 * vae_matrix_pieces(node, gemm);
}

/* W's pieces, then V's. */
static struct vae_piece piece(const struct vae_node *node, const struct vae_gemm *gemm, size_t index)
{
    size_t each = vae_matrix_pieces(node, gemm);
    if (index < each)
        return vae_matrix_piece(node, gemm, node->weight, node->bias, index);
    struct vae_piece p = vae_matrix_piece(node, gemm, node->gate_weight, node->gate_bias, index - each);
    p.matrix = 1;
    return p;
}

static void gradient(const struct vae_layer_call *call, const struct vae_layer_rows *rows,
    const struct vae_piece *p, const struct vae_ahead *ahead, float *weight, float *bias)
{
    float *g = p->matrix ? rows->out->gate_g : rows->out->g;
    vae_matrix_gradient(call, rows, p, ahead, g, weight, bias);
}

const struct vae_layer_kind vae_layer_gated = {
    .number = VAE_LAYER_GATED,
    .activation = VAE_IDENTITY,
    .gates = 1,
    .tensor = tensor,
    .packed = packed,
    .forward = forward,
    .open = open,
    .backward = backward,
    .pieces = pieces,
    .piece = piece,
    .gradient = gradient,
    .bound = vae_matrix_bound,
};
