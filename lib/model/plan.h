/* SPDX-License-Identifier: BSD-2-Clause
 * What a configuration comes to: layers, spans and tensors one after the other, before any memory is taken.
 */
#ifndef VAE_LIB_MODEL_PLAN_H
#define VAE_LIB_MODEL_PLAN_H

#include "pass/network.h"

/* A complete and valid configuration. */
struct vae_plan {
    const vae_config *config;
    struct vae_gemm gemm;
};

/* The layers in order, the encoder's first, heads included: starts as {0}. */
struct vae_plan_walk {
    size_t next;
    uint64_t width;
};
/* The next layer, without its parameters' places; 0 behind the last one. */
int vae_plan_node(const struct vae_plan *plan, struct vae_plan_walk *walk, struct vae_node *node);

size_t vae_plan_spans(const vae_config *config);
/* Span k as it was configured. */
vae_span vae_plan_span(const vae_config *config, size_t k);
/* The spans in order: starts as {0}. */
struct vae_span_walk {
    size_t next, columns, scales;
};
/* The next span as the passes take it, without a learned scale's place; 0 behind the last one. */
int vae_plan_cells(const vae_config *config, struct vae_span_walk *walk, struct vae_cells_span *cells);

/* Sums over all layers; UINT64_MAX where one does not fit. */
struct vae_plan_sizes {
    uint64_t tensors, learned, pieces;
};
struct vae_plan_sizes vae_plan_measure(const struct vae_plan *plan);
/* Floats of vae_layer_call.packed for passes of so many rows. */
uint64_t vae_plan_packed(const struct vae_plan *plan, size_t rows, int training);

#endif
