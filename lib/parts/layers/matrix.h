/* SPDX-License-Identifier: BSD-2-Clause
 * The products of a layer with one matrix of weights: what dense and gated layers share.
 *
 * W is held transposed, [in][out], in the panels of the matrix product, which serve the product of the
 * backward pass as they lie. A piece of its gradient is some rows of one panel, contiguous in the flat
 * arrays. `weight` and `bias` are places in the flat parameters.
 */
#ifndef VAE_LIB_PARTS_LAYERS_MATRIX_H
#define VAE_LIB_PARTS_LAYERS_MATRIX_H

#include "layer.h"

/* The two tensors; `offset` is that of the place's member in struct vae_node. */
struct vae_layer_tensor vae_matrix_weight(const struct vae_node *node, const char *name, size_t offset);
struct vae_layer_tensor vae_matrix_bias(const struct vae_node *node, const char *name, size_t offset);
uint64_t vae_matrix_packed(const struct vae_node *node, size_t rows);

/* Rows of `in` times W into those of `y`, an array of the value `out`. */
void vae_matrix_forward(const struct vae_layer_call *call, const struct vae_layer_rows *rows, size_t weight,
    float *y, const struct vae_epilogue *epilogue);

/* Rows of `g`, an array of `out`, times W', to `to`. */
void vae_matrix_backward(const struct vae_layer_call *call, const struct vae_layer_rows *rows, size_t weight,
    const float *g, float *to, size_t ldto, const struct vae_epilogue *epilogue);
/* The derivative of the activation of `in`, for the product that ends in in->g. */
struct vae_epilogue vae_matrix_slope(const struct vae_layer_rows *rows, int32_t kind);

size_t vae_matrix_pieces(const struct vae_node *node, const struct vae_gemm *gemm);
struct vae_piece vae_matrix_piece(
    const struct vae_node *node, const struct vae_gemm *gemm, size_t weight, size_t bias, size_t index);
/* A piece's gradient from `g`, an array of `out`. */
void vae_matrix_gradient(const struct vae_layer_call *call, const struct vae_layer_rows *rows,
    const struct vae_piece *piece, const struct vae_ahead *ahead, float *g, float *weight, float *bias);
double vae_matrix_bound(double rows, double most_in, double most_g);

#endif
