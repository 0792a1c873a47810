/* SPDX-License-Identifier: BSD-2-Clause
 * The dense layer, y = act(W x + b).
 *
 * W is held transposed, [in][out], in the panels of the matrix product, which serve the product of the
 * backward pass as they lie. A piece of its gradient is some rows of one panel, contiguous in the flat
 * arrays.
 */
#include "layer.h"

static int tensor(const struct vae_node *node, size_t i, struct vae_layer_tensor *to)
{
    if (i == 0)
        *to = (struct vae_layer_tensor){
            "weight", 2, {node->out, node->in}, 1, offsetof(struct vae_node, weight)};
    else if (i == 1)
        *to = (struct vae_layer_tensor){"bias", 1, {node->out}, 0, offsetof(struct vae_node, bias)};
    return i < 2;
}

static uint64_t packed(const struct vae_node *node, size_t rows)
{
    return vae_gemm_packed(rows, node->in > node->out ? node->in : node->out);
}

static struct vae_panels weight_of(const struct vae_layer_call *call, const struct vae_node *node)
{
    return vae_panels_packed((float *)call->params + node->weight, node->in, node->out, call->panel);
}

static void forward(const struct vae_layer_call *call, const struct vae_layer_rows *rows)
{
    const struct vae_node *node = rows->node;
    const struct vae_value *in = rows->in, *out = rows->out;
    struct vae_product product = {.m = rows->last - rows->first,
        .k = node->in,
        .a = in->y + rows->first * in->ld,
        .a_row = in->ld,
        .a_col = 1,
        .b = weight_of(call, node),
        .c = vae_panels_rows(out->y + rows->first * out->ld, node->out, out->ld),
        .descending = call->descending,
        .packed = call->packed};
    product.epilogue = (struct vae_epilogue){.kind = VAE_EPILOGUE_FORWARD,
        .activation = node->activation,
        .slope = node->slope,
        .bias = call->params + node->bias,
        .pre = out->pre ? out->pre + rows->first * out->ld : NULL,
        .ldpre = out->ld,
        .most = rows->most_out ? rows->most_out->y : NULL};
    vae_gemm_run(call->gemm, &product);
}

/* G W', times the derivative of the activation below, if there is one. */
static void backward(const struct vae_layer_call *call, const struct vae_layer_rows *rows)
{
    const struct vae_node *node = rows->node;
    const struct vae_value *in = rows->in, *out = rows->out;
    struct vae_product product = {.m = rows->last - rows->first,
        .k = node->out,
        .a = out->g + rows->first * out->ld,
        .a_row = out->ld,
        .a_col = 1,
        .b = weight_of(call, node),
        .c = vae_panels_rows(in->g + rows->first * in->ld, node->in, in->ld),
        .back = 1,
        .packed = call->packed};
    if (rows->most_in)
        product.epilogue = (struct vae_epilogue){.kind = VAE_EPILOGUE_BACKWARD,
            .activation = in->activation,
            .slope = in->slope,
            .y = in->y + rows->first * in->ld,
            .ldy = in->ld,
            .pre = in->pre ? in->pre + rows->first * in->ld : NULL,
            .ldpre = in->ld,
            .most = rows->most_in->g};
    vae_gemm_run(call->gemm, &product);
}

/* A CBLAS takes the whole matrix at once. */
static size_t piece_rows(const struct vae_node *node, const struct vae_gemm *gemm)
{
    return !gemm->sgemm && node->in > VAE_PIECE_ROWS ? VAE_PIECE_ROWS : node->in;
}

static size_t row_pieces(const struct vae_node *node, const struct vae_gemm *gemm)
{
    size_t rows = piece_rows(node, gemm);
    return (node->in + rows - 1) / rows;
}

/* W at offset 0 of an array that is not looked into. */
static struct vae_panels panels_of(const struct vae_node *node, const struct vae_gemm *gemm)
{
    return vae_panels_packed(NULL, node->in, node->out, vae_gemm_panel(gemm->sgemm));
}

static size_t pieces(const struct vae_node *node, const struct vae_gemm *gemm)
{
    struct vae_panels weight = panels_of(node, gemm);
    return vae_panels_count(&weight) * row_pieces(node, gemm);
}

static struct vae_piece piece(const struct vae_node *node, const struct vae_gemm *gemm, size_t index)
{
    struct vae_panels weight = panels_of(node, gemm);
    size_t in_panel = row_pieces(node, gemm), rows = piece_rows(node, gemm), panel = index / in_panel;
    struct vae_piece p = {.row = index % in_panel * rows, .col = panel * weight.width};
    p.rows = node->in - p.row < rows ? node->in - p.row : rows;
    struct vae_panel_shape shape = vae_panels_shape(&weight, panel);
    p.cols = shape.cols;
    p.ld = shape.ld;
    p.weight = node->weight + panel * weight.step + p.row * shape.ld;
    p.weights = p.rows * p.ld;
    p.bias = node->bias + p.col;
    p.biases = p.row == 0 ? p.cols : 0;
    return p;
}

static void gradient(const struct vae_layer_call *call, const struct vae_layer_rows *rows,
    const struct vae_piece *p, const struct vae_ahead *ahead, float *weight, float *bias)
{
    const struct vae_value *in = rows->in, *out = rows->out;
    size_t n = rows->last - rows->first;
    float *g = out->g + rows->first * out->ld + p->col;
    struct vae_product product = {.m = p->rows,
        .k = n,
        .a = in->y + rows->first * in->ld + p->row,
        .a_row = 1,
        .a_col = in->ld,
        .b = {g, p->cols, p->cols, p->cols, out->ld, out->ld},
        .c = {weight, p->cols, p->cols, p->cols, p->ld, p->ld},
        .ahead = *ahead};
    vae_gemm_run(call->gemm, &product);
    if (p->biases)
        call->gemm->kernels->column_sums(n, p->cols, g, out->ld, bias);
}

/* A bias is a sum of gradients alone, as if an input were 1. */
static double bound(double rows, double most_in, double most_g)
{
    return rows * (most_in < 1 ? 1 : most_in) * most_g;
}

const struct vae_layer_kind vae_layer_dense = {
    .number = VAE_LAYER_DENSE,
    .activation = VAE_RELU,
    .tensor = tensor,
    .packed = packed,
    .forward = forward,
    .backward = backward,
    .pieces = pieces,
    .piece = piece,
    .gradient = gradient,
    .bound = bound,
};
