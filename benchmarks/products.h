/* SPDX-License-Identifier: BSD-2-Clause
 * Benchmarks. The matrix products of a training step, whoever computes them.
 *
 * Model A: 784-400-20, 128 rows. Model B: 784-200-200-50, 20 rows, decoded with 1, 5 or 50 draws each. Each
 * layer asks for three products: y = x W forward, dW = x' g, and dx = g W', which the first layer of the
 * encoder does without.
 */
#ifndef VAE_BENCHMARKS_PRODUCTS_H
#define VAE_BENCHMARKS_PRODUCTS_H

#include "serve.h"

enum form { FORM_FORWARD, FORM_INPUT_GRADIENT, FORM_WEIGHT_GRADIENT, FORMS };

/* One layer with its operands. A layer's y is the next one's x, and its g the next one's dx. */
struct layer {
    size_t in, out, rows;
    size_t ldx, ldy;
    int has_input_gradient;
    float *x, *y;       /* [rows][ldx], [rows][ldy] */
    float *g, *dx;      /* [rows][ldy], [rows][ldx] */
    float *w, *wt, *dw; /* [in][out]; [out][in]; [in][out]: in any order */
    float *bias;        /* [out] */
};

typedef void multiply_function(const struct layer *layer, enum form form);
typedef size_t stride_function(size_t cols);

/* Cases for all products of A and of B with 1, 5 and 50 draws, "A/forward/128x400x784" (m, n, k), and for all
 * of a model's in the order of a step: "A/step". */
struct bench_case *products_cases(multiply_function *multiply, stride_function *stride, size_t *count);

/* Adds "score" or another name to the cases: A's forward products on a single row. */
void products_add_score(struct bench_case *cases, size_t *count, const char *name,
    multiply_function *multiply, stride_function *stride);

#endif
