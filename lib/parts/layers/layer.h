/* SPDX-License-Identifier: BSD-2-Clause
 * What a layer is to the passes: a kind with its shapes and parameters, between two values of the graph.
 *
 * A kind of layer is one file in this folder and one row of the table in kinds.c.
 */
#ifndef VAE_LIB_PARTS_LAYERS_LAYER_H
#define VAE_LIB_PARTS_LAYERS_LAYER_H

#include "kernels/product.h"

#include <vae/vae.h>

/* Rows of a piece of a weight gradient: 8 tiles of 14, and 14 KB of gradient at 32 columns. */
#define VAE_PIECE_ROWS 112
/* Floats that the gradient of one piece takes, its biases at the end. */
#define VAE_PIECE_WEIGHTS ((size_t)VAE_PIECE_ROWS * VAE_PANEL)
#define VAE_PIECE_FLOATS (VAE_PIECE_WEIGHTS + VAE_PANEL)

/* The value between two layers: rows of `cols` values, `ld` floats apart. */
struct vae_value {
    size_t cols, ld;
    int drawn;          /* 1: a row for each draw of z, 0: one for each row of the batch */
    int32_t activation; /* by which y came from pre */
    float slope;        /* of VAE_LEAKY_RELU */
    float *y;           /* after the activation */
    float *pre;         /* before it; NULL unless its derivative needs that */
    float *g;           /* gradient of the loss with respect to the value before the activation, or NULL */

    /* Of a layer with a gate, y = h gate; else NULL. Such a value has no activation of its own: h has, and
     * `pre` is before that one. The layer makes g of y into g of h. */
    float *gate;
    float *kept;   /* h; NULL unless its derivative needs that */
    float *gate_g; /* gradient with respect to the gate before its sigmoid, or NULL */
};

/* The largest magnitudes that one worker wrote into a value, as bits, in lanes; of y and of g. */
struct vae_most {
    uint32_t y[VAE_LANES], g[VAE_LANES];
};

struct vae_layer_kind;

struct vae_node {
    const struct vae_layer_kind *kind;
    size_t in, out; /* columns */
    int32_t activation;
    float slope;
    size_t from, to;     /* numbers of the values that it reads and writes */
    size_t weight, bias; /* offsets in the flat parameters */
    size_t gate_weight, gate_bias;
};

/* What all calls of a pass share. */
struct vae_layer_call {
    const struct vae_gemm *gemm;
    const float *params;
    size_t panel;
    int descending; /* a pass of one row begins with a layer's last panel */
    float *packed;  /* the operands of this worker's products */
};

/* A layer with its values, and rows first .. last - 1 of them. Noted magnitudes: NULL, not noted. */
struct vae_layer_rows {
    const struct vae_node *node;
    const struct vae_value *in, *out;
    size_t first, last;
    struct vae_most *most_in, *most_out;
};

/* Part of a layer's parameters whose gradient is made at once: two runs of the flat parameters, the second
 * one empty for all but the first piece of a panel. */
struct vae_piece {
    size_t weight, weights, bias, biases;
    size_t matrix, row, rows, col, cols, ld; /* the kind's own */
};

/* How a kind's parameters are laid out; what is not there has no elements. */
struct vae_layer_tensor {
    const char *name; /* behind "encoder.N." */
    size_t rank;
    uint64_t shape[2];
    int in_panels; /* else row-major */
    size_t offset; /* offsetof(struct vae_node, ...) of where its place in the flat parameters is noted */
};

struct vae_layer_kind {
    int32_t number;
    int32_t activation; /* the meaning of VAE_ACTIVATION_DEFAULT */
    int gates;          /* its output is a product with a gate */
    /* Tensor number i, or 0 where there are no more. */
    int (*tensor)(const struct vae_node *node, size_t i, struct vae_layer_tensor *tensor);
    /* Floats of vae_layer_call.packed for passes of so many rows. */
    uint64_t (*packed)(const struct vae_node *node, size_t rows, int training);
    /* Rows of out->y from the same rows of in->y. */
    void (*forward)(const struct vae_layer_call *call, const struct vae_layer_rows *rows);
    /* Once before the two below: rows of out->g, a gradient at y, as they need it. NULL: as it is. */
    void (*open)(const struct vae_layer_call *call, const struct vae_layer_rows *rows);
    /* Rows of in->g from those of out->g, through the derivative of the activation of `in`. */
    void (*backward)(const struct vae_layer_call *call, const struct vae_layer_rows *rows);
    /* The pieces of the weight gradient; they depend neither on threads nor on instruction sets. */
    size_t (*pieces)(const struct vae_node *node, const struct vae_gemm *gemm);
    struct vae_piece (*piece)(const struct vae_node *node, const struct vae_gemm *gemm, size_t index);
    /* A piece's gradient, summed over the rows in order, to `weight` (rows of piece->ld) and `bias`. */
    void (*gradient)(const struct vae_layer_call *call, const struct vae_layer_rows *rows,
        const struct vae_piece *piece, const struct vae_ahead *ahead, float *weight, float *bias);
    /* What no element of the gradient exceeds, given the operands' largest magnitudes. */
    double (*bound)(double rows, double most_in, double most_g);
};

/* NULL for a number that names no kind, or one that is not served. */
const struct vae_layer_kind *vae_layer_kind_of(int32_t number);
/* The last number that names a kind. */
extern const int32_t vae_layer_kind_last;

/* Is this an activation that the kernels have? Does its derivative need the value before it? */
int vae_activation_known(int32_t number);
int vae_activation_keeps_pre(int32_t number);
/* A row stride of whole cache lines, an odd number of them: rows then spread over all the sets of a cache. */
size_t vae_row_stride(size_t cols);

#endif
