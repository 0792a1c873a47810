/* SPDX-License-Identifier: BSD-2-Clause
 * The products of a layer with one matrix of weights: what dense and gated layers share.
 */
#include "matrix.h"

struct vae_layer_tensor vae_matrix_weight(const struct vae_node *node, const char *name, size_t offset)
{
    return (struct vae_layer_tensor){name, 2, {node->out, node->in}, 1, offset};
}

struct vae_layer_tensor vae_matrix_bias(const struct vae_node *node, const char *name, size_t offset)
{
    return (struct vae_layer_tensor){name, 1, {node->out}, 0, offset};
}

uint64_t vae_matrix_packed(const struct vae_node *node, size_t rows)
{
    return vae_gemm_packed(rows, node->in > node->out ? node->in : node->out);
}

static struct vae_panels weight_of(
    const struct vae_layer_call *call, const struct vae_node *node, size_t weight)
{
    return vae_panels_packed((float *)call->params + weight, node->in, node->out, call->panel);
}

void vae_matrix_forward(const struct vae_layer_call *call, const struct vae_layer_rows *rows, size_t weight,
    float *y, const struct vae_epilogue *epilogue)
{
    const struct vae_node *node = rows->node;
    const struct vae_value *in = rows->in;
    size_t ld = rows->out->ld;
    struct vae_product product = {.m = rows->last - rows->first,
        .k = node->in,
        .a = in->y + rows->first * in->ld,
        .a_row = in->ld,
        .a_col = 1,
        .b = weight_of(call, node, weight),
        .c = vae_panels_rows(y + rows->first * ld, node->out, ld),
        .descending = call->descending,
        .epilogue = *epilogue,
        .packed = call->packed};
    vae_gemm_run(call->gemm, &product);
}

struct vae_epilogue vae_matrix_slope(const struct vae_layer_rows *rows, int32_t kind)
{
    const struct vae_value *in = rows->in;
    return (struct vae_epilogue){.kind = kind,
        .activation = in->activation,
        .slope = in->slope,
        .y = in->y + rows->first * in->ld,
        .ldy = in->ld,
        .pre = in->pre ? in->pre + rows->first * in->ld : NULL,
        .ldpre = in->ld,
        .most = rows->most_in ? rows->most_in->g : NULL};
}

void vae_matrix_backward(const struct vae_layer_call *call, const struct vae_layer_rows *rows, size_t weight,
    const float *g, float *to, size_t ldto, const struct vae_epilogue *epilogue)
{
    const struct vae_node *node = rows->node;
    size_t ld = rows->out->ld;
    struct vae_product product = {.m = rows->last - rows->first,
        .k = node->out,
        .a = g + rows->first * ld,
        .a_row = ld,
        .a_col = 1,
        .b = weight_of(call, node, weight),
        .c = vae_panels_rows(to, node->in, ldto),
        .back = 1,
        .epilogue = *epilogue,
        .packed = call->packed};
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

size_t vae_matrix_pieces(const struct vae_node *node, const struct vae_gemm *gemm)
{
    struct vae_panels weight = panels_of(node, gemm);
    return vae_panels_count(&weight) * row_pieces(node, gemm);
}

struct vae_piece vae_matrix_piece(
    const struct vae_node *node, const struct vae_gemm *gemm, size_t weight, size_t bias, size_t index)
{
    struct vae_panels panels = panels_of(node, gemm);
    size_t in_panel = row_pieces(node, gemm), rows = piece_rows(node, gemm), panel = index / in_panel;
    struct vae_piece p = {.row = index % in_panel * rows, .col = panel * panels.width};
    p.rows = node->in - p.row < rows ? node->in - p.row : rows;
    struct vae_panel_shape shape = vae_panels_shape(&panels, panel);
    p.cols = shape.cols;
    p.ld = shape.ld;
    p.weight = weight + panel * panels.step + p.row * shape.ld;
    p.weights = p.rows * p.ld;
    p.bias = bias + p.col;
    p.biases = p.row == 0 ? p.cols : 0;
    return p;
}

void vae_matrix_gradient(const struct vae_layer_call *call, const struct vae_layer_rows *rows,
    const struct vae_piece *p, const struct vae_ahead *ahead, float *g, float *weight, float *bias)
{
    const struct vae_value *in = rows->in;
    size_t n = rows->last - rows->first, ld = rows->out->ld;
    g += rows->first * ld + p->col;
    struct vae_product product = {.m = p->rows,
        .k = n,
        .a = in->y + rows->first * in->ld + p->row,
        .a_row = 1,
        .a_col = in->ld,
        .b = {g, p->cols, p->cols, p->cols, ld, ld},
        .c = {weight, p->cols, p->cols, p->cols, p->ld, p->ld},
        .ahead = *ahead};
    vae_gemm_run(call->gemm, &product);
    if (p->biases)
        call->gemm->kernels->column_sums(n, p->cols, g, ld, bias);
}

/* A bias is a sum of gradients alone, as if an input were 1. */
double vae_matrix_bound(double rows, double most_in, double most_g)
{
    return rows * (most_in < 1 ? 1 : most_in) * most_g;
}
