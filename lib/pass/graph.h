/* SPDX-License-Identifier: BSD-2-Clause
 * The graph x -> encoder -> z -> decoder: one layer after the other, forward and backward, over a task's
 * rows.
 */
#ifndef VAE_LIB_PASS_GRAPH_H
#define VAE_LIB_PASS_GRAPH_H

#include "pass.h"

/* Layers from .. to - 1, forward in this order, backward in the opposite one. */
void vae_graph_forward(
    const struct vae_pass *pass, size_t from, size_t to, struct vae_range range, size_t worker);
void vae_graph_backward(
    const struct vae_pass *pass, size_t from, size_t to, struct vae_range range, size_t worker);

/* The gradient of the loss at x of rows of a task, into rows of `to`, vae_row_stride(x_dim) apart. */
void vae_graph_input(const struct vae_pass *pass, float *to, struct vae_range range, size_t worker);
/* Where a worker notes the largest magnitudes of a value. */
struct vae_most *vae_graph_most(const struct vae_pass *pass, size_t value, size_t worker);
/* Raises a note of the largest magnitude by n rows of `cols` values: an operand of a weight gradient. */
void vae_graph_note(
    const struct vae_pass *pass, const float *rows, size_t ld, size_t n, size_t cols, uint32_t *most);

/* The calls that layers get for their weight gradients: all rows of a pass. */
struct vae_layer_call vae_graph_call(
    const struct vae_network *net, const struct vae_workspace *ws, size_t worker);
struct vae_layer_rows vae_graph_rows(const struct vae_pass *pass, size_t i, struct vae_range range);

/* The largest magnitudes of a value over all workers. */
double vae_most_y(const struct vae_network *net, const struct vae_workspace *ws, size_t value);
double vae_most_g(const struct vae_network *net, const struct vae_workspace *ws, size_t value);

#endif
