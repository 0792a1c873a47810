/* SPDX-License-Identifier: BSD-2-Clause
 * The model as the passes read it: layers, spans, prior and parameters. An owner and its views share one.
 */
#ifndef VAE_LIB_PASS_NETWORK_H
#define VAE_LIB_PASS_NETWORK_H

#include "parts/layers/layer.h"
#include "parts/likelihoods/likelihood.h"
#include "parts/priors/prior.h"

/* A run of x's columns with one likelihood. */
struct vae_cells_span {
    const struct vae_likelihood_kind *kind;
    size_t first, columns;
    int32_t mean_activation;
    int32_t scale_from; /* VAE_PARAM_*, where the likelihood has a scale */
    size_t
        scale_at; /* VAE_PARAM_CELL: its first column in the decoder's head; VAE_PARAM_SPAN: its place in the
                         * flat parameters */
    float scale_value, scale_min;
};

/* Does the scale come from the decoder? Is it learned outside of it? */
static inline int vae_scale_is_decoded(const struct vae_cells_span *span)
{
    return span->kind->has_scale && span->scale_from == VAE_PARAM_CELL;
}

static inline int vae_scale_is_learned(const struct vae_cells_span *span)
{
    return span->kind->has_scale && span->scale_from == VAE_PARAM_SPAN;
}

struct vae_network {
    const struct vae_kernels *kernels;
    struct vae_gemm gemm;
    size_t panel;
    size_t x_dim, z_dim;
    uint64_t seed;
    /* Values 0 .. encoder are x and what the encoder's layers make of it, the last one q's parameters (means,
     * then log-variances); value encoder + 1 is z; the decoder's follow, the last one its head. */
    size_t encoder, decoder; /* layers, heads included */
    struct vae_node *nodes;  /* [encoder + decoder] */
    struct vae_cells_span *spans;
    size_t n_spans;
    const struct vae_prior_kind *prior;
    size_t components;                  /* of a prior that has some */
    size_t prior_at[VAE_PRIOR_TENSORS]; /* places of its tensors in the flat parameters */
    int clamps;                         /* are q's log-variances clamped, to these? */
    float logvar_min, logvar_max;
    float *params; /* [learned], in the model's own order, and some floats behind them */
    uint64_t learned;
    uint64_t version; /* another one after each change of the parameters; never 0 */
};

static inline size_t vae_network_nodes(const struct vae_network *net)
{
    return net->encoder + net->decoder;
}

static inline size_t vae_network_values(const struct vae_network *net)
{
    return net->encoder + net->decoder + 2;
}

/* The value that holds z; the one before it holds q's parameters. */
static inline size_t vae_network_z(const struct vae_network *net)
{
    return net->encoder + 1;
}

#endif
