/* SPDX-License-Identifier: BSD-2-Clause
 * What a configuration comes to: layers, spans and tensors one after the other, before any memory is taken.
 */
#include "plan.h"

#include "base/defaults.h"

#include <float.h>

static vae_layer layer_of(const vae_layer *layers, size_t i)
{
    vae_layer layer;
    vae_struct_element("", &vae_layer_struct, layers, i, &layer); /* which was checked before */
    return layer;
}

size_t vae_plan_spans(const vae_config *c)
{
    return c->n_spans ? c->n_spans : 1;
}

vae_span vae_plan_span(const vae_config *c, size_t k)
{
    vae_span span = *(const vae_span *)vae_span_struct.defaults;
    if (c->n_spans > 0) {
        vae_struct_element("", &vae_span_struct, c->spans, k, &span); /* likewise */
        return span;
    }
    span.size = sizeof span;
    span.columns = c->x_dim;
    span.likelihood = c->likelihood;
    span.mean_activation = c->mean_activation;
    return span;
}

int vae_plan_cells(const vae_config *c, struct vae_span_walk *walk, struct vae_cells_span *cells)
{
    if (walk->next >= vae_plan_spans(c))
        return 0;
    vae_span span = vae_plan_span(c, walk->next++);
    *cells = (struct vae_cells_span){.kind = vae_likelihood_of(span.likelihood),
        .first = walk->columns,
        .columns = (size_t)span.columns,
        .mean_activation = span.mean_activation,
        .scale_from = span.scale,
        .scale_at = (size_t)c->x_dim + walk->scales,
        .scale_value = (float)span.scale_value,
        .scale_min = span.scale_min > -1e30 ? (float)span.scale_min : -FLT_MAX}; /* the least is none */
    walk->columns += cells->columns;
    walk->scales += vae_scale_is_decoded(cells) ? cells->columns : 0;
    return 1;
}

/* Columns of the decoder's head: locations, then the scales that come from it. */
static uint64_t head_width(const vae_config *c)
{
    struct vae_span_walk walk = {0, 0, 0};
    struct vae_cells_span cells;
    while (vae_plan_cells(c, &walk, &cells))
        ;
    return c->x_dim + walk.scales;
}

static struct vae_node hidden(const vae_layer *layer, uint64_t in)
{
    const struct vae_layer_kind *kind = vae_layer_kind_of(layer->kind);
    return (struct vae_node){.kind = kind,
        .in = (size_t)in,
        .out = (size_t)layer->units,
        .activation = layer->activation == VAE_ACTIVATION_DEFAULT ? kind->activation : layer->activation,
        .slope = (float)layer->slope};
}

static struct vae_node head(uint64_t in, uint64_t out)
{
    return (struct vae_node){.kind = vae_layer_kind_of(VAE_LAYER_DENSE),
        .in = (size_t)in,
        .out = (size_t)out,
        .activation = VAE_IDENTITY};
}

int vae_plan_node(const struct vae_plan *plan, struct vae_plan_walk *walk, struct vae_node *node)
{
    const vae_config *c = plan->config;
    size_t i = walk->next, middle = c->n_encoder + 1, end = middle + c->n_decoder + 1;
    if (i >= end)
        return 0;
    uint64_t in = i == 0 ? c->x_dim : i == middle ? c->z_dim : walk->width;
    if (i + 1 == middle) {
        *node = head(in, 2 * c->z_dim);
    } else if (i + 1 == end) {
        *node = head(in, head_width(c));
    } else {
        vae_layer layer = i < middle ? layer_of(c->encoder, i) : layer_of(c->decoder, i - middle);
        *node = hidden(&layer, in);
    }
    node->from = i < middle ? i : i + 1;
    node->to = node->from + 1;
    walk->width = node->out;
    walk->next++;
    return 1;
}

/* Half of what fits is more than any machine has, and two such sums do not wrap. */
static void add(uint64_t *sum, uint64_t more)
{
    *sum = more > UINT64_MAX / 64 || *sum > UINT64_MAX / 64 ? UINT64_MAX : *sum + more;
}

static uint64_t elements(const struct vae_layer_tensor *tensor)
{
    return tensor->rank > 1 ? tensor->shape[0] * tensor->shape[1] : tensor->shape[0]; /* sides below 2^32 */
}

struct vae_plan_sizes vae_plan_measure(const struct vae_plan *plan)
{
    struct vae_plan_sizes sizes = {0, 0, 0};
    struct vae_plan_walk walk = {0, 0};
    struct vae_node node;
    while (vae_plan_node(plan, &walk, &node)) {
        struct vae_layer_tensor tensor;
        for (size_t i = 0; node.kind->tensor(&node, i, &tensor); i++) {
            add(&sizes.learned, elements(&tensor));
            sizes.tensors++;
        }
        add(&sizes.pieces, node.kind->pieces(&node, &plan->gemm));
    }
    struct vae_span_walk spans = {0, 0, 0};
    struct vae_cells_span span;
    while (vae_plan_cells(plan->config, &spans, &span)) {
        int learned = vae_scale_is_learned(&span);
        add(&sizes.learned, learned);
        sizes.tensors += learned;
    }
    struct vae_prior_tensor prior;
    for (size_t i = 0; vae_prior_of(plan->config->prior)->tensor(plan->config, i, &prior); i++) {
        add(&sizes.learned, prior.shape[0] * prior.shape[1]);
        sizes.tensors++;
    }
    return sizes;
}

uint64_t vae_plan_packed(const struct vae_plan *plan, size_t rows, int training)
{
    struct vae_plan_walk walk = {0, 0};
    struct vae_node node;
    uint64_t most = 0;
    while (vae_plan_node(plan, &walk, &node)) {
        uint64_t floats = node.kind->packed(&node, rows, training);
        most = floats > most ? floats : most;
    }
    return most;
}
